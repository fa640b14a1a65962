//! Single operators: `cargo bench --bench kernels`. One iteration is a whole run of a one-operator graph, upload
//! and read-back included, so compare shapes of one size and mind the element-wise floor.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mprnet::gpu::{Device, DeviceOptions};
use mprnet::graph::{Conv, Graph, Kernel, Op, Param, Patches, Role, TensorDesc, cost};
use mprnet::plan::Precision;
use mprnet::{Executor, ExecutorOptions, Values, WeightStore};

const SIDE: u32 = 256;

fn convolution(channels: u32, kernel: Kernel) -> Graph {
    let mut graph = Graph::new();
    let side = kernel.side() as usize;
    let shape = vec![channels as usize, channels as usize, side, side];
    let count = shape.iter().product();
    let data = (0..count).map(|i| ((i * 37 % 101) as f32 - 50.0) / 1000.0).collect();
    let weight = graph.param(Param { name: "weight".to_owned(), shape, data });
    let desc =
        TensorDesc { channels, height: SIDE, width: SIDE, patches: Patches::WHOLE, role: Role::Feature };
    let x = graph.input("x", desc);
    let conv = Op::Conv(Conv::new(kernel, weight, None));
    let out = graph.push("conv", conv, &[x], Patches::WHOLE).expect("the shapes fit");
    graph.output(out);
    graph
}

fn kernels(criterion: &mut Criterion) {
    let device = Device::new(&DeviceOptions::default()).expect("a GPU adapter is needed");
    let mut group = criterion.benchmark_group("convolution");
    group.sample_size(10);
    for (name, kernel) in [("3x3", Kernel::Three), ("1x1", Kernel::One)] {
        for channels in [16, 32, 56, 80] {
            for precision in [Precision::F32, Precision::F16] {
                let graph = convolution(channels, kernel);
                let operations = 2 * cost::multiply_adds(&graph, &graph.nodes()[0]);
                let input = [Values::Planar(vec![0.5; (channels * SIDE * SIDE) as usize])];
                let options =
                    ExecutorOptions { precision, slice: Some(u64::MAX), ..ExecutorOptions::default() };
                let mut executor =
                    Executor::new(&device, &WeightStore::default(), graph, &options).expect("it fits");
                group.throughput(Throughput::Elements(operations));
                let id =
                    BenchmarkId::new(format!("{name} {precision:?}"), format!("{channels}x{SIDE}x{SIDE}"));
                group.bench_function(id, |b| b.iter(|| executor.run(&device, &input, &mut |_| ())));
            }
        }
    }
    group.finish();
}

criterion_group!(benches, kernels);
criterion_main!(benches);
