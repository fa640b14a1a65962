//! What is executed in which order: groups of operators that bands of rows pass through one after the other.
//!
//! A group ends where a mean is taken over patches, since what follows needs the mean of the whole. Within a group a
//! band of rows goes through all operators before the next one does, so that what lies between them need never be
//! whole. Of what a band needs around its rows, whole cells are computed anew; no cell moves, and so no result does.
//!
//! A whole photo is the schedule of one group and one band.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{Domain, Operator, Reach, Window};
use crate::graph::{Graph, Role, TensorId};

/// Operators that stand together in the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Their indices.
    pub nodes: Range<usize>,
    /// How many bands of rows they are executed in.
    pub bands: u32,
}

/// How a graph is divided, and which tensors are whole on the host instead of the device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Division {
    /// All operators in order.
    pub groups: Vec<Group>,
    /// Tensors that pass from group to group through the host.
    pub host: BTreeSet<TensorId>,
}

/// The life of a tensor that is whole on the device: what a group of several bands touches, each of its bands does.
pub(super) fn lasting(groups: &[Group], first: usize, last: usize) -> (usize, usize) {
    let banded = |step: usize| groups.iter().find(|g| g.bands > 1 && g.nodes.contains(&step));
    let first = banded(first).map_or(first, |group| group.nodes.start);
    (first, banded(last).map_or(last, |group| group.nodes.end - 1))
}

/// An operator's share of a band.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The operator.
    pub node: usize,
    /// Rows of cells of its domain.
    pub cell_rows: Range<u32>,
}

/// Rows of a tensor that are moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The tensor.
    pub tensor: TensorId,
    /// Its rows.
    pub rows: Range<u32>,
}

impl Move {
    /// Bytes of its rows, where each takes so many.
    #[must_use]
    pub fn bytes(&self, row_bytes: u64) -> u64 {
        u64::from(self.rows.end - self.rows.start) * row_bytes
    }
}

/// What is done in one go: rows are loaded, operators executed, rows stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Band {
    /// The group.
    pub group: usize,
    /// Rows that come from the host first.
    pub loads: Vec<Move>,
    /// The operators' shares in order.
    pub items: Vec<Item>,
    /// Rows that go to the host at the end. Together the bands store every row once.
    pub stores: Vec<Move>,
    /// How many bands, from the first, have to be stored before this one's rows can be loaded.
    pub after: usize,
    /// The rows that the device holds of tensors that are not whole there.
    pub held: BTreeMap<TensorId, Range<u32>>,
}

/// The order of execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// How the graph is divided; nothing where all is done at once.
    pub division: Division,
    /// The bands in order.
    pub bands: Vec<Band>,
}

impl Schedule {
    /// All at once.
    #[must_use]
    pub fn whole(operators: &[Operator]) -> Self {
        let item = |(node, o): (usize, &Operator)| Item { node, cell_rows: 0..o.domain.cell_rows() };
        let items = operators.iter().enumerate().map(item).collect();
        Self { division: Division::default(), bands: vec![Band { items, ..Band::default() }] }
    }

    /// In bands.
    #[must_use]
    pub fn divided(graph: &Graph, operators: &[Operator], division: Division) -> Self {
        let uses = Uses::of(graph, &division.groups);
        let bands = |index| Self::bands_of(graph, operators, &division, &uses, index);
        let mut bands: Vec<Band> = (0..division.groups.len()).flat_map(bands).collect();
        let mut stored: BTreeMap<TensorId, Vec<(usize, Range<u32>)>> = BTreeMap::new();
        for (index, band) in bands.iter_mut().enumerate() {
            let needed = band.loads.iter().flat_map(|load| {
                let of_tensor = stored.get(&load.tensor).into_iter().flatten();
                of_tensor.filter(|(_, rows)| rows.start < load.rows.end && load.rows.start < rows.end)
            });
            band.after = needed.map(|(earlier, _)| earlier + 1).max().unwrap_or(0);
            for Move { tensor, rows } in &band.stores {
                stored.entry(*tensor).or_default().push((index, rows.clone()));
            }
        }
        Self { division, bands }
    }

    /// One group's bands, from the first to the last.
    pub(super) fn bands_of(
        graph: &Graph,
        operators: &[Operator],
        division: &Division,
        uses: &Uses,
        index: usize,
    ) -> Vec<Band> {
        let (group, done) = (&division.groups[index], BTreeMap::new());
        let mut sweep = Sweep { graph, operators, division, uses, group, index, done };
        (0..group.bands).map(|band| sweep.band(band)).collect()
    }

