//! What a restorer keeps for each size of photo: executors, of which one works at a time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use async_lock::MutexGuard;
use web_time::Instant;

use super::RestorerOptions;
use crate::engine::{
    Computed, Ends, Executor, ExecutorOptions, MakeRoom, Progress, Staged, Values, Watch, WeightStore,
};
use crate::gpu::Device;
use crate::graph::{Graph, passes};
use crate::image::{Frame, Samples};
use crate::model::{self, FeaturePeaks, ImageFormat, NetworkOptions, Weights};
use crate::plan::Precision;
use crate::tune::Tuner;
use crate::{Error, Result};

/// Bytes on the device that executors of other sizes than the current photo's may keep, where nothing bounds all of
/// them. Drivers hand out more memory than there is, so waiting for a failure would be too late.
const KEPT_BYTES: u64 = 1 << 30;

/// Executors of other sizes that are kept at most: each has tables on the host too, of hundreds of dispatches.
pub(super) const KEPT: usize = 31;

/// What the graph for a photo depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) format: ImageFormat,
    pub(super) precision: Precision,
}

/// [`Executor::precompiled`] or [`Executor::begin`].
type New = fn(&Device, &WeightStore, Graph, &ExecutorOptions, MakeRoom<'_>) -> Result<Executor>;

/// What executors are made of.
pub(super) struct Model {
    pub(super) device: Device,
    pub(super) weights: Weights,
    pub(super) options: RestorerOptions,
    pub(super) store: WeightStore,
    /// How large features become, once f16 has needed it.
    pub(super) peaks: OnceLock<FeaturePeaks>,
    /// Whether f16 has turned out not to hold this model.
    pub(super) too_large: AtomicBool,
}

impl Model {
    pub(super) fn precision(&self) -> Precision {
        if self.too_large.load(Ordering::Relaxed) { Precision::F32 } else { self.options.precision }
    }

    /// What the graph for a photo depends on.
    pub(super) fn key(&self, photo: &Frame) -> Key {
        let (width, height) = (photo.width(), photo.height());
        let format = ImageFormat::of(photo.samples().depth());
        Key { width, height, format, precision: self.precision() }
    }

    /// The graph as the network is defined.
    pub(super) fn defined(&self, key: Key, keep: &[String]) -> Result<Graph> {
        let Key { width, height, format, .. } = key;
        let RestorerOptions { stage, mode, .. } = self.options;
        let options = NetworkOptions { width, height, format, stage, mode, keep: keep.to_vec() };
        model::build(&self.weights, &options)
    }

    /// The graph to execute, and the powers of two that its tensors are computed times.
    pub(super) fn graph(&self, key: Key, keep: &[String]) -> Result<(Graph, Vec<i32>)> {
        let Key { width, height, precision, .. } = key;
        let mut graph = self.defined(key, keep)?;
        if self.options.passes {
            graph = passes::optimize(graph)?;
        } else {
            passes::drop_dead(&mut graph);
        }
        let exponents = match self.peaks.get() {
            Some(peaks) if precision == Precision::F16 => peaks.fit(&mut graph),
            _ => vec![0; graph.tensor_count()],
        };
        tracing::debug!(width, height, operators = graph.nodes().len(), "built the graph");
        Ok((graph, exponents))
    }
}

/// What a network sees.
#[derive(Clone, Copy)]
pub(super) enum Seen<'a> {
    /// A photo of the host.
    Photo(&'a Frame),
    /// An image of the device, with the one that its result goes to.
    OnDevice(&'a Ends<'a>),
}

impl Seen<'_> {
    /// What the graph takes from the host.
    pub(super) fn inputs(self) -> Result<Vec<Values>> {
        Ok(match self {
            Self::OnDevice(_) => Vec::new(),
            Self::Photo(photo) => vec![match photo.samples() {
                Samples::U8(_) => Values::Words(photo.to_words()?),
                Samples::U16(_) | Samples::F32(_) => Values::Planar(photo.to_planar()),
            }],
        })
    }

    fn ends(&self) -> Option<&Ends<'_>> {
        match self {
            Self::Photo(_) => None,
            Self::OnDevice(ends) => Some(ends),
        }
    }
}

/// Executors of the sizes used last, and who works with them.
pub(super) struct Cache {
    pub(super) tuner: Tuner,
    /// Most recently used last.
    executors: Vec<(Key, Executor)>,
    /// Bytes that a photo may take, since the device has turned out to have no more.
    limit: Option<u64>,
}

impl Cache {
    pub(super) fn new(tuner: Tuner) -> Self {
        Self { tuner, executors: Vec::new(), limit: None }
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.executors.len()
    }

