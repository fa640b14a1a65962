//! Restores an image of a program that has a device of wgpu already, from its own memory and back into it:
//! `cargo run --release --example host_device`.

use mprnet::image::{Channels, Frame, Pixels};
use mprnet::model::{Task, Weights};
use mprnet::{Restorer, RestorerOptions, gpu};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The host program's device, with those of the features that kernels gain by which its adapter has.
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))?;
    let request = wgpu::DeviceDescriptor {
        required_features: adapter.features() & gpu::Device::FEATURES,
        required_limits: adapter.limits(),
        ..Default::default()
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&request))?;

    // Both share it: neither waits for more than its own work.
    let shared = gpu::Device::from_wgpu(device.clone(), queue.clone());
    let restorer = Restorer::new(Weights::embedded(Task::Denoise)?, shared, RestorerOptions::default());

    // Rows of a window surface: BGRA, each row padded to 256 bytes.
    let pixels = Pixels { row_stride: 256, ..Pixels::packed(40, 30, Channels::Bgra) };
    let mut surface: Vec<u8> = (0..256 * 30_u32).map(|i| (i * 37 % 251) as u8 | 1).collect();
    let clean = restorer.restore(&Frame::from_slice(&surface, &pixels)?)?;
    clean.write_to_slice(&mut surface, &pixels)?;
    println!("restored {} x {} pixels", clean.width(), clean.height());
    Ok(())
}
