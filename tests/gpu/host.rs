//! Devices that a host program opened.

use mprnet::gpu::{Device, DeviceOptions};
use mprnet::image::Frame;
use mprnet::kernels::Target;
use mprnet::model::Weights;
use mprnet::plan::Precision;
use mprnet::tune::Tuning;
use mprnet::{Restorer, RestorerOptions};

use crate::common::golden_path;

/// The same adapter opened by a host program, with those features of them that it has.
fn opened_by_a_host(own: &Device, wanted: wgpu::Features) -> Device {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    descriptor.backends = wgpu::Backends::from_env().unwrap_or(wgpu::Backends::all());
    let adapters =
        pollster::block_on(wgpu::Instance::new(descriptor).enumerate_adapters(wgpu::Backends::all()));
    let same = |adapter: &wgpu::Adapter| {
        let info = adapter.get_info();
        (info.backend, &info.name) == (own.adapter().backend, &own.adapter().name)
    };
    let adapter = adapters.into_iter().find(same).expect("it is there still");
    let required_features = wanted & adapter.features();
    let required_limits = own.wgpu().limits();
    let request = wgpu::DeviceDescriptor { required_features, required_limits, ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&request)).expect("a device opens");
    Device::from_wgpu(device, queue)
}

/// Only what a device does not tell is missing: its matrices.
#[test]
fn the_same_kernels_as_on_a_device_of_its_own() {
    let own = Device::new(&DeviceOptions::default()).expect("this test needs a GPU adapter");
    let features = own.wgpu().features() - wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX;
    let host = opened_by_a_host(&own, features);
    for precision in [Precision::F32, Precision::F16, Precision::Exact] {
        let [own, host] = [&own, &host].map(|device| Target::of(device, precision));
        assert_eq!(format!("{host:?}"), format!("{:?}", Target { matrices: Vec::new(), ..own }));
    }
    let [own_adapter, adapter] = [own.adapter(), host.adapter()];
    assert_eq!((&adapter.name, &adapter.driver), (&own_adapter.name, &own_adapter.driver));
    assert_eq!(Tuning::for_adapter(adapter), Tuning::for_adapter(own_adapter));
    assert_eq!(host.is_software(), own.is_software());
}

/// What the host program did not ask for is not used.
#[test]
fn no_more_than_the_host_has_opened() {
    let own = Device::new(&DeviceOptions::default()).expect("this test needs a GPU adapter");
    let host = opened_by_a_host(&own, wgpu::Features::empty());
    let target = Target::of(&host, Precision::F16);
    assert_eq!((target.subgroups, target.lane_loops, target.uniform_loads), (None, false, None));
    assert_eq!(target.software, own.is_software());
    assert_eq!((host.adapter().f16, host.adapter().subgroups), (false, None));
}

/// What its driver compiled is in a file once a photo is restored, where the device was opened for that, and the next
/// device takes it.
#[test]
fn compiled_kernels_outlast_a_hosts_device() {
    let own = Device::new(&DeviceOptions::default()).expect("this test needs a GPU adapter");
    let folder = tempfile::tempdir().expect("a folder for compiled kernels");
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    for wanted in [wgpu::Features::empty(), wgpu::Features::PIPELINE_CACHE, wgpu::Features::PIPELINE_CACHE] {
        let device = opened_by_a_host(&own, wanted).with_pipeline_folder(folder.path());
        let caches = device.wgpu().features().contains(wgpu::Features::PIPELINE_CACHE);
        let weights = Weights::read(&golden_path("tiny.safetensors")).unwrap();
        let restorer = Restorer::new(weights, device, RestorerOptions::default());
        let photo = Frame::from_rgb8(16, 16, vec![128; 16 * 16 * 3]).unwrap();
        restorer.restore(&photo).unwrap();
        assert_eq!(files(), usize::from(caches));
    }
}
