//! Liveness of a graph's tensors, and the slots they get.

use std::collections::BTreeMap;
use std::ops::Range;

use super::schedule::{Schedule, Uses, lasting};
use super::slots::{Request, Slots, live_bound, slots};
use super::{Fragment, Layout, Precision, fragments, sliding_rows};
use crate::graph::{Axis, BoxMean, Graph, Op, TensorId};
use crate::{Error, Result};

/// Where a tensor lives.
#[derive(Clone, Debug)]
pub struct Placement {
    /// How it is stored.
    pub layout: Layout,
    /// Its buffers: one, unless it is larger than the largest buffer; none, where it is never whole on the device.
    pub fragments: Vec<Fragment>,
    /// The slot of each fragment.
    pub slots: Vec<usize>,
    /// The slot that holds some of its rows, by the group whose bands they are.
    passing: BTreeMap<usize, usize>,
}

/// A tensor on the device: its fragments, and their slots.
pub type Located<'a> = (&'a [Fragment], &'a [usize]);

/// Where every tensor of a graph lives.
#[derive(Clone, Debug)]
pub struct MemoryPlan {
    placements: Vec<Option<Placement>>,
    slots: Slots,
    live_bound: u64,
    /// The slots of each node's scratch buffers.
    scratch: Vec<Vec<usize>>,
    /// By band what it holds of each tensor that is not whole.
    held: Vec<BTreeMap<TensorId, (Fragment, usize)>>,
    /// Tensors on the host, and the memory that they share there.
    host: BTreeMap<TensorId, usize>,
    host_slots: Slots,
}

impl MemoryPlan {
    /// Plans a graph whose tensors are stored at `precision` in buffers of at most `buffer_limit` bytes, and whose
    /// nodes take scratch buffers of `scratch` bytes each while they run.
    ///
    /// # Errors
    /// [`Error::TensorTooLarge`] where not even a strip of a tensor fits into a buffer.
    pub fn new(graph: &Graph, precision: Precision, buffer_limit: u64, scratch: &[Vec<u64>]) -> Result<Self> {
        Self::scheduled(graph, precision, buffer_limit, scratch, &Schedule::default())
    }

    /// As [`Self::new`], for a schedule in bands.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn scheduled(
        graph: &Graph,
        precision: Precision,
        buffer_limit: u64,
        scratch: &[Vec<u64>],
        schedule: &Schedule,
    ) -> Result<Self> {
        let mut requests = Requests::default();
        let mut placements = requests.tensors(graph, precision, buffer_limit, schedule)?;
        let mut scratch_slots = Vec::with_capacity(scratch.len());
        for (step, sizes) in scratch.iter().enumerate() {
            let of_node = sizes.iter().map(|&bytes| requests.add(Request { bytes, first: step, last: step }));
            scratch_slots.push(of_node.collect::<Vec<_>>());
        }
        let assigned = slots(&requests.parts);
        scratch_slots.iter_mut().flatten().for_each(|s| *s = assigned.of[*s]);
        for placement in placements.iter_mut().flatten() {
            placement
                .slots
                .iter_mut()
                .chain(placement.passing.values_mut())
                .for_each(|s| *s = assigned.of[*s]);
        }
        let held = schedule.bands.iter().map(|band| {
            let part = |(&id, rows): (&TensorId, &Range<u32>)| {
                let slot = *placements[id.0].as_ref()?.passing.get(&band.group)?;
                Some((id, (Fragment { rows: rows.clone(), own: rows.clone() }, slot)))
            };
            band.held.iter().filter_map(part).collect()
        });
        let held = held.collect();
        let live_bound = live_bound(&requests.whole);
        let (host, host_slots) = on_the_host(graph, precision, schedule);
        Ok(Self { placements, slots: assigned, live_bound, scratch: scratch_slots, held, host, host_slots })
    }

    /// Where a tensor lives; None where no operator computes it.
    #[must_use]
    pub fn placement(&self, tensor: TensorId) -> Option<&Placement> {
        self.placements.get(tensor.0)?.as_ref()
    }

    /// What of a tensor is on the device while a band is executed.
    #[must_use]
    pub fn located(&self, tensor: TensorId, band: usize) -> Option<Located<'_>> {
        if let Some((fragment, slot)) = self.held.get(band).and_then(|held| held.get(&tensor)) {
            return Some((std::slice::from_ref(fragment), std::slice::from_ref(slot)));
        }
        let placement = self.placement(tensor)?;
        Some((&placement.fragments, &placement.slots))
    }

    /// The slot of the host's memory that holds a tensor between groups.
    #[must_use]
    pub fn on_host(&self, tensor: TensorId) -> Option<usize> {
        self.host.get(&tensor).copied()
    }

    /// Bytes of each slot of the host's memory.
    #[must_use]
    pub fn host_slot_sizes(&self) -> &[u64] {
        &self.host_slots.sizes
    }

    /// The slots of a node's scratch buffers.
    #[must_use]
    pub fn scratch(&self, node: usize) -> &[usize] {
        self.scratch.get(node).map_or(&[], Vec::as_slice)
    }

    /// Bytes of each slot.
    #[must_use]
    pub fn slot_sizes(&self) -> &[u64] {
        &self.slots.sizes
    }

    /// Bytes of all slots.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.slots.bytes()
    }

    /// Bytes alive at the worst step, which no plan can undercut.
    #[must_use]
    pub fn live_bound(&self) -> u64 {
        self.live_bound
    }

    /// Bytes of all tensors without any reuse.
    #[must_use]
    pub fn unshared_bytes(&self) -> u64 {
        self.placements.iter().flatten().map(|p| p.layout.bytes()).sum()
    }
}

