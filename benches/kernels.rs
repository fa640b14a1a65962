//! Kernels, each variant of the 3x3 convolution among them: `cargo bench --bench kernels`. An iteration computes with
//! what is on the device; `mprnet bench --kernel` compares results with the CPU twin besides.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mprnet::ExecutorOptions;
use mprnet::gpu::{Device, DeviceOptions};
use mprnet::graph::cost;
use mprnet::kernels::{Choices, ConvShape, Target, Variant};
use mprnet::plan::{Layout, Precision};
use mprnet::specimen::Specimen;

const SIZE: [u32; 2] = [256, 256];
const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::F16];

fn convolution(channels: u32) -> Specimen {
    let (inputs, patches) = (vec![channels], [1, 1]);
    let shape =
        ConvShape { inputs, outputs: channels, size: SIZE, patches, epilogue: "prelu", pooled: false };
    Specimen::convolution(&shape).expect("the shape is one")
}

/// Operations of a direct convolution are the unit, whatever a variant makes of them.
fn variants(criterion: &mut Criterion) {
    let device = Device::new(&DeviceOptions::default()).expect("a GPU adapter is needed");
    let mut group = criterion.benchmark_group("conv3x3");
    group.sample_size(10);
    for channels in [40, 80] {
        let specimen = convolution(channels);
        let operations = 2 * cost::multiply_adds(specimen.graph(), &specimen.graph().nodes()[0]);
        group.throughput(Throughput::Elements(operations));
        for precision in PRECISIONS {
            for &variant in Variant::ALL {
                if variant.refused(&Target::of(&device, precision)).is_some() {
                    continue;
                }
                let choices = Choices::Always(variant);
                let options = ExecutorOptions { precision, choices, ..ExecutorOptions::default() };
                let mut executor = specimen.executor(&device, &options).expect("it fits");
                let name = format!("{} {}", variant.name(), precision.name());
                let id = BenchmarkId::new(name, format!("{channels}x{}x{}", SIZE[0], SIZE[1]));
                group.bench_function(id, |b| b.iter(|| executor.compute(&device)));
            }
        }
    }
    group.finish();
}

type Make = fn(u32, [u32; 2]) -> mprnet::Result<Specimen>;

/// What is bound by memory: bytes are the unit.
fn others(criterion: &mut Criterion) {
    let device = Device::new(&DeviceOptions::default()).expect("a GPU adapter is needed");
    let mut group = criterion.benchmark_group("memory");
    group.sample_size(10);
    let kernels: [(&str, Make); 3] =
        [("conv1x1", Specimen::pointwise), ("gate", Specimen::gate), ("pool_cells", Specimen::pool_cells)];
    for (name, make) in kernels {
        let specimen = make(80, SIZE).expect("the shape is one");
        let graph = specimen.graph();
        for precision in PRECISIONS {
            let bytes = cost::bytes(&graph.nodes()[0], |id| Layout::of(&graph.desc(id), precision).bytes());
            group.throughput(Throughput::Bytes(bytes));
            let options = ExecutorOptions { precision, ..ExecutorOptions::default() };
            let mut executor = specimen.executor(&device, &options).expect("it fits");
            let id = BenchmarkId::new(
                format!("{name} {}", precision.name()),
                format!("80x{}x{}", SIZE[0], SIZE[1]),
            );
            group.bench_function(id, |b| b.iter(|| executor.compute(&device)));
        }
    }
    group.finish();
}

criterion_group!(benches, variants, others);
criterion_main!(benches);
