//! What kernels are chosen for: how values are stored, and what the adapter can do.

use super::{Choices, Variant};
use crate::gpu::{self, AdapterSummary, Device, Maker, Storage};
use crate::plan::Precision;

/// Lanes of a workgroup, and bytes of its memory, that WebGPU guarantees. Vulkan and OpenGL ES guarantee 128 lanes.
pub(super) const LANES: u32 = 256;
pub(super) const WORKGROUP_MEMORY: u32 = 16 << 10;
/// On a software adapter: enough for all of its threads and for few dispatches; more gains nothing there.
const SOFTWARE_SCRATCH: u64 = 16 << 20;
/// For each thread of a software adapter that loads by vectors, and so waits for memory: what its second-level cache
/// holds.
const THREAD_SCRATCH: u64 = 1 << 20;

/// Bytes of scratch memory that one operator may take on hardware: enough to fill it, and no more than its last cache
/// holds beside what else is read, since scratch is written and read again at once.
const fn scratch_of(maker: Maker) -> u64 {
    match maker {
        // 16 MiB (A770) and 18 (B580).
        Maker::Intel => 12 << 20,
        // 8 MiB and more for the whole chip. For what Arm, Imagination and Broadcom make that is argued from the others,
        // and nobody has measured it.
        Maker::Apple | Maker::Qualcomm | Maker::Mobile => 6 << 20,
        // 32 to 96 MiB since RDNA2, 24 to 96 since Ada.
        Maker::Amd | Maker::Nvidia | Maker::Other => 32 << 20,
    }
}

/// What kernels are chosen for.
#[derive(Clone, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any of them may go together"
)]
pub struct Target {
    /// Who made the adapter.
    pub maker: Maker,
    /// Storage of features and weights.
    pub storage: Storage,
    /// The range of subgroup sizes, where shaders may use subgroup operations.
    pub subgroups: Option<(u32, u32)>,
    /// Sides of the cooperative-matrix tiles that take f16 and sum in f32.
    pub matrices: Vec<u32>,
    /// Lanes that a workgroup may have.
    pub lanes: u32,
    /// Bytes of workgroup memory that a workgroup may take.
    pub workgroup_memory: u32,
    /// Whether shaders run on the CPU.
    pub software: bool,
    /// Whether the compiler makes a load from a buffer a loop over lanes, which is paid by the word: kernels then move
    /// f32 in words of 64 bits and read f32 weights as texels. Measured on lavapipe; judged for other software adapters
    /// that have 64-bit integers.
    pub lane_loops: bool,
    /// Lanes of a vector, 8 or 16, where the compiler of a software adapter makes a load of what is the same for all of
    /// them a single one, of a scalar, and gathers the rest by one instruction. Measured on lavapipe of Mesa 26.
    pub uniform_loads: Option<u32>,
    /// Whether FXC compiles, which unrolls loops and takes seconds for a long kernel, at every start.
    pub slow_compiler: bool,
    /// Only sums of products as they are defined: no Winograd.
    pub direct_sums: bool,
    /// Bytes of scratch that one operator may take.
    pub scratch: u64,
    /// Variants that the adapter's driver has failed to compile, or is known to compute wrong.
    pub failed: Vec<Variant>,
    /// How variants of a kernel are chosen.
    pub choices: Choices,
}

impl Target {
    /// What a device was opened with, for kernels of that precision.
    #[must_use]
    pub fn of(device: &Device, precision: Precision) -> Self {
        let (features, limits) = (device.wgpu().features(), device.wgpu().limits());
        let adapter = device.adapter();
        let has = |feature| features.contains(feature);
        let subgroups = adapter.subgroups.filter(|_| has(wgpu::Features::SUBGROUP));
        let software =
            device.kernels_for.is_none() && adapter.is_software() && adapter.backend != wgpu::Backend::Noop;
        let matrices = if has(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX) {
            adapter.matrices()
        } else {
            Vec::new()
        };
        let lane_loops = software && has(wgpu::Features::SHADER_INT64);
        let maker = device.kernels_for.unwrap_or(adapter.maker);
        let unfit = |v: &Variant| ruled_out(adapter, *v) || device.has_given_up(v.name());
        let failed = Variant::ALL.iter().copied().filter(unfit).collect();
        let target = Self {
            lanes: gpu::lanes(&limits),
            workgroup_memory: limits.max_compute_workgroup_storage_size,
            lane_loops,
            // What DXC compiles has subgroup operations, where a host program has not left them out.
            slow_compiler: adapter.backend == wgpu::Backend::Dx12 && subgroups.is_none(),
            direct_sums: precision == Precision::Exact,
            failed,
            ..Self::plain(device.storage(precision), subgroups, matrices, software).made_by(maker)
        };
        let told = || adapter.uniform_loads();
        target.with_uniform_loads(device.uniform_loads.or_else(told).filter(|_| lane_loops))
    }

    /// Any adapter: kernels that use no more than WebGPU guarantees.
    #[must_use]
    pub fn portable(storage: Storage) -> Self {
        Self {
            maker: Maker::Other,
            storage,
            subgroups: None,
            matrices: Vec::new(),
            lanes: LANES,
            workgroup_memory: WORKGROUP_MEMORY,
            software: false,
            lane_loops: false,
            uniform_loads: None,
            slow_compiler: false,
            direct_sums: false,
            scratch: scratch_of(Maker::Other),
            failed: Vec::new(),
            choices: Choices::default(),
        }
    }

    /// Mesa's lavapipe on a CPU with 256-bit vectors: subgroups of 8 lanes, 64-bit integers.
    #[must_use]
    pub fn lavapipe(storage: Storage) -> Self {
        Self { lane_loops: true, ..Self::plain(storage, Some((8, 8)), Vec::new(), true) }
    }

    /// For a compiler that loads once what is the same for all lanes of a vector, of which there are so many; None for
    /// others.
    #[must_use]
    pub fn with_uniform_loads(self, lanes: Option<u32>) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
        let scratch = (THREAD_SCRATCH * threads).min(SOFTWARE_SCRATCH);
        let scratch = if lanes.is_some() { scratch } else { self.scratch };
        Self { uniform_loads: lanes, scratch, ..self }
    }

    /// An adapter of no maker.
    fn plain(storage: Storage, subgroups: Option<(u32, u32)>, matrices: Vec<u32>, software: bool) -> Self {
        let scratch = if software { SOFTWARE_SCRATCH } else { scratch_of(Maker::Other) };
        Self { subgroups, matrices, software, scratch, ..Self::portable(storage) }
    }

    /// For an adapter of that maker.
    #[must_use]
    pub fn made_by(self, maker: Maker) -> Self {
        let scratch = if self.software { self.scratch } else { scratch_of(maker) };
        Self { maker, scratch, ..self }
    }

    /// Loads that a lane of a kernel with few lanes asks for before it waits for the first. On software adapters none
    /// is waited for.
    pub(super) fn loads_ahead(&self) -> u32 {
        if self.software { 1 } else { 8 }
    }

    /// With variants chosen that way.
    #[must_use]
    pub fn with_choices(mut self, choices: Choices) -> Self {
        self.choices = choices;
        self
    }
}

/// Whether a variant is not to be compiled there, or is known to compute wrong.
fn ruled_out(adapter: &AdapterSummary, variant: Variant) -> bool {
    match variant {
        // Whole cells in registers: minutes and gigabytes for a slow compiler.
        Variant::Lanes => adapter.compiles_slowly(),
        Variant::Matrix8 | Variant::Matrix16 => adapter.sums_matrices_wrongly(),
        _ => false,
    }
}
