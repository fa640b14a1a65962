//! A compiled graph: its dispatches, which are made when their pipelines are there and cut anew as the adapter turns
//! out to be fast or slow.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::compile::{self, Compiled, Lower, Place};
use super::pace::Pace;
use super::record::{Dispatch, Planned};
use super::staging::Transfers;
use super::stream::{OnHost, Stream};
use super::uniforms::Uniforms;
use super::watch::Watch;
use super::{Cancel, ExecutorOptions, Memory, RUNNING, Values, WeightStore};
use crate::Result;
use crate::gpu::Device;
use crate::graph::Graph;
use crate::plan::MemoryPlan;

/// How far a run has come: of what its operators compute and move, in the units of
/// [`graph::cost::work`](crate::graph::cost::work), and of networks that follow each other in equal parts. Only the
/// ratio means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Work done.
    pub done: u64,
    /// Work in all.
    pub total: u64,
}

impl Progress {
    /// The same as progress of all of `parts` equal parts, of which so many were done before.
    pub(crate) fn of(self, before: u64, parts: u64) -> Self {
        Self { done: before * self.total + self.done, total: parts * self.total }
    }
}

/// A graph compiled for one size, to be run for any number of images.
pub struct Executor {
    pub(super) compiled: Compiled,
    /// All dispatches of a run, and the first of them as far as they are made: all, once it has run.
    pub(super) planned: Vec<Planned>,
    pub(super) dispatches: Vec<Dispatch>,
    uniforms: Uniforms,
    /// The budget that the dispatches were cut for.
    cut_for: u64,
    /// Submissions tell it when they are done.
    pub(super) pace: Arc<Mutex<Pace>>,
    pub(crate) transfers: Arc<Transfers>,
    /// What moves the rows of bands, where the graph is computed in bands.
    pub(super) stream: Option<Stream>,
    /// What was loaded for a run in bands, or came of it.
    pub(super) on_host: Mutex<Option<OnHost>>,
}

/// What it takes, and not its hundreds of dispatches.
impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Executor");
        shown.field("memory", &self.memory()).field("dispatches", &self.planned.len()).finish_non_exhaustive()
    }
}

impl Executor {
    /// Compiles a graph: preallocates every buffer and makes every pipeline and bind group.
    ///
    /// # Errors
    /// [`crate::Error::TensorTooLarge`], [`crate::Error::TooManyWorkgroups`], [`crate::Error::Shader`],
    /// [`crate::Error::OutOfMemory`] or [`crate::Error::Gpu`]; [`crate::Error::PrecisionTooLow`] where f16 cannot hold a
    /// weight; with [`ExecutorOptions::max_memory`], [`crate::Error::BudgetTooSmall`], or [`crate::Error::Input`] where
    /// an input or output of the graph cannot be cut into bands.
    pub fn new(
        device: &Device,
        store: &WeightStore,
        graph: Graph,
        options: &ExecutorOptions,
    ) -> Result<Self> {
        Self::precompiled(device, store, graph, options, Place { make_room: &mut |_| (), on_device: false })
    }

    /// As [`Self::new`], for who makes room first.
    pub(crate) fn precompiled(
        device: &Device,
        store: &WeightStore,
        graph: Graph,
        options: &ExecutorOptions,
        place: Place<'_>,
    ) -> Result<Self> {
        let mut made = Self::with(device, store, graph, options, (compile::compiled, place))?;
        made.make(device, made.planned.len())?;
        Ok(made)
    }

    /// As [`Self::precompiled`], but pipelines are made during the first run, which begins as soon as the first one is
    /// there. A run then may fail with [`crate::Error::Shader`] where a variant does not compile: [`Self::new`] has
    /// another take its place.
    pub(crate) fn begin(
        device: &Device,
        store: &WeightStore,
        graph: Graph,
        options: &ExecutorOptions,
        place: Place<'_>,
    ) -> Result<Self> {
        Self::with(device, store, graph, options, (compile::chosen, place))
    }

    fn with(
        device: &Device,
        store: &WeightStore,
        graph: Graph,
        options: &ExecutorOptions,
        (lower, place): (Lower, Place<'_>),
    ) -> Result<Self> {
        // A host program may have opened its device with fewer limits than its adapter has.
        if let Some(reason) = device.adapter().lacks() {
            return Err(crate::Error::Gpu { during: "preparing kernels".into(), reason });
        }
        let pace = options.slice.map_or_else(Pace::default, Pace::fixed);
        let compiled = Compiled::new(device, store, graph, options, lower, place.make_room)?;
        let cut_for = pace.cut();
        let (planned, uniforms) = compiled.dispatches(device, cut_for)?;
        let transfers = Arc::new(Transfers::new(&compiled, place.on_device));
        transfers.reserve(device)?;
        let stream = Stream::new(device, &compiled)?;
        let (pace, on_host) = (Arc::new(Mutex::new(pace)), Mutex::default());
        Ok(Self {
            compiled,
            planned,
            dispatches: Vec::new(),
            uniforms,
            cut_for,
            pace,
            transfers,
            stream,
            on_host,
        })
    }

    /// The graph as it is executed.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.compiled.graph
    }

    /// Where tensors live.
    #[must_use]
    pub fn memory_plan(&self) -> &MemoryPlan {
        &self.compiled.plan.memory
    }

