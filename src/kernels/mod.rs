//! From operators to dispatches: for each operator its kernel, what it binds, how it is cut and its packed weights.
//!
//! One file an operator, beside `shaders/<operator>.wgsl`; an operator with several variants is a pair of folders.
//! [`lower`] is the only place where a kernel is chosen.

mod add;
mod attention;
mod concat;
mod conv1x1;
mod conv3x3;
mod convolution;
mod downsample;
mod gate;
mod pack;
mod params;
mod pixel_shuffle;
mod pixel_unshuffle;
mod pool_cells;
mod pool_rows;
mod prelu;
mod sam;
mod sigmoid_gate;
mod unpack;
mod upsample;

pub use params::{Params, View};

use crate::gpu::{KernelSpec, Storage};
use crate::graph::{Graph, Kernel, Node, Op, ParamId, Role, TensorId};
use crate::plan::{Domain, Reach, Window};

/// Lanes of a workgroup of the kernels that take a lane for each quad of channels.
const FLAT_LANES: u32 = 64;
/// Groups of eight outputs in a workgroup of the convolutions.
const GROUPS: u32 = 8;

/// Where a tensor is bound: the binding number of every shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum Slot {
    /// Packed weights.
    Weights = 1,
    /// Packed biases, f32.
    Bias = 2,
    /// The result.
    Dst = 3,
    /// A second result.
    Dst2 = 4,
    /// The first input.
    X = 5,
    /// A second input of the same kind.
    X2 = 6,
    /// What is added to the result.
    Residual = 7,
    /// Gates of channel attention.
    Gates = 8,
}

/// A tensor bound by a kernel, and the rows of it that a window touches.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Where.
    pub slot: Slot,
    /// What.
    pub tensor: TensorId,
    /// Which rows.
    pub reach: Reach,
}

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
    /// How the weights are stored.
    pub storage: Storage,
    /// Packs.
    pub pack: Box<dyn Fn(&Graph) -> Packed + Send + Sync>,
}

/// How many workgroups a window takes.
#[derive(Clone, Copy, Debug)]
pub enum Grid {
    /// A cell of 8x8 pixels each, times groups of channels.
    Cells {
        /// Workgroups that share a cell.
        depth: u32,
    },
    /// 64 quads of a row each.
    Flat {
        /// Quads of a row.
        quads: u32,
        /// Further workgroups for each row.
        depth: u32,
    },
    /// So many.
    Fixed([u32; 3]),
}

/// Uniform values besides shapes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scalars {
    /// Channels of the first input.
    pub channels: u32,
    /// Hidden channels of an attention.
    pub hidden: u32,
    /// Pixel-shuffle factor.
    pub factor: u32,
    /// PReLU slope, or pixels of a patch.
    pub scalar: f32,
}

/// An operator as a kernel.
pub struct Lowered {
    /// The kernel.
    pub spec: KernelSpec,
    /// What it iterates over.
    pub domain: Domain,
    /// What it binds besides weights and uniforms.
    pub bindings: Vec<Binding>,
    /// Its weights.
    pub packing: Option<Packing>,
    /// Its workgroups.
    pub grid: Grid,
    /// Its uniform values.
    pub scalars: Scalars,
}

impl Lowered {
    /// Workgroups of a window.
    #[must_use]
    pub fn workgroups(&self, window: &Window) -> [u32; 3] {
        let rows = window.rows.end - window.rows.start;
        let bands = window.bands.end - window.bands.start;
        match (self.grid, &self.domain) {
            (Grid::Cells { depth }, Domain::Cells(desc)) => {
                [desc.cell_cols() * desc.patches.cols, bands, depth]
            }
            (Grid::Flat { quads, depth }, _) => [quads.div_ceil(FLAT_LANES), rows, depth],
            (Grid::Fixed(grid), _) => grid,
            (Grid::Cells { depth }, _) => [1, bands, depth],
        }
    }

    /// Binds a tensor.
    fn bind(mut self, slot: Slot, tensor: TensorId, reach: Reach) -> Self {
        self.bindings.push(Binding { slot, tensor, reach });
        self
    }
}

/// The kernel of a node, with features and weights stored as `storage`.
#[must_use]
pub fn lower(graph: &Graph, node: &Node, storage: Storage) -> Lowered {
    let cx = Context { graph, node, storage };
    match &node.op {
        Op::Unpack => unpack::lower(&cx),
        Op::Pack => pack::lower(&cx),
        Op::PixelUnshuffle { factor } => pixel_unshuffle::lower(&cx, *factor),
        Op::PixelShuffle { factor } => pixel_shuffle::lower(&cx, *factor),
        Op::Concat => concat::lower(&cx),
        Op::Conv(conv) => match conv.kernel {
            Kernel::Three => conv3x3::lower(&cx, conv),
            Kernel::One => conv1x1::lower(&cx, conv),
        },
        Op::Prelu { slope } => prelu::lower(&cx, *slope),
        Op::Add => add::lower(&cx),
        Op::Downsample => downsample::lower(&cx),
        Op::Upsample { residual } => upsample::lower(&cx, *residual),
        Op::PoolCells => pool_cells::lower(&cx),
        Op::PoolRows => pool_rows::lower(&cx),
        Op::Attention(attention) => attention::lower(&cx, attention),
        Op::Gate => gate::lower(&cx),
        Op::SigmoidGate => sigmoid_gate::lower(&cx),
        Op::Sam(sam) => sam::lower(&cx, sam),
    }
}

/// A node in its graph.
struct Context<'a> {
    graph: &'a Graph,
    node: &'a Node,
    storage: Storage,
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
            Role::Feature => self.storage,
            _ => Storage::F32,
        }
    }

    /// The cells of the result.
    fn cells(&self) -> Domain {
        Domain::Cells(self.graph.desc(self.dst()))
    }

    /// A kernel that takes a lane for each quad of each pixel of its result, `x` and `dst` bound.
    fn flat(&self, shader: &'static str, parts: &[&str], reach: Reach) -> Lowered {
        let desc = self.graph.desc(self.dst());
        let quads = desc.width.saturating_mul(self.quads(self.dst()));
        Lowered {
            spec: KernelSpec::new(shader, parts),
            domain: self.cells(),
            bindings: Vec::new(),
            packing: None,
            grid: Grid::Flat { quads, depth: 1 },
            scalars: Scalars { channels: self.channels(self.x()), ..Scalars::default() },
        }
        .bind(Slot::Dst, self.dst(), Reach::Same)
        .bind(Slot::X, self.x(), reach)
    }

    /// As [`Self::flat`], where `x` and `dst` may be features.
    fn flat_features(&self, shader: &'static str, parts: &[&str], reach: Reach) -> Lowered {
        let mut lowered = self.flat(shader, parts, reach);
        lowered.spec =
            lowered.spec.stored("in", self.stored(self.x())).stored("out", self.stored(self.dst()));
        lowered
    }
}

impl Lowered {
    /// With the residual bound and added.
    fn add_residual(mut self, cx: &Context<'_>, residual: TensorId) -> Self {
        self.spec = self.spec.stored("res", cx.stored(residual));
        self.spec.parts.push("epilogue_residual".to_owned());
        self.bind(Slot::Residual, residual, Reach::Same)
    }
}
