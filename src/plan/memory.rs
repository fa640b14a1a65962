//! Liveness of a graph's tensors, and the slots they get.

use super::slots::{Request, Slots, live_bound, slots};
use super::{Fragment, Layout, Precision, fragments};
use crate::graph::{Axis, BoxMean, Graph, Op, RUN, TensorId};
use crate::{Error, Result};

/// Where a tensor lives.
#[derive(Clone, Debug)]
pub struct Placement {
    /// How it is stored.
    pub layout: Layout,
    /// Its buffers: one, unless it is larger than the largest buffer.
    pub fragments: Vec<Fragment>,
    /// The slot of each fragment.
    pub slots: Vec<usize>,
}

/// Where every tensor of a graph lives.
#[derive(Clone, Debug)]
pub struct MemoryPlan {
    placements: Vec<Option<Placement>>,
    slots: Slots,
    live_bound: u64,
    /// The slots of each node's scratch buffers.
    scratch: Vec<Vec<usize>>,
}

impl MemoryPlan {
    /// Plans a graph whose tensors are stored at `precision` in buffers of at most `buffer_limit` bytes, and whose
    /// nodes take scratch buffers of `scratch` bytes each while they run.
    ///
    /// # Errors
    /// [`Error::TensorTooLarge`] where not even a strip of a tensor fits into a buffer.
    pub fn new(graph: &Graph, precision: Precision, buffer_limit: u64, scratch: &[Vec<u64>]) -> Result<Self> {
        let (mut requests, mut whole) = (Vec::new(), Vec::new());
        let mut placements = vec![None; graph.tensor_count()];
        let reaches = reaches(graph);
        for (tensor, first, last) in lifetimes(graph) {
            let desc = graph.desc(tensor);
            let layout = Layout::of(&desc, precision);
            let parts = fragments(&desc, &layout, buffer_limit, reaches[tensor.0]).ok_or_else(|| {
                Error::TensorTooLarge {
                    tensor: graph.at(tensor).name.clone(),
                    bytes: layout.bytes(),
                    limit: buffer_limit,
                }
            })?;
            whole.push(Request { bytes: layout.bytes(), first, last });
            let at = requests.len();
            let bytes = |f: &Fragment| u64::from(f.rows.end - f.rows.start) * layout.row_bytes;
            requests.extend(parts.iter().map(|f| Request { bytes: bytes(f), first, last }));
            let slots = (at..requests.len()).collect();
            placements[tensor.0] = Some(Placement { layout, fragments: parts, slots });
        }
        let mut scratch_slots = Vec::with_capacity(scratch.len());
        for (step, sizes) in scratch.iter().enumerate() {
            let of_node = sizes.iter().map(|&bytes| Request { bytes, first: step, last: step });
            whole.extend(of_node.clone());
            let at = requests.len();
            requests.extend(of_node);
            scratch_slots.push((at..requests.len()).collect::<Vec<_>>());
        }
        let assigned = slots(&requests);
        scratch_slots.iter_mut().flatten().for_each(|s| *s = assigned.of[*s]);
        for placement in placements.iter_mut().flatten() {
            placement.slots.iter_mut().for_each(|s| *s = assigned.of[*s]);
        }
        let live_bound = live_bound(&whole);
        Ok(Self { placements, slots: assigned, live_bound, scratch: scratch_slots })
    }

    /// Where a tensor lives; None where no operator computes it.
    #[must_use]
    pub fn placement(&self, tensor: TensorId) -> Option<&Placement> {
        self.placements.get(tensor.0)?.as_ref()
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

/// How many rows of a tensor are read for one row of a result, where margins are to be made for that: a window that slides
/// down, and those before it in its run.
fn reaches(graph: &Graph) -> Vec<u32> {
    let mut reaches = vec![0; graph.tensor_count()];
    for node in graph.nodes() {
        if let Op::BoxMean(BoxMean { axis: Axis::Rows, window, .. }) = node.op {
            let reach = &mut reaches[node.inputs[0].0];
            *reach = (*reach).max(window + RUN);
        }
    }
    reaches
}

/// First and last step of every tensor; inputs are there before the first step, outputs after the last.
fn lifetimes(graph: &Graph) -> Vec<(TensorId, usize, usize)> {
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
