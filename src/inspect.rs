//! What a model is, and what it takes to run it: told without a device.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use crate::checkpoint::{self, Checkpoint};
use crate::gpu::Storage;
use crate::graph::{Graph, Node, passes};
use crate::kernels::{self, Packing, Target};
use crate::model::{self, Arithmetic, ImageFormat, Mode, NetworkOptions, Stage, Task, Weights};
use crate::plan::{MemoryPlan, Precision};
use crate::{Error, Result};

/// The largest buffer that devices commonly have, in MiB.
pub(crate) const BUFFER_MIB: u64 = 2048;

/// Everything that is told; the fields' names are those of the JSON, and stay.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ModelReport {
    /// The file, or what else the weights came from.
    pub model: String,
    /// `safetensors`, `PyTorch (zip)` or `PyTorch (legacy)`.
    pub format: String,
    /// Of the whole file.
    pub bytes: u64,
    /// Of the whole file, in hexadecimal.
    pub sha256: String,
    /// Element types as stored: `F32`, `F16`, ...
    pub dtypes: BTreeSet<String>,
    /// `derain`, `denoise`, `deblur` or null.
    pub task: Option<&'static str>,
    /// The task is what the published network of this shape does; the file does not tell.
    pub task_presumed: bool,
    /// The terms of its use, or null.
    pub license: Option<String>,
    /// What to mind when using the model, or null.
    pub notice: Option<String>,
    /// Widths and depth, read off the shapes of its weights.
    pub configuration: Configuration,
    /// How many there are.
    pub parameters: usize,
    /// The largest magnitude of a feature on the photos that it was calibrated with for f16, or null.
    pub largest_feature: Option<f32>,
    /// What the file says of itself.
    pub metadata: BTreeMap<String, String>,
    /// Why what the file says of its largest features cannot be used, where it does; no part of the JSON.
    #[serde(skip)]
    pub unread_features: Option<String>,
    /// The photo.
    pub size: Size,
    /// What the network computes.
    pub multiply_adds: MultiplyAdds,
    /// By how tensors and weights are stored.
    pub memory: Memory,
}

/// The numbers that a network is made by, by the names that the paper's code has for them.
#[derive(Clone, Debug, Serialize)]
pub struct Configuration {
    /// Channels at full size.
    pub n_feat: u32,
    /// Channels more at each level of the encoders and decoders.
    pub scale_unetfeats: u32,
    /// Channels more in the last stage.
    pub scale_orsnetfeats: u32,
    /// Blocks of channel attention in a row, in the last stage.
    pub num_cab: u32,
    /// By how much channel attention narrows.
    pub reduction: u32,
    /// By how much a photo's sides are divided before the network, and multiplied after it.
    pub pixel_shuffle: u32,
}

/// A photo's sides.
#[derive(Clone, Debug, Serialize)]
pub struct Size {
    /// Columns of pixels.
    pub width: u32,
    /// Rows of pixels.
    pub height: u32,
}

/// Multiply-adds of convolutions.
#[derive(Clone, Debug, Serialize)]
pub struct MultiplyAdds {
    /// By the paper, operator by operator.
    pub as_defined: Counts,
    /// After rewrites.
    pub as_executed: Counts,
}

/// Multiply-adds of a network.
#[derive(Clone, Debug, Serialize)]
pub struct Counts {
    /// All of them.
    pub total: u64,
    /// Of stages 1, 2 and 3.
    pub stages: [u64; 3],
    /// By kind of operator.
    pub kinds: BTreeMap<&'static str, u64>,
}

/// What the device has to hold, by how tensors and weights are stored.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Memory {
    /// In 32 bits.
    pub f32: Needs,
    /// In 16 bits.
    pub f16: Needs,
}

/// Bytes on the device.
#[derive(Clone, Debug, Serialize)]
pub struct Needs {
    /// Buffers that tensors share.
    pub slots: usize,
    /// Of all slots.
    pub slot_bytes: u64,
    /// Alive at the worst step, which no plan can undercut.
    pub live_bytes: u64,
    /// Of weights and biases, as kernels read them.
    pub weight_bytes: u64,
}