    /// Device memory taken, weights apart.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let plan = &self.compiled.plan.memory;
        Memory {
            tensors: plan.bytes(),
            live_bound: plan.live_bound(),
            staging: self.transfers.bytes() + self.stream.as_ref().map_or(0, Stream::bytes),
            uniforms: self.uniforms.bytes(),
            host: self.compiled.plan.host_bytes(),
        }
    }

    /// What is told to who makes room before its buffers are made.
    #[cfg(test)]
    pub(crate) fn planned_bytes(&self) -> u64 {
        self.compiled.plan.device_bytes()
    }

    /// How many bands a run is executed in, where the photo is not computed at once.
    #[must_use]
    pub fn bands(&self) -> Option<usize> {
        self.stream.is_some().then_some(self.compiled.plan.schedule.bands.len())
    }

    /// Dispatches of one run, as they are cut at present.
    #[must_use]
    pub fn dispatch_count(&self) -> usize {
        self.planned.len()
    }

    /// Runs the graph, on the device that it was compiled for, on one set of inputs and gives its outputs in order.
    ///
    /// # Errors
    /// [`crate::Error::Input`] where the inputs do not fit the graph; [`crate::Error::Gpu`] or
    /// [`crate::Error::OutOfMemory`] where the driver fails; [`crate::Error::Io`] where tensors of a run in bands find no
    /// room in memory or a file.
    pub fn run(
        &mut self,
        device: &Device,
        inputs: &[Values],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Values>> {
        pollster::block_on(self.run_async(device, inputs, progress))
    }

    /// As [`Self::run`], for who waits in a way of its own.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_async<P: FnMut(Progress) + ?Sized>(
        &mut self,
        device: &Device,
        inputs: &[Values],
        progress: &mut P,
    ) -> Result<Vec<Values>> {
        let cancel = Cancel::new();
        self.run_watched(device, inputs, &mut Watch::new(progress, &cancel)).await
    }

    /// Runs calls that are part of a run, which takes all of its memory.
    pub(super) fn running<T>(&self, device: &Device, calls: impl FnOnce() -> T) -> Result<T> {
        device.checked_for(RUNNING, self.memory().device(), calls)
    }

    /// Fills every slot with not-a-number, so that a test sees what a kernel leaves unwritten.
    pub fn poison(&self, device: &Device) {
        for slot in &self.compiled.slots {
            device.queue().write_buffer(slot, 0, &vec![0xff; slot.size() as usize]);
        }
    }

    /// Cuts anew where the measured pace has left the one that the dispatches were cut for; only between
    /// operators, since the new cuts begin at one. Gives the next dispatch's new index.
    pub(super) fn adapt(&mut self, device: &Device, next: usize) -> Result<usize> {
        let budget = self.pace().cut();
        let off = self.cut_for / 2 > budget || self.cut_for < budget / 4;
        let between = next == 0 || self.planned[next - 1].closes;
        if !off || !between {
            return Ok(next);
        }
        let operators = self.planned[..next].iter().filter(|p| p.closes).count();
        (self.planned, self.uniforms) = self.compiled.dispatches(device, budget)?;
        self.dispatches.clear();
        self.cut_for = budget;
        let mut closed = 0;
        let resumes = |p: &Planned| {
            let here = closed == operators;
            closed += usize::from(p.closes);
            here
        };
        Ok(self.planned.iter().position(resumes).unwrap_or(self.planned.len()))
    }

    /// The end of the submission that begins at a dispatch: as many as the budget holds, one at least, and of one band,
    /// for which alone the table has uniforms.
    pub(super) fn slice(&self, start: usize) -> usize {
        let budget = self.pace().budget();
        let (mut work, band) = (0, self.planned[start].band);
        let fits = |p: &&Planned| {
            work += p.work;
            work <= budget && p.band == band
        };
        start + self.planned[start..].iter().take_while(fits).count().max(1)
    }

    /// The end of what of a submission needs no waiting for pipelines, the first dispatch apart.
    pub(super) fn ready(&self, device: &Device, start: usize, end: usize) -> usize {
        let made = self.dispatches.len().max(start + 1);
        let has = |p: &&Planned| device.pipelines().has(p.spec(&self.compiled));
        if made >= end { end } else { made + self.planned[made..end].iter().take_while(has).count() }
    }

    /// Makes dispatches up to `end`; waits for their pipelines.
    pub(super) fn make(&mut self, device: &Device, end: usize) -> Result<()> {
        let (made, compiled, uniforms) = (self.dispatches.len().min(end), &self.compiled, &self.uniforms);
        let missing = &self.planned[made..end];
        if missing.is_empty() {
            return Ok(());
        }
        let pipeline = |p: &Planned| device.pipelines().get(device, p.spec(compiled));
        let pipelines = missing.iter().map(pipeline).collect::<Result<Vec<_>>>()?;
        let dispatch = |(p, pipeline): (&Planned, _)| p.dispatch(device, compiled, pipeline, uniforms);
        let dispatches = device.checked_for("binding tensors", uniforms.bytes(), || {
            missing.iter().zip(pipelines).map(dispatch).collect::<Vec<_>>()
        })?;
        self.dispatches.extend(dispatches);
        Ok(())
    }

    /// Has the uniforms of a dispatch's band in place for the next submission.
    pub(super) fn write_uniforms(&mut self, device: &Device, dispatch: usize) -> Result<()> {
        self.uniforms.write(device, self.planned[dispatch].band)
    }

    fn pace(&self) -> Pace {
        *self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
