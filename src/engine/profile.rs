//! Where the time of a run goes: every operator's, and that of each stage of it, by the adapter's own clock where it
//! has one that can be read.

use std::collections::BTreeMap;

use serde::Serialize;
use web_time::Instant;

use super::compile::Step;
use super::record::Dispatch;
use super::weights::OperatorWeights;
use super::{Executor, Values};
use crate::Result;
use crate::gpu::{Device, Stamps, Submitted};
use crate::graph::{TensorId, cost};
use crate::kernels::{Operand, Slot};

/// What times are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// Timestamps of the adapter between dispatches of one pass, as runs have it; an interval begins where the one
    /// before it ends.
    Timestamps,
    /// Timestamps of the adapter at the ends of passes, of which each interval has its own; what lies between passes
    /// is in no interval.
    PassTimestamps,
    /// The host's clock around a submission for each interval: what submitting and waiting cost is in it.
    Wall,
}

impl Clock {
    /// The best that a device was opened with.
    #[must_use]
    pub fn of(device: &Device) -> Self {
        let has = |feature| device.wgpu().features().contains(feature);
        match (has(wgpu::Features::TIMESTAMP_QUERY), has(wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES)) {
            (true, true) => Self::Timestamps,
            (true, false) => Self::PassTimestamps,
            (false, _) => Self::Wall,
        }
    }

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Timestamps => "timestamps",
            Self::PassTimestamps => "pass-timestamps",
            Self::Wall => "wall",
        }
    }
}

/// A stretch of a run, in seconds from its first dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Its begin.
    pub start: f64,
    /// Its end, never before.
    pub end: f64,
}

/// A stage of an operator, as it was executed in one run.
#[derive(Clone, Debug, Serialize)]
pub struct Span {
    /// The operator's index in [`crate::graph::Graph::nodes`] of [`Executor::graph`].
    pub node: usize,
    /// The operator's kind.
    pub op: &'static str,
    /// The name of its first result.
    pub tensor: String,
    /// Which of the operator's stages; most have one, numbered 0.
    pub stage: usize,
    /// The stage's shader and what it is linked with.
    pub kernel: String,
    /// Shapes of what the operator reads, `[channels, height, width]`.
    pub inputs: Vec<[u32; 3]>,
    /// Shapes of its results.
    pub outputs: Vec<[u32; 3]>,
    /// Multiply-adds of the operator's sums as they are defined ([`cost::multiply_adds`]); of several stages only the
    /// one that holds the weights has them.
    pub multiply_adds: u64,
    /// Multiply-adds that the stage executes for them; Winograd's transforms are not counted.
    pub executed: u64,
    /// Whether they are executed on cooperative matrices.
    pub matrices: bool,
    /// Bytes of tensors and weights read and written, each counted once: the least that memory has to move.
    pub bytes: u64,
    /// Bytes of scratch memory between stages read and written, which may never leave the adapter's caches.
    pub scratch_bytes: u64,
    /// What the times were read from.
    pub clock: Clock,
    /// Dispatches.
    pub dispatches: usize,
    /// Workgroups of all of them.
    pub workgroups: u64,
    /// Workgroups of the largest, in x, y and z.
    pub grid: [u32; 3],
    /// When it was executed: several times where work is cut into strips that all stages sweep in turn.
    pub intervals: Vec<Interval>,
}

impl Span {
    /// Seconds in all.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.intervals.iter().fold(0.0, |sum, i| sum + i.end - i.start)
    }

    /// When it was first begun, in seconds from the run's first dispatch.
    #[must_use]
    pub fn start(&self) -> f64 {
        self.intervals.first().map_or(0.0, |i| i.start)
    }

    /// When it was last ended.
    #[must_use]
    pub fn end(&self) -> f64 {
        self.intervals.last().map_or(0.0, |i| i.end)
    }
}