impl ModelReport {
    /// What the file is, or the embedded model of that name where no file has it ([`model::open`]), with what it takes
    /// to restore an 8-bit photo of so many columns and rows.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::WeightsFile`] or [`Error::Weights`] where it is no model; [`Error::Size`] where no photo
    /// has that size, [`Error::TensorTooLarge`] where no device could restore one.
    pub fn of(model: &Path, size: (u32, u32)) -> Result<Self> {
        let file = model::open(model)?;
        let (bytes, sha256) = if let Some(task) = model::embedded(model) {
            let bytes = Weights::embedded_file(task);
            (bytes.len() as u64, checkpoint::sha256_of([bytes]))
        } else {
            let io = |source| Error::Io { action: "read", path: model.to_owned(), source };
            (std::fs::metadata(model).map_err(io)?.len(), checkpoint::sha256(model)?)
        };
        Self::of_file(&file, bytes, sha256, size)
    }

    fn of_file(file: &Checkpoint<'_>, bytes: u64, sha256: String, size: (u32, u32)) -> Result<Self> {
        let weights = Weights::from_checkpoint(file)?;
        let provenance = weights.provenance();
        let (peaks, unread_features) = match weights.feature_peaks() {
            Ok(peaks) => (peaks, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let (width, height) = size;
        let forms = Forms::of(build(&weights, size, Stage::Three, Mode::Global)?)?;
        let needs = |precision| Needs::of(&forms.executed, precision);
        let config = weights.config();
        Ok(Self {
            model: file.origin().to_owned(),
            format: file.container().to_string(),
            bytes,
            sha256,
            dtypes: file.dtypes(),
            task: provenance.task.map(Task::name),
            task_presumed: provenance.presumed,
            notice: provenance.notice(),
            license: provenance.license,
            configuration: Configuration {
                n_feat: config.n_feat,
                scale_unetfeats: config.scale_unetfeats,
                scale_orsnetfeats: config.scale_orsnetfeats,
                num_cab: config.num_cab,
                reduction: config.reduction,
                pixel_shuffle: config.shuffle,
            },
            parameters: weights.parameter_count(),
            largest_feature: peaks.and_then(|peaks| Some(peaks.largest()?.1)),
            unread_features,
            metadata: weights.metadata().clone(),
            size: Size { width, height },
            multiply_adds: MultiplyAdds {
                as_defined: Counts::of(&forms.defined),
                as_executed: Counts::of(&forms.executed),
            },
            memory: Memory { f32: needs(Precision::F32)?, f16: needs(Precision::F16)? },
        })
    }
}

impl Counts {
    fn of(graph: &Graph) -> Self {
        let counted = Arithmetic::of(graph);
        Self { total: counted.total(), stages: counted.stages, kinds: counted.kinds }
    }
}

impl Needs {
    fn of(graph: &Graph, precision: Precision) -> Result<Self> {
        let plan = MemoryPlan::new(graph, precision, BUFFER_MIB << 20, &[])?;
        Ok(Self {
            slots: plan.slot_sizes().len(),
            slot_bytes: plan.bytes(),
            live_bytes: plan.live_bound(),
            weight_bytes: packed_weights(graph, precision),
        })
    }
}

/// The network for photos of this size, in 8 bits.
pub(crate) fn build(
    weights: &Weights,
    (width, height): (u32, u32),
    stage: Stage,
    mode: Mode,
) -> Result<Graph> {
    let options = NetworkOptions { width, height, format: ImageFormat::Words, stage, mode, keep: vec![] };
    model::build(weights, &options)
}

/// A network as it is defined, without what no result needs, and as it is executed.
pub(crate) struct Forms {
    pub(crate) defined: Graph,
    pub(crate) executed: Graph,
}

impl Forms {
    pub(crate) fn of(graph: Graph) -> Result<Self> {
        let mut defined = graph.clone();
        passes::drop_dead(&mut defined);
        Ok(Self { defined, executed: passes::optimize(graph)? })
    }
}

/// What is planned for at this precision: any adapter that has 16-bit floats.
pub(crate) fn target(precision: Precision) -> Target {
    let storage = if precision == Precision::F16 { Storage::F16 } else { Storage::F32 };
    Target { direct_sums: precision == Precision::Exact, ..Target::portable(storage) }
}

/// Bytes of a graph's weights as its kernels read them.
pub(crate) fn packed_weights(graph: &Graph, precision: Precision) -> u64 {
    let bytes = |packing: &Packing| {
        let packed = (packing.pack)(graph);
        let element = if packing.storage == Storage::F32 { 4 } else { 2 };
        packed.weights.len() as u64 * element + packed.bias.len() as u64 * 4
    };
    let of_node = |node: &Node| {
        let stages = kernels::lower(graph, node, &target(precision)).stages;
        stages.iter().filter_map(|s| s.packing.as_ref()).map(bytes).sum::<u64>()
    };
    graph.nodes().iter().map(of_node).sum()
}
