//! `mprnet devices`.

use mprnet::Error;
use mprnet::gpu::{self, AdapterSummary};

use super::{Failure, print};

pub(super) fn run() -> Result<(), Failure> {
    let adapters = gpu::adapters();
    if adapters.is_empty() {
        return Err(Error::NoAdapter.into());
    }
    let list: String = adapters.iter().enumerate().map(|(index, adapter)| describe(index, adapter)).collect();
    Ok(print(&list)?)
}

fn describe(index: usize, a: &AdapterSummary) -> String {
    let kind = if a.is_software() { "software" } else { "hardware" };
    let subgroups = match a.subgroups {
        Some((min, max)) if min == max => format!("of {min}"),
        Some((min, max)) => format!("of {min} to {max}"),
        None => "no".to_owned(),
    };
    let f16 = if a.f16 { "native" } else { "packed" };
    let shape = |c: &wgpu::CooperativeMatrixProperties| {
        format!("{}x{}x{} {:?} to {:?}", c.m_size, c.n_size, c.k_size, c.ab_type, c.cr_type)
    };
    let tiles = a.cooperative_matrices.iter().map(shape).collect::<Vec<_>>().join(", ");
    let l = &a.limits;
    let lines = [
        format!("{index}: {}", a.name),
        format!("   backend {}, {kind} ({:?}), driver {}", a.backend, a.device_type, a.driver),
        format!("   f16 {f16}, subgroups {subgroups}"),
        format!("   cooperative matrices {}", if tiles.is_empty() { "no" } else { &tiles }),
        format!(
            "   limits: buffer {} MiB, binding {} MiB, workgroup {} invocations, {} KiB shared, {} workgroups a side",
            l.max_buffer_size >> 20,
            l.max_storage_buffer_binding_size >> 20,
            l.max_compute_invocations_per_workgroup,
            l.max_compute_workgroup_storage_size >> 10,
            l.max_compute_workgroups_per_dimension,
        ),
    ];
    lines.join("\n") + "\n"
}
