//! From operators to dispatches: for each operator its kernel, what it binds, how it is cut and its packed weights.
//!
//! One file an operator, beside `shaders/<operator>.wgsl`; an operator with several variants is a pair of folders.
//! `operator` is the only place where a kernel is chosen.

mod add;
mod attention;
mod box_mean;
mod concat;
mod conv1x1;
mod conv3x3;
mod convolution;
mod crop;
mod downsample;
mod gate;
mod pack;
mod pad;
mod params;
mod pixel_shuffle;
mod pixel_unshuffle;
mod pool_cells;
mod pool_rows;
mod prelu;
mod read_pixels;
mod sam;
mod sigmoid_gate;
mod stage;
mod target;
mod unpack;
mod upsample;
mod write_pixels;

pub use conv3x3::{Candidate, Choices, ConvShape, Variant, Verdicts, candidates};
pub use params::{Params, View};
pub use stage::{Binding, BindingIndex, Grid, Lowered, Operand, Scalars, Scratch, Stage};
pub use target::Target;

use std::fmt;

use crate::Result;
use crate::gpu::{KernelSpec, Storage};
use crate::graph::{Graph, KernelSize, Node, Op, ParamId, Role, TensorId, cost};
use crate::plan::{Budget, Domain, Operator, Plan, Reach};

/// Lanes of a workgroup of the kernels whose lanes are counted along rows, or along all cells.
const FLAT_LANES: u32 = 64;
/// Groups of eight outputs in a workgroup of the convolutions.
const GROUPS: u32 = 8;

/// Weights as the shader reads them: f32 values, whose storage the caller chooses, and f32 biases.
#[derive(Clone, Debug, Default)]
pub struct Packed {
    /// Quads of weights.
    pub weights: Vec<f32>,
    /// Quads of biases.
    pub bias: Vec<f32>,
}

/// How to pack an operator's parameters, and under which name to keep the result.
pub struct Packing {
    /// What is packed, in order: operators with the same parameters, packed alike, share the result.
    pub params: Vec<ParamId>,
    /// What else decides the packing: channels of each source, for a convolution.
    pub sources: Vec<u32>,
    /// The form they are packed in, and its size.
    pub form: (&'static str, u32),
    /// How the weights are stored.
    pub storage: Storage,
    /// Packs.
    pub pack: Box<dyn Fn(&Graph) -> Packed + Send + Sync>,
}

impl fmt::Debug for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { params, sources, form, storage, .. } = self;
        let mut shown = f.debug_struct("Packing");
        shown.field("params", params).field("sources", sources).field("form", form).field("storage", storage);
        shown.finish_non_exhaustive()
    }
}

/// The kernels of a node on a target.
#[must_use]
pub fn lower(graph: &Graph, node: &Node, target: &Target) -> Lowered {
    let mut lowered = operator(&Context { graph, node, target });
    if target.lane_loops {
        let suited = |stage: Stage| Stage { spec: stage.spec.for_lane_loops(), ..stage };
        lowered.stages = lowered.stages.into_iter().map(suited).collect();
    }
    lowered
}

/// The plan within a budget of what a target has for each node, and the operators that it is of.
///
/// # Errors
/// As [`Plan::fitting`].
pub fn planned(graph: &Graph, budget: &Budget, target: &Target) -> Result<(Plan, Vec<Operator>)> {
    let lowered = |scratch: u64| {
        let target = Target { scratch: target.scratch.min(scratch), ..target.clone() };
        let operator = |node: &Node| lower(graph, node, &target).operator(cost::work(graph, node));
        Ok(((), graph.nodes().iter().map(operator).collect()))
    };
    Plan::fitting(graph, budget, lowered).map(|(plan, (), operators)| (plan, operators))
}

/// The kernels of a node, as for compilers without lane loops.
fn operator(cx: &Context<'_>) -> Lowered {
    match &cx.node.op {
        Op::Unpack => unpack::lower(cx),
        Op::Pack => pack::lower(cx),
        Op::ReadPixels { format, .. } => read_pixels::lower(cx, *format),
        Op::WritePixels { format, strength } => write_pixels::lower(cx, *format, *strength),
        Op::Pad { unpack, .. } => pad::lower(cx, *unpack),
        Op::Crop { pack, .. } => crop::lower(cx, *pack),
        Op::PixelUnshuffle { factor } => pixel_unshuffle::lower(cx, *factor),
        Op::PixelShuffle { factor } => pixel_shuffle::lower(cx, *factor),
        Op::Concat => concat::lower(cx),
        Op::Conv(conv) => match conv.kernel {
            KernelSize::Three => return conv3x3::lower(cx, conv),
            KernelSize::One => conv1x1::lower(cx, conv),
        },
        Op::Prelu { slope } => prelu::lower(cx, *slope),
        Op::Add => add::lower(cx),
        Op::Downsample => downsample::lower(cx),
        Op::Upsample { residual } => upsample::lower(cx, *residual),
        Op::PoolCells => pool_cells::lower(cx),
        Op::PoolRows => pool_rows::lower(cx),
        Op::Attention(attention) => attention::lower(cx, attention),
        Op::Gate => gate::lower(cx),
        Op::BoxMean(mean) => box_mean::lower(cx, mean),
        Op::SigmoidGate => sigmoid_gate::lower(cx),
        Op::Sam(sam) => sam::lower(cx, sam),
    }
    .into()
}

