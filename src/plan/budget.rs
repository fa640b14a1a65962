//! What a graph may take of a device's memory, and what a schedule of it takes.

use super::schedule::{Band, Move, Schedule};
use super::{Layout, MemoryPlan, Operator, Precision};
use crate::Result;
use crate::graph::{Graph, TensorId};

/// Bands whose results are on their way at once: of one they are read while the next one is computed.
pub(crate) const DOWNLOADS: u64 = 2;

/// Tables of uniforms that there are at most: the one in use, what it is written through, and, where operators are cut
/// anew, the one whose place it takes.
pub(crate) const TABLES: u64 = 3;

/// Bytes for the uniforms of each dispatch of the longest band: adapters align them to 256 bytes at most, and there is
/// room to cut each in four.
const UNIFORMS: u64 = 4 * TABLES * 256;

/// Floating-point operations in the time that a byte takes between host and device: 10 TFLOP/s to 12.5 GB/s.
pub const WORK_PER_BYTE: f64 = 800.0;

/// What a graph may take.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Bytes on the device in all, weights apart.
    pub bytes: u64,
    /// Bytes of one buffer.
    pub buffer: u64,
    /// How features are stored.
    pub precision: Precision,
}

/// A schedule, and where its tensors live.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The order of execution.
    pub schedule: Schedule,
    /// Where tensors live.
    pub memory: MemoryPlan,
    /// Bytes of the buffers that inputs, outputs and bands are moved through.
    pub staging: u64,
    /// Those that bands are moved through.
    pub(crate) ways: Ways,
    /// The most that tables of uniforms may take.
    pub uniforms: u64,
}

impl Plan {
    /// The whole photo at once.
    ///
    /// # Errors
    /// As [`MemoryPlan::new`].
    pub fn whole(graph: &Graph, operators: &[Operator], precision: Precision, buffer: u64) -> Result<Self> {
        Self::scheduled(graph, operators, precision, buffer, Schedule::whole(operators))
    }

    /// What a schedule takes.
    ///
    /// # Errors
    /// As [`MemoryPlan::new`].
    pub fn scheduled(
        graph: &Graph,
        operators: &[Operator],
        precision: Precision,
        buffer: u64,
        schedule: Schedule,
    ) -> Result<Self> {
        let scratch: Vec<Vec<u64>> = operators.iter().map(|o| o.scratch.clone()).collect();
        let memory = MemoryPlan::scheduled(graph, precision, buffer, &scratch, &schedule)?;
        let row_bytes = |id| Layout::of(&graph.desc(id), precision).row_bytes;
        let ends = graph.inputs().iter().chain(graph.outputs());
        let ways = Ways::of(&schedule.bands, row_bytes, buffer);
        let staging = if schedule.streams() {
            ways.bytes()
        } else {
            ends.map(|&id| Layout::of(&graph.desc(id), precision).bytes()).sum()
        };
        let uniforms = UNIFORMS * schedule.most_dispatches(operators);
        Ok(Self { schedule, memory, staging, ways, uniforms })
    }

    /// Bytes on the device, weights apart.
    #[must_use]
    pub fn device_bytes(&self) -> u64 {
        self.memory.bytes() + self.staging + self.uniforms
    }

    /// Bytes on the host, inputs and outputs apart.
    #[must_use]
    pub fn host_bytes(&self) -> u64 {
        self.memory.host_slot_sizes().iter().sum()
    }

    /// Work as operators count it: what is computed or what is moved, whichever takes longer, since one goes on during
    /// the other.
    #[must_use]
    pub fn cost(&self, graph: &Graph, operators: &[Operator], precision: Precision) -> f64 {
        let work = operators.iter().map(|o| o.work as f64).sum::<f64>();
        let moved = self.schedule.traffic(|id| Layout::of(&graph.desc(id), precision).row_bytes);
        f64::max(work * (1.0 + self.schedule.repeated(operators)), moved as f64 * WORK_PER_BYTE)
    }
}

/// The buffers that rows of bands are moved through.
#[derive(Clone, Debug)]
pub(crate) struct Ways {
    /// Bytes of each that a band's rows are loaded through.
    pub(crate) loads: Vec<u64>,
    /// Bytes of each that they are stored through.
    pub(crate) stores: Vec<u64>,
    /// Bytes of one at most.
    limit: u64,
}

impl Ways {
    /// What is enough for each of the bands.
    pub(super) fn of(bands: &[Band], row_bytes: impl Fn(TensorId) -> u64, limit: u64) -> Self {
        let mut ways = Self { loads: Vec::new(), stores: Vec::new(), limit };
        for band in bands {
            let [loads, stores] = [&band.loads, &band.stores].map(|moves| {
                let bytes = |part: &[Move]| part.iter().map(|m| m.bytes(row_bytes(m.tensor))).sum::<u64>();
                ways.parts(moves, &row_bytes).into_iter().map(bytes).collect::<Vec<_>>()
            });
            widen(&mut ways.loads, &loads);
            widen(&mut ways.stores, &stores);
        }
        ways
    }

    /// The moves of a band that each of the buffers takes. Those of one tensor fit one, since a buffer holds its rows.
    pub(crate) fn parts<'a>(
        &self,
        moves: &'a [Move],
        row_bytes: impl Fn(TensorId) -> u64,
    ) -> Vec<&'a [Move]> {
        let bytes = |moved: &Move| moved.bytes(row_bytes(moved.tensor));
        let mut taken = None;
        let fits = |last: &Move, next: &Move| {
            let sum = taken.unwrap_or_else(|| bytes(last)) + bytes(next);
            taken = (sum <= self.limit).then_some(sum);
            taken.is_some()
        };
        moves.chunk_by(fits).collect()
    }

    /// Bytes of all that there are at once.
    pub(crate) fn bytes(&self) -> u64 {
        self.loads.iter().sum::<u64>() + DOWNLOADS * self.stores.iter().sum::<u64>()
    }
}

/// Has each buffer hold as much as is needed.
fn widen(buffers: &mut Vec<u64>, needed: &[u64]) {
    buffers.resize(buffers.len().max(needed.len()), 0);
    buffers.iter_mut().zip(needed).for_each(|(size, &bytes)| *size = bytes.max(*size));
}