    /// Takes the executor of a size out, where there is one.
    pub(super) fn take(&mut self, key: Key) -> Option<Executor> {
        let at = self.executors.iter().position(|(k, _)| *k == key)?;
        Some(self.executors.remove(at).1)
    }

    /// Lets executors go, those used longest ago first, until the others take no more than this.
    fn keep(&mut self, most: u64) {
        while self.executors.len() > KEPT || self.kept() > most {
            self.executors.remove(0);
        }
    }

    /// Bytes of the device that executors take.
    fn kept(&self) -> u64 {
        self.executors.iter().map(|(_, executor)| executor.memory().device()).sum()
    }

    /// Compiles a graph, or begins to, after making room for its buffers.
    fn compile(&mut self, model: &Model, graph: &Graph, key: Key, new: New) -> Result<Executor> {
        let precision = key.precision;
        let device = &model.device;
        self.tuner.prove(device, precision, graph);
        let choices = self.tuner.choices(device, precision, graph);
        let on_device = matches!(key.format, ImageFormat::Pixels { .. });
        let mut options = ExecutorOptions { precision, choices, on_device, ..ExecutorOptions::default() };
        let mut lack = None;
        let made = loop {
            let bound = self.limit.or(model.options.max_memory);
            options.max_memory = bound;
            let mut make_room =
                |bytes| self.keep(bound.map_or(KEPT_BYTES, |bound| bound.saturating_sub(bytes)));
            match new(device, &model.store, graph.clone(), &options, &mut make_room) {
                Err(Error::Gpu { .. } | Error::OutOfMemory { .. }) if !self.executors.is_empty() => {
                    self.executors.clear();
                }
                Err(Error::OutOfMemory { during, bytes }) if self.lower(bytes) => {
                    lack = lack.or(Some(Error::OutOfMemory { during, bytes }));
                }
                // It is the device that has no more, not whoever bounds what it may give.
                Err(too_small @ Error::BudgetTooSmall { .. }) => return Err(lack.unwrap_or(too_small)),
                made => break made?,
            }
        };
        if let Some(bands) = made.bands() {
            let (budget, host) = (options.max_memory.unwrap_or_default() >> 20, made.memory().host >> 20);
            tracing::warn!(
                "the photo is computed in {bands} bands, since the whole takes more than {budget} MiB of the device; {host} MiB \
                 of the host's memory hold what passes between them"
            );
        }
        tracing::info!(
            tensors_mib = made.memory().tensors >> 20,
            weights_mib = model.store.bytes() >> 20,
            dispatches = made.dispatch_count(),
            "planned"
        );
        Ok(made)
    }

    /// Notes that the device has no room for so many bytes; whether another attempt with fewer makes sense.
    fn lower(&mut self, bytes: u64) -> bool {
        // What did not fit may be a part of what there is to be room for.
        let next = self.limit.unwrap_or(bytes) / 2;
        if next < LEAST {
            return false;
        }
        tracing::warn!("the device has no room for {} MiB; trying {} MiB", bytes >> 20, next >> 20);
        self.limit = Some(next);
        true
    }
}

/// Less than this is not tried where the device turns out to have no room.
const LEAST: u64 = 8 << 20;

/// The time in which one photo's work is submitted. At its end, however it comes, the executor goes back to the others.
pub(super) struct Turn<'a> {
    cache: MutexGuard<'a, Cache>,
    model: &'a Model,
    key: Key,
    /// An executor that has failed is not kept, nor one that gives more than the result.
    executor: Option<Executor>,
    /// Whether kernels that do not compile have given way to others.
    checked: bool,
    keep: bool,
    /// The powers of two that the graph's tensors are computed times, of a graph that gives more than the result.
    pub(super) exponents: Vec<i32>,
}

impl<'a> Turn<'a> {
    /// Finds the executor, or begins to compile one.
    pub(super) fn new(
        mut cache: MutexGuard<'a, Cache>,
        model: &'a Model,
        key: Key,
        names: &[String],
    ) -> Result<Self> {
        let keep = names.is_empty();
        let known = if keep { cache.take(key) } else { None };
        let (executor, exponents) = if let Some(executor) = known {
            (executor, Vec::new())
        } else {
            let (graph, exponents) = model.graph(key, names)?;
            (cache.compile(model, &graph, key, Executor::begin)?, exponents)
        };
        Ok(Self { cache, model, key, executor: Some(executor), checked: false, keep, exponents })
    }

    /// The executor, which has not failed.
    pub(super) fn executor(&mut self) -> Result<&mut Executor> {
        self.executor.as_mut().ok_or_else(|| Error::Input("the run has failed before".to_owned()))
    }

