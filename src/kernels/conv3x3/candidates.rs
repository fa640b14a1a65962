//! The variants that suit a convolution on an adapter, best first, and why.
//!
//! On software adapters the order is measured, and on one GPU, an NVIDIA H200. On others it follows from what their
//! compilers make of each variant (registers, spills, occupancy, instructions: `golden/isa/budget.json`) and from the
//! times that `tools/isa/predict.py` derives from that. What a class of adapters spills is left out where there is another.

use super::{ConvShape, Variant};
use crate::gpu::Maker;
use crate::gpu::Storage;
use crate::kernels::Target;

/// A variant, and why it stands where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The variant.
    pub variant: Variant,
    /// The reason.
    pub reason: &'static str,
}

const fn because(variant: Variant, reason: &'static str) -> Candidate {
    Candidate { variant, reason }
}

/// Every variant, since measuring is how software adapters were understood; the first two by what was measured.
const SOFTWARE: &[Candidate] = &[
    because(Variant::Winograd4, "arithmetic is all there is, and F(4x4) has least: 1.8 to 3.3 times block"),
    because(Variant::Block, "fewest loads for each multiply-add of direct sums"),
    because(Variant::Winograd2, "16 multiplications for 36, but more transforms than F(4x4)"),
    because(Variant::Broadcast, "an eighth of the lanes' loads, but for one run of pixels each"),
    because(Variant::Shuffle, "as broadcast, where a shuffle is a loop over lanes"),
    because(Variant::Tiled, "workgroup memory is no faster than any other there"),
    because(Variant::Lanes, "every lane loads what eight share"),
    because(Variant::Matrix8, "no software adapter has matrix units"),
    because(Variant::Matrix16, "no software adapter has matrix units"),
    because(Variant::Direct, "five loads for four multiply-adds"),
];

const MATRIX16: Candidate = because(
    Variant::Matrix16,
    "matrix units: predicted in 0.8 of tiled's time at 16 channels and 0.5 at 80 on RDNA3",
);
const MATRIX8: Candidate = because(Variant::Matrix8, "matrix units");
const TILED: Candidate = because(
    Variant::Tiled,
    "32 sums a lane, pixels read once for all outputs: only old Adreno's compiler spills; 16 of 32 waves on RDNA3, 5% other arithmetic",
);
const BLOCK: Candidate = because(
    Variant::Block,
    "32 sums a lane and uniform weights: 20 of 32 waves on RDNA3; pixels are read for every 8 outputs",
);
const WINOGRAD2: Candidate = because(
    Variant::Winograd2,
    "16 multiplications for 36 in one dispatch: predicted in 0.6 of tiled's time on RDNA3, with 29% of other arithmetic",
);
const WINOGRAD4: Candidate = because(
    Variant::Winograd4,
    "36 multiplications for 144, by way of memory in strips: predicted in 0.7 of tiled's time on Adreno 740 and M1",
);
const DIRECT: Candidate = because(Variant::Direct, "fits everywhere");

/// One dispatch and least that is not a multiply-add first: what stands behind it is predicted faster on the larger
/// GPUs, by figures that no GPU has confirmed yet, and is measured where measuring is on.
const GPU: &[Candidate] = &[MATRIX16, MATRIX8, TILED, WINOGRAD2, WINOGRAD4, BLOCK, DIRECT];
/// Cooperative matrices gave wrong sums by NVIDIA's driver (580.159 on an H200, 2026-11-26), and were slower there than
/// both of the first two. F(2x2) took longest of the first three.
const NVIDIA: &[Candidate] = &[TILED, WINOGRAD4, WINOGRAD2, BLOCK, DIRECT];
/// F(4x4) took 0.6 of tiled's time there at 128 channels and 0.8 at 80, and 0.7 for the whole deblurring network; by
/// NVK's code it is predicted in 0.7 to 0.8 of it at 128 on an RTX 3090 too, but in 1.1 at 80, since for its arithmetic
/// that has less than half of an H200's bandwidth. Most people's cards are more like it, so 80 channels are left to the
/// tuner.
const NVIDIA_WIDE: &[Candidate] = &[WINOGRAD4, TILED, WINOGRAD2, BLOCK, DIRECT];
/// Two sources are read in branches, around which Intel's compiler keeps more registers than it has where it also has
/// to widen them, in tiled and in block. F(4x4)'s product reads its scratch, however many sources there were.
const INTEL_TWO_HALVES: &[Candidate] = &[WINOGRAD4, DIRECT];
/// Mobile GPUs have a fraction of the arithmetic, so multiplications count for most; F(2x2)'s transforms in registers
/// do not fit theirs.
const MOBILE: &[Candidate] = &[MATRIX8, WINOGRAD4, TILED, BLOCK, DIRECT];
/// Narrow convolutions have few multiplications to save for the transforms.
const MOBILE_NARROW: &[Candidate] = &[MATRIX8, TILED, WINOGRAD4, BLOCK, DIRECT];
/// What Arm, Imagination and Broadcom make: as those, but for block before tiled, since what Mali calls workgroup memory
/// is ordinary memory behind the same cache, and a copy to it saves nothing; and without matrices, which want subgroups
/// of 32 lanes. Argued from how they are built: none was measured, and no compiler's output was looked at.
const MALI: &[Candidate] = &[WINOGRAD4, BLOCK, TILED, DIRECT];
const MALI_NARROW: &[Candidate] = &[BLOCK, WINOGRAD4, TILED, DIRECT];
/// Adreno before its 7th generation, which has no subgroup operations: its compiler spills a few of tiled's values, and
/// more of every other variant's but direct.
const OLD_ADRENO: &[Candidate] = &[TILED, DIRECT];
/// Where FXC compiles, at every start: the first photo of 16x16 pixels takes 7.5 CPU seconds by block and 26.5 by tiled
/// (Wine, 2026-11-26), more than a GPU takes for a photo of usual size.
const COMPILED_SLOWLY: &[Candidate] = &[BLOCK, DIRECT];
/// Channels of inputs and of outputs from which F(4x4) pays on mobile GPUs, and on NVIDIA's.
const WIDE: u32 = 32;
const WIDE_FOR_NVIDIA: u32 = 96;

