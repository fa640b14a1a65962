//! Everything that runs on an adapter; without one these tests fail.

mod bands;
#[path = "../common/mod.rs"]
mod common;
mod golden;
mod host;
mod matrices;
mod memory;
mod network;
mod on_device;
mod operators;
#[path = "../common/overflowing.rs"]
mod overflowing;
mod overlap;
mod probe;
mod profile;
mod range;
mod reach;
mod refine;
mod refused;
mod restorer;
#[path = "../common/tensors.rs"]
mod tensors;
mod tiles;
mod variants;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use mprnet::gpu::{Device, DeviceOptions, Maker};
use mprnet::graph::Graph;
use mprnet::{Executor, ExecutorOptions, Values, WeightStore};

/// Devices that are opened once, by whoever needs them first. Tests that run at the same time mostly have one each:
/// Mesa's lavapipe compiles all kernels of a device on one thread.
struct Devices([OnceLock<Device>; 4]);

impl Devices {
    const fn new() -> Self {
        Self([const { OnceLock::new() }; 4])
    }

    /// That of this thread, and so of this test.
    fn mine(&self, open: impl FnOnce() -> Device) -> &Device {
        static TESTS: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static TEST: usize = TESTS.fetch_add(1, Ordering::Relaxed));
        let Self(devices) = self;
        devices[TEST.with(|test| test % devices.len())].get_or_init(open)
    }
}

fn device() -> &'static Device {
    static DEVICES: Devices = Devices::new();
    DEVICES.mine(|| Device::new(&DeviceOptions::default()).expect("these tests need a GPU adapter"))
}

/// A device that the host program opened, without 16-bit types: f16 is stored packed.
fn host_device() -> Device {
    device_with(wgpu::Features::empty())
}

/// A device that the host program opened, with just those features.
fn device_with(required_features: wgpu::Features) -> Device {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    descriptor.backends = wgpu::Backends::from_env().unwrap_or(wgpu::Backends::PRIMARY);
    let instance = wgpu::Instance::new(descriptor);
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()));
    let adapter = adapter.expect("these tests need a GPU adapter");
    let request = wgpu::DeviceDescriptor { required_features, ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&request)).expect("a device opens");
    Device::from_wgpu(device, queue)
}

/// One that stores f16 packed, with kernels for GPUs.
fn packed_device() -> &'static Device {
    static DEVICES: Devices = Devices::new();
    DEVICES.mine(|| host_device().with_kernels_for(Maker::Other))
}

/// Runs a graph once, every slot filled with not-a-number before.
fn execute(graph: &Graph, inputs: &[Values], options: &ExecutorOptions) -> Vec<Values> {
    execute_on(device(), graph, inputs, options)
}

fn execute_on(device: &Device, graph: &Graph, inputs: &[Values], options: &ExecutorOptions) -> Vec<Values> {
    let mut executor = Executor::new(device, &WeightStore::default(), graph.clone(), options).unwrap();
    executor.poison(device);
    executor.run(device, inputs, &mut |_| ()).unwrap()
}

fn planar(values: &Values) -> &[f32] {
    match values {
        Values::Planar(values) => values,
        Values::Words(_) => panic!("words where floats are expected"),
    }
}
