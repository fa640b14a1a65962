//! The library's front: photos in, photos out.

use super::{Executor, ExecutorOptions, Progress, Values, WeightStore};
use crate::gpu::Device;
use crate::graph::{Graph, TensorDesc, passes};
use crate::image::{Frame, Samples};
use crate::model::{self, ImageFormat, NetworkOptions, Stage, Weights};
use crate::plan::Precision;
use crate::tune::{Tuner, Tuning};
use crate::{Error, Result};

/// Bytes of tensors that executors of other sizes than the current photo's may keep. Drivers hand out more memory
/// than there is, so waiting for a failure would be too late.
const KEPT_BYTES: u64 = 1 << 30;

/// How to restore.
#[derive(Clone, Copy, Debug)]
pub struct RestorerOptions {
    /// Storage of features and weights; arithmetic is f32 in both.
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
pub struct Restorer {
    device: Device,
    weights: Weights,
    options: RestorerOptions,
    store: WeightStore,
    tuner: Tuner,
    /// Most recently used last.
    executors: Vec<(Key, Executor)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    width: u32,
    height: u32,
    format: ImageFormat,
}

impl Restorer {
    /// A restorer; nothing is compiled until the first photo.
    #[must_use]
    pub fn new(weights: Weights, device: Device, options: RestorerOptions) -> Self {
        let (store, tuner) = (WeightStore::default(), Tuner::new(options.tuning));
        Self { device, weights, options, store, tuner, executors: Vec::new() }
    }

    /// The device it runs on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Restores a photo of any size. 8-bit photos are converted on the device; 16-bit ones keep their depth.
    ///
    /// # Errors
    /// [`crate::Error::TensorTooLarge`], [`crate::Error::TooManyWorkgroups`] or [`crate::Error::Gpu`] where the
    /// device cannot take the photo; [`crate::Error::PrecisionTooLow`] or [`crate::Error::NotFinite`] where the
    /// network's numbers pass the range of f16.
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
        let key = self.key(photo)?;
        // Padding the photo first would take memory in vain for one that the device turns down.
        let mut executor = self.executor(key)?;
        // An executor that has failed is not kept.
        let outputs = executor.run(&self.device, &[self.input(photo)?], progress)?;
        self.executors.push((key, executor));
        finish(photo, key, outputs.into_iter().next())
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
        let key = self.key(photo)?;
        let graph = self.graph(key, names)?;
        let ids: Vec<_> = names.iter().map(|name| graph.find(name)).collect();
        let mut executor = self.compile(graph)?;
        let outputs = executor.run(&self.device, &[self.input(photo)?], progress)?;
        let graph = executor.graph();
        let captured = |(name, id): (&String, Option<_>)| {
            let at = graph.outputs().iter().position(|&t| Some(t) == id)?;
            Some(Captured {
                name: name.clone(),
                desc: graph.desc(graph.outputs()[at]),
                values: outputs[at].clone(),
            })
        };
        let tensors = names.iter().zip(ids).filter_map(captured).collect();
        let result = outputs.first().cloned();
        Ok((finish(photo, key, result)?, tensors))
    }

    /// What the graph for a photo depends on.
    fn key(&self, photo: &Frame) -> Result<Key> {
        let (width, height) = photo.padded_size(self.weights.config().side_multiple())?;
        let format = match photo.samples() {
            Samples::U8(_) => ImageFormat::Words,
            Samples::U16(_) => ImageFormat::Planar,
        };
        Ok(Key { width, height, format })
    }

    /// The padded photo as the graph takes it.
    fn input(&self, photo: &Frame) -> Result<Values> {
        let multiple = self.weights.config().side_multiple();
        Ok(match photo.samples() {
            Samples::U8(_) => Values::Words(photo.to_words(multiple)?.data),
            Samples::U16(_) => Values::Planar(photo.to_planar(multiple)?.data),
        })
    }

    fn graph(&self, key: Key, keep: &[String]) -> Result<Graph> {
        let Key { width, height, format } = key;
        let options =
            NetworkOptions { width, height, format, stage: self.options.stage, keep: keep.to_vec() };
        let mut graph = model::build(&self.weights, &options)?;
        if self.options.passes {
            graph = passes::optimize(graph)?;
        } else {
            passes::drop_dead(&mut graph);
        }
        tracing::debug!(width, height, operators = graph.nodes().len(), "built the graph");
        Ok(graph)
    }

    /// Takes the executor of a size out of the cache, or compiles one.
    fn executor(&mut self, key: Key) -> Result<Executor> {
        if let Some(at) = self.executors.iter().position(|(k, _)| *k == key) {
            return Ok(self.executors.remove(at).1);
        }
        let graph = self.graph(key, &[])?;
        self.compile(graph)
    }

    /// Compiles a graph, after making room for its buffers.
    fn compile(&mut self, graph: Graph) -> Result<Executor> {
        let kept =
            |executors: &[(Key, Executor)]| executors.iter().map(|(_, e)| e.memory().tensors).sum::<u64>();
        while kept(&self.executors) > KEPT_BYTES {
            self.executors.remove(0);
        }
        let precision = self.options.precision;
        let choices = self.tuner.choices(&self.device, precision, &graph);
        let options = ExecutorOptions { precision, choices, ..ExecutorOptions::default() };
        let made = match Executor::new(&self.device, &self.store, graph.clone(), &options) {
            Err(Error::Gpu { .. }) if !self.executors.is_empty() => {
                self.executors.clear();
                Executor::new(&self.device, &self.store, graph, &options)
            }
            made => made,
        }?;
        tracing::info!(
            tensors_mib = made.memory().tensors >> 20,
            weights_mib = self.store.bytes() >> 20,
            dispatches = made.dispatch_count(),
            pipelines = self.device.pipelines().len(),
            "compiled"
        );
        Ok(made)
    }
}

/// The photo with the network's result, which must be finite: words that stand for other numbers have no alpha.
fn finish(photo: &Frame, key: Key, output: Option<Values>) -> Result<Frame> {
    const REASON: &str =
        "the network's numbers overflow with this photo; use --precision f32, or other weights";
    match output {
        Some(Values::Words(words)) if words.iter().any(|word| word >> 24 == 0) => {
            Err(Error::NotFinite(REASON))
        }
        Some(Values::Planar(planes)) if planes.iter().any(|v| !v.is_finite()) => {
            Err(Error::NotFinite(REASON))
        }
        Some(Values::Words(words)) => photo.with_words(&words, key.width),
        Some(Values::Planar(planes)) => photo.with_planar(&planes, key.width, key.height),
        None => Err(Error::Input("the graph has no output".to_owned())),
    }
}