/// The variants for a convolution on a target, best first; never none.
#[must_use]
pub fn candidates(shape: &ConvShape, target: &Target) -> Vec<Candidate> {
    let width = shape.inputs.iter().sum::<u32>().min(shape.outputs);
    let wide = width >= WIDE;
    let ranked = match target.maker {
        _ if target.slow_compiler => COMPILED_SLOWLY,
        _ if target.software => SOFTWARE,
        Maker::Intel if shape.inputs.len() > 1 && target.storage != Storage::F32 => INTEL_TWO_HALVES,
        Maker::Qualcomm if target.subgroups.is_none() => OLD_ADRENO,
        Maker::Qualcomm | Maker::Apple if wide => MOBILE,
        Maker::Qualcomm | Maker::Apple => MOBILE_NARROW,
        Maker::Mobile if wide => MALI,
        Maker::Mobile => MALI_NARROW,
        Maker::Nvidia if width >= WIDE_FOR_NVIDIA => NVIDIA_WIDE,
        Maker::Nvidia => NVIDIA,
        Maker::Amd | Maker::Intel | Maker::Other => GPU,
    };
    let usable = |c: &Candidate| c.variant.refused(target).is_none();
    let mut found: Vec<Candidate> = ranked.iter().copied().filter(usable).collect();
    if found.is_empty() {
        found.push(DIRECT);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(shape: &ConvShape, target: &Target) -> Variant {
        candidates(shape, target)[0].variant
    }

    /// What decides: shape, maker, subgroups, storage, matrices, and what has failed.
    #[test]
    fn what_the_order_depends_on() {
        let (patches, size) = ([1, 1], [64, 64]);
        let wide =
            ConvShape { inputs: vec![80], outputs: 80, size, patches, epilogue: "none", pooled: false };
        let narrow = ConvShape { outputs: 16, ..wide.clone() };
        let two = ConvShape { inputs: vec![80, 80], ..wide.clone() };
        let of = |maker| Target::portable(Storage::F32).made_by(maker);
        for maker in [Maker::Amd, Maker::Nvidia, Maker::Intel, Maker::Other] {
            assert_eq!(first(&wide, &of(maker)), Variant::Tiled);
        }
        assert_eq!(first(&two, &of(Maker::Intel)), Variant::Tiled);
        let intel = Target::portable(Storage::F16).made_by(Maker::Intel);
        assert_eq!(first(&wide, &intel), Variant::Tiled);
        assert_eq!(first(&two, &intel), Variant::Winograd4);
        assert_eq!(first(&wide, &of(Maker::Apple)), Variant::Winograd4);
        assert_eq!(first(&narrow, &of(Maker::Apple)), Variant::Tiled);
        let mobile = of(Maker::Mobile);
        assert_eq!([&wide, &narrow].map(|s| first(s, &mobile)), [Variant::Winograd4, Variant::Block]);
        let adreno = Target { subgroups: Some((64, 128)), ..of(Maker::Qualcomm) };
        assert_eq!(first(&wide, &adreno), Variant::Winograd4);
        assert_eq!(first(&wide, &Target { subgroups: None, ..adreno }), Variant::Tiled);
        let half = Target { subgroups: Some((32, 64)), matrices: vec![16], ..Target::portable(Storage::F16) };
        assert_eq!(first(&wide, &half), Variant::Matrix16);
        assert_eq!(first(&wide, &half.clone().made_by(Maker::Nvidia)), Variant::Tiled);
        let wider = ConvShape { inputs: vec![128], outputs: 96, ..wide.clone() };
        assert_eq!(first(&wider, &of(Maker::Nvidia)), Variant::Winograd4);
        assert_eq!(first(&wide, &Target { failed: vec![Variant::Matrix16], ..half }), Variant::Tiled);
        assert_eq!(first(&wide, &Target { slow_compiler: true, ..of(Maker::Nvidia) }), Variant::Block);
        let warp = Target { slow_compiler: true, ..Target::lavapipe(Storage::F32) };
        assert_eq!(first(&wide, &warp), Variant::Block);
        let small = Target { lanes: 128, ..of(Maker::Amd) };
        assert_eq!(first(&wide, &small), Variant::Block);
        let exact = Target { direct_sums: true, ..of(Maker::Apple) };
        assert_eq!(first(&wide, &exact), Variant::Tiled);
        let failed = Target { failed: Variant::ALL.to_vec(), ..of(Maker::Amd) };
        assert_eq!(first(&wide, &failed), Variant::Direct);
    }
}