impl Executor {
    /// Runs the graph as [`Executor::run`] does, without reading results back, and gives every stage of every operator
    /// with its times, in order of operators. Run it once before: first runs may compile, and find their pace.
    ///
    /// # Errors
    /// As [`Executor::run`]; [`crate::Error::Gpu`] too where the adapter's clock goes backwards.
    pub fn profile(&mut self, device: &Device, inputs: &[Values]) -> Result<Vec<Span>> {
        let mut recording = Recording::new(Clock::of(device));
        self.load(device, inputs)?;
        self.drive_to_the_end(device, |executor, slice| {
            let start = Instant::now();
            recording.submit(device, &executor.dispatches[slice.range.clone()])?;
            slice.observe(start.elapsed());
            Ok(Submitted::done())
        })?;
        let clock = recording.clock;
        let spans = recording.stages.into_iter();
        Ok(spans.map(|((node, stage), timed)| self.span(node, stage, clock, timed)).collect())
    }

    /// What a run executes, in order of operators and without times: nothing is run.
    #[must_use]
    pub fn outline(&self) -> Vec<Span> {
        let mut stages: BTreeMap<(usize, usize), Timed> = BTreeMap::new();
        for dispatch in &self.dispatches {
            stages.entry((dispatch.node, dispatch.stage)).or_default().count(dispatch);
        }
        let spans = stages.into_iter();
        spans.map(|((node, stage), timed)| self.span(node, stage, Clock::Wall, timed)).collect()
    }

    fn span(&self, node: usize, stage: usize, clock: Clock, timed: Timed) -> Span {
        let (graph, step) = (self.graph(), &self.compiled.steps[node]);
        let operator = &graph.nodes()[node];
        let shape = |&id: &TensorId| {
            let desc = graph.desc(id);
            [desc.channels, desc.height, desc.width]
        };
        let multiply_adds =
            if multiplying_stage(step) == stage { cost::multiply_adds(graph, operator) } else { 0 };
        let spec = &step.lowered.stages[stage].spec;
        let [bytes, scratch_bytes] = self.stage_bytes(node, stage);
        Span {
            node,
            op: operator.op.name(),
            tensor: graph.at(operator.outputs[0]).name.clone(),
            stage,
            kernel: spec.name(),
            inputs: operator.inputs.iter().map(shape).collect(),
            outputs: operator.outputs.iter().map(shape).collect(),
            multiply_adds,
            executed: (multiply_adds as f64 * step.arithmetic).round() as u64,
            matrices: spec.matrices(),
            bytes,
            scratch_bytes,
            clock,
            dispatches: timed.dispatches,
            workgroups: timed.workgroups,
            grid: timed.grid,
            intervals: timed.intervals,
        }
    }

    /// Bytes of tensors and weights, and of scratch memory.
    fn stage_bytes(&self, node: usize, stage: usize) -> [u64; 2] {
        let step = &self.compiled.steps[node];
        let domain = step.lowered.domain();
        let cells = domain.bands() * domain.columns();
        let weights = step.weights[stage].iter().flat_map(|weights| &weights.parts);
        let mut bytes = [weights.map(|(_, values)| values.bytes()).sum(), 0];
        for binding in &step.lowered.stages[stage].bindings {
            match binding.operand {
                Operand::Tensor(id, _) => {
                    bytes[0] +=
                        self.compiled.plan.memory.placement(id).map_or(0, |place| place.layout.bytes());
                }
                Operand::Scratch(scratch) => bytes[1] += scratch.bytes(cells),
                Operand::Absent | Operand::Idle(_) => {}
            }
        }
        bytes
    }
}

/// The stage that holds the weights of the operator's sums; the first where none does.
fn multiplying_stage(step: &Step) -> usize {
    let holds = |weights: &OperatorWeights| weights.parts.iter().any(|(slot, _)| *slot == Slot::Weights);
    step.weights.iter().position(|weights| weights.as_deref().is_some_and(holds)).unwrap_or(0)
}

/// What a stage of an operator took.
#[derive(Default)]
struct Timed {
    dispatches: usize,
    workgroups: u64,
    grid: [u32; 3],
    intervals: Vec<Interval>,
}

impl Timed {
    fn count(&mut self, dispatch: &Dispatch) {
        let groups = |grid: [u32; 3]| grid.into_iter().map(u64::from).product::<u64>();
        self.dispatches += 1;
        self.workgroups += groups(dispatch.workgroups);
        if groups(dispatch.workgroups) > groups(self.grid) {
            self.grid = dispatch.workgroups;
        }
    }
}

/// The times of a run's submissions.
struct Recording {
    clock: Clock,
    started: Instant,
    /// The adapter's clock at the run's first dispatch.
    first: Option<u64>,
    /// By operator and stage.
    stages: BTreeMap<(usize, usize), Timed>,
}

