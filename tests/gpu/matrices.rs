//! The kernels of cooperative matrices where there are none: each built-in function is replaced by plain loops of the
//! same meaning, everything else runs as it is. What an adapter makes of the built-ins themselves is not tested here.

mod plain;

use half::f16;
use mprnet::gpu::{Maker, Storage};
use mprnet::graph::{Conv, Epilogue, Graph, KernelSize, Op, Patches, TensorDesc, TensorId, cpu};
use mprnet::kernels::{self, BindingIndex, Choices, Lowered, Operand, Params, Stage, Target, Variant, View};
use mprnet::plan::{Strip, Window};
use wgpu::util::DeviceExt;

use crate::common::{Random, assert_close, feature};
use crate::device;
use plain::plain;

/// As for every operator that stores in f16.
const HALF: f64 = 1e-3;

/// Values as they are stored: `[height][width][channels, padded to quads]`.
fn stored(desc: &TensorDesc, planar: &[f32]) -> Vec<f16> {
    let area = (desc.height * desc.width) as usize;
    let channels = desc.channels as usize;
    let padded = channels.next_multiple_of(4);
    let at = |i: usize| (i % padded < channels).then(|| planar[i % padded * area + i / padded]);
    (0..area * padded).map(|i| f16::from_f32(at(i).unwrap_or(0.0))).collect()
}

/// The reverse of [`stored`].
fn planar(desc: &TensorDesc, stored: &[f32]) -> Vec<f32> {
    let area = (desc.height * desc.width) as usize;
    let padded = (desc.channels as usize).next_multiple_of(4);
    (0..area * desc.channels as usize).map(|i| stored[i % area * padded + i / area]).collect()
}

fn view(desc: &TensorDesc) -> View {
    let quads = desc.channels.div_ceil(4) as i32;
    View { base: 0, width: desc.width as i32, height: desc.height as i32, quads }
}

/// The only strip of a convolution.
fn strip(desc: &TensorDesc, lowered: &Lowered) -> Strip {
    let domain = lowered.domain();
    Strip {
        window: Window { cell_rows: 0..domain.cell_rows(), rows: 0..desc.height },
        columns: 0..domain.columns(),
    }
}

fn params(graph: &Graph, stage: &Stage, strip: &Strip) -> Params {
    let desc = graph.desc(graph.outputs()[0]);
    let mut params = Params::default();
    for binding in &stage.bindings {
        if let Operand::Tensor(id, _) = binding.operand {
            params.views[binding.index as usize - BindingIndex::Dst as usize] = view(&graph.desc(id));
        }
    }
    let patch = [desc.patch_height(), desc.patch_width(), desc.cell_rows(), desc.cell_cols()];
    params.patch = patch.map(|v| v as i32);
    params.window = [0, desc.height, 0, strip.window.cell_rows.end].map(|v| v as i32);
    params.strip = [0, strip.columns.end as i32];
    params.scalar = stage.scalars.scalar;
    params
}

/// What a stage binds, by binding number; results begin as not-a-number.
fn buffers(graph: &Graph, stage: &Stage, strip: &Strip, inputs: &[Vec<f32>]) -> Vec<(u32, wgpu::Buffer)> {
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_SRC;
    let buffer = |contents: &[u8]| {
        device().wgpu().create_buffer_init(&wgpu::util::BufferInitDescriptor { label: None, contents, usage })
    };
    let packed = (stage.packing.as_ref().unwrap().pack)(graph);
    let weights: Vec<f16> = packed.weights.iter().map(|&v| f16::from_f32(v)).collect();
    let mut buffers = vec![
        (0, buffer(bytemuck::bytes_of(&params(graph, stage, strip)))),
        (BindingIndex::Weights as u32, buffer(bytemuck::cast_slice(&weights))),
        (BindingIndex::Bias as u32, buffer(bytemuck::cast_slice(&packed.bias))),
    ];
    for binding in &stage.bindings {
        let contents = match binding.operand {
            Operand::Tensor(id, _) if graph.inputs().contains(&id) => {
                let index = graph.inputs().iter().position(|&i| i == id).unwrap();
                bytemuck::cast_slice(&stored(&graph.desc(id), &inputs[index])).to_vec()
            }
            Operand::Tensor(id, _) => vec![0xff; graph.desc(id).elements() as usize * 16],
            _ => vec![0; 16],
        };
        buffers.push((binding.index as u32, buffer(&contents)));
    }
    buffers
}

