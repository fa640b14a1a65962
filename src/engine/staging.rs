//! The ways of tensors to the device and back: a small stock of staging buffers, so that one run's inputs are written
//! while another computes, and its outputs are read while the next one does.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Values;
use super::compile::Compiled;
use super::surface::{Block, Ends};
use crate::gpu::{Device, Owned};
use crate::graph::{TensorDesc, TensorId};
use crate::plan::{Fragment, Layout};
use crate::{Error, Result};

/// Sets of staging buffers that are kept while no run uses them: one for who computes, one for who comes next.
const SPARE: usize = 2;

/// A tensor that is moved.
struct Lane {
    name: String,
    desc: TensorDesc,
    parts: Vec<Part>,
}

/// The rows of a tensor that one of its buffers holds, and where they lie there in bytes.
struct Part {
    layout: Layout,
    rows: Range<u32>,
    slot: usize,
    offset: u64,
    bytes: u64,
}

/// Staging buffers of one run: one for each part of each lane.
type Set = Vec<Vec<Owned>>;

/// What moves the inputs and outputs of a compiled graph.
pub(crate) struct Transfers {
    inputs: Vec<Lane>,
    outputs: Vec<Lane>,
    /// The input and the output that stay on the device, where they do.
    on_device: Option<[Lane; 2]>,
    /// Rows move band by band instead.
    streams: bool,
    /// How many runs' inputs are written and not yet copied.
    staged: AtomicUsize,
    /// Mapped, to be written to.
    spare_inputs: Mutex<Vec<Set>>,
    /// Not mapped.
    spare_outputs: Mutex<Vec<Set>>,
}

impl Transfers {
    /// For a graph; an output is read where a buffer owns its rows, an input is written wherever they are needed.
    pub(super) fn new(compiled: &Compiled, on_device: bool) -> Self {
        let graph = &compiled.graph;
        let mut inputs = graph.inputs().iter().map(|&id| Lane::new(compiled, id, true));
        let mut outputs = graph.outputs().iter().map(|&id| Lane::new(compiled, id, false));
        let ends = if on_device { inputs.next().zip(outputs.next()) } else { None };
        Self {
            on_device: ends.map(|(input, output)| [input, output]),
            inputs: inputs.collect(),
            outputs: outputs.collect(),
            streams: compiled.plan.schedule.streams(),
            staged: AtomicUsize::new(0),
            spare_inputs: Mutex::default(),
            spare_outputs: Mutex::default(),
        }
    }

    /// Bytes of the staging buffers of one run: what moves between the host and the device.
    pub(super) fn bytes(&self) -> u64 {
        bytes(&self.inputs) + bytes(&self.outputs)
    }

    /// Makes the buffers that results are read back through: a lack of memory shows before any work is done.
    pub(super) fn reserve(&self, device: &Device) -> Result<()> {
        let making = "making room to read results back";
        let set = device.checked_for(making, bytes(&self.outputs), || self.output_set(device))?;
        keep(&self.spare_outputs, set);
        Ok(())
    }

    /// Leave to write inputs before it is their run's turn: any number of them would take any memory.
    pub(crate) fn ahead(self: &Arc<Self>) -> Option<Permit> {
        let few = |staged| (staged < SPARE).then_some(staged + 1);
        let taken = self.staged.fetch_update(Ordering::Relaxed, Ordering::Relaxed, few);
        taken.is_ok().then(|| Permit(Arc::clone(self)))
    }

