//! The library's front: photos in, photos out.

use std::borrow::Cow;

use super::calibration::{CalibrationPhoto, OVERFLOW, measure};
use super::{Executor, ExecutorOptions, Memory, Progress, Values, WeightStore};
use crate::gpu::Device;
use crate::graph::{Graph, TensorDesc, TensorId, passes};
use crate::image::{Frame, Samples};
use crate::model::{self, FeaturePeaks, ImageFormat, NetworkOptions, Stage, Weights};
use crate::plan::Precision;
use crate::tune::{Tuner, Tuning};
use crate::{Error, Result};

/// Bytes of tensors that executors of other sizes than the current photo's may keep. Drivers hand out more memory
/// than there is, so waiting for a failure would be too late.
const KEPT_BYTES: u64 = 1 << 30;

/// A side, in pixels, of the part of the first photo that features are measured on where a model was not calibrated:
/// few enough that whoever waits for the photo hardly notices.
const MEASURED_SIDE: u32 = 128;

/// How to restore.
#[derive(Clone, Copy, Debug)]
pub struct RestorerOptions {
    /// Storage of features and weights; arithmetic is f32 in both. What f16 cannot hold is restored in f32.
    pub precision: Precision,
    /// Which stage's image is the result. An earlier one skips the later work.
    pub stage: Stage,
    /// Whether the graph is rewritten into fewer operators. Only checks want it otherwise.
    pub passes: bool,
    /// Whether variants of kernels are measured on the adapter, when compiling for the first photo of a size. Off unless
    /// asked for: it takes seconds once, and writes to the user's cache directory. [`Tuning::for_adapter`] tells where
    /// it pays.
    pub tuning: Tuning,
}

impl Default for RestorerOptions {
    fn default() -> Self {
        Self { precision: Precision::F32, stage: Stage::Three, passes: true, tuning: Tuning::Off }
    }
}

/// A tensor of the network, as it was for one photo.
#[derive(Clone, Debug)]
pub struct Captured {
    /// The name it was asked for by.
    pub name: String,
    /// Its shape.
    pub desc: TensorDesc,
    /// Its values.
    pub values: Values,
}

/// Restores photos with one model on one device.
///
/// Compiling for a size takes longer than running, so executors of the last few sizes are kept.
///
/// ```
/// use mprnet::{Restorer, RestorerOptions, gpu, image::Frame, model::{Task, Weights}};
///
/// # fn main() -> mprnet::Result<()> {
/// let device = gpu::Device::new(&gpu::DeviceOptions::default())?;
/// let mut restorer = Restorer::new(Weights::embedded(Task::Denoise)?, device, RestorerOptions::default());
/// let noisy = Frame::from_rgb8(24, 16, (0..24 * 16 * 3).map(|i| (i * 37 % 256) as u8).collect())?;
/// let clean = restorer.restore(&noisy)?;
/// assert_eq!((clean.width(), clean.height()), (24, 16));
/// # Ok(())
/// # }
/// ```
///
/// A program that has a device already shares it: `gpu::Device::from_wgpu(device, queue)`.
///
/// In f16, features are moved into its range by powers of two, which changes no result. How far, the weights' metadata
/// tell ([`Weights::feature_peaks`]); where they do not, it is measured in f32 on the middle of the first photo. What
/// overflows all the same, and a model that f16 cannot hold, is restored in f32, with a warning through `tracing`.
pub struct Restorer {
    device: Device,
    weights: Weights,
    options: RestorerOptions,
    store: WeightStore,
    /// How large features become, once f16 has needed it.
    peaks: Option<FeaturePeaks>,
    tuner: Tuner,
    /// Most recently used last.
    executors: Vec<(Key, Executor)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    width: u32,
    height: u32,
    format: ImageFormat,
    precision: Precision,
}

/// [`Executor::new`] or [`Executor::begin`].
type New = fn(&Device, &WeightStore, Graph, &ExecutorOptions) -> Result<Executor>;

impl Restorer {
    /// A restorer; nothing is compiled until the first photo.
    #[must_use]
    pub fn new(weights: Weights, device: Device, options: RestorerOptions) -> Self {
        let (store, tuner) = (WeightStore::default(), Tuner::new(options.tuning));
        Self { device, weights, options, store, peaks: None, tuner, executors: Vec::new() }
    }

