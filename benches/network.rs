//! The whole default model: `cargo bench --bench network`. An iteration restores a photo, from pixels to pixels.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mprnet::gpu::{Device, DeviceOptions};
use mprnet::image::Frame;
use mprnet::model::{Task, Weights};
use mprnet::plan::Precision;
use mprnet::tune::Tuning;
use mprnet::{Restorer, RestorerOptions};

fn network(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("denoise");
    group.sample_size(10);
    for side in [128_u32, 256] {
        let photo =
            Frame::from_rgb8(side, side, (0..side * side * 3).map(|i| (i * 37 % 251) as u8).collect());
        let photo = photo.expect("the sides fit");
        group.throughput(Throughput::Elements(u64::from(side) * u64::from(side)));
        for precision in [Precision::F32, Precision::F16, Precision::Exact] {
            let device = Device::new(&DeviceOptions::default()).expect("a GPU adapter is needed");
            let weights = Weights::embedded(Task::Denoise).expect("the embedded model is sound");
            let tuning = Tuning::for_adapter(device.adapter());
            let options = RestorerOptions { precision, tuning, ..RestorerOptions::default() };
            let restorer = Restorer::new(weights, device, options);
            let id = BenchmarkId::new(precision.name(), format!("{side}x{side}"));
            group.bench_function(id, |b| b.iter(|| restorer.restore(&photo)));
        }
    }
    group.finish();
}

criterion_group!(benches, network);
criterion_main!(benches);