    /// Whether tensors pass through the host between groups.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.bands.iter().any(|band| !band.loads.is_empty() || !band.stores.is_empty())
    }

    /// Dispatches of the band that has most, where nothing but strips cuts them.
    pub(super) fn most_dispatches(&self, operators: &[Operator]) -> u64 {
        let of_item = |item: &Item| operators[item.node].dispatches(&item.cell_rows);
        let of_band = |band: &Band| band.items.iter().map(of_item).sum();
        self.bands.iter().map(of_band).max().unwrap_or(0)
    }

    /// The work of all bands.
    pub(super) fn executed(&self, operators: &[Operator]) -> u128 {
        let work = |Item { node, cell_rows }: &Item| {
            let (operator, share) = (&operators[*node], u128::from(cell_rows.end - cell_rows.start));
            u128::from(operator.work) * share / u128::from(operator.domain.cell_rows().max(1))
        };
        self.bands.iter().flat_map(|band| &band.items).map(work).sum()
    }

    /// The work of each operator over all bands, that of its definition apart: what rows around bands cost.
    #[must_use]
    pub fn repeated(&self, operators: &[Operator]) -> f64 {
        let defined = operators.iter().map(|o| o.work as f64).sum::<f64>();
        if defined > 0.0 { self.executed(operators) as f64 / defined - 1.0 } else { 0.0 }
    }

    /// Rows that are loaded and stored, times what a row of the tensor takes.
    pub fn traffic(&self, row_bytes: impl Fn(TensorId) -> u64) -> u64 {
        let bytes = |m: &Move| m.bytes(row_bytes(m.tensor));
        self.bands.iter().flat_map(|band| band.loads.iter().chain(&band.stores)).map(bytes).sum()
    }
}

/// The groups of a graph, each as one band: an operator that is not executed by rows of cells, or needs all or much of
/// what its group computes, begins another; and so does one that would be the `inner + 1`st to read rows around its own
/// of what its group computes, since each makes bands repeat more.
#[must_use]
pub fn groups(operators: &[Operator], inner: usize) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut by_cells = None;
    let mut written: BTreeSet<TensorId> = BTreeSet::new();
    let mut reaching = 0;
    for (node, operator) in operators.iter().enumerate() {
        let cells = matches!(operator.domain, Domain::Cells(_));
        let reads = |reaches: fn(&Reach) -> bool| {
            let of_group =
                |&&(tensor, _, writes): &&(TensorId, Reach, bool)| !writes && written.contains(&tensor);
            operator.tensors.iter().filter(of_group).any(|(_, reach, _)| reaches(reach))
        };
        let around = usize::from(reads(|reach| matches!(reach, Reach::Around | Reach::HalfAround)));
        let most = || reads(|reach| matches!(reach, Reach::Whole | Reach::Sliding { .. }));
        let stays = by_cells == Some(cells) && (!cells || !most() && reaching + around <= inner);
        match groups.last_mut() {
            Some(group) if stays => {
                group.nodes.end = node + 1;
                reaching += around;
            }
            _ => {
                groups.push(Group { nodes: node..node + 1, bands: 1 });
                written.clear();
                reaching = 0;
            }
        }
        by_cells = Some(cells);
        written.extend(operator.tensors.iter().filter(|(.., writes)| *writes).map(|(tensor, ..)| *tensor));
    }
    groups
}

/// Which groups write and read each tensor.
pub(super) struct Uses {
    /// By tensor: the group that writes it, the last group that reads it, and whether it is an output.
    by_tensor: Vec<Use>,
    /// By tensor: the operators that write or read it.
    steps: Vec<Vec<usize>>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Use {
    pub(super) written: Option<usize>,
    /// In order, each once.
    pub(super) read: Vec<usize>,
    output: bool,
}

impl Use {
    /// Whether only its own group sees it.
    pub(super) fn local(&self) -> bool {
        self.written.is_some_and(|group| !self.output && self.read.iter().all(|&read| read == group))
    }
}

impl Uses {
    pub(super) fn of(graph: &Graph, groups: &[Group]) -> Self {
        let mut by_tensor = vec![Use::default(); graph.tensor_count()];
        let mut steps = vec![Vec::new(); graph.tensor_count()];
        for (step, node) in graph.nodes().iter().enumerate() {
            node.inputs.iter().chain(&node.outputs).for_each(|t| steps[t.0].push(step));
        }
        for (index, group) in groups.iter().enumerate() {
            for node in &graph.nodes()[group.nodes.clone()] {
                node.outputs.iter().for_each(|t| by_tensor[t.0].written = Some(index));
                for t in &node.inputs {
                    let read = &mut by_tensor[t.0].read;
                    if read.last() != Some(&index) {
                        read.push(index);
                    }
                }
            }
        }
        graph.outputs().iter().for_each(|t| by_tensor[t.0].output = true);
        Self { by_tensor, steps }
    }

    /// The steps at which a band of a group holds rows of a tensor: what is loaded is there before the first operator,
    /// and what is stored is there after the last.
    pub(super) fn span(&self, schedule: &Schedule, tensor: TensorId, group: usize) -> (usize, usize) {
        let nodes = &schedule.division.groups[group].nodes;
        let steps = self.steps[tensor.0].iter().filter(|step| nodes.contains(step));
        let (first, last) = steps.fold((nodes.end, nodes.start), |(a, b), &step| (a.min(step), b.max(step)));
        let (here, host) =
            (self.tensor(tensor).written == Some(group), schedule.division.host.contains(&tensor));
        (if here { first } else { nodes.start }, if here && host { nodes.end - 1 } else { last })
    }

