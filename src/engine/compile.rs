//! A graph compiled for one size on one device: slot buffers, pipelines, weights, and the dispatches with their
//! bind groups and one table of uniforms.

use std::sync::Arc;

use super::WeightStore;
use super::weights::OperatorWeights;
use crate::gpu::{Device, Pipeline};
use crate::graph::{Graph, cost};
use crate::kernels::{self, Binding, Lowered, Params, Slot, View};
use crate::plan::{Bound, Cut, CutLimits, Domain, MemoryPlan, Placement, Precision, cut};
use crate::{Error, Result};

/// How to compile a graph.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExecutorOptions {
    /// Storage of features and weights.
    pub precision: Precision,
    /// Bytes of one binding, where less than the device allows.
    pub binding_limit: Option<u64>,
    /// Bytes of one buffer, where less than the device allows.
    pub buffer_limit: Option<u64>,
    /// Work of one submission (as [`cost::work`] counts), instead of what 250 ms have been measured to hold.
    pub slice: Option<u64>,
}

/// Device memory of an executor, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Slots: all tensors, pooled sums included.
    pub tensors: u64,
    /// What no assignment of slots can undercut.
    pub live_bound: u64,
    /// Buffers that results are read back through, and the staging of the upload.
    pub staging: u64,
    /// The table of uniforms.
    pub uniforms: u64,
}

/// One operator, ready to be cut.
struct Step {
    lowered: Lowered,
    pipeline: Arc<Pipeline>,
    weights: Option<Arc<OperatorWeights>>,
    work: u64,
}

/// One dispatch, ready to be recorded.
pub(super) struct Dispatch {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) bind_group: wgpu::BindGroup,
    pub(super) workgroups: [u32; 3],
    pub(super) work: u64,
    /// Whether it is the last of its operator.
    pub(super) closes: bool,
}

/// A compiled graph.
pub(super) struct Compiled {
    pub(super) graph: Graph,
    pub(super) memory: MemoryPlan,
    pub(super) slots: Vec<wgpu::Buffer>,
    steps: Vec<Step>,
    limits: CutLimits,
    uniform_stride: u64,
}

/// A binding of a cut: where it lies, and the tensor as the shader sees it.
struct Located {
    binding: Slot,
    slot: usize,
    offset: u64,
    size: u64,
    view: View,
}

/// A cut of an operator with its bindings.
struct Planned<'a> {
    step: &'a Step,
    cut: Cut,
    located: Vec<Located>,
    closes: bool,
}

impl Compiled {
    pub(super) fn new(
        device: &Device,
        store: &WeightStore,
        graph: Graph,
        options: &ExecutorOptions,
    ) -> Result<Self> {
        let limits = device.wgpu().limits();
        let buffer_limit = options.buffer_limit.unwrap_or(u64::MAX).min(limits.max_buffer_size);
        let memory = MemoryPlan::new(&graph, options.precision, buffer_limit)?;
        let storage = device.storage(options.precision);
        let mut steps = Vec::with_capacity(graph.nodes().len());
        for node in graph.nodes() {
            let lowered = kernels::lower(&graph, node, storage);
            let pipeline = device.pipelines().get(device, &lowered.spec)?;
            let packed = lowered.packing.as_ref().map(|packing| store.get(device, &graph, packing));
            let (weights, work) = (packed.transpose()?, cost::work(&graph, node));
            steps.push(Step { lowered, pipeline, weights, work });
        }
        let binding = options.binding_limit.unwrap_or(u64::MAX).min(limits.max_storage_buffer_binding_size);
        let cut_limits = CutLimits {
            binding_bytes: binding,
            alignment: u64::from(limits.min_storage_buffer_offset_alignment),
            rows: limits.max_compute_workgroups_per_dimension,
            bands: u32::MAX,
        };
        let slots = make_slots(device, memory.slot_sizes())?;
        let uniform_alignment = u64::from(limits.min_uniform_buffer_offset_alignment);
        let uniform_stride = (size_of::<Params>() as u64).next_multiple_of(uniform_alignment);
        Ok(Self { graph, memory, slots, steps, limits: cut_limits, uniform_stride })
    }

