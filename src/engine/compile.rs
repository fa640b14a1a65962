//! A graph compiled for one size on one device: slot buffers, pipelines, weights, and the cuts of every operator.

use std::sync::Arc;

use super::WeightStore;
use super::weights::OperatorWeights;
use crate::gpu::{Device, KernelSpec, Owned};
use crate::graph::{Graph, cost};
use crate::kernels::{self, Choices, Lowered, Params, Stage, Target, Variant};
use crate::plan::{Budget, CutLimits, Operator, Plan, Precision, TABLES};
use crate::{Error, Result};

/// How to compile a graph.
#[derive(Clone, Debug, Default)]
pub struct ExecutorOptions {
    /// Storage of features and weights.
    pub precision: Precision,
    /// Bytes of one binding, where less than the device allows.
    pub binding_limit: Option<u64>,
    /// Bytes of one buffer, where less than the device allows.
    pub buffer_limit: Option<u64>,
    /// Work of one submission (as [`cost::work`] counts), instead of what 250 ms have been measured to hold.
    pub slice: Option<u64>,
    /// How variants of kernels are chosen.
    pub choices: Choices,
    /// Bytes on the device, weights apart, where not as many as the whole photo takes: then it is computed in bands.
    pub max_memory: Option<u64>,
}

/// Device memory of an executor, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Memory {
    /// Slots: all tensors, pooled sums and scratch included.
    pub tensors: u64,
    /// What no assignment of slots can undercut.
    pub live_bound: u64,
    /// Buffers that results are read back through, and the staging of the upload.
    pub staging: u64,
    /// The table of uniforms, and what it is written through.
    pub uniforms: u64,
    /// Memory of the host that tensors pass through between groups of operators.
    pub host: u64,
}

impl Memory {
    /// On the device in all.
    #[must_use]
    pub fn device(&self) -> u64 {
        self.tensors + self.staging + self.uniforms
    }
}

/// One operator, ready to be cut.
pub(super) struct Step {
    pub(super) lowered: Lowered,
    /// Those of each stage.
    pub(super) weights: Vec<Option<Arc<OperatorWeights>>>,
    /// Its work, and the tensors that its stages bind, in that order.
    pub(super) operator: Operator,
    /// Multiply-adds that its kernels execute for each of its definition.
    pub(super) arithmetic: f64,
}

impl Step {
    fn new(
        device: &Device,
        store: &WeightStore,
        graph: &Graph,
        (lowered, operator): (Lowered, Operator),
        arithmetic: f64,
    ) -> Result<Self> {
        let packed = |stage: &Stage| {
            let packed = stage.packing.as_ref();
            packed.map(|packing| store.get(device, graph, packing, stage.spec.weight_texels())).transpose()
        };
        let weights = lowered.stages.iter().map(packed).collect::<Result<_>>()?;
        Ok(Self { lowered, weights, operator, arithmetic })
    }
}

/// What gives the kernels of every node, chosen for a target.
pub(super) type Lower = fn(&Device, &Graph, &mut Target) -> Result<Vec<Lowered>>;

/// What is called before buffers are made, with the bytes that they will take.
pub(crate) type MakeRoom<'a> = &'a mut dyn FnMut(u64);

/// Where an executor is made.
pub(crate) struct Place<'a> {
    pub(crate) make_room: MakeRoom<'a>,
    /// Whether the graph's first input and first output are images of the device, which are copied on the device: then
    /// nothing moves them between it and the host.
    pub(crate) on_device: bool,
}

/// A compiled graph.
pub(super) struct Compiled {
    pub(super) graph: Graph,
    pub(super) precision: Precision,
    pub(super) plan: Plan,
    pub(super) slots: Vec<Owned>,
    pub(super) steps: Vec<Step>,
    pub(super) limits: CutLimits,
    pub(super) uniform_stride: u64,
    /// The most that a table of uniforms may take.
    pub(super) table_bytes: u64,
}

