//! The dispatches of a compiled graph: for each strip of each cut of each operator its stages, with their bind groups
//! and their uniforms. They are planned first, and made when their pipelines are.

use std::ops::Range;
use std::sync::Arc;

use super::compile::{Compiled, Step};
use super::uniforms::{Uniforms, table_bytes};
use crate::gpu::{Device, KernelSpec, Pipeline};
use crate::kernels::{Binding, BindingIndex, Operand, Params, Scratch, View};
use crate::plan::{Band, Bound, Cut, CutLimits, Domain, Item, Strip, cut};
use crate::{Error, Result};

/// One dispatch, ready to be recorded.
pub(super) struct Dispatch {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) bind_group: wgpu::BindGroup,
    pub(super) workgroups: [u32; 3],
    pub(super) work: u64,
    /// The operator's index in the graph, and the stage of it.
    pub(super) node: usize,
    pub(super) stage: usize,
}

impl Dispatch {
    /// Adds it to a pass.
    pub(super) fn record(&self, pass: &mut wgpu::ComputePass<'_>) {
        pass.set_pipeline(&self.pipeline.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        let [x, y, z] = self.workgroups;
        pass.dispatch_workgroups(x, y, z);
    }
}

/// A binding of a cut: where it lies, and the tensor as the shader sees it.
#[derive(Clone, Copy)]
struct Located {
    binding: BindingIndex,
    slot: usize,
    offset: u64,
    size: u64,
    view: View,
}

/// A dispatch to be: a stage of a strip with its bindings.
pub(super) struct Planned {
    /// The band of the schedule.
    pub(super) band: usize,
    pub(super) node: usize,
    pub(super) stage: usize,
    strip: Strip,
    located: Vec<Located>,
    pub(super) work: u64,
    /// Whether it is the last of its operator.
    pub(super) closes: bool,
    /// Its place among its band's.
    place: usize,
}

impl Compiled {
    /// Every dispatch, none of more work than `budget` where an operator can be cut so small, and the table of uniforms
    /// has room for so many; and their uniforms.
    pub(super) fn dispatches(&self, device: &Device, mut budget: u64) -> Result<(Vec<Planned>, Uniforms)> {
        loop {
            let mut recorder = Recorder::new(self);
            for (band, Band { items, .. }) in self.plan.schedule.bands.iter().enumerate() {
                recorder.band();
                for item in items {
                    recorder.operator(item.node, &self.cut(band, item, budget)?);
                }
            }
            if recorder.table_bytes() <= self.table_bytes || budget == u64::MAX {
                return recorder.finish(device);
            }
            budget = budget.max(1).saturating_mul(2);
        }
    }

    fn cut(&self, band: usize, item: &Item, budget: u64) -> Result<Vec<Cut>> {
        let step = &self.steps[item.node];
        let tensors = &step.operator.tensors;
        let bound: Vec<Bound<'_>> = tensors
            .iter()
            .filter_map(|&(tensor, reach, written)| {
                let layout = self.plan.memory.placement(tensor)?.layout;
                let (fragments, _) = self.plan.memory.located(tensor, band)?;
                Some(Bound { reach, layout, fragments, written })
            })
            .collect();
        let domain = step.lowered.domain();
        let total = u64::from(domain.cell_rows());
        let share = u128::from(total) * u128::from(budget) / u128::from(step.operator.work.max(1));
        let most = step.lowered.strip[0].min(step.lowered.cell_rows_within(self.limits.rows));
        let cell_rows = (share.clamp(1, u128::from(total)) as u32).min(most);
        let limits = CutLimits { cell_rows, ..self.limits };
        cut(domain, &item.cell_rows, &bound, &limits).map_err(|index| {
            let tensor = self.graph.tensor(tensors[index].0).name.clone();
            Error::TensorTooLarge { tensor, bytes: bound[index].layout.bytes(), limit: limits.binding_bytes }
        })
    }
}

/// Collects the dispatches of operators in order.
pub(super) struct Recorder<'a> {
    compiled: &'a Compiled,
    planned: Vec<Planned>,
    /// The dispatches of each band.
    bands: Vec<Range<usize>>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(compiled: &'a Compiled) -> Self {
        Self { compiled, planned: Vec::new(), bands: Vec::new() }
    }

    /// Adds a band, to which operators are added then.
    pub(super) fn band(&mut self) {
        let end = self.planned.len();
        self.bands.push(end..end);
    }