    /// Every dispatch, none of more work than `budget` where an operator can be cut so small; and the table of
    /// uniforms they use.
    pub(super) fn dispatches(&self, device: &Device, budget: u64) -> Result<(Vec<Dispatch>, wgpu::Buffer)> {
        let mut planned = Vec::new();
        for step in &self.steps {
            let cuts = self.cut(step, budget)?;
            let last = cuts.len() - 1;
            planned.extend(cuts.into_iter().enumerate().map(|(i, cut)| {
                let located = self.locate(step, &cut);
                Planned { step, cut, located, closes: i == last }
            }));
        }
        let mut table = vec![0_u8; planned.len() * self.uniform_stride as usize];
        for (plan, entry) in planned.iter().zip(table.chunks_exact_mut(self.uniform_stride as usize)) {
            entry[..size_of::<Params>()].copy_from_slice(bytemuck::bytes_of(&params(plan)));
        }
        let made = device.checked(|| {
            let uniforms = device.wgpu().create_buffer(&wgpu::BufferDescriptor {
                label: Some("uniforms"),
                size: table.len() as u64,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            device.queue().write_buffer(&uniforms, 0, &table);
            let dispatch = |(i, plan): (usize, &Planned<'_>)| {
                self.dispatch(device, plan, (&uniforms, i as u64 * self.uniform_stride))
            };
            (planned.iter().enumerate().map(dispatch).collect::<Vec<_>>(), uniforms)
        });
        let (dispatches, uniforms) =
            made.map_err(|reason| Error::Gpu { during: "binding tensors".into(), reason })?;
        let beyond = |d: &&Dispatch| d.workgroups.iter().any(|&n| n > self.limits.rows);
        if let Some(dispatch) = dispatches.iter().find(beyond) {
            let workgroups = dispatch.workgroups.into_iter().max().unwrap_or(0);
            return Err(Error::TooManyWorkgroups { workgroups, limit: self.limits.rows });
        }
        Ok((dispatches, uniforms))
    }

    fn cut(&self, step: &Step, budget: u64) -> Result<Vec<Cut>> {
        let lowered = &step.lowered;
        let bound: Vec<Bound<'_>> = lowered
            .bindings
            .iter()
            .filter_map(|b| {
                let Placement { layout, fragments, .. } = self.memory.placement(b.tensor)?;
                let written = matches!(b.slot, Slot::Dst | Slot::Dst2);
                Some(Bound { reach: b.reach, layout: *layout, fragments, written })
            })
            .collect();
        let total = u64::from(lowered.domain.bands());
        let share = u128::from(total) * u128::from(budget) / u128::from(step.work.max(1));
        let bands = share.clamp(1, u128::from(total)) as u32;
        let limits = CutLimits { bands, ..self.limits };
        cut(&lowered.domain, &bound, &limits).map_err(|index| {
            let tensor = lowered.bindings[index].tensor;
            let bytes = bound[index].layout.bytes();
            Error::TensorTooLarge {
                tensor: self.graph.at(tensor).name.clone(),
                bytes,
                limit: limits.binding_bytes,
            }
        })
    }

    /// The bindings of a cut: of each tensor, just the rows that the window touches.
    fn locate(&self, step: &Step, cut: &Cut) -> Vec<Located> {
        let locate = |(binding, &part): (&Binding, &usize)| {
            let Placement { layout, fragments, slots } = self.memory.placement(binding.tensor)?;
            let fragment = &fragments[part];
            let rows = binding.reach.rows(&cut.window, layout.rows);
            let start = u64::from(rows.start - fragment.rows.start) * layout.row_bytes;
            let offset = start - start % self.limits.alignment;
            let end = u64::from(rows.end - fragment.rows.start) * layout.row_bytes;
            let before = u64::from(fragment.rows.start) * layout.row_bytes + offset;
            let desc = self.graph.desc(binding.tensor);
            let view = View {
                base: -((before / layout.element_bytes) as i64) as i32,
                width: desc.width as i32,
                height: desc.height as i32,
                quads: layout.quads as i32,
            };
            Some(Located { binding: binding.slot, slot: slots[part], offset, size: end - offset, view })
        };
        step.lowered.bindings.iter().zip(&cut.fragments).filter_map(locate).collect()
    }

    fn dispatch(&self, device: &Device, plan: &Planned<'_>, (table, at): (&wgpu::Buffer, u64)) -> Dispatch {
        let Planned { step, cut, located, closes } = plan;
        let part = |buffer, offset, size| {
            wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer,
                offset,
                size: std::num::NonZeroU64::new(size),
            })
        };
        let mut entries =
            vec![wgpu::BindGroupEntry { binding: 0, resource: part(table, at, size_of::<Params>() as u64) }];
        if let Some(packed) = &step.weights {
            let buffers = [(Slot::Weights, &packed.weights), (Slot::Bias, &packed.bias)];
            entries.extend(buffers.map(|(slot, buffer)| wgpu::BindGroupEntry {
                binding: slot as u32,
                resource: buffer.as_entire_binding(),
            }));
        }
        entries.extend(located.iter().map(|l| wgpu::BindGroupEntry {
            binding: l.binding as u32,
            resource: part(&self.slots[l.slot], l.offset, l.size),
        }));
        let bind_group = device.wgpu().create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &step.pipeline.layout,
            entries: &entries,
        });
        let bands = u64::from(cut.window.bands.end - cut.window.bands.start);
        let work = step.work * bands / u64::from(step.lowered.domain.bands());
        let workgroups = step.lowered.workgroups(&cut.window);
        Dispatch { pipeline: Arc::clone(&step.pipeline), bind_group, workgroups, work, closes: *closes }
    }
}

/// The uniforms of a cut.
fn params(plan: &Planned<'_>) -> Params {
    let (lowered, window) = (&plan.step.lowered, &plan.cut.window);
    let mut params = Params::default();
    for located in &plan.located {
        params.views[located.binding as usize - Slot::Dst as usize] = located.view;
    }
    if let Domain::Cells(desc) = &lowered.domain {
        params.patch =
            [desc.patch_height(), desc.patch_width(), desc.cell_rows(), desc.cell_cols()].map(|v| v as i32);
    }
    let (rows, bands) = (&window.rows, &window.bands);
    params.window =
        [rows.start, rows.end - rows.start, bands.start, bands.end - bands.start].map(|v| v as i32);
    params.channels = lowered.scalars.channels as i32;
    params.hidden = lowered.scalars.hidden as i32;
    params.factor = lowered.scalars.factor as i32;
    params.scalar = lowered.scalars.scalar;
    params
}

fn make_slots(device: &Device, sizes: &[u64]) -> Result<Vec<wgpu::Buffer>> {
    let make = |&size: &u64| {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let descriptor =
            wgpu::BufferDescriptor { label: Some("slot"), size, usage, mapped_at_creation: false };
        device.wgpu().create_buffer(&descriptor)
    };
    let during = || format!("taking {} MiB for tensors", sizes.iter().sum::<u64>() >> 20).into();
    device
        .checked(|| sizes.iter().map(make).collect())
        .map_err(|reason| Error::Gpu { during: during(), reason })
}
