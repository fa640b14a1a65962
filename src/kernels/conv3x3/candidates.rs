//! The variants that suit a convolution on an adapter, best first, and why.
//!
//! On software adapters the order is measured. On GPUs nothing has been measured; it follows from what their compilers
//! make of each variant (registers, spills, occupancy, instructions: `golden/isa/budget.json`) and from the times that
//! `tools/isa/predict.py` derives from that. What a class of adapters spills is left out.

use super::{ConvShape, Variant};
use crate::kernels::{Maker, Target};

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

const MATRIX16: Candidate =
    because(Variant::Matrix16, "matrix units do 8 to 16 times the multiply-adds of the others");
const MATRIX8: Candidate =
    because(Variant::Matrix8, "matrix units do several times the multiply-adds of the others");
const TILED: Candidate =
    because(Variant::Tiled, "32 sums a lane: no compiler spills, and pixels are read once for all outputs");
const BLOCK: Candidate =
    because(Variant::Block, "as few registers, uniform weights; pixels are read for every 8 outputs");
const DIRECT: Candidate = because(Variant::Direct, "fits everywhere");

const WINOGRAD4: Candidate = because(Variant::Winograd4, "a quarter of the multiplications");
const WINOGRAD2: Candidate = because(Variant::Winograd2, "16 multiplications for 36");

const GPU: &[Candidate] = &[MATRIX16, MATRIX8, TILED, BLOCK, WINOGRAD4, WINOGRAD2, DIRECT];
/// Two sources are read in branches, around which Intel's compiler keeps four more registers a load than it has.
const INTEL_TWO_SOURCES: &[Candidate] = &[BLOCK, DIRECT];

/// The variants for a convolution on a target, best first; never none.
#[must_use]
pub fn candidates(shape: &ConvShape, target: &Target) -> Vec<Candidate> {
    let ranked = match target.maker {
        _ if target.software => SOFTWARE,
        Maker::Intel if shape.inputs.len() > 1 => INTEL_TWO_SOURCES,
        _ => GPU,
    };
    let usable = |c: &Candidate| c.variant.refused(target).is_none();
    let mut found: Vec<Candidate> = ranked.iter().copied().filter(usable).collect();
    if found.is_empty() {
        found.push(DIRECT);
    }
    found
}
