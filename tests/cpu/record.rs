//! Whole networks recorded on a device that validates everything and computes nothing: bindings, buffers and
//! grids are within the limits that were asked for, at sizes that no test could compute.

use std::sync::{Mutex, MutexGuard, PoisonError};

use mprnet::gpu::Device;
use mprnet::graph::{Graph, KernelSize, Op, Patches, Role, TensorId};
use mprnet::kernels::{Choices, Variant};
use mprnet::model::ModelConfig;
use mprnet::plan::Precision;
use mprnet::{Error, Executor, ExecutorOptions, Values, WeightStore};
use wgpu::{Features, Limits};

use crate::common::{Random, feature};
use crate::plans::published;

/// Buffers of this device take memory like any other: one network at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn zeros(graph: &Graph) -> Vec<Values> {
    let zero = |id| {
        let desc = graph.desc(id);
        let count = desc.elements() as usize;
        if desc.role == Role::Words {
            Values::Words(vec![0; count])
        } else {
            Values::Planar(vec![0.0; count])
        }
    };
    graph.inputs().iter().map(|&id| zero(id)).collect()
}

/// Compiles and runs a graph.
fn record(device: &Device, graph: Graph, options: &ExecutorOptions) -> Executor {
    let inputs = zeros(&graph);
    let output = graph.desc(graph.outputs()[0]);
    let mut executor = Executor::new(device, &WeightStore::default(), graph, options).unwrap();
    let mut last = None;
    let outputs = executor.run(device, &inputs, &mut |p| last = Some(p)).unwrap();
    assert_eq!(outputs.len(), 1);
    assert_eq!(outputs[0].len() as u64, output.elements());
    assert!(last.is_some_and(|p| p.done == p.total && p.total > 0), "{last:?}");
    executor
}

/// WebGPU's smallest limits are those of [`Limits::default`]: bindings of 128 MiB, buffers of 256 MiB.
fn large() -> Limits {
    // The validating device has no more than 2^31 - 1.
    let bytes = (2 << 30) - 256;
    Limits { max_buffer_size: bytes, max_storage_buffer_binding_size: bytes, ..Limits::default() }
}

/// Records a published network at 1280x720, cut by the limits alone.
///
/// `beyond` tells whether some tensor is larger than a binding, and larger than a buffer.
fn record_published(config: ModelConfig, precision: Precision, device: &Device, beyond: (bool, bool)) {
    let graph = published(config, (720, 1280));
    let options = ExecutorOptions { precision, slice: Some(u64::MAX), ..ExecutorOptions::default() };
    let executor = record(device, graph.clone(), &options);
    let operators = graph.nodes().len();
    let plan = executor.memory_plan();
    let placements = graph.nodes().iter().flat_map(|n| &n.outputs).filter_map(|&t| plan.placement(t));
    println!("{config}: {} dispatches of {operators} operators", executor.dispatch_count());
    let fragmented = placements.into_iter().any(|p| p.fragments.len() > 1);
    assert_eq!((executor.dispatch_count() > operators, fragmented), beyond);
    assert_eq!(executor.memory().tensors, plan.bytes());
}

/// One test, so that other tests run meanwhile: one network at a time has the memory.
#[test]
fn published_networks() {
    let _alone = alone();
    let (packed, native) = (Features::empty(), Features::SHADER_F16);
    for (config, in_f32, in_f16) in [
        (ModelConfig::DERAIN, (true, false), (false, false)),
        (ModelConfig::DENOISE, (true, true), (true, false)),
        (ModelConfig::DEBLUR, (true, true), (true, false)),
    ] {
        for (precision, features, limits, beyond) in [
            (Precision::F32, packed, Limits::default(), in_f32),
            (Precision::F32, packed, large(), (false, false)),
            (Precision::F16, native, Limits::default(), in_f16),
            (Precision::F16, native, large(), (false, false)),
            (Precision::F16, packed, Limits::default(), in_f16),
        ] {
            record_published(config, precision, &Device::noop(limits, features).unwrap(), beyond);
        }
    }
}

/// Cut for the work that a submission may hold, which this device's pace then raises in the middle of the run.
#[test]
fn deblurring_at_the_pace_of_the_device() {
    let _alone = alone();
    let graph = published(ModelConfig::DEBLUR, (512, 512));
    let operators = graph.nodes().len();
    let device = Device::noop(Limits::default(), Features::empty()).unwrap();
    let weights = WeightStore::default();
    let at_first = Executor::new(&device, &weights, graph.clone(), &ExecutorOptions::default()).unwrap();
    println!("{} dispatches for {operators} operators", at_first.dispatch_count());
    assert!(at_first.dispatch_count() > 3 * operators);
    drop(at_first);
    record(&device, graph, &ExecutorOptions::default());
}

/// Cells of rows side by side in one dimension of the grid: windows are cut where these would be too many.
#[test]
fn all_cells_of_a_window_side_by_side() {
    let _alone = alone();
    let limits = Limits { max_compute_workgroups_per_dimension: 512, ..Limits::default() };
    let device = Device::noop(limits, Features::empty()).unwrap();
    let options = ExecutorOptions {
        choices: Choices::Always(Variant::Winograd2),
        slice: Some(u64::MAX),
        ..ExecutorOptions::default()
    };
    // 4096 cells, four for each workgroup.
    record(&device, published(ModelConfig::DERAIN, (512, 512)), &options);
}

