//! How large a network's features become on photos, and what f16 storage changes in its results.

use std::fmt;

use crate::engine::{Cancel, Executor, ExecutorOptions, Values, Watch, WeightStore};
use crate::gpu::Device;
use crate::graph::{Graph, Groups, Role, TensorId, passes};
use crate::image::Frame;
use crate::model::{self, FeaturePeaks, ImageFormat, Mode, NetworkOptions, Stage, Weights};
use crate::plan::{Layout, Precision};
use crate::{Error, Result};

/// A side, in pixels, of the part of a photo that shows how large features become and what f16 costs: peaks over it are
/// within a small factor of the whole photo's, for which [`FeaturePeaks`] leaves room.
pub const CALIBRATION_SIDE: u32 = 256;

/// Bytes of features that are read back from one run at most.
const READ_BACK: u64 = 512 << 20;

/// The middle of a photo as the network takes it.
#[derive(Clone, Debug)]
pub struct CalibrationPhoto {
    width: u32,
    height: u32,
    planes: Vec<f32>,
}

impl CalibrationPhoto {
    /// The middle of a photo, `side` pixels wide and high (rounded up to what the network takes) where there are as
    /// many.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where the prepared photo is no frame, which would be a defect.
    pub fn of(photo: &Frame, weights: &Weights, side: u32) -> Result<Self> {
        let photo = photo.prepared()?;
        let side = side.max(1).checked_next_multiple_of(weights.config().side_multiple()).unwrap_or(u32::MAX);
        let (width, height) = (photo.width().min(side), photo.height().min(side));
        let left = (photo.width() - width) as usize / 2;
        let top = (photo.height() - height) as usize / 2;
        let (row, data) = (photo.width() as usize, photo.to_planar());
        let planes = data.chunks_exact(row * photo.height() as usize).flat_map(|plane| {
            plane
                .chunks_exact(row)
                .skip(top)
                .take(height as usize)
                .flat_map(|r| &r[left..left + width as usize])
        });
        Ok(Self { width, height, planes: planes.copied().collect() })
    }

    fn graph(&self, weights: &Weights) -> Result<Graph> {
        let &Self { width, height, .. } = self;
        let options = NetworkOptions {
            width,
            height,
            format: ImageFormat::Planar,
            stage: Stage::Three,
            mode: Mode::Global,
            keep: Vec::new(),
        };
        passes::optimize(model::build(weights, &options)?)
    }
}

/// Measures one model on one device.
pub struct Calibrator {
    device: Device,
    weights: Weights,
    store: WeightStore,
}

impl fmt::Debug for Calibrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, weights, .. } = self;
        let mut shown = f.debug_struct("Calibrator");
        shown
            .field("adapter", &device.adapter().name)
            .field("config", &weights.config())
            .finish_non_exhaustive()
    }
}

impl Calibrator {
    /// For a model; nothing is compiled yet.
    #[must_use]
    pub fn new(weights: Weights, device: Device) -> Self {
        Self { device, weights, store: WeightStore::default() }
    }

    /// The peaks of a photo's features, computed in f32.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where f32 does not hold them either; otherwise as [`Executor::new`] and
    /// [`Executor::run`].
    pub fn peaks(&self, photo: &CalibrationPhoto) -> Result<FeaturePeaks> {
        pollster::block_on(measure(&self.device, &self.store, &self.weights, photo, None))
    }

    /// What storing features and weights in f16, moved by `peaks`, changes in the result for a photo.
    ///
    /// # Errors
    /// [`Error::PrecisionTooLow`] or [`Error::NotFinite`] where f16 does not hold them; otherwise as
    /// [`Self::peaks`].
    pub fn deviation(&self, photo: &CalibrationPhoto, peaks: &FeaturePeaks) -> Result<Deviation> {
        let graph = photo.graph(&self.weights)?;
        let mut moved = graph.clone();
        let _ = peaks.fit(&mut moved);
        let run = |graph, precision| {
            let options = ExecutorOptions { precision, ..ExecutorOptions::default() };
            pollster::block_on(run(&self.device, &self.store, graph, photo, &options))
        };
        let (single, half) = (run(graph, Precision::F32)?, run(moved, Precision::F16)?);
        match (single.first(), half.first()) {
            (Some(Values::Planar(single)), Some(Values::Planar(half))) => {
                Deviation::between(half, single).ok_or_else(|| Error::NotFinite(OVERFLOW.into()))
            }
            _ => Err(Error::Input("the graph has no output of floats".to_owned())),
        }
    }
}

/// Why a result is not finite, and what to do.
pub(super) const OVERFLOW: &str = "the network's numbers overflow with this photo; use other weights";

