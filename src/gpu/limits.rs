//! The least limits that do.

use super::AdapterSummary;

/// What the plainest kernels of a network take: storage buffers of a shader, lanes of a workgroup, and bytes of its
/// memory. WebGPU guarantees more of each; Vulkan and OpenGL ES guarantee four storage buffers.
const STORAGE_BUFFERS: u32 = 6;
const LANES: u32 = 64;
const WORKGROUP_MEMORY: u32 = 8 << 10;

/// The most lanes of a workgroup that is one row of them.
pub(crate) fn lanes(limits: &wgpu::Limits) -> u32 {
    limits.max_compute_invocations_per_workgroup.min(limits.max_compute_workgroup_size_x)
}

impl AdapterSummary {
    /// Which limit is too low for any network to be computed, if one is.
    #[must_use]
    pub fn lacks(&self) -> Option<String> {
        let it = &self.limits;
        let needs = [
            ("storage buffers a shader", it.max_storage_buffers_per_shader_stage, STORAGE_BUFFERS),
            ("lanes a workgroup", lanes(it), LANES),
            ("bytes of workgroup memory", it.max_compute_workgroup_storage_size, WORKGROUP_MEMORY),
        ];
        let (what, most, needed) = needs.into_iter().find(|(_, most, needed)| most < needed)?;
        Some(format!("it allows {most} {what}, and kernels take {needed}"))
    }
}
