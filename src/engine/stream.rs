//! Tensors that pass through the host while a photo is computed in bands: rows go to the device before a band is
//! computed, and come back after it. The next band's rows are written while this one is computed, and the last one's
//! read.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::Values;
use super::compile::Compiled;
use super::room::{self, Room};
use crate::gpu::{Device, Owned, Submitted};
use crate::graph::{TensorDesc, TensorId};
use crate::plan::{DOWNLOADS, Layout, Move, Ways};
use crate::{Error, Result};

/// What is said to be under way.
const MOVING: &str = "moving rows";

/// What moves the rows of bands: buffers of the device that the host reads and writes.
pub(super) struct Stream {
    ways: Ways,
    /// Mapped, to be written to.
    uploads: Mutex<Vec<Buffers>>,
    /// Not mapped.
    downloads: Mutex<Vec<Buffers>>,
}

impl Stream {
    /// For a graph in bands; None for one that is computed at once.
    pub(super) fn new(device: &Device, compiled: &Compiled) -> Result<Option<Self>> {
        let schedule = &compiled.plan.schedule;
        if !schedule.streams() {
            return Ok(None);
        }
        let ways = compiled.plan.ways.clone();
        let made = Self { ways, uploads: Mutex::default(), downloads: Mutex::default() };
        // A lack of memory shows before any work is done.
        keep(&made.uploads, made.upload(device)?);
        (0..DOWNLOADS)
            .try_for_each(|_| made.download(device).map(|buffers| keep(&made.downloads, buffers)))?;
        Ok(Some(made))
    }

    fn upload(&self, device: &Device) -> Result<Buffers> {
        let usage = wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC;
        self.make(device, &self.ways.loads, usage, true)
    }

    fn download(&self, device: &Device) -> Result<Buffers> {
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        self.make(device, &self.ways.stores, usage, false)
    }

    fn make(
        &self,
        device: &Device,
        sizes: &[u64],
        usage: wgpu::BufferUsages,
        mapped_at_creation: bool,
    ) -> Result<Buffers> {
        let label = Some("rows on their way");
        let make = |&size: &u64| {
            let descriptor = wgpu::BufferDescriptor { label, size, usage, mapped_at_creation };
            Owned::new(device.wgpu(), &descriptor)
        };
        device.checked_for("making room to move rows", self.bytes(), || sizes.iter().map(make).collect())
    }