impl Compiled {
    pub(super) fn new(
        device: &Device,
        store: &WeightStore,
        graph: Graph,
        options: &ExecutorOptions,
        lower: Lower,
        make_room: MakeRoom<'_>,
    ) -> Result<Self> {
        let limits = device.wgpu().limits();
        let buffer_limit = options.buffer_limit.unwrap_or(u64::MAX).min(limits.max_buffer_size);
        let binding = options.binding_limit.unwrap_or(u64::MAX).min(limits.max_storage_buffer_binding_size);
        let mut target = Target::of(device, options.precision).with_choices(options.choices.clone());
        let most = target.scratch.min(binding).min(buffer_limit);
        let mut with_scratch = |scratch: u64| {
            target.scratch = most.min(scratch);
            let lowered = lower(device, &graph, &mut target)?;
            let work = |(lowered, node): (&Lowered, _)| lowered.operator(cost::work(&graph, node));
            let operators: Vec<Operator> = lowered.iter().zip(graph.nodes()).map(work).collect();
            Ok((lowered, operators))
        };
        let (plan, lowered, operators) = if let Some(bytes) = options.max_memory {
            let budget = Budget { bytes, buffer: buffer_limit, precision: options.precision };
            Plan::fitting(&graph, &budget, with_scratch)?
        } else {
            let (lowered, operators) = with_scratch(u64::MAX)?;
            (Plan::whole(&graph, &operators, options.precision, buffer_limit)?, lowered, operators)
        };
        let step =
            |(step, node)| Step::new(device, store, &graph, step, kernels::arithmetic(&graph, node, &target));
        let steps = lowered.into_iter().zip(operators).zip(graph.nodes()).map(step);
        let steps = steps.collect::<Result<Vec<_>>>()?;
        let cut_limits = CutLimits {
            binding_bytes: binding,
            alignment: u64::from(limits.min_storage_buffer_offset_alignment),
            rows: limits.max_compute_workgroups_per_dimension,
            cell_rows: u32::MAX,
        };
        make_room(plan.device_bytes());
        let slots = make_slots(device, plan.memory.slot_sizes())?;
        let uniform_alignment = u64::from(limits.min_uniform_buffer_offset_alignment);
        let uniform_stride = (size_of::<Params>() as u64).next_multiple_of(uniform_alignment);
        let precision = options.precision;
        let table_bytes = options.max_memory.map_or(u64::MAX, |_| plan.uniforms / TABLES);
        Ok(Self { graph, precision, plan, slots, steps, limits: cut_limits, uniform_stride, table_bytes })
    }

    /// Every kernel, in the order of first use.
    pub(super) fn specs(&self) -> impl Iterator<Item = &KernelSpec> {
        self.steps.iter().flat_map(|step| &step.lowered.stages).map(|stage| &stage.spec)
    }
}

/// The kernels of every node, which may turn out not to compile.
#[allow(clippy::unnecessary_wraps, reason = "it is a Lower")]
pub(super) fn chosen(_: &Device, graph: &Graph, target: &mut Target) -> Result<Vec<Lowered>> {
    Ok(graph.nodes().iter().map(|node| kernels::lower(graph, node, target)).collect())
}

/// The kernels of every node, compiled. A variant that the driver fails to compile gives way to the next best, unless
/// it was asked for by name.
pub(super) fn compiled(device: &Device, graph: &Graph, target: &mut Target) -> Result<Vec<Lowered>> {
    loop {
        let lowered = chosen(device, graph, target)?;
        let specs = lowered.iter().flat_map(|l| &l.stages).map(|s| &s.spec);
        let Err(error) = device.pipelines().prepare(device, specs) else { return Ok(lowered) };
        let Some(variant) = culprit(&error, graph, &lowered, target) else { return Err(error) };
        device.give_up(variant.name(), &error.to_string());
        target.failed.push(variant);
    }
}

/// The variant whose kernel it is that an error is about, where another can take its place.
fn culprit(error: &Error, graph: &Graph, lowered: &[Lowered], target: &Target) -> Option<Variant> {
    let Error::Shader { kernel, .. } = error else { return None };
    let failed = |l: &&Lowered| l.stages.iter().any(|s| s.spec.name() == *kernel);
    let node = &graph.nodes()[lowered.iter().position(|l| failed(&l))?];
    let variant = kernels::variant(graph, node, target)?;
    let asked_for = matches!(target.choices, Choices::Always(v) if v == variant);
    (!asked_for && !target.failed.contains(&variant)).then_some(variant)
}

fn make_slots(device: &Device, sizes: &[u64]) -> Result<Vec<Owned>> {
    let make = |&size: &u64| {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let descriptor =
            wgpu::BufferDescriptor { label: Some("slot"), size, usage, mapped_at_creation: false };
        Owned::new(device.wgpu(), &descriptor)
    };
    let bytes = sizes.iter().sum();
    device.checked_for("making room for tensors", bytes, || sizes.iter().map(make).collect())
}
