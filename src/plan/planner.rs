//! The search for the schedule that a memory budget allows: in how many bands each group is executed, and which tensors
//! pass through the host. Of several divisions into groups the one that takes least time is chosen, by what is computed
//! and what is moved.
//!
//! While a group takes more than there is, the tensor whose way through the host costs least for what it frees goes
//! there: the one that fewest groups touch, the largest of those. Then whatever fits after all comes back. Bands are as
//! high as they can be, since the rows around each are computed twice.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::budget::Ways;
use super::memory::lifetimes;
use super::schedule::{Division, Group, Schedule, Uses, groups, movable};
use super::{Budget, Layout, Operator, Plan};
use crate::graph::{Graph, TensorId};
use crate::{Error, Result};

/// Bands of a group whose tensors pass through the host at least, where it has the rows: with fewer, nothing overlaps.
const OVERLAPPING: u32 = 4;

/// Attempts to meet a budget; slots take a little more than what is alive, so the first may miss.
const ATTEMPTS: usize = 12;

/// Thousandths of a group's work that rows around bands may repeat, as long as another tensor can go to the host
/// instead.
const REPEATED: u64 = 100;

/// Operators of a group that read around what the group computes, at most: first as many as there are, then fewer,
/// which moves more tensors and repeats less.
const INNER: [usize; 4] = [usize::MAX, 2, 1, 0];

/// What all bands may repeat of all work where a plan repeats less.
const TOO_MUCH: f64 = 0.15;

/// What a group takes in some number of bands.
#[derive(Debug)]
struct Cost {
    /// Bytes at each of its operators of what is not whole, and of scratch.
    steps: Vec<u64>,
    /// Bytes of what moves its rows.
    staging: u64,
    /// Thousandths of its work that are repeated.
    repeated: u64,
    /// The largest buffer of some rows.
    buffer: u64,
}

/// What each group takes, and in how many bands.
#[derive(Clone, Debug)]
struct Fit {
    groups: Vec<(u64, u32)>,
}

impl Fit {
    /// The group that passes a bound most, where one does.
    fn over(&self, aim: u64) -> Option<usize> {
        let groups = self.groups.iter().enumerate().filter(|(_, (taken, _))| *taken > aim);
        groups.max_by_key(|(index, (taken, _))| (*taken, *index)).map(|(index, _)| index)
    }
}

/// A group, its bands, and which of the tensors it touches are on the host.
type CostKey = (usize, u32, Vec<TensorId>);

/// Parts of a budget that scratch may be: the larger, the fewer strips; the smaller, the more room for tensors.
const SCRATCH: [u64; 3] = [8, 16, 32];

/// Budgets that are tried for how many bytes it takes at least.
const LARGER: usize = 6;

impl Plan {
    /// The whole photo where it fits, else the bands that do, of operators that `lower` gives for a bound of scratch,
    /// with what else it gives.
    ///
    /// # Errors
    /// As [`Self::within`], with a number of bytes in [`Error::BudgetTooSmall`] for which there is a plan; those of
    /// `lower`.
    pub fn fitting<L>(
        graph: &Graph,
        budget: &Budget,
        mut lower: impl FnMut(u64) -> Result<(L, Vec<Operator>)>,
    ) -> Result<(Self, L, Vec<Operator>)> {
        let mut tried = |bytes: u64| {
            let mut least = u64::MAX;
            for part in SCRATCH {
                let (lowered, operators) = lower(bytes / part)?;
                match Self::within(graph, &operators, &Budget { bytes, ..*budget }) {
                    Err(Error::BudgetTooSmall { least: taken, .. }) => least = least.min(taken),
                    made => return made.map(|plan| Ok((plan, lowered, operators))),
                }
            }
            Ok(Err(least))
        };
        let mut least = match tried(budget.bytes)? {
            Ok(found) => return Ok(found),
            Err(least) => least,
        };
        // What a plan took that missed one budget need not be enough as another, which has scratch of its own.
        for _ in 0..LARGER {
            match tried(least)? {
                Ok(_) => break,
                Err(taken) => least = taken.max(least + least / 16),
            }
        }
        Err(Error::BudgetTooSmall { budget: budget.bytes, least })
    }