    /// The moves of a band, by the buffer that they go through.
    fn shares<'a>(
        &self,
        compiled: &Compiled,
        buffers: &'a Buffers,
        moves: &'a [Move],
    ) -> Vec<(&'a Owned, &'a [Move])> {
        let row_bytes = |id| compiled.plan.memory.placement(id).map_or(0, |p| p.layout.row_bytes);
        buffers.iter().zip(self.ways.parts(moves, row_bytes)).collect()
    }

    /// Bytes of its buffers.
    pub(super) fn bytes(&self) -> u64 {
        self.ways.bytes()
    }

    /// Writes a band's rows, and submits their copies.
    pub(super) fn load(
        &self,
        device: &Device,
        compiled: &Compiled,
        host: &mut OnHost,
        band: usize,
    ) -> Result<Option<(Submitted, Moving)>> {
        let loads = &compiled.plan.schedule.bands[band].loads;
        if loads.is_empty() {
            return Ok(None);
        }
        let buffers = take(&self.uploads).map_or_else(|| self.upload(device), Ok)?;
        let shares = self.shares(compiled, &buffers, loads);
        for (buffer, moves) in &shares {
            let view = buffer.get_mapped_range_mut(..);
            let mut view = view.map_err(|_| device.not_mapped(MOVING, self.bytes()))?;
            let mut at = 0;
            for rows in *moves {
                let bytes = OnHost::bytes(compiled, rows);
                host.encode(compiled, rows, |offset, part| {
                    view.slice(at + offset..at + offset + part.len()).copy_from_slice(part);
                })?;
                at += bytes;
            }
        }
        let submitted = device.checked_for(MOVING, self.bytes(), || {
            let mut commands =
                device.wgpu().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            for (buffer, moves) in shares {
                buffer.unmap();
                for (at, part) in parts(compiled, band, moves) {
                    commands.copy_buffer_to_buffer(buffer, at, part.slot, part.offset, part.bytes);
                }
                // A failed mapping shows when the range is taken.
                commands.map_buffer_on_submit(buffer, wgpu::MapMode::Write, .., |_| ());
            }
            device.submit(commands, |_| ())
        })?;
        Ok(Some((submitted, Moving::Up(buffers))))
    }

    /// Submits copies of a band's results.
    pub(super) fn store(
        &self,
        device: &Device,
        compiled: &Compiled,
        band: usize,
    ) -> Result<Option<(Submitted, Moving)>> {
        let stores = &compiled.plan.schedule.bands[band].stores;
        if stores.is_empty() {
            return Ok(None);
        }
        let buffers = take(&self.downloads).map_or_else(|| self.download(device), Ok)?;
        let submitted = device.checked_for(MOVING, self.bytes(), || {
            let mut commands =
                device.wgpu().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            for (buffer, moves) in self.shares(compiled, &buffers, stores) {
                for (at, part) in parts(compiled, band, moves) {
                    commands.copy_buffer_to_buffer(part.slot, part.offset, buffer, at, part.bytes);
                }
                commands.map_buffer_on_submit(buffer, wgpu::MapMode::Read, .., |_| ());
            }
            device.submit(commands, |_| ())
        })?;
        Ok(Some((submitted, Moving::Down { buffers, band })))
    }

    /// Takes what has arrived, and keeps the buffer for other rows.
    pub(super) fn arrived(
        &self,
        device: &Device,
        compiled: &Compiled,
        host: &mut OnHost,
        moving: Moving,
    ) -> Result<()> {
        match moving {
            Moving::Up(buffers) => keep(&self.uploads, buffers),
            Moving::Down { buffers, band } => {
                let stores = &compiled.plan.schedule.bands[band].stores;
                for (buffer, moves) in self.shares(compiled, &buffers, stores) {
                    let view = buffer.get_mapped_range(..).map_err(|error| lost(&error))?;
                    let mut at = 0;
                    for rows in moves {
                        let end = at + OnHost::bytes(compiled, rows);
                        host.decode(compiled, rows, &view[at..end])?;
                        at = end;
                    }
                    drop(view);
                    device.unmap(buffer, MOVING)?;
                }
                host.stored = band + 1;
                keep(&self.downloads, buffers);
            }
        }
        Ok(())
    }
}

/// Rows on their way, in the buffers that hold them.
pub(super) enum Moving {
    /// To the device.
    Up(Buffers),
    /// From the device, by a band.
    Down { buffers: Buffers, band: usize },
}

/// One of each size that moves a band's rows.
type Buffers = Vec<Owned>;

/// Where rows lie on the device.
struct Part<'a> {
    slot: &'a Owned,
    offset: u64,
    bytes: u64,
}

/// The rows that a band moves, one tensor's after the other's, each with its place among them.
fn parts<'a>(
    compiled: &'a Compiled,
    band: usize,
    moves: &'a [Move],
) -> impl Iterator<Item = (u64, Part<'a>)> {
    let memory = &compiled.plan.memory;
    let mut at = 0;
    moves.iter().filter_map(move |moved| {
        let row_bytes = memory.placement(moved.tensor)?.layout.row_bytes;
        let (fragments, slots) = memory.located(moved.tensor, band)?;
        let offset = u64::from(moved.rows.start - fragments[0].rows.start) * row_bytes;
        let bytes = moved.bytes(row_bytes);
        let here = at;
        at += bytes;
        Some((here, Part { slot: &compiled.slots[slots[0]], offset, bytes }))
    })
}

/// A run's tensors on the host.
pub(super) struct OnHost {
    inputs: Vec<Values>,
    outputs: Vec<Values>,
    /// By tensor, which of the inputs or outputs it is; an input that is asked for besides is an input.
    ends: HashMap<TensorId, End>,
    slots: Vec<Room>,
    /// The bands whose results have arrived.
    pub(super) stored: usize,
}

#[derive(Clone, Copy)]
enum End {
    Input(usize),
    Output(usize),
}

