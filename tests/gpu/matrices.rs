//! The kernels of cooperative matrices where there are none: each built-in function is replaced by plain loops of the
//! same meaning, everything else runs as it is. What an adapter makes of the built-ins themselves is not tested here.

use half::f16;
use mprnet::gpu::Storage;
use mprnet::graph::{Conv, Epilogue, Graph, Kernel, Op, Patches, TensorDesc, TensorId, cpu};
use mprnet::kernels::{self, Choices, Lowered, Operand, Params, Slot, Stage, Target, Variant, View};
use mprnet::plan::{Strip, Window};
use wgpu::util::DeviceExt;

use crate::common::{Random, assert_close, feature};
use crate::device;

/// As for every operator that stores in f16.
const HALF: f64 = 1e-3;

/// Matrices as places in memory and products as a lane's share of their elements.
const PLAIN: &str = "
alias Left = vec2<i32>;
alias Right = vec2<i32>;
alias Product = array<f32, SIDE * SIDE / SUBGROUP>;

fn multiply_add(lane: i32, a: Left, b: Right, sum: Product) -> Product {
    var next = sum;
    for (var k = 0; k < SIDE * SIDE / SUBGROUP; k++) {
        let e = lane + k * SUBGROUP;
        for (var i = 0; i < SIDE; i++) {
            let x = f32(sh_x[a.x + e / SIDE * a.y + i]);
            next[k] = fma(x, f32(weights[b.x + i * b.y + e % SIDE]), next[k]);
        }
    }
    return next;
}

fn store(lane: i32, product: Product, place: i32, stride: i32) {
    var elements = product;
    for (var k = 0; k < SIDE * SIDE / SUBGROUP; k++) {
        let e = lane + k * SUBGROUP;
        sh_products[place + e / SIDE * stride + e % SIDE] = elements[k];
    }
}
";

/// The shader without its built-ins.
fn plain(text: &str) -> String {
    let mut text = text.to_owned() + PLAIN;
    for (from, to) in [
        ("enable wgpu_cooperative_matrix;", ""),
        ("alias Left = coop_", "// "),
        ("alias Right = coop_", "// "),
        ("alias Product = coop_", "// "),
        ("coopLoadT<Left>(&sh_x[", "Left(("),
        ("coopLoadT<Right>(&weights[", "Right(("),
        ("coopMultiplyAdd(", "multiply_add(lane, "),
        ("coopStoreT(", "store(lane, "),
        ("&sh_products[", "("),
        ("], u32(", "), i32("),
    ] {
        assert!(text.contains(from), "{from} is not there");
        text = text.replace(from, to);
    }
    text
}

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
    Strip { window: Window { bands: 0..domain.bands(), rows: 0..desc.height }, columns: 0..domain.columns() }
}

fn params(graph: &Graph, stage: &Stage, strip: &Strip) -> Params {
    let desc = graph.desc(graph.outputs()[0]);
    let mut params = Params::default();
    for binding in &stage.bindings {
        if let Operand::Tensor(id, _) = binding.operand {
            params.views[binding.slot as usize - Slot::Dst as usize] = view(&graph.desc(id));
        }
    }
    let patch = [desc.patch_height(), desc.patch_width(), desc.cell_rows(), desc.cell_cols()];
    params.patch = patch.map(|v| v as i32);
    params.window = [0, desc.height, 0, strip.window.bands.end].map(|v| v as i32);
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
        (Slot::Weights as u32, buffer(bytemuck::cast_slice(&weights))),
        (Slot::Bias as u32, buffer(bytemuck::cast_slice(&packed.bias))),
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
        buffers.push((binding.slot as u32, buffer(&contents)));
    }
    buffers
}

/// Runs the only stage of a graph's only operator, and gives its results.
fn run(graph: &Graph, stage: &Stage, strip: &Strip, inputs: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let wgpu = device().wgpu();
    let text = plain(&stage.spec.link().unwrap());
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
    let slots = [Slot::Dst as u32, Slot::Dst2 as u32].into_iter().zip(graph.outputs());
    slots
        .map(|(slot, &id)| {
            let buffer = &bound.iter().find(|(binding, _)| *binding == slot).unwrap().1;
            let bytes = read(buffer);
            let desc = graph.desc(id);
            let values: Vec<f32> = if slot == Slot::Dst as u32 {
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

fn check(variant: Variant, end: (Epilogue, bool), sources: usize, patches: Patches, [inner, out]: [u32; 2]) {
    let mut random = Random::new(9);
    let (epilogue, pooled) = end;
    let mut graph = Graph::new();
    let x = feature(inner, 12, 22, patches);
    let second = TensorDesc { channels: inner + 2, ..x };
    let added = TensorDesc { channels: out, ..x };
    let residual = (epilogue == Epilogue::Residual).then_some(added);
    let descs = [x, second].into_iter().take(sources).chain(residual);
    let ids: Vec<TensorId> = descs.map(|desc| graph.input("input", desc)).collect();
    let channels = if sources == 2 { 2 * inner + 2 } else { inner };
    let conv = random.conv(&mut graph, Kernel::Three, out as usize, channels as usize, true);
    graph.push("conv", Op::Conv(Conv { epilogue, pooled, ..conv }), &ids, patches).unwrap();
    graph.nodes()[0].outputs.clone().into_iter().for_each(|id| graph.output(id));
    let subgroups = device().target(mprnet::plan::Precision::F16).subgroups;
    let target = Target { subgroups, matrices: vec![8, 16], ..Target::portable(Storage::F16) };
    assert_eq!(variant.refused(&target), None);
    let target = target.with_choices(Choices::Always(variant));
    let lowered = kernels::lower(&graph, &graph.nodes()[0], &target);
    let inputs: Vec<Vec<f32>> =
        graph.inputs().iter().map(|&id| random.values(graph.desc(id).elements() as usize)).collect();
    let exact: Vec<Vec<f64>> = inputs.iter().map(|v| v.iter().map(|&v| f64::from(v)).collect()).collect();
    let expected = cpu::run(&graph, &exact).unwrap();
    let actual = run(&graph, &lowered.stages[0], &strip(&x, &lowered), &inputs);
    for (id, values) in graph.outputs().iter().zip(&actual) {
        let twin: Vec<f32> = expected[id].data.iter().map(|&v| v as f32).collect();
        assert_close(&format!("{variant:?} {patches:?} {inner}->{out} {end:?}"), values, &twin, HALF);
    }
}

#[test]
fn matrix_kernels_without_matrices() {
    let prelu = (Epilogue::Prelu(0.2), false);
    let cases = [
        (Variant::Matrix16, (Epilogue::None, true), 1, Patches::WHOLE, [20, 40]),
        (Variant::Matrix16, prelu, 2, Patches::QUARTERS, [5, 70]),
        (Variant::Matrix16, (Epilogue::Residual, false), 1, Patches::HALVES, [34, 6]),
        (Variant::Matrix8, (Epilogue::None, true), 2, Patches::QUARTERS, [9, 34]),
        (Variant::Matrix8, prelu, 1, Patches::HALVES, [16, 100]),
        (Variant::Matrix8, (Epilogue::Residual, false), 2, Patches::WHOLE, [7, 9]),
    ];
    for (variant, end, sources, patches, channels) in cases {
        check(variant, end, sources, patches, channels);
    }
}