impl Recording {
    fn new(clock: Clock) -> Self {
        Self { clock, started: Instant::now(), first: None, stages: BTreeMap::new() }
    }

    /// Submits dispatches and waits for them, an interval for each run of dispatches of one stage of one operator.
    fn submit(&mut self, device: &Device, dispatches: &[Dispatch]) -> std::result::Result<(), String> {
        let pieces: Vec<&[Dispatch]> =
            dispatches.chunk_by(|a, b| (a.node, a.stage) == (b.node, b.stage)).collect();
        match self.clock {
            Clock::Wall => pieces.into_iter().try_for_each(|piece| self.submit_alone(device, piece)),
            _ => pieces.chunks(Stamps::MOST / 2).try_for_each(|pieces| self.submit_stamped(device, pieces)),
        }
    }

    fn submit_alone(&mut self, device: &Device, piece: &[Dispatch]) -> std::result::Result<(), String> {
        let start = self.started.elapsed().as_secs_f64();
        let mut encoder = device.wgpu().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            piece.iter().for_each(|dispatch| dispatch.record(&mut pass));
        }
        device.submit(encoder, |_| ()).wait()?;
        self.add(piece, Interval { start, end: self.started.elapsed().as_secs_f64() });
        Ok(())
    }

    fn submit_stamped(&mut self, device: &Device, pieces: &[&[Dispatch]]) -> std::result::Result<(), String> {
        let within = self.clock == Clock::Timestamps;
        let stamps = Stamps::new(device, if within { pieces.len() + 1 } else { 2 * pieces.len() });
        let mut encoder = device.wgpu().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let record = if within { record_within } else { record_around };
        record(&mut encoder, &stamps, pieces);
        let ticks = stamps.submit(device, encoder)?;
        let first = *self.first.get_or_insert(ticks[0]);
        let period = Stamps::tick(device);
        let seconds = |tick: u64| tick.checked_sub(first).map(|ticks| ticks as f64 * period);
        for (piece, [start, end]) in pieces.iter().zip(self.ends(&ticks)) {
            let interval = seconds(start).zip(seconds(end)).filter(|(start, end)| start <= end);
            let (start, end) = interval.ok_or("the adapter's clock went backwards; measure again")?;
            self.add(piece, Interval { start, end });
        }
        Ok(())
    }

    /// Timestamps at both ends of each interval: neighbours share theirs within a pass.
    fn ends(&self, ticks: &[u64]) -> Vec<[u64; 2]> {
        let ends = |pair: &[u64]| [pair[0], pair[1]];
        match self.clock {
            Clock::Timestamps => ticks.windows(2).map(ends).collect(),
            _ => ticks.chunks_exact(2).map(ends).collect(),
        }
    }

    fn add(&mut self, piece: &[Dispatch], interval: Interval) {
        let timed = self.stages.entry((piece[0].node, piece[0].stage)).or_default();
        piece.iter().for_each(|dispatch| timed.count(dispatch));
        timed.intervals.push(interval);
    }
}

/// Records all in one pass, a timestamp before the first and one after each.
fn record_within(encoder: &mut wgpu::CommandEncoder, stamps: &Stamps, pieces: &[&[Dispatch]]) {
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    pass.write_timestamp(stamps.set(), 0);
    for (i, piece) in pieces.iter().enumerate() {
        piece.iter().for_each(|dispatch| dispatch.record(&mut pass));
        pass.write_timestamp(stamps.set(), i as u32 + 1);
    }
}

/// Records a pass for each, with a timestamp at either end.
fn record_around(encoder: &mut wgpu::CommandEncoder, stamps: &Stamps, pieces: &[&[Dispatch]]) {
    for (i, piece) in pieces.iter().enumerate() {
        let mut pass = stamps.pass(encoder, 2 * i as u32);
        piece.iter().for_each(|dispatch| dispatch.record(&mut pass));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_timestamps_within_a_pass_alone() {
        let ends = |clock| Recording::new(clock).ends(&[1, 2, 4, 8]);
        assert_eq!(ends(Clock::Timestamps), [[1, 2], [2, 4], [4, 8]]);
        assert_eq!(ends(Clock::PassTimestamps), [[1, 2], [4, 8]]);
    }
}
