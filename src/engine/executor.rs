//! Running a compiled graph: upload, a loop of dispatches in few submissions, read back.

use std::ops::Range;
use std::time::Instant;

use super::compile::{self, Compiled, Lower};
use super::pace::Pace;
use super::record::{Dispatch, Planned};
use super::{ExecutorOptions, Memory, Values, WeightStore};
use crate::gpu::{Device, KernelSpec};
use crate::graph::{Graph, TensorId};
use crate::plan::MemoryPlan;
use crate::{Error, Result};

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Work done.
    pub done: u64,
    /// Work in all.
    pub total: u64,
}

/// What submits a range of an executor's dispatches and waits for them.
pub(super) type Submit<'a> = dyn FnMut(&Executor, Range<usize>) -> std::result::Result<(), String> + 'a;

/// A graph compiled for one size, to be run for any number of images.
pub struct Executor {
    pub(super) compiled: Compiled,
    /// All dispatches of a run, and the first of them as far as they are made: all, once it has run.
    planned: Vec<Planned>,
    pub(super) dispatches: Vec<Dispatch>,
    uniforms: wgpu::Buffer,
    /// The budget that the dispatches were cut for.
    cut_for: u64,
    pace: Pace,
    /// For each output, a buffer for each of its fragments.
    staging: Vec<Vec<wgpu::Buffer>>,
}

impl Executor {
    /// Compiles a graph: preallocates every buffer and makes every pipeline and bind group.
    ///
    /// # Errors
    /// [`Error::TensorTooLarge`], [`Error::TooManyWorkgroups`], [`Error::Shader`] or [`Error::Gpu`].
    pub fn new(
        device: &Device,
        store: &WeightStore,
        graph: Graph,
        options: &ExecutorOptions,
    ) -> Result<Self> {
        let mut made = Self::with(device, store, graph, options, compile::compiled)?;
        made.make(device, made.planned.len())?;
        Ok(made)
    }

    /// As [`Self::new`], but pipelines are made during the first run, which begins as soon as the first one is there. A run
    /// then may fail with [`Error::Shader`] where a variant does not compile: [`Self::new`] has another take its place.
    pub(super) fn begin(
        device: &Device,
        store: &WeightStore,
        graph: Graph,
        options: &ExecutorOptions,
    ) -> Result<Self> {
        Self::with(device, store, graph, options, compile::chosen)
    }

    fn with(
        device: &Device,
        store: &WeightStore,
        graph: Graph,
        options: &ExecutorOptions,
        lower: Lower,
    ) -> Result<Self> {
        let pace = options.slice.map_or_else(Pace::default, Pace::fixed);
        let compiled = Compiled::new(device, store, graph, options, lower)?;
        let cut_for = pace.cut();
        let (planned, uniforms) = compiled.plan(device, cut_for)?;
        let staging = make_staging(device, &compiled)?;
        Ok(Self { compiled, planned, dispatches: Vec::new(), uniforms, cut_for, pace, staging })
    }