/// The peaks of a photo's features, as kernels store them; of few at a time where they are large or memory lacks.
pub(super) async fn measure(
    device: &Device,
    store: &WeightStore,
    weights: &Weights,
    photo: &CalibrationPhoto,
    max_memory: Option<u64>,
) -> Result<FeaturePeaks> {
    let graph = photo.graph(weights)?;
    let groups = Groups::of(&graph);
    let features: Vec<TensorId> = graph
        .nodes()
        .iter()
        .flat_map(|node| &node.outputs)
        .copied()
        .filter(|&t| graph.desc(t).role == Role::Feature && groups.movable(t))
        .collect();
    let mut peaks = FeaturePeaks::default();
    let mut most = READ_BACK;
    let mut rest = &features[..];
    while !rest.is_empty() {
        let (part, bytes) = first(&graph, rest, most);
        let mut kept = graph.clone();
        part.iter().for_each(|&t| kept.mark_output(t));
        let options = ExecutorOptions { max_memory, ..ExecutorOptions::default() };
        let outputs = match run(device, store, kept.clone(), photo, &options).await {
            Err(Error::OutOfMemory { .. }) if part.len() > 1 => {
                most = bytes / 2;
                continue;
            }
            outputs => outputs?,
        };
        rest = &rest[part.len()..];
        for (&t, values) in kept.outputs().iter().zip(&outputs).filter(|(t, _)| part.contains(t)) {
            let Values::Planar(values) = values else { continue };
            let largest = largest(values).ok_or_else(|| Error::NotFinite(OVERFLOW.into()))?;
            peaks.note(&graph.tensor(groups.first(&graph, t)).name, largest);
        }
    }
    Ok(peaks)
}

/// The first tensors, as many as take no more than `most` bytes and one at least, and what they take.
fn first<'a>(graph: &Graph, tensors: &'a [TensorId], most: u64) -> (&'a [TensorId], u64) {
    let bytes = |t: &TensorId| Layout::of(&graph.desc(*t), Precision::F32).bytes();
    let sums = tensors.iter().scan(0, |sum, t| {
        *sum += bytes(t);
        Some(*sum)
    });
    let count = sums.take_while(|&sum| sum <= most).count().max(1);
    (&tensors[..count], tensors[..count].iter().map(bytes).sum())
}

async fn run(
    device: &Device,
    store: &WeightStore,
    graph: Graph,
    photo: &CalibrationPhoto,
    options: &ExecutorOptions,
) -> Result<Vec<Values>> {
    let mut executor = Executor::new(device, store, graph, options)?;
    let (mut nobody, cancel) = (|_| (), Cancel::new());
    let mut watch = Watch::new(&mut nobody, &cancel);
    executor.run_watched(device, &[Values::Planar(photo.planes.clone())], &mut watch).await
}

/// The largest magnitude; none where a value is not finite.
fn largest(values: &[f32]) -> Option<f32> {
    values.iter().try_fold(0.0_f32, |most, v| v.is_finite().then(|| most.max(v.abs())))
}

/// How far results in one precision are from those in another; images are in [0, 1].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Deviation {
    /// The largest absolute difference.
    pub largest: f64,
    /// The sum of squared differences.
    pub squares: f64,
    /// Values that differ once they are clamped and rounded to 8 bits.
    pub rounded_apart: u64,
    /// Values in all.
    pub values: u64,
}

impl Deviation {
    /// Of values from a reference; none where one of them is not finite.
    fn between(values: &[f32], reference: &[f32]) -> Option<Self> {
        let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round_ties_even();
        let mut found = Self::default();
        for (&value, &expected) in values.iter().zip(reference) {
            let difference = f64::from(value) - f64::from(expected);
            found.merge(&Self {
                largest: difference.abs(),
                squares: difference * difference,
                rounded_apart: u64::from(byte(value) != byte(expected)),
                values: 1,
            });
        }
        found.squares.is_finite().then_some(found)
    }

    /// Of both photos together.
    pub fn merge(&mut self, other: &Self) {
        self.largest = self.largest.max(other.largest);
        self.squares += other.squares;
        self.rounded_apart += other.rounded_apart;
        self.values += other.values;
    }

    /// Peak signal-to-noise ratio in dB, of a peak of 1; infinite where nothing differs.
    #[must_use]
    pub fn psnr(&self) -> f64 {
        if self.squares == 0.0 { f64::INFINITY } else { 10.0 * (self.values as f64 / self.squares).log10() }
    }

    /// The share of values that differ in 8 bits.
    #[must_use]
    pub fn share_apart(&self) -> f64 {
        self.rounded_apart as f64 / self.values.max(1) as f64
    }
}
