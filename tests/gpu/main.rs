//! Everything that runs on an adapter; without one these tests fail.

#[path = "../common/mod.rs"]
mod common;
mod golden;
mod network;
mod operators;

use std::sync::OnceLock;

use mprnet::gpu::{Device, DeviceOptions};
use mprnet::graph::Graph;
use mprnet::{Executor, ExecutorOptions, Values, WeightStore};

fn device() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| Device::new(&DeviceOptions::default()).expect("these tests need a GPU adapter"))
}

/// Runs a graph once, every slot filled with not-a-number before.
fn execute(graph: &Graph, inputs: &[Values], options: &ExecutorOptions) -> Vec<Values> {
    let mut executor = Executor::new(device(), &WeightStore::default(), graph.clone(), options).unwrap();
    executor.poison(device());
    executor.run(device(), inputs, &mut |_| ()).unwrap()
}

fn planar(values: &Values) -> &[f32] {
    match values {
        Values::Planar(values) => values,
        Values::Words(_) => panic!("words where floats are expected"),
    }
}
