//! Where the time of a run goes: every operator's, and that of each stage of it, by the adapter's own clock where it
//! has one that can be read.

use serde::Serialize;

use super::compile::Step;
use super::times::{Recording, Stages, Timed};
use super::weights::OperatorWeights;
use super::{Executor, Interval, Values, failed};
use crate::Result;
use crate::gpu::{Clock, Device};
use crate::graph::{TensorId, cost};
use crate::kernels::{BindingIndex, Operand};

/// A stage of an operator, as it was executed in one run.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
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
        pollster::block_on(self.profile_async(device, inputs))
    }

    /// As [`Self::profile`], for who waits in a way of its own.
    ///
    /// # Errors
    /// As [`Self::profile`].
    pub async fn profile_async(&mut self, device: &Device, inputs: &[Values]) -> Result<Vec<Span>> {
        let mut recording = Recording::new(Clock::of(device));
        self.load(device, inputs)?;
        self.drive_to_the_end(device, |executor, slice| {
            let range = slice.range.clone();
            recording.submit(device, &executor.dispatches[range], move |took| slice.observe(took))
        })
        .await?;
        device.settle().await?;
        drop(self.on_host().take());
        let clock = recording.clock;
        let stages = recording.read(device).map_err(failed)?.into_iter();
        Ok(stages.map(|((node, stage), timed)| self.span(node, stage, clock, timed)).collect())
    }

    /// What a run executes, in order of operators and without times: nothing is run.
    #[must_use]
    pub fn outline(&self) -> Vec<Span> {
        let mut stages = Stages::new();
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
            tensor: graph.tensor(operator.outputs[0]).name.clone(),
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
        let cells = domain.cell_rows() * domain.columns();
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
    let holds =
        |weights: &OperatorWeights| weights.parts.iter().any(|(slot, _)| *slot == BindingIndex::Weights);
    step.weights.iter().position(|weights| weights.as_deref().is_some_and(holds)).unwrap_or(0)
}