/// What asks for slots.
#[derive(Default)]
struct Requests {
    /// Of fragments, parts and scratch.
    parts: Vec<Request>,
    /// The same, each tensor in one.
    whole: Vec<Request>,
}

impl Requests {
    /// Asks for memory, and gives the request's place.
    fn add(&mut self, request: Request) -> usize {
        self.whole.push(request);
        self.parts.push(request);
        self.parts.len() - 1
    }

    /// Asks for every tensor's; slots in the placements are places of requests.
    fn tensors(
        &mut self,
        graph: &Graph,
        precision: Precision,
        buffer_limit: u64,
        schedule: &Schedule,
    ) -> Result<Vec<Option<Placement>>> {
        let uses = Uses::of(graph, &schedule.division.groups);
        let mut placements = vec![None; graph.tensor_count()];
        let reaches = reaches(graph);
        for (tensor, first, last) in lifetimes(graph) {
            let desc = graph.desc(tensor);
            let layout = Layout::of(&desc, precision);
            let mut placement =
                Placement { layout, fragments: Vec::new(), slots: Vec::new(), passing: BTreeMap::new() };
            let too_large = |bytes| Error::TensorTooLarge {
                tensor: graph.tensor(tensor).name.clone(),
                bytes,
                limit: buffer_limit,
            };
            placement.passing = self.passing(schedule, &uses, tensor, &layout);
            if let Some(&part) =
                placement.passing.values().find(|&&part| self.parts[part].bytes > buffer_limit)
            {
                return Err(too_large(self.parts[part].bytes));
            }
            if placement.passing.is_empty() {
                let (first, last) = lasting(&schedule.division.groups, first, last);
                let parts = fragments(&desc, &layout, buffer_limit, reaches[tensor.0])
                    .ok_or_else(|| too_large(layout.bytes()))?;
                self.whole.push(Request { bytes: layout.bytes(), first, last });
                let at = self.parts.len();
                let bytes = |f: &Fragment| u64::from(f.rows.end - f.rows.start) * layout.row_bytes;
                self.parts.extend(parts.iter().map(|f| Request { bytes: bytes(f), first, last }));
                placement.slots = (at..self.parts.len()).collect();
                placement.fragments = parts;
            }
            placements[tensor.0] = Some(placement);
        }
        Ok(placements)
    }

    /// Asks for what holds some rows of a tensor, in each group that knows it by its bands alone.
    fn passing(
        &mut self,
        schedule: &Schedule,
        uses: &Uses,
        tensor: TensorId,
        layout: &Layout,
    ) -> BTreeMap<usize, usize> {
        let mut most: BTreeMap<usize, u32> = BTreeMap::new();
        for band in &schedule.bands {
            if let Some(rows) = band.held.get(&tensor) {
                let held = most.entry(band.group).or_default();
                *held = (rows.end - rows.start).max(*held);
            }
        }
        let request = |(group, rows): (usize, u32)| {
            let (first, last) = uses.span(schedule, tensor, group);
            let bytes = u64::from(rows) * layout.row_bytes;
            (group, self.add(Request { bytes, first, last }))
        };
        most.into_iter().map(request).collect()
    }
}

/// Which tensors are on the host, and the slots of its memory. Steps are groups.
fn on_the_host(
    graph: &Graph,
    precision: Precision,
    schedule: &Schedule,
) -> (BTreeMap<TensorId, usize>, Slots) {
    let uses = Uses::of(graph, &schedule.division.groups);
    let kept = |&&id: &&TensorId| !graph.inputs().contains(&id) && !graph.outputs().contains(&id);
    let tensors: Vec<TensorId> = schedule.division.host.iter().filter(kept).copied().collect();
    let request = |&id: &TensorId| {
        let of = uses.tensor(id);
        let bytes = Layout::of(&graph.desc(id), precision).bytes();
        let first = of.written.unwrap_or_default();
        Request { bytes, first, last: of.read.last().copied().unwrap_or(first) }
    };
    let assigned = slots(&tensors.iter().map(request).collect::<Vec<_>>());
    (tensors.iter().copied().zip(assigned.of.iter().copied()).collect(), assigned)
}

/// How many rows of a tensor are read for one row of a result, where margins are to be made for that.
fn reaches(graph: &Graph) -> Vec<u32> {
    let mut reaches = vec![0; graph.tensor_count()];
    for node in graph.nodes() {
        if let Op::BoxMean(BoxMean { axis: Axis::Rows, window, .. }) = node.op {
            let reach = &mut reaches[node.inputs[0].0];
            *reach = (*reach).max(sliding_rows(window));
        }
    }
    reaches
}

/// First and last step of every tensor; inputs are there before the first step, outputs after the last.
pub(super) fn lifetimes(graph: &Graph) -> Vec<(TensorId, usize, usize)> {
    let mut spans: Vec<Option<(usize, usize)>> = vec![None; graph.tensor_count()];
    graph.inputs().iter().for_each(|t| spans[t.0] = Some((0, 0)));
    for (step, node) in graph.nodes().iter().enumerate() {
        node.outputs.iter().for_each(|t| spans[t.0] = Some((step, step)));
        for t in &node.inputs {
            if let Some(span) = &mut spans[t.0] {
                span.1 = step;
            }
        }
    }
    for t in graph.outputs() {
        if let Some(span) = &mut spans[t.0] {
            span.1 = graph.nodes().len();
        }
    }
    let known = |(i, span): (usize, Option<(usize, usize)>)| span.map(|(a, b)| (TensorId(i), a, b));
    spans.into_iter().enumerate().filter_map(known).collect()
}