/// Runs the only stage of a graph's only operator, and gives its results.
fn run(graph: &Graph, stage: &Stage, strip: &Strip, inputs: &[Vec<f32>], subgroup: u32) -> Vec<Vec<f32>> {
    let wgpu = device().wgpu();
    let text = plain(&stage.spec.link().unwrap(), subgroup);
    let source = wgpu::ShaderSource::Wgsl(text.into());
    let module = wgpu.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
    let pipeline = wgpu.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    });
    let bound = buffers(graph, stage, strip, inputs);
    let entries: Vec<wgpu::BindGroupEntry<'_>> = bound
        .iter()
        .map(|(binding, buffer)| wgpu::BindGroupEntry {
            binding: *binding,
            resource: buffer.as_entire_binding(),
        })
        .collect();
    let layout = pipeline.get_bind_group_layout(0);
    let group = wgpu.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &layout,
        entries: &entries,
    });
    let mut encoder = wgpu.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        let [x, y, z] = stage.workgroups(strip);
        pass.dispatch_workgroups(x, y, z);
    }
    device().queue().submit([encoder.finish()]);
    let slots = [BindingIndex::Dst as u32, BindingIndex::Dst2 as u32].into_iter().zip(graph.outputs());
    slots
        .map(|(slot, &id)| {
            let buffer = &bound.iter().find(|(binding, _)| *binding == slot).unwrap().1;
            let bytes = read(buffer);
            let desc = graph.desc(id);
            let values: Vec<f32> = if slot == BindingIndex::Dst as u32 {
                bytemuck::cast_slice::<u8, f16>(&bytes).iter().map(|v| v.to_f32()).collect()
            } else {
                bytemuck::cast_slice(&bytes).to_vec()
            };
            planar(&desc, &values)
        })
        .collect()
}

fn read(buffer: &wgpu::Buffer) -> Vec<u8> {
    let wgpu = device().wgpu();
    let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
    let size = buffer.size();
    let staging =
        wgpu.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
    let mut encoder = wgpu.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, size);
    device().queue().submit([encoder.finish()]);
    staging.slice(..).map_async(wgpu::MapMode::Read, Result::unwrap);
    wgpu.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    staging.slice(..).get_mapped_range().unwrap().to_vec()
}

/// A convolution, and subgroups: those that the adapter may have, and those it has.
struct Case {
    variant: Variant,
    end: (Epilogue, bool),
    sources: usize,
    patches: Patches,
    size: [u32; 2],
    channels: [u32; 2],
    subgroups: (u32, u32),
    subgroup: u32,
    workgroup_memory: u32,
    maker: Maker,
}

impl Case {
    /// With one source that is not cut, and what follows the sums; subgroups of 32.
    fn of(variant: Variant, end: (Epilogue, bool), size: [u32; 2], channels: [u32; 2]) -> Self {
        Self {
            variant,
            end,
            sources: 1,
            patches: Patches::WHOLE,
            size,
            channels,
            subgroups: (32, 32),
            subgroup: 32,
            workgroup_memory: 16 << 10,
            maker: Maker::Other,
        }
    }

    fn graph(&self, random: &mut Random) -> Graph {
        let ([inner, out], (epilogue, pooled)) = (self.channels, self.end);
        let mut graph = Graph::new();
        let x = feature(inner, self.size[0], self.size[1], self.patches);
        let second = TensorDesc { channels: inner + 2, ..x };
        let added = TensorDesc { channels: out, ..x };
        let residual = (epilogue == Epilogue::Residual).then_some(added);
        let descs = [x, second].into_iter().take(self.sources).chain(residual);
        let ids: Vec<TensorId> = descs.map(|desc| graph.add_input("input", desc)).collect();
        let channels = if self.sources == 2 { 2 * inner + 2 } else { inner };
        let conv = random.conv(&mut graph, KernelSize::Three, out as usize, channels as usize, true);
        graph.push("conv", Op::Conv(Conv { epilogue, pooled, ..conv }), &ids, self.patches).unwrap();
        graph.nodes()[0].outputs.clone().into_iter().for_each(|id| graph.mark_output(id));
        graph
    }

    /// What the adapter lacks: what stands in for the built-ins is f16 all the same, and takes as much memory.
    fn lacking(&self) -> Option<String> {
        let (features, limits) = (device().wgpu().features(), device().wgpu().limits());
        if !features.contains(wgpu::Features::SHADER_F16) {
            return Some("the adapter has no 16-bit floats".to_owned());
        }
        let more = limits.max_compute_workgroup_storage_size < self.workgroup_memory;
        more.then(|| format!("the adapter has less workgroup memory than {} bytes", self.workgroup_memory))
    }