    /// Writes the inputs of the run whose turn it is to staging buffers, from which a submission copies them.
    ///
    /// # Errors
    /// As [`Permit::stage`].
    pub(crate) fn stage<'a>(
        self: &Arc<Self>,
        device: &Device,
        inputs: impl Into<Cow<'a, [Values]>>,
    ) -> Result<Staged> {
        self.staged.fetch_add(1, Ordering::Relaxed);
        Permit(Arc::clone(self)).stage(device, inputs)
    }

    fn check(&self, inputs: &[Values]) -> Result<()> {
        if inputs.len() != self.inputs.len() {
            return Err(Error::Input(format!("{} inputs for {}", inputs.len(), self.inputs.len())));
        }
        let misfit = self.inputs.iter().zip(inputs).find(|(lane, values)| !values.fit(&lane.desc));
        misfit.map_or(Ok(()), |(Lane { name, desc, .. }, values)| {
            Err(Error::Input(format!("{} values for {name} of {desc}", values.len())))
        })
    }

    /// Adds copies of an image of the device to where the graph reads it.
    pub(super) fn record_from(&self, ends: &Ends<'_>, slots: &[Owned], commands: &mut wgpu::CommandEncoder) {
        let parts = self.on_device.iter().flat_map(|[input, _]| &input.parts);
        parts.for_each(|part| ends.from.read(&part.block(slots), commands));
    }

    /// Adds copies of the result to an image of the device.
    pub(super) fn record_to(&self, ends: &Ends<'_>, slots: &[Owned], commands: &mut wgpu::CommandEncoder) {
        let parts = self.on_device.iter().flat_map(|[_, output]| &output.parts);
        parts.for_each(|part| ends.to.write(&part.block(slots), commands));
    }

    /// Adds copies of all outputs to commands.
    pub(super) fn record_outputs(
        self: &Arc<Self>,
        device: &Device,
        slots: &[Owned],
        commands: &mut wgpu::CommandEncoder,
    ) -> Outputs {
        let set = take(&self.spare_outputs).unwrap_or_else(|| self.output_set(device));
        for (lane, buffers) in self.outputs.iter().zip(&set) {
            for (part, buffer) in lane.parts.iter().zip(buffers) {
                commands.copy_buffer_to_buffer(&slots[part.slot], part.offset, buffer, 0, part.bytes);
                // A failed mapping shows when the range is taken.
                commands.map_buffer_on_submit(buffer, wgpu::MapMode::Read, .., |_| ());
            }
        }
        Outputs { transfers: Arc::clone(self), set }
    }

    fn output_set(&self, device: &Device) -> Set {
        make(device, &self.outputs, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)
    }
}

impl Lane {
    fn new(compiled: &Compiled, id: TensorId, all_rows: bool) -> Self {
        let (graph, placement) = (&compiled.graph, compiled.plan.memory.placement(id));
        let parts =
            placement.into_iter().flat_map(|p| p.fragments.iter().zip(&p.slots).map(|f| (p.layout, f)));
        let part = |(layout, (fragment, &slot)): (Layout, (&Fragment, &usize))| {
            let rows = if all_rows { fragment.rows.clone() } else { fragment.own.clone() };
            let offset = u64::from(rows.start - fragment.rows.start) * layout.row_bytes;
            let bytes = u64::from(rows.end - rows.start) * layout.row_bytes;
            Part { layout, rows, slot, offset, bytes }
        };
        let parts = parts.map(part).collect();
        Self { name: graph.tensor(id).name.clone(), desc: graph.desc(id), parts }
    }
}

impl Part {
    fn block<'a>(&self, slots: &'a [Owned]) -> Block<'a> {
        let (row_bytes, rows) = (self.layout.row_bytes, self.rows.clone());
        Block { buffer: &slots[self.slot], offset: self.offset, row_bytes, rows }
    }

    fn write(
        &self,
        desc: &TensorDesc,
        values: &Values,
        buffer: &wgpu::Buffer,
    ) -> std::result::Result<(), wgpu::MapRangeError> {
        let mut view = buffer.get_mapped_range_mut(..)?;
        values.encode(desc, &self.layout, &self.rows, |at, bytes| {
            view.slice(at..at + bytes.len()).copy_from_slice(bytes);
        });
        Ok(())
    }
}

/// Leave for the inputs of a run to be on their way, from before they are written until they are copied.
pub(crate) struct Permit(Arc<Transfers>);