impl OnHost {
    /// Room for a run with these inputs.
    ///
    /// # Errors
    /// [`Error::Io`] where there is none.
    pub(super) fn new(compiled: &Compiled, inputs: Vec<Values>) -> Result<Self> {
        let (graph, memory) = (&compiled.graph, &compiled.plan.memory);
        let ends = graph.outputs().iter().enumerate().map(|(i, &id)| (id, End::Output(i)));
        let ends = ends.chain(graph.inputs().iter().enumerate().map(|(i, &id)| (id, End::Input(i))));
        let outputs = graph.outputs().iter().map(|&id| {
            let input = graph.inputs().iter().position(|&input| input == id).map(|i| &inputs[i]);
            // No operator writes an input.
            input.map_or_else(|| Values::zeros(&graph.desc(id)), |values| compiled.stored(id, values))
        });
        let (outputs, slots) = (outputs.collect(), room::make(memory.host_slot_sizes())?);
        Ok(Self { inputs, outputs, ends: ends.collect(), slots, stored: 0 })
    }

    /// Bytes that a run moves between the host and the device.
    pub(super) fn moved(compiled: &Compiled) -> u64 {
        let bands = compiled.plan.schedule.bands.iter();
        bands
            .flat_map(|band| band.loads.iter().chain(&band.stores))
            .map(|rows| Self::bytes(compiled, rows) as u64)
            .sum()
    }

    /// The outputs, once all has arrived.
    pub(super) fn into_outputs(self) -> Vec<Values> {
        self.outputs
    }

    fn place(compiled: &Compiled, rows: &Move) -> (TensorDesc, Layout, Range<u64>) {
        let desc = compiled.graph.desc(rows.tensor);
        let layout = Layout::of(&desc, compiled.precision);
        let at = |row: u32| u64::from(row) * layout.row_bytes;
        (desc, layout, at(rows.rows.start)..at(rows.rows.end))
    }

    fn bytes(compiled: &Compiled, rows: &Move) -> usize {
        let (_, _, range) = Self::place(compiled, rows);
        (range.end - range.start) as usize
    }

    /// Hands rows, as the device stores them, to `write`, each with its offset.
    fn encode(
        &mut self,
        compiled: &Compiled,
        rows: &Move,
        mut write: impl FnMut(usize, &[u8]),
    ) -> Result<()> {
        let (desc, layout, range) = Self::place(compiled, rows);
        let values = match self.ends.get(&rows.tensor) {
            Some(End::Input(index)) => &self.inputs[*index],
            // Of a feature that is asked for besides; from floats it is stored as it was.
            Some(End::Output(index)) => &self.outputs[*index],
            None => return self.slot(compiled, rows)?.read(range, &mut write),
        };
        values.encode(&desc, &layout, &rows.rows, write);
        Ok(())
    }

    /// Takes rows as the device stores them.
    fn decode(&mut self, compiled: &Compiled, rows: &Move, bytes: &[u8]) -> Result<()> {
        let (desc, layout, range) = Self::place(compiled, rows);
        if let Some(End::Output(index)) = self.ends.get(&rows.tensor) {
            self.outputs[*index].decode(&desc, &layout, &rows.rows, bytes);
            return Ok(());
        }
        self.slot(compiled, rows)?.write(range.start, bytes)
    }

    /// The room of a tensor between groups.
    fn slot(&mut self, compiled: &Compiled, rows: &Move) -> Result<&mut Room> {
        let slot = compiled.plan.memory.on_host(rows.tensor).and_then(|slot| self.slots.get_mut(slot));
        slot.ok_or_else(|| super::failed("rows of a tensor that has no room on the host".to_owned()))
    }
}

impl Compiled {
    /// Values as they come back from a device that has stored them.
    fn stored(&self, tensor: TensorId, values: &Values) -> Values {
        let desc = self.graph.desc(tensor);
        let (layout, rows) = (Layout::of(&desc, self.precision), 0..desc.height);
        let mut bytes = vec![0; layout.bytes() as usize];
        values.encode(&desc, &layout, &rows, |at, part| bytes[at..at + part.len()].copy_from_slice(part));
        let mut stored = Values::zeros(&desc);
        stored.decode(&desc, &layout, &rows, &bytes);
        stored
    }
}

fn lost(error: &impl ToString) -> Error {
    super::failed(error.to_string())
}

fn take(spare: &Mutex<Vec<Buffers>>) -> Option<Buffers> {
    spare.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

/// What a run that was given up had under way is made anew, and nothing is kept besides.
fn keep(spare: &Mutex<Vec<Buffers>>, buffers: Buffers) {
    let mut spare = spare.lock().unwrap_or_else(PoisonError::into_inner);
    if (spare.len() as u64) < DOWNLOADS {
        spare.push(buffers);
    }
}