/// More lanes for four cells than a workgroup has are no reason to cut.
#[test]
fn wide_convolutions_are_not_cut_for_the_grid() {
    let _alone = alone();
    let device = Device::noop(Limits::default(), Features::empty()).unwrap();
    let options = ExecutorOptions {
        choices: Choices::Always(Variant::Winograd4),
        slice: Some(u64::MAX),
        ..ExecutorOptions::default()
    };
    let mut random = Random::new(1);
    let stages = [64, 144].map(|channels| {
        let mut graph = Graph::new();
        let x = graph.add_input("x", feature(channels, 64, 64, Patches::WHOLE));
        let conv = random.conv(&mut graph, KernelSize::Three, channels as usize, channels as usize, false);
        graph.push("conv", Op::Conv(conv), &[x], Patches::WHOLE).unwrap();
        graph.nodes()[0].outputs.clone().into_iter().for_each(|id| graph.mark_output(id));
        let executor = Executor::new(&device, &WeightStore::default(), graph, &options).unwrap();
        executor.dispatch_count()
    });
    assert_eq!(stages[0], stages[1]);
}

/// They are not cut, and would come back as zeros.
#[test]
fn sums_are_not_kept_in_bands() {
    let _alone = alone();
    let device = Device::noop(Limits::default(), Features::empty()).unwrap();
    let mut graph = published(ModelConfig::DERAIN, (512, 512));
    let options = ExecutorOptions { max_memory: Some(96 << 20), ..ExecutorOptions::default() };
    let compiled = |graph: &Graph| Executor::new(&device, &WeightStore::default(), graph.clone(), &options);
    assert!(compiled(&graph).is_ok());
    let pooled = |id: &&TensorId| graph.desc(**id).role == Role::Pooled;
    let sums = *graph.nodes().iter().flat_map(|node| &node.outputs).find(pooled).unwrap();
    graph.mark_output(sums);
    let error = compiled(&graph).err().unwrap().to_string();
    assert!(error.contains(&graph.tensor(sums).name) && error.contains("allow more memory"), "{error}");
}

/// What a band loads and stores is more than a buffer may hold.
#[test]
fn bands_move_through_buffers_of_the_devices_size() {
    let _alone = alone();
    let size = (384, 512);
    let within = |buffer, bytes| {
        let limits =
            Limits { max_buffer_size: buffer, max_storage_buffer_binding_size: buffer, ..Limits::default() };
        let options = ExecutorOptions { max_memory: bytes, ..ExecutorOptions::default() };
        let device = Device::noop(limits, Features::empty()).unwrap();
        record(&device, published(ModelConfig::DERAIN, size), &options)
    };
    let whole = within(256 << 20, None).memory().device();
    let executor = within(16 << 20, Some(whole * 4 / 5));
    let staging = executor.memory().staging;
    println!("{:?} bands, {staging} bytes to move rows", executor.bands());
    assert!(executor.bands().is_some() && staging > 3 * (16 << 20), "one buffer each may do: {staging}");
}

/// What compiling a deraining network of that size says, with some limit lowered.
fn refusal(size: (u32, u32), limits: Limits, options: &ExecutorOptions) -> Error {
    let _alone = alone();
    let device = Device::noop(limits, Features::empty()).unwrap();
    let graph = published(ModelConfig::DERAIN, size);
    match Executor::new(&device, &WeightStore::default(), graph, options) {
        Ok(_) => panic!("it compiles"),
        Err(error) => error,
    }
}

#[test]
fn a_tensor_of_which_no_strip_fits_is_named() {
    let small = ExecutorOptions { buffer_limit: Some(1 << 20), ..ExecutorOptions::default() };
    let error = refusal((512, 512), Limits::default(), &small);
    let (name, size) = ("shallow_feat1.0", 512 * 512 * 40 * 4);
    assert!(
        matches!(&error, Error::TensorTooLarge { tensor, bytes, limit }
            if tensor == name && *bytes == size && *limit == 1 << 20),
        "{error}"
    );
    let text = error.to_string();
    assert!([name, &size.to_string(), "1048576"].iter().all(|part| text.contains(part)), "{text}");
    // A band of eight rows is bound at least.
    let narrow = ExecutorOptions { binding_limit: Some(1 << 16), ..ExecutorOptions::default() };
    let error = refusal((64, 128), Limits::default(), &narrow);
    assert!(
        matches!(&error, Error::TensorTooLarge { tensor, limit, .. } if tensor == name && *limit == 1 << 16),
        "{error}"
    );
}

#[test]
fn an_image_too_wide_for_a_grid_is_refused() {
    let limits = Limits { max_compute_workgroups_per_dimension: 64, ..Limits::default() };
    let error = refusal((16, 1024), limits, &ExecutorOptions::default());
    assert!(matches!(error, Error::TooManyWorkgroups { workgroups: 81, limit: 64 }), "{error}");
}