    /// Compares it with the CPU twin, where the adapter can; gives what its kernel is compiled with.
    fn check(&self) -> Vec<(&'static str, u32)> {
        let mut random = Random::new(9);
        let graph = self.graph(&mut random);
        let target = Target {
            subgroups: Some(self.subgroups),
            matrices: vec![8, 16],
            workgroup_memory: self.workgroup_memory,
            maker: self.maker,
            ..Target::portable(Storage::F16)
        };
        assert_eq!(self.variant.refused(&target), None);
        let target = target.with_choices(Choices::Always(self.variant));
        let lowered = kernels::lower(&graph, &graph.nodes()[0], &target);
        let constants = lowered.stages[0].spec.constants.clone();
        if let Some(lacks) = self.lacking() {
            println!("skipped: {lacks}");
            return constants;
        }
        let inputs: Vec<Vec<f32>> =
            graph.inputs().iter().map(|&id| random.values(graph.desc(id).elements() as usize)).collect();
        let exact: Vec<Vec<f64>> = inputs.iter().map(|v| v.iter().map(|&v| f64::from(v)).collect()).collect();
        let expected = cpu::run(&graph, &exact).unwrap();
        let strip = strip(&graph.desc(graph.outputs()[0]), &lowered);
        let actual = run(&graph, &lowered.stages[0], &strip, &inputs, self.subgroup);
        for (id, values) in graph.outputs().iter().zip(&actual) {
            let twin: Vec<f32> = expected[id].data.iter().map(|&v| v as f32).collect();
            let what = format!(
                "{} by {}: {:?} {:?} {:?} {} sources, {:?}",
                lowered.stages[0].spec.name(),
                self.subgroup,
                self.patches,
                self.size,
                self.channels,
                self.sources,
                self.end
            );
            assert_close(&what, values, &twin, HALF);
        }
        constants
    }
}

const VARIANTS: [Variant; 2] = [Variant::Matrix8, Variant::Matrix16];

#[test]
fn matrix_kernels_without_matrices() {
    let prelu = (Epilogue::Prelu(0.2), false);
    let cases = |variant| {
        [
            Case::of(variant, (Epilogue::None, true), [12, 22], [20, 40]),
            Case { sources: 2, patches: Patches::QUARTERS, ..Case::of(variant, prelu, [12, 22], [5, 70]) },
            Case {
                patches: Patches::HALVES,
                ..Case::of(variant, (Epilogue::Residual, false), [12, 44], [34, 6])
            },
            Case {
                sources: 2,
                patches: Patches::QUARTERS,
                ..Case::of(variant, (Epilogue::None, true), [40, 44], [17, 34])
            },
            Case::of(variant, (Epilogue::Residual, true), [3, 5], [1, 1]),
        ]
    };
    for case in VARIANTS.into_iter().flat_map(cases) {
        case.check();
    }
}

/// The same shader, whatever size of those that an adapter has its compiler chooses.
#[test]
fn matrix_kernels_by_any_size_of_subgroups() {
    for variant in VARIANTS {
        for (subgroups, subgroup) in [((32, 64), 32), ((32, 64), 64), ((64, 64), 64)] {
            let end = (Epilogue::Prelu(0.2), true);
            let case = Case::of(variant, end, [20, 52], [9, 36]);
            Case { sources: 2, patches: Patches::QUARTERS, subgroups, subgroup, ..case }.check();
        }
    }
}

/// With more workgroup memory than every adapter has: as many blocks of outputs as the kernel ever takes.
#[test]
fn matrix_kernels_in_more_memory() {
    for variant in VARIANTS {
        for subgroup in [32, 64] {
            let case = Case::of(variant, (Epilogue::None, true), [9, 17], [33, 80]);
            Case { subgroups: (32, 64), subgroup, workgroup_memory: 32 << 10, ..case }.check();
        }
    }
}

/// What compilers have no registers for is in workgroup memory: where pixels go, or also where they come from.
#[test]
fn matrix_kernels_that_keep_little_in_registers() {
    let none = (Epilogue::None, true);
    for variant in VARIANTS {
        for (maker, kept) in [(Maker::Nvidia, 1), (Maker::Amd, 2)] {
            let of = |end, size, channels| {
                let case = Case::of(variant, end, size, channels);
                Case { patches: Patches::QUARTERS, workgroup_memory: 32 << 10, maker, ..case }
            };
            let prelu = (Epilogue::Prelu(0.2), false);
            for case in [of(none, [20, 52], [20, 12]), Case { sources: 2, ..of(prelu, [40, 44], [9, 36]) }] {
                let constants = case.check();
                assert!(constants.contains(&("KEPT", kept)), "{variant:?} {maker:?} {constants:?}");
            }
        }
    }
}

#[test]
fn subgroups_that_cannot_share_rows_are_refused() {
    let target = |subgroups, maker| Target {
        subgroups,
        maker,
        matrices: vec![8, 16],
        ..Target::portable(Storage::F16)
    };
    for variant in VARIANTS {
        for subgroups in [None, Some((8, 32)), Some((16, 16)), Some((32, 128))] {
            assert!(variant.refused(&target(subgroups, Maker::Other)).is_some(), "{subgroups:?}");
        }
        for subgroups in [(32, 32), (64, 64), (32, 64)] {
            assert_eq!(variant.refused(&target(Some(subgroups), Maker::Amd)), None);
        }
        assert!(variant.refused(&target(None, Maker::Apple)).is_some());
        // What Metal says of all adapters.
        assert_eq!(variant.refused(&target(Some((4, 64)), Maker::Apple)), None);
        let without = Target { matrices: vec![], ..target(Some((32, 32)), Maker::Other) };
        assert!(variant.refused(&without).is_some());
    }
}