    pub(super) fn tensor(&self, tensor: TensorId) -> &Use {
        &self.by_tensor[tensor.0]
    }
}

/// One group's bands, from the first to the last.
struct Sweep<'a> {
    graph: &'a Graph,
    operators: &'a [Operator],
    division: &'a Division,
    uses: &'a Uses,
    group: &'a Group,
    /// The group's own.
    index: usize,
    /// Rows from the top that are computed of tensors that are whole on the device.
    done: BTreeMap<TensorId, u32>,
}

impl Sweep<'_> {
    /// Whether the device holds all of a tensor while the group is executed.
    fn whole(&self, tensor: TensorId) -> bool {
        let local = self.uses.tensor(tensor).local();
        !self.division.host.contains(&tensor) && (self.group.bands == 1 || !local)
    }

    /// The rows of an operator's result that are due by the end of a band, if somebody else needs them.
    fn due(&self, operator: &Operator, (tensor, reach): (TensorId, Reach), band: u32) -> Range<u32> {
        if self.uses.tensor(tensor).local() {
            return 0..0;
        }
        let total = operator.domain.cell_rows();
        let until = |band: u32| {
            let cell_rows = (u64::from(total) * u64::from(band)).div_ceil(u64::from(self.group.bands)) as u32;
            if reach == Reach::CellRows { cell_rows } else { operator.domain.rows(&(0..cell_rows)).end }
        };
        until(band)..until(band + 1)
    }

    /// A band, planned from its last operator back to the first.
    fn band(&mut self, band_index: u32) -> Band {
        let mut band = Band { group: self.index, ..Band::default() };
        let mut wanted: BTreeMap<TensorId, Range<u32>> = BTreeMap::new();
        for node in self.group.nodes.clone().rev() {
            let operator = &self.operators[node];
            let writes = || operator.tensors.iter().filter(|(.., writes)| *writes);
            let mut cell_rows = 0..0;
            for &(tensor, reach, _) in writes() {
                let due = self.due(operator, (tensor, reach), band_index);
                if self.division.host.contains(&tensor)
                    && !due.is_empty()
                    && !band.stores.iter().any(|m| m.tensor == tensor)
                {
                    band.stores.push(Move { tensor, rows: due.clone() });
                }
                let mut rows = union(&due, wanted.get(&tensor).unwrap_or(&(0..0)));
                if self.whole(tensor) {
                    rows.start = rows.start.max(self.done.get(&tensor).copied().unwrap_or(0));
                }
                cell_rows = union(&cell_rows, &cell_rows_of(&operator.domain, reach, &rows));
            }
            if cell_rows.is_empty() {
                continue;
            }
            let window = Window { rows: operator.domain.rows(&cell_rows), cell_rows: cell_rows.clone() };
            for &(tensor, reach, writes) in &operator.tensors {
                let rows = reach.rows(&window, self.graph.desc(tensor).height);
                let elsewhere = self.uses.tensor(tensor).written != Some(self.index);
                if writes && self.whole(tensor) {
                    let done = self.done.entry(tensor).or_default();
                    *done = rows.end.max(*done);
                } else if writes {
                    band.held.insert(tensor, rows);
                } else if !elsewhere || self.division.host.contains(&tensor) {
                    let all = union(&rows, wanted.get(&tensor).unwrap_or(&(0..0)));
                    wanted.insert(tensor, all.clone());
                    if elsewhere {
                        band.held.insert(tensor, all);
                    }
                }
            }
            band.items.push(Item { node, cell_rows });
        }
        band.items.reverse();
        let loaded = |(&tensor, rows): (&TensorId, &Range<u32>)| {
            let loaded = self.uses.tensor(tensor).written != Some(self.index);
            loaded.then(|| Move { tensor, rows: rows.clone() })
        };
        band.loads = band.held.iter().filter_map(loaded).collect();
        band
    }
}

/// The rows of cells whose rows of a result hold these.
fn cell_rows_of(domain: &Domain, reach: Reach, rows: &Range<u32>) -> Range<u32> {
    match reach {
        _ if rows.is_empty() => 0..0,
        Reach::CellRows => rows.clone(),
        Reach::Whole => 0..domain.cell_rows(),
        _ => domain.cell_row_of(rows.start)..domain.cell_row_of(rows.end - 1) + 1,
    }
}

/// The shortest range that holds both.
fn union(a: &Range<u32>, b: &Range<u32>) -> Range<u32> {
    match (a.is_empty(), b.is_empty()) {
        (true, _) => b.clone(),
        (_, true) => a.clone(),
        _ => a.start.min(b.start)..a.end.max(b.end),
    }
}

/// Tensors that can pass through the host: all but sums, which are small, and needed whole.
#[must_use]
pub fn movable(graph: &Graph, operators: &[Operator]) -> BTreeSet<TensorId> {
    let whole = operators.iter().flat_map(|o| &o.tensors).filter(|(_, reach, _)| *reach == Reach::Whole);
    let whole: BTreeSet<TensorId> = whole.map(|(tensor, ..)| *tensor).collect();
    let all = graph.nodes().iter().flat_map(|n| n.inputs.iter().chain(&n.outputs));
    all.copied().filter(|&t| graph.desc(t).role != Role::Pooled && !whole.contains(&t)).collect()
}