/// The variant of a node's kernel, where it has some.
#[must_use]
pub fn variant(graph: &Graph, node: &Node, target: &Target) -> Option<Variant> {
    match &node.op {
        Op::Conv(conv) if conv.kernel == KernelSize::Three => {
            Some(conv3x3::variant(&Context { graph, node, target }, conv))
        }
        _ => None,
    }
}

/// Multiply-adds that a node's kernels execute for each of its definition; transforms apart.
#[must_use]
pub fn arithmetic(graph: &Graph, node: &Node, target: &Target) -> f64 {
    variant(graph, node, target).map_or(1.0, Variant::arithmetic)
}

/// A node in its graph.
struct Context<'a> {
    graph: &'a Graph,
    node: &'a Node,
    target: &'a Target,
}

impl Context<'_> {
    fn x(&self) -> TensorId {
        self.node.inputs[0]
    }

    fn dst(&self) -> TensorId {
        self.node.outputs[0]
    }

    fn channels(&self, tensor: TensorId) -> u32 {
        self.graph.desc(tensor).channels
    }

    fn quads(&self, tensor: TensorId) -> u32 {
        self.channels(tensor).div_ceil(4)
    }

    fn stored(&self, tensor: TensorId) -> Storage {
        match self.graph.desc(tensor).role {
            Role::Feature => self.target.storage,
            _ => Storage::F32,
        }
    }

    /// Patches of the result from left to right.
    fn patch_cols(&self) -> u32 {
        self.graph.desc(self.dst()).patches.cols
    }

    /// The cells of the result.
    fn cells(&self) -> Domain {
        Domain::Cells(self.graph.desc(self.dst()))
    }

    /// A kernel that takes a lane for each quad of each pixel of its result, `x` and `dst` bound.
    fn flat(&self, shader: &'static str, parts: &[&str], reach: Reach) -> Stage {
        let desc = self.graph.desc(self.dst());
        let lanes = desc.width.saturating_mul(self.quads(self.dst()));
        Stage {
            spec: KernelSpec::new(shader, parts),
            domain: self.cells(),
            bindings: Vec::new(),
            packing: None,
            grid: Grid::Flat { lanes, depth: 1 },
            scalars: Scalars { channels: self.channels(self.x()), ..Scalars::default() },
        }
        .bind(BindingIndex::Dst, self.dst(), Reach::Same)
        .bind(BindingIndex::X, self.x(), reach)
    }

    /// As [`Self::flat`], where `x` and `dst` may be features.
    fn flat_features(&self, shader: &'static str, parts: &[&str], reach: Reach) -> Stage {
        let mut stage = self.flat(shader, parts, reach);
        stage.spec = stage.spec.stored("in", self.stored(self.x())).stored("out", self.stored(self.dst()));
        stage
    }

    /// Whether all these are stored in f16.
    fn halves(&self, tensors: &[TensorId]) -> bool {
        tensors.iter().all(|&id| self.stored(id) != Storage::F32)
    }

    /// As [`Self::flat`], of a kernel that computes with `Values`, a quad or two at once, and may add a residual.
    fn by_quads(&self, shader: &'static str, two: bool, residual: Option<TensorId>, reach: Reach) -> Stage {
        let mut stage = self.flat(shader, &[if two { "two_quads" } else { "one_quad" }], reach);
        stage.spec = if two {
            stage.spec.stored_two("in").stored_two("out").stored_two("res")
        } else {
            let added = residual.map_or(self.target.storage, |id| self.stored(id));
            let (x, dst) = (self.stored(self.x()), self.stored(self.dst()));
            stage.spec.stored("in", x).stored("out", dst).stored("res", added)
        };
        stage.bind_added(residual)
    }
}

impl Stage {
    /// With an epilogue that is PReLU of that slope, or the addition of a residual.
    fn epilogue(mut self, cx: &Context<'_>, slope: f32, residual: Option<TensorId>) -> Self {
        self.spec.parts.push("epilogue_any".to_owned());
        self.spec = self.spec.stored("res", residual.map_or(cx.target.storage, |id| cx.stored(id)));
        self.scalars.scalar = slope;
        self.bind_added(residual)
    }

    /// With a residual bound, or nothing in its place.
    fn bind_added(self, residual: Option<TensorId>) -> Self {
        match residual {
            Some(residual) => self.bind(BindingIndex::Residual, residual, Reach::Same),
            None => self.bind_any(BindingIndex::Residual, Operand::Absent),
        }
    }

    /// With the residual bound and added.
    fn add_residual(mut self, cx: &Context<'_>, residual: TensorId) -> Self {
        self.spec = self.spec.stored("res", cx.stored(residual));
        self.spec.parts.push("epilogue_residual".to_owned());
        self.bind(BindingIndex::Residual, residual, Reach::Same)
    }
}