    /// The whole photo where it fits, else the bands that do.
    ///
    /// # Errors
    /// [`Error::BudgetTooSmall`] where not even the narrowest bands fit; [`Error::TensorTooLarge`] where buffers hold
    /// the rows of none; [`Error::Input`] where there are bands, and an input or output of the graph is a tensor that
    /// cannot be cut into them.
    pub fn within(graph: &Graph, operators: &[Operator], budget: &Budget) -> Result<Self> {
        let Budget { bytes, buffer, precision } = *budget;
        let whole = Self::whole(graph, operators, precision, buffer);
        let (mut best, mut least): (Option<Self>, u64) = match &whole {
            Ok(plan) if plan.device_bytes() <= bytes => return whole,
            Ok(plan) => (None, plan.device_bytes()),
            // A strip of a tensor has more rows than a band may have.
            Err(Error::TensorTooLarge { .. }) => (None, u64::MAX),
            Err(_) => return whole,
        };
        for inner in INNER {
            match Planner::new(graph, operators, budget, inner).plan()? {
                Ok(plan) => {
                    let repeats = plan.schedule.repeated(operators) * 1000.0 > REPEATED as f64;
                    let better = |best: &Self| {
                        let [mine, its] = [&plan, best].map(|plan| {
                            let much = plan.schedule.repeated(operators) > TOO_MUCH;
                            (much, plan.cost(graph, operators, precision))
                        });
                        mine < its
                    };
                    if best.as_ref().is_none_or(better) {
                        best = Some(plan);
                    }
                    // Smaller groups only move more.
                    if !repeats {
                        break;
                    }
                }
                Err(taken) => least = least.min(taken),
            }
        }
        let Some(best) = best else {
            return match whole {
                Err(too_large) if least == u64::MAX => Err(too_large),
                _ => Err(Error::BudgetTooSmall { budget: bytes, least }),
            };
        };
        let movable = movable(graph, operators);
        match graph.inputs().iter().chain(graph.outputs()).find(|tensor| !movable.contains(tensor)) {
            Some(&sums) if best.schedule.streams() => Err(Error::Input(format!(
                "{} is needed whole, and cannot be had where a photo is computed in bands; allow more memory",
                graph.tensor(sums).name
            ))),
            _ => Ok(best),
        }
    }
}

pub(super) struct Planner<'a> {
    graph: &'a Graph,
    operators: &'a [Operator],
    budget: &'a Budget,
    groups: Vec<Group>,
    uses: Uses,
    movable: BTreeSet<TensorId>,
    /// By group, the tensors that it touches.
    touched: Vec<BTreeSet<TensorId>>,
    /// The first and last step of every tensor that is not local to a group, and its bytes.
    crossing: Vec<(TensorId, usize, usize, u64)>,
    /// What was worked out before.
    costs: RefCell<BTreeMap<CostKey, Rc<Cost>>>,
}

impl<'a> Planner<'a> {
    /// For groups that read around what they compute `inner` times at most.
    pub(super) fn new(graph: &'a Graph, operators: &'a [Operator], budget: &'a Budget, inner: usize) -> Self {
        let groups = groups(operators, inner);
        let uses = Uses::of(graph, &groups);
        let touched = |group: &Group| {
            let nodes = &graph.nodes()[group.nodes.clone()];
            nodes.iter().flat_map(|n| n.inputs.iter().chain(&n.outputs)).copied().collect()
        };
        let bytes = |id| Layout::of(&graph.desc(id), budget.precision).bytes();
        let crossing = lifetimes(graph)
            .into_iter()
            .filter(|&(id, ..)| !uses.tensor(id).local())
            .map(|(id, first, last)| (id, first, last, bytes(id)));
        Self {
            crossing: crossing.collect(),
            touched: groups.iter().map(touched).collect(),
            movable: movable(graph, operators),
            graph,
            operators,
            budget,
            groups,
            uses,
            costs: RefCell::default(),
        }
    }

    /// The schedule within the budget, or the bytes of the smallest that was found.
    pub(super) fn plan(&self) -> Result<std::result::Result<Plan, u64>> {
        let Budget { bytes, buffer, precision } = *self.budget;
        let (mut aim, mut least) = (bytes, u64::MAX);
        for _ in 0..ATTEMPTS {
            let (division, fits) = self.division(aim);
            let schedule = Schedule::divided(self.graph, self.operators, division);
            let taken = match Plan::scheduled(self.graph, self.operators, precision, buffer, schedule) {
                Ok(plan) if plan.device_bytes() <= bytes => return Ok(Ok(plan)),
                Ok(plan) => {
                    least = least.min(plan.device_bytes());
                    plan.device_bytes()
                }
                // As if it took twice as much: more bands have smaller buffers.
                Err(Error::TensorTooLarge { .. }) => bytes.saturating_mul(2),
                Err(other) => return Err(other),
            };
            if !fits {
                break;
            }
            // A little less than in proportion, or steps become ever smaller.
            aim = (u128::from(aim) * u128::from(bytes) * 49 / u128::from(taken) / 50) as u64;
        }
        Ok(Err(least))
    }

