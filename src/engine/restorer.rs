//! The library's front: photos in, photos out.

use super::{Executor, ExecutorOptions, Progress, Values, WeightStore};
use crate::Result;
use crate::gpu::Device;
use crate::graph::{Graph, TensorDesc, passes};
use crate::image::{Frame, Samples};
use crate::model::{self, ImageFormat, NetworkOptions, Stage, Weights};
use crate::plan::Precision;

/// Executors kept at most: each holds the buffers of one image size.
const KEPT_SIZES: usize = 4;

/// How to restore.
#[derive(Clone, Copy, Debug)]
pub struct RestorerOptions {
    /// Storage of features and weights; arithmetic is f32 in both.
    pub precision: Precision,
    /// Which stage's image is the result. An earlier one skips the later work.
    pub stage: Stage,
    /// Whether the graph is rewritten into fewer operators. Only checks want it otherwise.
    pub passes: bool,
}

impl Default for RestorerOptions {
    fn default() -> Self {
        Self { precision: Precision::F32, stage: Stage::Three, passes: true }
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
/// use mprnet::{Restorer, RestorerOptions, gpu, image::Frame, model::Weights};
///
/// # fn main() -> mprnet::Result<()> {
/// let device = gpu::Device::new(&gpu::DeviceOptions::default())?;
/// let mut restorer = Restorer::new(Weights::denoise()?, device, RestorerOptions::default());
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
        Self { device, weights, options, store: WeightStore::default(), executors: Vec::new() }
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
    /// device cannot take the photo.
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
        let (key, input) = self.prepare(photo)?;
        let mut executor = self.executor(key)?;
        let outputs = executor.run(&self.device, &[input], progress);
        self.executors.push((key, executor));
        finish(photo, key, outputs?.into_iter().next())
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
        let (key, input) = self.prepare(photo)?;
        let graph = self.graph(key, names)?;
        let ids: Vec<_> = names.iter().map(|name| graph.find(name)).collect();
        let mut executor = Executor::new(&self.device, &self.store, graph, &self.executor_options())?;
        let outputs = executor.run(&self.device, &[input], progress)?;
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

    /// The padded photo as the graph takes it.
    fn prepare(&self, photo: &Frame) -> Result<(Key, Values)> {
        let multiple = self.weights.config().side_multiple();
        Ok(match photo.samples() {
            Samples::U8(_) => {
                let padded = photo.to_words(multiple)?;
                let key = Key { width: padded.width, height: padded.height, format: ImageFormat::Words };
                (key, Values::Words(padded.data))
            }
            Samples::U16(_) => {
                let padded = photo.to_planar(multiple)?;
                let key = Key { width: padded.width, height: padded.height, format: ImageFormat::Planar };
                (key, Values::Planar(padded.data))
            }
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

    fn executor_options(&self) -> ExecutorOptions {
        ExecutorOptions { precision: self.options.precision, ..ExecutorOptions::default() }
    }

    /// Takes the executor of a size out of the cache, or compiles one.
    fn executor(&mut self, key: Key) -> Result<Executor> {
        if let Some(at) = self.executors.iter().position(|(k, _)| *k == key) {
            return Ok(self.executors.remove(at).1);
        }
        if self.executors.len() >= KEPT_SIZES {
            self.executors.remove(0);
        }
        let graph = self.graph(key, &[])?;
        let options = self.executor_options();
        let made = Executor::new(&self.device, &self.store, graph.clone(), &options);
        let executor = match made {
            // The other sizes' buffers may be what is in the way.
            Err(crate::Error::Gpu { .. }) if !self.executors.is_empty() => {
                self.executors.clear();
                Executor::new(&self.device, &self.store, graph, &options)?
            }
            made => made?,
        };
        let memory = executor.memory();
        tracing::info!(
            width = key.width,
            height = key.height,
            tensors_mib = memory.tensors >> 20,
            weights_mib = self.store.bytes() >> 20,
            dispatches = executor.dispatch_count(),
            pipelines = self.device.pipelines().len(),
            "compiled"
        );
        Ok(executor)
    }
}

fn finish(photo: &Frame, key: Key, output: Option<Values>) -> Result<Frame> {
    match output {
        Some(Values::Words(words)) => photo.with_words(&words, key.width),
        Some(Values::Planar(planes)) => photo.with_planar(&planes, key.width, key.height),
        None => Err(crate::Error::Input("the graph has no output".to_owned())),
    }
}
