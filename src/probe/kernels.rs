//! Kernels that do nothing but use one resource, and what they are run on.

use super::Resource;
use crate::gpu::{Device, KernelSpec};
use crate::kernels::Target;
use crate::plan::Precision;

/// A kernel that uses one resource.
pub(super) struct Probe {
    pub(super) spec: KernelSpec,
    /// What a workgroup uses.
    pub(super) amount: f64,
    pub(super) inputs: Inputs,
    /// Bytes of the result that a workgroup writes.
    pub(super) output: u64,
    /// Workgroups at least and at most; what is between is decided by the time they take.
    pub(super) workgroups: [u32; 2],
}

/// What a probe reads.
pub(super) enum Inputs {
    /// One small buffer with these bytes.
    Filled(Vec<u8>),
    /// Two of so many bytes, whatever is in them.
    Large(u64),
}

/// Rounds of the loop of a probe of arithmetic: some milliseconds of a workgroup on a CPU.
const ROUNDS: u32 = 1024;
/// Bytes of each of the three buffers of the probe of memory: all together far past the caches of common GPUs (50 MB
/// for an H100, 96 MB for the largest of RDNA 3), and within the binding limit that every adapter has.
const BUFFER: u64 = 128 << 20;
/// Bytes of a workgroup of `shaders/probe/triad.wgsl` in each buffer.
const RUN: u64 = 1024 * 16;
/// Lanes of a workgroup of `shaders/probe/fma.wgsl`, multiply-adds of each in a round, and quads that it reads.
const LANES: u32 = 64;
const CHAINED: u32 = 128;
const SEEDS: usize = 10;
/// Tiles that a subgroup of `shaders/probe/matrix.wgsl` reads, and those that it sums up.
const FACTORS: u32 = 6;
const SUMS: u32 = 8;

/// The probe of a resource, where it is available.
pub(super) fn probe(device: &Device, resource: Resource) -> Probe {
    match resource {
        Resource::F32 => multiply_adds("number_f32", bytemuck::cast_slice(&[0.5_f32; 4 * SEEDS])),
        Resource::F16 => {
            multiply_adds("number_f16", bytemuck::cast_slice(&[half::f16::from_f32(0.5); 4 * SEEDS]))
        }
        Resource::Matrices => {
            let (side, lanes) = tile(device).unwrap_or((16, 32));
            matrices(side, lanes)
        }
        Resource::Memory => Probe {
            spec: KernelSpec::new("probe/triad", &[]),
            amount: 3.0 * RUN as f64,
            inputs: Inputs::Large(BUFFER),
            output: RUN,
            workgroups: [(BUFFER / RUN) as u32; 2],
        },
    }
}

/// The side of the largest tile of cooperative matrices for which there is a probe, and the lanes of a subgroup, where
/// all subgroups are of one size.
pub(super) fn tile(device: &Device) -> Option<(u32, u32)> {
    let needed = wgpu::Features::SHADER_F16 | wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX;
    let target = Target::of(device, Precision::F16);
    let lanes = target.subgroups.filter(|(least, most)| least == most)?.1;
    let open = device.wgpu().features().contains(needed);
    let tiles = target.matrices.into_iter().filter(|side| open && [8, 16].contains(side));
    tiles.max().map(|side| (side, lanes))
}

fn multiply_adds(part: &str, seeds: &[u8]) -> Probe {
    Probe {
        spec: KernelSpec::new("probe/fma", &[part]).constant("ROUNDS", ROUNDS),
        amount: 2.0 * f64::from(LANES * CHAINED) * f64::from(ROUNDS),
        inputs: Inputs::Filled(seeds.to_vec()),
        output: u64::from(LANES) * (seeds.len() / SEEDS) as u64,
        workgroups: [1, 65_535],
    }
}

/// A subgroup a workgroup.
fn matrices(side: u32, lanes: u32) -> Probe {
    let rounds = 4 * ROUNDS;
    let area = side * side;
    let factors = vec![half::f16::from_f32(0.5); (FACTORS * area) as usize];
    Probe {
        spec: KernelSpec::new("probe/matrix", &[&format!("matrix_{side}")])
            .constant("LANES", lanes)
            .constant("ROUNDS", rounds),
        amount: 2.0 * f64::from(SUMS * area * side) * f64::from(rounds),
        inputs: Inputs::Filled(bytemuck::cast_slice(&factors).to_vec()),
        output: u64::from(SUMS * area) * 4,
        // 64 MiB of results.
        workgroups: [1, 8192],
    }
}

/// Every kernel that probes are made of, for checks.
#[must_use]
pub fn specs() -> Vec<KernelSpec> {
    let arithmetic = ["number_f32", "number_f16"].map(|part| multiply_adds(part, &[]).spec);
    let products = [8, 16].map(|side| matrices(side, 32).spec);
    arithmetic.into_iter().chain(products).chain([KernelSpec::new("probe/triad", &[])]).collect()
}