    /// The graph as it is executed.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.compiled.graph
    }

    /// Where tensors live.
    #[must_use]
    pub fn memory_plan(&self) -> &MemoryPlan {
        &self.compiled.memory
    }

    /// Device memory taken, weights apart.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let read_back: u64 = self.staging.iter().flatten().map(wgpu::Buffer::size).sum();
        let plan = &self.compiled.memory;
        let placement = |id: &TensorId| plan.placement(*id).map_or(0, |p| p.layout.bytes());
        let upload: u64 = self.compiled.graph.inputs().iter().map(placement).sum();
        Memory {
            tensors: plan.bytes(),
            live_bound: plan.live_bound(),
            staging: read_back + upload,
            uniforms: self.uniforms.size(),
        }
    }

    /// Dispatches of one run, as they are cut at present.
    #[must_use]
    pub fn dispatch_count(&self) -> usize {
        self.planned.len()
    }

    /// Runs the graph, on the device that it was compiled for, on one set of inputs and gives its outputs in order.
    ///
    /// # Errors
    /// [`Error::Input`] where the inputs do not fit the graph, [`Error::Gpu`] where the driver fails.
    pub fn run(
        &mut self,
        device: &Device,
        inputs: &[Values],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Values>> {
        self.load(device, inputs)?;
        self.drive(device, progress, &mut |executor, range| executor.submit(device, range))?;
        self.results(device)
    }

    /// As [`Self::run`], while the pipelines that are missing are made in the order of their first use.
    pub(super) fn run_while_compiling(
        &mut self,
        device: &Device,
        inputs: &[Values],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Values>> {
        if self.dispatches.len() == self.planned.len() {
            return self.run(device, inputs, progress);
        }
        let specs: Vec<KernelSpec> = self.compiled.specs().cloned().collect();
        device.pipelines().ahead(device, &specs, || self.run(device, inputs, progress))
    }

    /// Runs calls that are part of a run, which takes all of its memory.
    fn running<T>(&self, device: &Device, calls: impl FnOnce() -> T) -> Result<T> {
        let Memory { tensors, staging, uniforms, .. } = self.memory();
        device.checked_for(RUNNING, tensors + staging + uniforms, calls)
    }

    /// Puts inputs on the device, as [`Self::run`] does first.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn load(&self, device: &Device, inputs: &[Values]) -> Result<()> {
        self.check(inputs)?;
        self.running(device, || self.upload(device, inputs))
    }

    /// Hands the dispatches to `submit`, as many at a time as a submission may hold; it is to have waited for them.
    pub(super) fn drive(
        &mut self,
        device: &Device,
        progress: &mut dyn FnMut(Progress),
        submit: &mut Submit<'_>,
    ) -> Result<()> {
        let total = self.planned.iter().map(|p| p.work).sum();
        let (mut next, mut done) = (0, 0);
        while next < self.planned.len() {
            next = self.adapt(device, next)?;
            let whole = self.slice(next);
            let end = self.ready(device, next, whole);
            self.make(device, end)?;
            let start = Instant::now();
            self.running(device, || submit(self, next..end))?.map_err(failed)?;
            let work = self.dispatches[next..end].iter().map(|d| d.work).sum();
            // What is cut short tells of the driver's fixed costs rather than of the adapter.
            if end == whole {
                self.pace.observe(work, start.elapsed());
            }
            (next, done) = (end, done + work);
            progress(Progress { done: done.min(total), total });
        }
        Ok(())
    }

    /// Fills every slot with not-a-number, so that a test sees what a kernel leaves unwritten.
    pub fn poison(&self, device: &Device) {
        for slot in &self.compiled.slots {
            device.queue().write_buffer(slot, 0, &vec![0xff; slot.size() as usize]);
        }
    }

    fn check(&self, inputs: &[Values]) -> Result<()> {
        let graph = self.graph();
        if inputs.len() != graph.inputs().len() {
            return Err(Error::Input(format!("{} inputs for {}", inputs.len(), graph.inputs().len())));
        }
        for (&id, values) in graph.inputs().iter().zip(inputs) {
            let tensor = graph.at(id);
            if !values.fit(&tensor.desc) {
                let reason = format!("{} values for {} of {}", values.len(), tensor.name, tensor.desc);
                return Err(Error::Input(reason));
            }
        }
        Ok(())
    }

    fn upload(&self, device: &Device, inputs: &[Values]) {
        let graph = self.graph();
        for (&id, values) in graph.inputs().iter().zip(inputs) {
            let Some(placement) = self.compiled.memory.placement(id) else { continue };
            for (fragment, &slot) in placement.fragments.iter().zip(&placement.slots) {
                let slot = &self.compiled.slots[slot];
                let layout = &placement.layout;
                let bytes = u64::from(fragment.rows.end - fragment.rows.start) * layout.row_bytes;
                // Nothing to write; or no memory for it, which the error scope around this reports.
                let staging = wgpu::BufferSize::new(bytes)
                    .and_then(|bytes| device.queue().write_buffer_with(slot, 0, bytes));
                let Some(mut staging) = staging else { continue };
                values.encode(&graph.desc(id), layout, &fragment.rows, |at, bytes| {
                    staging.slice(at..at + bytes.len()).copy_from_slice(bytes);
                });
            }
        }
    }

    /// Cuts anew where the measured pace has left the one that the dispatches were cut for; only between
    /// operators, since the new cuts begin at one. Gives the next dispatch's new index.
    fn adapt(&mut self, device: &Device, next: usize) -> Result<usize> {
        let budget = self.pace.cut();
        let off = self.cut_for / 2 > budget || self.cut_for < budget / 4;
        let between = next == 0 || self.planned[next - 1].closes;
        if !off || !between {
            return Ok(next);
        }
        let operators = self.planned[..next].iter().filter(|p| p.closes).count();
        (self.planned, self.uniforms) = self.compiled.plan(device, budget)?;
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

    /// The end of the submission that begins at a dispatch: as many as the budget holds, one at least.
    fn slice(&self, start: usize) -> usize {
        let budget = self.pace.budget();
        let mut work = 0;
        let fits = |p: &&Planned| {
            work += p.work;
            work <= budget
        };
        start + self.planned[start..].iter().take_while(fits).count().max(1)
    }

    /// The end of what of a submission needs no waiting for pipelines, the first dispatch apart.
    fn ready(&self, device: &Device, start: usize, end: usize) -> usize {
        let made = self.dispatches.len().max(start + 1);
        let has = |p: &&Planned| device.pipelines().has(p.spec(&self.compiled));
        if made >= end { end } else { made + self.planned[made..end].iter().take_while(has).count() }
    }

    /// Makes dispatches up to `end`; waits for their pipelines.
    fn make(&mut self, device: &Device, end: usize) -> Result<()> {
        let (made, compiled, table) = (self.dispatches.len().min(end), &self.compiled, &self.uniforms);
        let missing = &self.planned[made..end];
        if missing.is_empty() {
            return Ok(());
        }
        let pipeline = |p: &Planned| device.pipelines().get(device, p.spec(compiled));
        let pipelines = missing.iter().map(pipeline).collect::<Result<Vec<_>>>()?;
        let dispatch = |(p, pipeline): (&Planned, _)| p.dispatch(device, compiled, pipeline, table);
        let dispatches = device.checked_for("binding tensors", table.size(), || {
            missing.iter().zip(pipelines).map(dispatch).collect::<Vec<_>>()
        })?;
        self.dispatches.extend(dispatches);
        Ok(())
    }

    /// Records dispatches in one pass, submits them and waits.
    pub(super) fn submit(&self, device: &Device, range: Range<usize>) -> std::result::Result<(), String> {
        let mut encoder = device.wgpu().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            self.dispatches[range].iter().for_each(|dispatch| dispatch.record(&mut pass));
        }
        device.wait(device.queue().submit([encoder.finish()]))
    }

    /// The outputs of what was computed last.
    pub(super) fn results(&self, device: &Device) -> Result<Vec<Values>> {
        self.running(device, || self.read_back(device))?.map_err(failed)
    }

    fn read_back(&self, device: &Device) -> std::result::Result<Vec<Values>, String> {
        let mut encoder = device.wgpu().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        for (buffers, &id) in self.staging.iter().zip(self.graph().outputs()) {
            let Some(placement) = self.compiled.memory.placement(id) else { continue };
            for ((fragment, &slot), buffer) in placement.fragments.iter().zip(&placement.slots).zip(buffers) {
                let offset = u64::from(fragment.own.start - fragment.rows.start) * placement.layout.row_bytes;
                encoder.copy_buffer_to_buffer(&self.compiled.slots[slot], offset, buffer, 0, buffer.size());
            }
        }
        let submission = device.queue().submit([encoder.finish()]);
        for buffer in self.staging.iter().flatten() {
            // A failed mapping shows when the range is taken below.
            buffer.slice(..).map_async(wgpu::MapMode::Read, |_| ());
        }
        device.wait(submission)?;
        let outputs = self.graph().outputs().iter().zip(&self.staging);
        outputs.map(|(&id, buffers)| self.take(id, buffers)).collect()
    }

    fn take(&self, id: TensorId, buffers: &[wgpu::Buffer]) -> std::result::Result<Values, String> {
        let desc = self.graph().desc(id);
        let mut values = Values::zeros(&desc);
        let placement = self.compiled.memory.placement(id).ok_or("an output has no place")?;
        for (fragment, buffer) in placement.fragments.iter().zip(buffers) {
            let view = buffer.slice(..).get_mapped_range().map_err(|e| e.to_string())?;
            values.decode(&desc, &placement.layout, &fragment.own, &view);
            drop(view);
            buffer.unmap();
        }
        Ok(values)
    }
}

const RUNNING: &str = "running the network";

fn failed(reason: String) -> Error {
    Error::Gpu { during: RUNNING.into(), reason }
}

fn make_staging(device: &Device, compiled: &Compiled) -> Result<Vec<Vec<wgpu::Buffer>>> {
    let buffer = |size: u64| {
        device.wgpu().create_buffer(&wgpu::BufferDescriptor {
            label: Some("staging"),
            size,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    };
    let sizes = |id: &TensorId| -> Vec<u64> {
        let placement = compiled.memory.placement(*id);
        let own = placement.into_iter().flat_map(|p| p.fragments.iter().map(|f| (f, p.layout.row_bytes)));
        own.map(|(f, row_bytes)| u64::from(f.own.end - f.own.start) * row_bytes).collect()
    };
    let sizes: Vec<Vec<u64>> = compiled.graph.outputs().iter().map(sizes).collect();
    let bytes = sizes.iter().flatten().sum();
    let make = || sizes.iter().map(|own| own.iter().copied().map(buffer).collect()).collect();
    device.checked_for("making room to read results back", bytes, make)
}
