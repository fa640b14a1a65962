//! What is told of the device's memory, beside what the driver's allocator has given out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mprnet::gpu::{Device, DeviceOptions};
use mprnet::graph::passes;
use mprnet::model::{ImageFormat, Weights};
use mprnet::plan::Precision;
use mprnet::{Executor, ExecutorOptions, Restorer, RestorerOptions, Values, WeightStore};

use crate::common::{Random, golden_path};
use crate::network::network;
use crate::restorer::photo;

/// Bytes by which allocations may exceed what was asked for: each begins at a boundary of its own.
const ROUNDING: u64 = 16 << 10;

/// What boundaries of 64 KiB add, which buffers have on DX12 alone.
fn boundaries(device: &Device) -> u64 {
    let dx12 = device.adapter().backend == wgpu::Backend::Dx12;
    if dx12 { (buffers(device).len() as u64) << 16 } else { 0 }
}

/// A device that no other test uses; none where its allocator does not report.
fn reporting() -> Option<Device> {
    let device = Device::new(&DeviceOptions::default()).unwrap();
    let reports = device.wgpu().generate_allocator_report().is_some();
    if !reports {
        eprintln!("skipped: this backend does not report what is allocated");
    }
    reports.then_some(device)
}

/// Buffers of an executor.
const OURS: [&str; 4] = ["slot", "staging", "rows on their way", "uniforms"];

/// Bytes of each buffer but those of weights, and of what wgpu makes for itself with every device.
fn buffers(device: &Device) -> Vec<u64> {
    // Through the last, tables are written, and weights.
    sizes(device, &[&OURS[..], &["(wgpu internal) Staging"]].concat())
}

/// Bytes of each buffer of such a name.
fn sizes(device: &Device, names: &[&str]) -> Vec<u64> {
    let allocations = device.wgpu().generate_allocator_report().unwrap().allocations;
    allocations.iter().filter(|it| names.contains(&&*it.name)).map(|it| it.size).collect()
}

fn allocated(device: &Device) -> u64 {
    buffers(device).iter().sum()
}

fn weights() -> Weights {
    Weights::read(&golden_path("tiny.safetensors")).unwrap()
}

#[test]
fn what_is_told_is_what_is_allocated() {
    let Some(device) = reporting() else { return };
    let size = (168, 56);
    let graph = passes::optimize(network(&weights(), size, ImageFormat::Planar)).unwrap();
    let input = [Values::Planar(Random::new(7).values((3 * size.0 * size.1) as usize))];
    // Weights are staged until the first submission, as many bytes again: they count with the weights.
    let (store, mut whole) = (WeightStore::default(), None);
    let made = |options: &ExecutorOptions| Executor::new(&device, &store, graph.clone(), options).unwrap();
    made(&ExecutorOptions::default()).run(&device, &input, &mut |_| ()).unwrap();
    for share in [None, Some(60), Some(35)] {
        let max_memory = share.and_then(|share| Some(whole? * share / 100));
        let mut executor = made(&ExecutorOptions { max_memory, ..ExecutorOptions::default() });
        let mut peak = allocated(&device);
        for _ in 0..2 {
            executor.run(&device, &input, &mut |_| peak = peak.max(allocated(&device))).unwrap();
        }
        let told = executor.memory();
        println!("{share:?}%, {max_memory:?}: {told:?}, {} told, {peak} allocated", told.device());
        assert!(peak <= told.device() + ROUNDING + boundaries(&device), "{peak} allocated, {told:?}");
        // All is there at the end but what tables are written through.
        assert!(peak + told.uniforms >= told.device(), "{peak} allocated, {told:?}");
        assert!(
            max_memory.is_none_or(|budget| peak <= budget + boundaries(&device)),
            "{peak} of {max_memory:?}"
        );
        whole.get_or_insert(told.device());
    }
}

/// Photos of two sizes in turn: what is kept of one counts for the other.
#[test]
fn photos_of_several_sizes_share_a_budget() {
    let Some(device) = reporting() else { return };
    let photos = [photo(40, 96), photo(48, 104)];
    let restorer = |max_memory| {
        Restorer::new(weights(), device.clone(), RestorerOptions { max_memory, ..RestorerOptions::default() })
    };
    let alone = photos.each_ref().map(|photo| {
        let restorer = restorer(None);
        let restored = restorer.restore(photo).unwrap();
        (restored, allocated(&device))
    });
    let sum = alone[0].1 + alone[1].1;
    for budget in [2 * sum, sum, alone[1].1] {
        let (restorer, mut peak) = (restorer(Some(budget)), 0);
        for (photo, (expected, _)) in photos.iter().zip(&alone).cycle().take(4) {
            let mut look = |_| peak = peak.max(allocated(&device));
            let restored = restorer.restore_with_progress(photo, &mut look).unwrap();
            assert!(restored == *expected);
        }
        println!("{budget}: {peak} allocated, {} at the end", allocated(&device));
        assert!(peak <= budget + ROUNDING + boundaries(&device), "{peak} of {budget}");
        // Both are kept where there is room.
        assert!(budget < 2 * sum || allocated(&device) + ROUNDING + boundaries(&device) >= sum * 9 / 10);
    }
}

/// Measuring features for f16 keeps many of them, and to the bound.
#[test]
fn what_is_measured_before_the_first_photo_keeps_to_the_bound() {
    let Some(device) = reporting() else { return };
    let (weights, size) = (weights(), (96, 64));
    let graph = passes::optimize(network(&weights, size, ImageFormat::Planar)).unwrap();
    let whole = Executor::new(&device, &WeightStore::default(), graph, &ExecutorOptions::default()).unwrap();
    let bound = whole.memory().device() * 3 / 4;
    drop(whole);
    let options =
        RestorerOptions { precision: Precision::F16, max_memory: Some(bound), ..RestorerOptions::default() };
    let restorer = Restorer::new(weights, device.clone(), options);
    let (done, mut peak) = (AtomicBool::new(false), 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            restorer.restore(&photo(64, 96)).unwrap();
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            // Weights are staged for each of the precisions.
            peak = peak.max(sizes(&device, &OURS).iter().sum());
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    assert_eq!(restorer.precision(), Precision::F16);
    println!("{peak} of {bound}");
    assert!(peak > 0 && peak <= bound + ROUNDING + boundaries(&device), "{peak} of {bound}");
}
