//! What kernels take of what adapters limit, and the least that an adapter must have.

use mprnet::gpu::Device;
use mprnet::image::Frame;
use mprnet::model::{Task, Weights};
use mprnet::{Error, Restorer, RestorerOptions};
use naga::proc::Layouter;
use naga::{AddressSpace, Module};

use crate::translate::{compile, plainest_specs};

/// What a module takes of what adapters limit.
#[derive(Clone, Copy, Default)]
pub struct Taken {
    pub storages: u32,
    pub lanes: u32,
    pub shared: u32,
}

impl Taken {
    pub fn by(module: &Module) -> Self {
        let mut layouter = Layouter::default();
        layouter.update(module.to_ctx()).expect("types have sizes");
        let mut taken = Self::default();
        for (_, variable) in module.global_variables.iter() {
            match variable.space {
                AddressSpace::WorkGroup => taken.shared += layouter[variable.ty].size,
                AddressSpace::Storage { .. } => taken.storages += 1,
                _ => {}
            }
        }
        let lanes = module.entry_points.iter().map(|entry| entry.workgroup_size.iter().product::<u32>());
        taken.lanes = lanes.max().unwrap_or_default();
        taken
    }

    fn or(self, other: Self) -> Self {
        Self {
            storages: self.storages.max(other.storages),
            lanes: self.lanes.max(other.lanes),
            shared: self.shared.max(other.shared),
        }
    }
}

/// An adapter is turned down if, and only if, it has less than what the plainest kernels of some network take.
#[test]
fn the_least_limits_are_what_kernels_take() {
    let taken = plainest_specs().into_iter().map(|spec| Taken::by(&compile(&spec).unwrap().0));
    let taken = taken.fold(Taken::default(), Taken::or);
    let device = Device::noop(wgpu::Limits::default(), wgpu::Features::empty()).unwrap();
    let lacks = |storages: u32, lanes: u32, shared: u32| {
        let mut adapter = device.adapter().clone();
        adapter.limits.max_storage_buffers_per_shader_stage = storages;
        adapter.limits.max_compute_invocations_per_workgroup = lanes;
        adapter.limits.max_compute_workgroup_storage_size = shared;
        adapter.lacks()
    };
    let Taken { storages, lanes, shared } = taken;
    assert_eq!(lacks(storages, lanes, shared), None, "{storages}, {lanes}, {shared}");
    for lacking in [
        lacks(storages - 1, lanes, shared),
        lacks(storages, lanes - 1, shared),
        lacks(storages, lanes, shared - 1),
    ] {
        assert!(lacking.is_some(), "{storages}, {lanes}, {shared}");
    }
}

/// A host program's device may allow less than its adapter.
#[test]
fn a_device_with_too_low_limits_is_named_as_that() {
    let limits =
        wgpu::Limits { max_storage_buffers_per_shader_stage: 4, ..wgpu::Limits::downlevel_defaults() };
    let opened = Device::noop(limits, wgpu::Features::empty()).unwrap();
    let device = Device::from_wgpu(opened.wgpu().clone(), opened.queue().clone());
    let restorer =
        Restorer::new(Weights::embedded(Task::Denoise).unwrap(), device, RestorerOptions::default());
    let photo = Frame::from_rgb8(16, 8, vec![0; 3 * 16 * 8]).unwrap();
    let Err(Error::Gpu { reason, .. }) = restorer.restore(&photo) else { panic!("it works") };
    assert_eq!(reason, "it allows 4 storage buffers a shader, and kernels take 6");
}