    /// The division that keeps most on the device within `aim` bytes, and whether there is one.
    fn division(&self, aim: u64) -> (Division, bool) {
        let ends = self.graph.inputs().iter().chain(self.graph.outputs());
        let ends: BTreeSet<TensorId> = ends.copied().filter(|t| self.movable.contains(t)).collect();
        let mut host = ends.clone();
        let mut fit = self.fit(&host, aim);
        while let Some(group) = fit.over(aim) {
            let Some(next) = self.next_to_go(group, &host) else {
                return (Division { groups: self.divided(&fit), host }, false);
            };
            host.insert(next);
            self.refit(&mut fit, next, &host, aim);
        }
        // Those that went early may fit after all, now that others have gone.
        let mut by_traffic: Vec<TensorId> = host.difference(&ends).copied().collect();
        by_traffic.sort_by_key(|&t| std::cmp::Reverse(self.traffic(t)));
        for tensor in by_traffic {
            host.remove(&tensor);
            let mut back = fit.clone();
            self.refit(&mut back, tensor, &host, aim);
            if back.over(aim).is_none() {
                fit = back;
            } else {
                host.insert(tensor);
            }
        }
        (Division { groups: self.divided(&fit), host }, true)
    }

    fn divided(&self, fit: &Fit) -> Vec<Group> {
        let group = |(group, (_, bands)): (&Group, &(u64, u32))| Group { bands: *bands, ..group.clone() };
        self.groups.iter().zip(&fit.groups).map(group).collect()
    }

    /// Bytes that go to the host and come back for one tensor.
    fn traffic(&self, tensor: TensorId) -> u64 {
        let bytes = Layout::of(&self.graph.desc(tensor), self.budget.precision).bytes();
        bytes * (1 + self.uses.tensor(tensor).read.len() as u64)
    }

    /// The tensor to go to the host next, of those that are on the device during a group.
    fn next_to_go(&self, group: usize, host: &BTreeSet<TensorId>) -> Option<TensorId> {
        let nodes = &self.groups[group].nodes;
        let there = |&&(id, first, last, _): &&(TensorId, usize, usize, u64)| {
            self.movable.contains(&id) && !host.contains(&id) && first < nodes.end && nodes.start <= last
        };
        let cost = |&&(id, _, _, bytes): &&(TensorId, usize, usize, u64)| {
            let touches = self.uses.tensor(id).read.len();
            (touches, self.touched[group].contains(&id), std::cmp::Reverse(bytes), id)
        };
        self.crossing.iter().filter(there).min_by_key(cost).map(|(id, ..)| *id)
    }

    /// The bands of each group that take no more than `aim`, or least.
    fn fit(&self, host: &BTreeSet<TensorId>, aim: u64) -> Fit {
        Fit { groups: (0..self.groups.len()).map(|group| self.fit_group(group, host, aim)).collect() }
    }

    /// The same, after a tensor has gone to the host or come back: only groups that it outlasts are concerned.
    fn refit(&self, fit: &mut Fit, tensor: TensorId, host: &BTreeSet<TensorId>, aim: u64) {
        let life = self.crossing.iter().find(|(id, ..)| *id == tensor);
        for (index, group) in self.groups.iter().enumerate() {
            if life.is_some_and(|&(_, first, last, _)| first < group.nodes.end && group.nodes.start <= last) {
                fit.groups[index] = self.fit_group(index, host, aim);
            }
        }
    }

    /// The fewest bands of a group that take no more than `aim`, or those that take least, and what they take; of those
    /// whose rows fit buffers, where any do. What they repeat is bounded as long as tensors could go to the host
    /// instead.
    fn fit_group(&self, index: usize, host: &BTreeSet<TensorId>, aim: u64) -> (u64, u32) {
        let repeated = if self.next_to_go(index, host).is_some() { REPEATED } else { u64::MAX };
        let on_host: Vec<TensorId> = self.touched[index].intersection(host).copied().collect();
        // Whether a buffer is too large, what is taken, and the number.
        let mut best: Option<(bool, u64, u32)> = None;
        for bands in self.options(index, !on_host.is_empty()) {
            let cost = self.cost(index, bands, &on_host);
            if cost.repeated > repeated && best.is_some_and(|(too_large, ..)| !too_large) {
                break;
            }
            let too_large = cost.buffer > self.budget.buffer;
            let taken = self.taken(&self.groups[index], bands, host, &cost);
            if best.is_none_or(|(largest, least, _)| (too_large, taken) < (largest, least)) {
                best = Some((too_large, taken, bands));
            }
            if taken <= aim && !too_large {
                break;
            }
        }
        best.map_or((0, 1), |(_, taken, bands)| (taken, bands))
    }

