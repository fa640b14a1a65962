//! Which variant a 3x3 convolution gets.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use super::lanes::Spread;
use super::{candidates, matrix};
use crate::graph::{Conv, Epilogue, Graph, Node, Patches};
use crate::kernels::Target;
use crate::kernels::target::{LANES, WORKGROUP_MEMORY};

/// A way to compute a 3x3 convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Variant {
    /// A lane owns a pixel and four outputs: as it is written in books.
    Direct,
    /// A lane owns a block of sums in registers: 8 pixels x 8 outputs on software adapters, 4 x 8 on GPUs.
    Block,
    /// Lanes side by side own outputs side by side, for a run of pixels; each loads the pixels that they share.
    Lanes,
    /// The same; each loads one pixel and broadcasts it to the others, in subgroups of eight.
    Broadcast,
    /// The same in larger subgroups, by shuffles among eight lanes.
    Shuffle,
    /// The same, with both taken from workgroup memory, where 128 or 256 pixels meet up to 64 outputs.
    Tiled,
    /// Winograd F(2x2, 3x3): 16 multiplications for 4 outputs instead of 36.
    Winograd2,
    /// Winograd F(4x4, 3x3): 36 multiplications for 16 outputs instead of 144.
    Winograd4,
    /// Cooperative matrices of 8x8.
    Matrix8,
    /// Cooperative matrices of 16x16.
    Matrix16,
}

impl Variant {
    /// All of them, in the order of the tutorial in `shaders/README.md`.
    pub const ALL: &[Self] = &[
        Self::Direct,
        Self::Block,
        Self::Lanes,
        Self::Broadcast,
        Self::Shuffle,
        Self::Tiled,
        Self::Winograd2,
        Self::Winograd4,
        Self::Matrix8,
        Self::Matrix16,
    ];

    /// Its name in listings and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Block => "block",
            Self::Lanes => "lanes",
            Self::Broadcast => "broadcast",
            Self::Shuffle => "shuffle",
            Self::Tiled => "tiled",
            Self::Winograd2 => "winograd2",
            Self::Winograd4 => "winograd4",
            Self::Matrix8 => "matrix8",
            Self::Matrix16 => "matrix16",
        }
    }

    /// The variant of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|v| v.name() == name)
    }

    /// Relative L2 error against exact arithmetic on f32 storage that its sums may have.
    #[must_use]
    pub fn bound(self) -> f64 {
        match self {
            Self::Winograd2 => 4e-6,
            Self::Winograd4 => 1e-5,
            _ => 2e-6,
        }
    }

    /// Multiplications of its sums for each of a direct convolution.
    #[must_use]
    pub fn arithmetic(self) -> f64 {
        match self {
            Self::Winograd2 => 16.0 / 36.0,
            Self::Winograd4 => 36.0 / 144.0,
            _ => 1.0,
        }
    }

    /// Why it cannot be used on a target, if it cannot.
    #[must_use]
    pub fn refused(self, target: &Target) -> Option<&'static str> {
        match self {
            _ if target.failed.contains(&self) => {
                Some("its shaders do not compile on this adapter, or compute wrong there")
            }
            Self::Winograd2 | Self::Winograd4 if target.direct_sums => Some("only direct sums are asked for"),
            Self::Broadcast if !Spread::Broadcast.fits(target.subgroups) => {
                Some("its shaders need subgroups of exactly 8 lanes")
            }
            Self::Shuffle if !Spread::Shuffle.fits(target.subgroups) => {
                Some("its shaders need subgroups of 8 to 64 lanes")
            }
            Self::Matrix8 => matrix::refused(target, 8),
            Self::Matrix16 => matrix::refused(target, 16),
            Self::Tiled | Self::Winograd2 | Self::Winograd4 => small(target),
            _ => None,
        }
    }
}

/// Why a target is too small for shaders that take what WebGPU guarantees, if it is.
pub(super) fn small(target: &Target) -> Option<&'static str> {
    if target.lanes < LANES {
        return Some("its shaders take workgroups of 256 lanes");
    }
    (target.workgroup_memory < WORKGROUP_MEMORY).then_some("its shaders take 16 KiB of workgroup memory")
}

/// What a convolution's speed depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConvShape {
    /// Channels of each source.
    pub inputs: Vec<u32>,
    /// Output channels.
    pub outputs: u32,
    /// Rows and columns.
    pub size: [u32; 2],
    /// Patches from top to bottom and from left to right.
    pub patches: [u32; 2],
    /// `none`, `prelu` or `residual`.
    pub epilogue: &'static str,
    /// Whether sums per cell are a second output.
    pub pooled: bool,
}

impl ConvShape {
    /// Of a node of a graph.
    #[must_use]
    pub fn of(graph: &Graph, node: &Node, conv: &Conv) -> Self {
        let out = graph.desc(node.outputs[0]);
        let residual = conv.epilogue == Epilogue::Residual;
        let sources = &node.inputs[..node.inputs.len() - usize::from(residual)];
        let Patches { rows, cols } = out.patches;
        Self {
            inputs: sources.iter().map(|&id| graph.desc(id).channels).collect(),
            outputs: out.channels,
            size: [out.height, out.width],
            patches: [rows, cols],
            epilogue: match conv.epilogue {
                Epilogue::None => "none",
                Epilogue::Prelu(_) => "prelu",
                Epilogue::Residual => "residual",
            },
            pooled: conv.pooled,
        }
    }
}

/// `80+80->96, 512x512 in 2x2 patches, prelu, pooled`, rows before columns.
impl fmt::Display for ConvShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs: Vec<String> = self.inputs.iter().map(u32::to_string).collect();
        let ([height, width], [rows, cols]) = (self.size, self.patches);
        write!(f, "{}->{}, {height}x{width} in {rows}x{cols} patches", inputs.join("+"), self.outputs)?;
        write!(f, ", {}{}", self.epilogue, if self.pooled { ", pooled" } else { "" })
    }
}

/// How variants are chosen.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Choices {
    /// By rule: the first of the [`candidates`].
    #[default]
    Rule,
    /// One for all, where it can be used.
    Always(Variant),
    /// By what has been measured on this adapter; by the rule where nothing has.
    Measured(Arc<Verdicts>),
}

/// What measuring on an adapter has found.
#[derive(Clone, Debug, Default)]
pub struct Verdicts {
    /// The fastest of the variants that are right for a shape.
    pub fastest: HashMap<ConvShape, Variant>,
    /// Variants that were wrong for some shape: no other that has no verdict of its own gets them.
    pub wrong: BTreeSet<Variant>,
}

impl Choices {
    /// The variant of a convolution.
    #[must_use]
    pub fn variant(&self, shape: &ConvShape, target: &Target) -> Variant {
        let none = BTreeSet::new();
        let (chosen, wrong) = match self {
            Self::Rule => (None, &none),
            Self::Always(variant) => (Some(*variant), &none),
            Self::Measured(verdicts) => (verdicts.fastest.get(shape).copied(), &verdicts.wrong),
        };
        chosen.filter(|variant| variant.refused(target).is_none()).unwrap_or_else(|| {
            let mut candidates = candidates(shape, target).into_iter().map(|candidate| candidate.variant);
            // Where all were wrong, the one that is as convolution is defined.
            candidates.find(|variant| !wrong.contains(variant)).unwrap_or(Variant::Direct)
        })
    }
}