    /// The device it runs on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// How features and weights are stored: as asked for, unless f16 has turned out not to hold this model.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.options.precision
    }

    /// Bytes on the device that this restorer holds now: of executors that are kept, and of weights.
    #[must_use]
    pub fn memory(&self) -> u64 {
        let held = |memory: Memory| memory.tensors + memory.staging + memory.uniforms;
        self.executors.iter().map(|(_, executor)| held(executor.memory())).sum::<u64>() + self.store.bytes()
    }

    /// Restores a photo of any size, and keeps its depth. The network sees it in the sRGB curve, and where it is
    /// transparent the colours of its visible neighbours; the result has its own light and hidden colours again.
    ///
    /// # Errors
    /// [`crate::Error::TensorTooLarge`], [`crate::Error::TooManyWorkgroups`], [`crate::Error::OutOfMemory`] or
    /// [`crate::Error::Gpu`] where the device cannot take the photo; [`crate::Error::NotFinite`] where the network's
    /// numbers pass the range of f32.
    pub fn restore(&mut self, photo: &Frame) -> Result<Frame> {
        self.restore_with_progress(photo, &mut |_| ())
    }

    /// As [`Self::restore`], telling how far it has come about four times a second.
    ///
    /// # Errors
    /// As [`Self::restore`].
    pub fn restore_with_progress(
        &mut self,
        photo: &Frame,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Frame> {
        let seen = photo.prepared()?;
        let restored = self.in_range(&seen, |restorer, key| {
            // Padding the photo first would take memory in vain for one that the device turns down.
            let executor = restorer.executor(key)?;
            // An executor that has failed is not kept.
            let (executor, outputs) = restorer.run(executor, &seen, key.precision, progress)?;
            restorer.executors.push((key, executor));
            finish(&seen, key, outputs.into_iter().next())
        })?;
        as_it_was(photo, matches!(seen, Cow::Owned(_)), restored)
    }

    /// Restores a photo and gives the named tensors of the network besides. Passes keep them.
    ///
    /// # Errors
    /// [`crate::Error::UnknownTensor`]; otherwise as [`Self::restore`].
    pub fn capture(
        &mut self,
        photo: &Frame,
        names: &[String],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Frame, Vec<Captured>)> {
        let seen = photo.prepared()?;
        let (restored, tensors) = self.in_range(&seen, |restorer, key| {
            let (graph, exponents) = restorer.graph(key, names)?;
            let ids: Vec<_> = names.iter().map(|name| graph.find(name)).collect();
            let executor = restorer.compile(graph, key.precision, Executor::begin)?;
            let (executor, outputs) = restorer.run(executor, &seen, key.precision, progress)?;
            let graph = executor.graph();
            let captured = |(name, id): (&String, Option<TensorId>)| {
                let at = graph.outputs().iter().position(|&t| Some(t) == id)?;
                let tensor = graph.outputs()[at];
                let values = outputs[at].clone().halved(exponents[tensor.0]);
                Some(Captured { name: name.clone(), desc: graph.desc(tensor), values })
            };
            let tensors = names.iter().zip(ids).filter_map(captured).collect();
            let result = outputs.first().cloned();
            Ok((finish(&seen, key, result)?, tensors))
        })?;
        Ok((as_it_was(photo, matches!(seen, Cow::Owned(_)), restored)?, tensors))
    }

    /// Does the work in the precision asked for, and in f32 where f16 turns out to be too narrow for it.
    fn in_range<T>(&mut self, photo: &Frame, mut work: impl FnMut(&mut Self, Key) -> Result<T>) -> Result<T> {
        self.know_peaks(photo)?;
        let key = self.key(photo)?;
        let error = match work(self, key) {
            Err(error) if key.precision == Precision::F16 => error,
            done => return done,
        };
        match error {
            Error::PrecisionTooLow { what } => {
                tracing::warn!(
                    "{what} holds values past f16's range wherever they are moved; f32 is used instead"
                );
                self.options.precision = Precision::F32;
            }
            Error::NotFinite(_) => {
                tracing::warn!(
                    "the network's numbers pass f16's range with this photo; it is restored in f32"
                );
            }
            other => return Err(other),
        }
        work(self, Key { precision: Precision::F32, ..key })
    }

    /// Finds out how large features become, where f16 is asked for: from the metadata, or on the middle of this photo.
    fn know_peaks(&mut self, photo: &Frame) -> Result<()> {
        if self.options.precision != Precision::F16 || self.peaks.is_some() {
            return Ok(());
        }
        self.peaks = self.weights.feature_peaks().unwrap_or_else(|error| {
            tracing::warn!("{error}; until then features are measured on the first photo");
            None
        });
        if self.peaks.is_none() {
            let middle = CalibrationPhoto::of(photo, &self.weights, MEASURED_SIDE)?;
            // Its weights are packed in f32, and not needed again.
            let measured = measure(&self.device, &WeightStore::default(), &self.weights, &middle)?;
            tracing::info!(largest = measured.largest().map(|(_, peak)| peak), "measured features for f16");
            self.peaks = Some(measured);
        }
        Ok(())
    }

    /// What the graph for a photo depends on.
    fn key(&self, photo: &Frame) -> Result<Key> {
        let (width, height) = photo.padded_size(self.weights.config().side_multiple())?;
        let format = match photo.samples() {
            Samples::U8(_) => ImageFormat::Words,
            Samples::U16(_) | Samples::F32(_) => ImageFormat::Planar,
        };
        Ok(Key { width, height, format, precision: self.options.precision })
    }

    /// The padded photo as the graph takes it.
    fn input(&self, photo: &Frame) -> Result<Values> {
        let multiple = self.weights.config().side_multiple();
        Ok(match photo.samples() {
            Samples::U8(_) => Values::Words(photo.to_words(multiple)?.data),
            Samples::U16(_) | Samples::F32(_) => Values::Planar(photo.to_planar(multiple)?.data),
        })
    }

    /// The graph to execute, and the powers of two that its tensors are computed times.
    fn graph(&self, key: Key, keep: &[String]) -> Result<(Graph, Vec<i32>)> {
        let Key { width, height, format, precision } = key;
        let options =
            NetworkOptions { width, height, format, stage: self.options.stage, keep: keep.to_vec() };
        let mut graph = model::build(&self.weights, &options)?;
        if self.options.passes {
            graph = passes::optimize(graph)?;
        } else {
            passes::drop_dead(&mut graph);
        }
        let exponents = match &self.peaks {
            Some(peaks) if precision == Precision::F16 => peaks.fit(&mut graph),
            _ => vec![0; graph.tensor_count()],
        };
        tracing::debug!(width, height, operators = graph.nodes().len(), "built the graph");
        Ok((graph, exponents))
    }

    /// Takes the executor of a size out of the cache, or compiles one.
    fn executor(&mut self, key: Key) -> Result<Executor> {
        if let Some(at) = self.executors.iter().position(|(k, _)| *k == key) {
            return Ok(self.executors.remove(at).1);
        }
        let (graph, _) = self.graph(key, &[])?;
        self.compile(graph, key.precision, Executor::begin)
    }

    /// Runs a graph on a photo, while its kernels are still being compiled. Where one of them does not, another takes its
    /// place, and what was computed before is computed anew.
    fn run(
        &mut self,
        mut executor: Executor,
        photo: &Frame,
        precision: Precision,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Executor, Vec<Values>)> {
        let input = [self.input(photo)?];
        let outputs = match executor.run_while_compiling(&self.device, &input, progress) {
            Err(Error::Shader { .. }) => {
                let graph = executor.graph().clone();
                // Its buffers make room.
                drop(executor);
                executor = self.compile(graph, precision, Executor::new)?;
                executor.run(&self.device, &input, progress)
            }
            outputs => outputs,
        }?;
        Ok((executor, outputs))
    }

    /// Compiles a graph, or begins to, after making room for its buffers.
    fn compile(&mut self, graph: Graph, precision: Precision, new: New) -> Result<Executor> {
        let kept =
            |executors: &[(Key, Executor)]| executors.iter().map(|(_, e)| e.memory().tensors).sum::<u64>();
        while kept(&self.executors) > KEPT_BYTES {
            self.executors.remove(0);
        }
        let choices = self.tuner.choices(&self.device, precision, &graph);
        let options = ExecutorOptions { precision, choices, ..ExecutorOptions::default() };
        let made = match new(&self.device, &self.store, graph.clone(), &options) {
            Err(Error::Gpu { .. } | Error::OutOfMemory { .. }) if !self.executors.is_empty() => {
                self.executors.clear();
                new(&self.device, &self.store, graph, &options)
            }
            made => made,
        }?;
        tracing::info!(
            tensors_mib = made.memory().tensors >> 20,
            weights_mib = self.store.bytes() >> 20,
            dispatches = made.dispatch_count(),
            "planned"
        );
        Ok(made)
    }
}

/// The result for what the network saw, the photo or what it was prepared to, as one for the photo itself.
fn as_it_was(photo: &Frame, prepared: bool, restored: Frame) -> Result<Frame> {
    if prepared { photo.with_restored(&restored) } else { Ok(restored) }
}

/// The photo with the network's result, which must be finite: words that stand for other numbers have no alpha.
fn finish(photo: &Frame, key: Key, output: Option<Values>) -> Result<Frame> {
    match output {
        Some(Values::Words(words)) if words.iter().any(|word| word >> 24 == 0) => {
            Err(Error::NotFinite(OVERFLOW))
        }
        Some(Values::Planar(planes)) if planes.iter().any(|v| !v.is_finite()) => {
            Err(Error::NotFinite(OVERFLOW))
        }
        Some(Values::Words(words)) => photo.with_words(&words, key.width),
        Some(Values::Planar(planes)) => photo.with_planar(&planes, key.width, key.height),
        None => Err(Error::Input("the graph has no output".to_owned())),
    }
}