    /// Submits all of a photo's work, while its kernels are still being compiled. Where one of them does not, another
    /// takes its place, and what was computed before is computed anew.
    pub(super) async fn compute<P: FnMut(Progress) + ?Sized>(
        &mut self,
        seen: Seen<'_>,
        staged: Option<Staged>,
        watch: &mut Watch<'_, P>,
    ) -> Result<Computed> {
        let mut computed = self.submit(seen, staged, watch).await;
        loop {
            let again = match &computed {
                Err(Error::Shader { .. }) => !std::mem::replace(&mut self.checked, true),
                Err(Error::OutOfMemory { bytes, .. }) => self.cache.lower(*bytes),
                _ => false,
            };
            if !again {
                break;
            }
            let graph = self.executor()?.graph().clone();
            // Its buffers make room.
            self.executor = None;
            let made = self.cache.compile(self.model, &graph, self.key, Executor::precompiled)?;
            self.executor = Some(made);
            computed = self.submit(seen, None, watch).await;
        }
        if computed.as_ref().is_err_and(|error| !matches!(error, Error::Cancelled)) {
            self.executor = None;
        }
        computed
    }

    async fn submit<P: FnMut(Progress) + ?Sized>(
        &mut self,
        seen: Seen<'_>,
        staged: Option<Staged>,
        watch: &mut Watch<'_, P>,
    ) -> Result<Computed> {
        let model = self.model;
        let executor = self.executor()?;
        let start = Instant::now();
        let staged = match staged.filter(|staged| staged.is_for(&executor.transfers)) {
            Some(staged) => staged,
            None => executor.transfers.stage(&model.device, &seen.inputs()?)?,
        };
        watch.spent.upload += start.elapsed();
        watch.spent.device_bytes = executor.memory().device() + model.store.bytes();
        let computed = executor.compute_staged(&model.device, staged, seen.ends(), watch).await;
        computed.map_err(|error| model.device.cause_of(error))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(executor) = self.executor.take().filter(|_| self.keep) {
            self.cache.executors.push((self.key, executor));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ModelConfig, Weights};
    use crate::tune::Tuning;

    fn model(max_memory: u64) -> Model {
        let narrow = ModelConfig {
            n_feat: 8,
            scale_unetfeats: 4,
            scale_orsnetfeats: 4,
            num_cab: 1,
            ..ModelConfig::DERAIN
        };
        Model {
            device: Device::noop(wgpu::Limits::default(), wgpu::Features::empty()).unwrap(),
            weights: Weights::seeded(narrow, 1),
            options: RestorerOptions { max_memory: Some(max_memory), ..RestorerOptions::default() },
            store: WeightStore::default(),
            peaks: OnceLock::new(),
            too_large: AtomicBool::new(false),
        }
    }

    fn key(width: u32) -> Key {
        Key { width, height: 64, format: ImageFormat::Words, precision: Precision::F32 }
    }

    /// What the executors of some widths take at most, each alone.
    fn needs<const N: usize>(widths: [u32; N]) -> [u64; N] {
        let (model, cache) = (model(u64::MAX), async_lock::Mutex::new(Cache::new(Tuner::new(Tuning::Off))));
        widths.map(|width| {
            let mut turn = Turn::new(pollster::block_on(cache.lock()), &model, key(width), &[]).unwrap();
            turn.executor().unwrap().planned_bytes()
        })
    }

    /// Which of some photos in a row have an executor made for them, and the most that is kept then.
    fn made(bound: u64, widths: &[u32]) -> (Vec<bool>, u64) {
        let (model, cache) = (model(bound), async_lock::Mutex::new(Cache::new(Tuner::new(Tuning::Off))));
        let mut most = 0;
        let photo = |&width: &u32| {
            let turn = pollster::block_on(cache.lock());
            let known = turn.executors.iter().any(|(kept, _)| *kept == key(width));
            drop(Turn::new(turn, &model, key(width), &[]).unwrap());
            most = most.max(pollster::block_on(cache.lock()).kept());
            !known
        };
        (widths.iter().map(photo).collect(), most)
    }

    #[test]
    fn a_bound_holds_for_all_that_is_kept() {
        let [a, b] = needs([64, 72]);
        let (compiled, most) = made(a + b, &[64, 72, 64, 72, 64, 72]);
        assert_eq!(compiled, [true, true, false, false, false, false]);
        assert!(most <= a + b, "{most} of {a} and {b}");
        let (compiled, most) = made(b + a / 2, &[64, 72, 64, 72, 64, 72]);
        assert_eq!(compiled, [true; 6]);
        assert!(most < a + b, "{most} of {a} and {b}");
    }

    #[test]
    fn those_used_longest_ago_go_first() {
        let [a, b, c] = needs([64, 72, 80]);
        let (compiled, most) = made(b + c, &[64, 72, 64, 80, 64, 72]);
        assert_eq!(compiled, [true, true, false, true, false, true]);
        assert!(most <= b + c, "{most} of {a}, {b} and {c}");
    }
}