    /// Bytes of the table of uniforms that so many dispatches take.
    pub(super) fn table_bytes(&self) -> u64 {
        table_bytes(&self.bands, self.compiled.uniform_stride)
    }

    /// Adds an operator's share of the band that was added last, cut into windows.
    pub(super) fn operator(&mut self, node: usize, cuts: &[Cut]) {
        let Some(band) = self.bands.len().checked_sub(1) else { return };
        let step = &self.compiled.steps[node];
        let columns = step.lowered.domain().columns();
        for cut in cuts {
            let rows = &cut.window.cell_rows;
            let (mut start, wide) = (0, step.lowered.strip_columns(rows.end - rows.start));
            while start < columns {
                let end = start.saturating_add(wide).min(columns);
                self.strip((band, node), cut, &Strip { window: cut.window.clone(), columns: start..end });
                start = end;
            }
        }
        if let Some(last) = self.planned.last_mut() {
            last.closes = true;
        }
        self.bands[band].end = self.planned.len();
    }

    fn strip(&mut self, (band, node): (usize, usize), cut: &Cut, strip: &Strip) {
        let step = &self.compiled.steps[node];
        let domain = step.lowered.domain();
        let share = u64::from(strip.window.cell_rows.end - strip.window.cell_rows.start)
            * u64::from(strip.columns.end - strip.columns.start);
        let cells =
            u64::from(domain.cell_rows()) * u64::from(domain.columns()) * step.lowered.stages.len() as u64;
        let work = (u128::from(step.operator.work) * u128::from(share) / u128::from(cells)) as u64;
        // The cut names a fragment for each tensor of all stages, in order.
        let mut fragments = cut.fragments.iter();
        for (stage, kernels) in step.lowered.stages.iter().enumerate() {
            let located = kernels.bindings.iter().filter_map(|binding| match binding.operand {
                Operand::Scratch(scratch) => self.scratch(node, binding.index, &scratch, strip),
                Operand::Idle(scratch) => {
                    let located = self.scratch(node, binding.index, &scratch, strip)?;
                    Some(Located { view: View::default(), ..located })
                }
                Operand::Tensor(..) => self.tensor(binding, (band, cut), *fragments.next()?),
                Operand::Absent => None,
            });
            let mut located: Vec<Located> = located.collect();
            let absent = kernels.bindings.iter().filter(|b| matches!(b.operand, Operand::Absent));
            if let Some(&x) = located.iter().find(|l| l.binding == BindingIndex::X) {
                located.extend(absent.map(|b| Located { binding: b.index, view: View::default(), ..x }));
            }
            let place = self.planned.len() - self.bands[band].start;
            let (strip, closes) = (strip.clone(), false);
            self.planned.push(Planned { band, node, stage, strip, located, work, closes, place });
        }
    }

    /// Of a tensor just the rows that the window touches.
    fn tensor(&self, binding: &Binding, (band, cut): (usize, &Cut), part: usize) -> Option<Located> {
        let Operand::Tensor(tensor, reach) = binding.operand else { return None };
        let memory = &self.compiled.plan.memory;
        let layout = memory.placement(tensor)?.layout;
        let (fragments, slots) = memory.located(tensor, band)?;
        let fragment = &fragments[part];
        let rows = reach.rows(&cut.window, layout.rows);
        let start = u64::from(rows.start - fragment.rows.start) * layout.row_bytes;
        let offset = start - start % self.compiled.limits.alignment;
        let end = u64::from(rows.end - fragment.rows.start) * layout.row_bytes;
        let before = u64::from(fragment.rows.start) * layout.row_bytes + offset;
        let desc = self.compiled.graph.desc(tensor);
        let view = View {
            base: base(before / layout.element_bytes),
            width: desc.width as i32,
            height: desc.height as i32,
            quads: layout.quads as i32,
        };
        Some(Located { binding: binding.index, slot: slots[part], offset, size: end - offset, view })
    }

    fn scratch(
        &self,
        node: usize,
        binding: BindingIndex,
        scratch: &Scratch,
        strip: &Strip,
    ) -> Option<Located> {
        let slot = *self.compiled.plan.memory.scratch(node).get(scratch.index)?;
        let (cell_rows, columns) = (&strip.window.cell_rows, &strip.columns);
        let cells = (cell_rows.end - cell_rows.start) * (columns.end - columns.start);
        let view = View {
            base: 0,
            width: scratch.width(cells) as i32,
            height: scratch.planes as i32,
            quads: scratch.items as i32,
        };
        Some(Located { binding, slot, offset: 0, size: scratch.bytes(cells), view })
    }