impl Permit {
    /// Writes inputs to staging buffers, from which a submission copies them.
    ///
    /// # Errors
    /// [`Error::Input`] where the inputs do not fit the graph, [`Error::OutOfMemory`] or [`Error::Gpu`].
    pub(crate) fn stage<'a>(self, device: &Device, inputs: impl Into<Cow<'a, [Values]>>) -> Result<Staged> {
        let (transfers, inputs) = (&*self.0, inputs.into());
        transfers.check(&inputs)?;
        if transfers.streams {
            return Ok(Staged { permit: self, set: None, values: inputs.into_owned() });
        }
        let (spare, lanes) = (take(&transfers.spare_inputs), &transfers.inputs);
        let (during, bytes) = ("making room to upload", bytes(lanes));
        let (set, written) = device.checked_for(during, bytes, || {
            let usage = wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC;
            let set = spare.unwrap_or_else(|| make(device, lanes, usage));
            let written = lanes.iter().zip(&*inputs).zip(&set).try_for_each(|((lane, values), buffers)| {
                let mut parts = lane.parts.iter().zip(buffers);
                parts.try_for_each(|(part, buffer)| part.write(&lane.desc, values, buffer))
            });
            (set, written)
        })?;
        written.map_err(|_| device.not_mapped(during, bytes))?;
        tracing::trace!("a photo is staged");
        Ok(Staged { permit: self, set: Some(set), values: Vec::new() })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.staged.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Inputs on their way: written, and not yet copied.
pub(crate) struct Staged {
    permit: Permit,
    set: Option<Set>,
    /// As they came, where they move band by band.
    values: Vec<Values>,
}

impl Staged {
    /// Whether these are inputs for what `transfers` moves.
    pub(crate) fn is_for(&self, transfers: &Arc<Transfers>) -> bool {
        Arc::ptr_eq(&self.permit.0, transfers)
    }

    /// The inputs as they came.
    pub(super) fn into_values(mut self) -> Vec<Values> {
        std::mem::take(&mut self.values)
    }

    /// Adds their copies to commands.
    pub(super) fn record(mut self, slots: &[Owned], commands: &mut wgpu::CommandEncoder) -> Uploading {
        let (set, failed) = (self.set.take().unwrap_or_default(), Arc::new(AtomicBool::new(false)));
        let transfers = &self.permit.0;
        for (lane, buffers) in transfers.inputs.iter().zip(&set) {
            for (part, buffer) in lane.parts.iter().zip(buffers) {
                buffer.unmap();
                commands.copy_buffer_to_buffer(buffer, 0, &slots[part.slot], part.offset, part.bytes);
                // For whoever comes next.
                let failed = Arc::clone(&failed);
                commands.map_buffer_on_submit(buffer, wgpu::MapMode::Write, .., move |mapped| {
                    failed.fetch_or(mapped.is_err(), Ordering::Relaxed);
                });
            }
        }
        Uploading { transfers: Arc::clone(transfers), set, failed }
    }
}

/// What no run has taken is there for the next.
impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(set) = self.set.take() {
            keep(&self.permit.0.spare_inputs, set);
        }
    }
}

/// Inputs that a submission copies.
pub(super) struct Uploading {
    transfers: Arc<Transfers>,
    set: Set,
    failed: Arc<AtomicBool>,
}

impl Uploading {
    /// Keeps their staging buffers for another run, now that the submission is done.
    pub(super) fn done(self) {
        if !self.failed.load(Ordering::Relaxed) {
            keep(&self.transfers.spare_inputs, self.set);
        }
    }
}

/// Outputs that a submission copies.
pub(super) struct Outputs {
    transfers: Arc<Transfers>,
    set: Set,
}

impl Outputs {
    /// Their values, once the submission is done.
    pub(super) fn take(self, device: &Device) -> std::result::Result<Vec<Values>, String> {
        let lanes = self.transfers.outputs.iter().zip(&self.set);
        let values =
            lanes.map(|(lane, buffers)| lane.read(device, buffers)).collect::<std::result::Result<_, _>>()?;
        keep(&self.transfers.spare_outputs, self.set);
        Ok(values)
    }
}

impl Lane {
    fn read(&self, device: &Device, buffers: &[Owned]) -> std::result::Result<Values, String> {
        let mut values = Values::zeros(&self.desc);
        for (part, buffer) in self.parts.iter().zip(buffers) {
            let view = buffer.get_mapped_range(..).map_err(|error| error.to_string())?;
            values.decode(&self.desc, &part.layout, &part.rows, &view);
            drop(view);
            device.unmap(buffer, "reading results").map_err(|error| error.to_string())?;
        }
        Ok(values)
    }
}

fn make(device: &Device, lanes: &[Lane], usage: wgpu::BufferUsages) -> Set {
    let mapped_at_creation = usage.contains(wgpu::BufferUsages::MAP_WRITE);
    let buffer = |part: &Part| {
        let descriptor =
            wgpu::BufferDescriptor { label: Some("staging"), size: part.bytes, usage, mapped_at_creation };
        Owned::new(device.wgpu(), &descriptor)
    };
    lanes.iter().map(|lane| lane.parts.iter().map(buffer).collect()).collect()
}

fn bytes(lanes: &[Lane]) -> u64 {
    lanes.iter().flat_map(|lane| &lane.parts).map(|part| part.bytes).sum()
}

fn take(spare: &Mutex<Vec<Set>>) -> Option<Set> {
    spare.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

fn keep(spare: &Mutex<Vec<Set>>, set: Set) {
    let mut spare = spare.lock().unwrap_or_else(PoisonError::into_inner);
    if spare.len() < SPARE {
        spare.push(set);
    }
}