    /// Numbers of bands to try.
    fn options(&self, group: usize, streams: bool) -> Vec<u32> {
        let nodes = self.groups[group].nodes.clone();
        let by_cells = |o: &Operator| matches!(o.domain, super::Domain::Cells(_));
        let operators = &self.operators[nodes];
        if !operators.iter().all(by_cells) {
            return vec![1];
        }
        let most = operators.iter().map(|o| o.domain.cell_rows()).max().unwrap_or(1).max(1);
        let first = if streams { OVERLAPPING.min(most) } else { 1 };
        let more = std::iter::successors(Some(first), |&n| {
            (n < most).then(|| n.saturating_add((n / 2).max(1)).min(most))
        });
        more.collect()
    }

    /// Bytes on the device during a group.
    fn taken(&self, group: &Group, bands: u32, host: &BTreeSet<TensorId>, cost: &Cost) -> u64 {
        let nodes = &group.nodes;
        let mut steps = cost.steps.clone();
        for &(id, first, last, bytes) in &self.crossing {
            if host.contains(&id) || first >= nodes.end || last < nodes.start {
                continue;
            }
            let (first, last) = if bands > 1 { (nodes.start, nodes.end - 1) } else { (first, last) };
            let alive = first.max(nodes.start) - nodes.start..last.min(nodes.end - 1) + 1 - nodes.start;
            steps[alive].iter_mut().for_each(|sum| *sum += bytes);
        }
        steps.into_iter().max().unwrap_or(0) + cost.staging
    }

    /// What a group takes besides tensors that are whole on the device.
    fn cost(&self, index: usize, bands: u32, on_host: &[TensorId]) -> Rc<Cost> {
        let key = (index, bands, on_host.to_vec());
        if let Some(known) = self.costs.borrow().get(&key) {
            return Rc::clone(known);
        }
        let mut division = Division { groups: self.groups.clone(), host: on_host.iter().copied().collect() };
        division.groups[index].bands = bands;
        let schedule = Schedule {
            bands: Schedule::bands_of(self.graph, self.operators, &division, &self.uses, index),
            division,
        };
        let cost = Rc::new(self.worked_out(index, &schedule));
        self.costs.borrow_mut().insert(key, Rc::clone(&cost));
        cost
    }

    fn worked_out(&self, index: usize, schedule: &Schedule) -> Cost {
        let Group { nodes, bands } = &schedule.division.groups[index];
        let layout = |id| Layout::of(&self.graph.desc(id), self.budget.precision);
        let operators = &self.operators[nodes.clone()];
        let mut steps: Vec<u64> = operators.iter().map(|o| o.scratch.iter().sum()).collect();
        let mut held: BTreeMap<TensorId, u64> = BTreeMap::new();
        for (&id, rows) in schedule.bands.iter().flat_map(|band| &band.held) {
            let bytes = u64::from(rows.end - rows.start) * layout(id).row_bytes;
            let most = held.entry(id).or_default();
            *most = bytes.max(*most);
        }
        let buffer = held.values().copied().max().unwrap_or(0);
        if *bands == 1 {
            let local = self.touched[index].iter().filter(|&&id| self.uses.tensor(id).local());
            held.extend(local.map(|&id| (id, layout(id).bytes())));
        }
        for (id, bytes) in held {
            let (first, last) = self.uses.span(schedule, id, index);
            steps[first - nodes.start..=last - nodes.start].iter_mut().for_each(|sum| *sum += bytes);
        }
        let ways = Ways::of(&schedule.bands, |id| layout(id).row_bytes, self.budget.buffer);
        let (executed, mut defined) = (schedule.executed(self.operators), 0_u128);
        operators.iter().for_each(|o| defined += u128::from(o.work));
        let repeated = (executed * 1000 / defined.max(1)).saturating_sub(1000) as u64;
        Cost { steps, staging: ways.bytes(), repeated, buffer }
    }
}