    /// Makes the table.
    pub(super) fn finish(self, device: &Device) -> Result<(Vec<Planned>, Uniforms)> {
        let limit = self.compiled.limits.rows;
        let most = |plan: &Planned| plan.workgroups(self.compiled).into_iter().max();
        if let Some(workgroups) = self.planned.iter().filter_map(most).find(|&n| n > limit) {
            return Err(Error::TooManyWorkgroups { workgroups, limit });
        }
        let of_dispatch = |plan: &Planned| params(&self.compiled.steps[plan.node], plan);
        let all = self.planned.iter().map(of_dispatch).collect();
        let uniforms = Uniforms::new(device, all, self.bands, self.compiled.uniform_stride)?;
        Ok((self.planned, uniforms))
    }
}

impl Planned {
    fn workgroups(&self, compiled: &Compiled) -> [u32; 3] {
        compiled.steps[self.node].lowered.stages[self.stage].workgroups(&self.strip)
    }

    /// The kernel that it runs.
    pub(super) fn spec<'a>(&self, compiled: &'a Compiled) -> &'a KernelSpec {
        &compiled.steps[self.node].lowered.stages[self.stage].spec
    }

    /// The dispatch by its pipeline, which makes the bind group.
    pub(super) fn dispatch(
        &self,
        device: &Device,
        compiled: &Compiled,
        pipeline: Arc<Pipeline>,
        uniforms: &Uniforms,
    ) -> Dispatch {
        let part = |buffer, offset, size| {
            wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer,
                offset,
                size: std::num::NonZeroU64::new(size),
            })
        };
        let params = wgpu::BindingResource::Buffer(uniforms.binding(self.place));
        let mut entries = vec![wgpu::BindGroupEntry { binding: 0, resource: params }];
        let weights = &compiled.steps[self.node].weights[self.stage];
        entries.extend(weights.iter().flat_map(|w| &w.parts).map(|(slot, values)| wgpu::BindGroupEntry {
            binding: *slot as u32,
            resource: values.binding(),
        }));
        entries.extend(self.located.iter().map(|l| wgpu::BindGroupEntry {
            binding: l.binding as u32,
            resource: part(&compiled.slots[l.slot], l.offset, l.size),
        }));
        let bind_group = device.wgpu().create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.layout,
            entries: &entries,
        });
        let Planned { node, stage, work, .. } = *self;
        let workgroups = self.workgroups(compiled);
        Dispatch { pipeline, bind_group, workgroups, work, node, stage }
    }
}

/// The uniforms of a stage of a strip.
fn params(step: &Step, plan: &Planned) -> Params {
    let stage = &step.lowered.stages[plan.stage];
    let mut params = Params::default();
    for located in &plan.located {
        params.views[located.binding as usize - BindingIndex::Dst as usize] = located.view;
    }
    if let Domain::Cells(desc) = &stage.domain {
        params.patch =
            [desc.patch_height(), desc.patch_width(), desc.cell_rows(), desc.cell_cols()].map(|v| v as i32);
    }
    let (rows, cell_rows, columns) =
        (&plan.strip.window.rows, &plan.strip.window.cell_rows, &plan.strip.columns);
    params.window = [rows.start, rows.end - rows.start, cell_rows.start, cell_rows.end - cell_rows.start]
        .map(|v| v as i32);
    params.strip = [columns.start, columns.end - columns.start].map(|v| v as i32);
    params.channels = stage.scalars.channels as i32;
    params.hidden = stage.scalars.hidden as i32;
    params.scalar = stage.scalars.scalar;
    params
}

/// [`View::base`] where so many elements lie before the binding: around 2^32, as shaders count.
fn base(elements: u64) -> i32 {
    (elements as i32).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `at` in `shaders/parts/params.wgsl` adds it up.
    fn place(base: i32, (y, width, quads): (i32, i32, i32), rest: i32) -> i32 {
        base.wrapping_add(y.wrapping_mul(width).wrapping_mul(quads)).wrapping_add(rest)
    }

    #[test]
    fn elements_past_2_to_the_31st_are_found() {
        let (width, quads) = (12_000, 32);
        for row in [0, 5_592, 5_593, 9_000, 11_184, 11_185, 20_000_u32] {
            let before = u64::from(row) * u64::from(width as u32) * 32;
            assert_eq!(place(base(before), (row as i32, width, quads), 7), 7, "row {row}");
        }
    }
}
