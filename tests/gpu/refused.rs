//! Images of a device that are refused, and what fails with those that are not.

use mprnet::gpu::Device;
use mprnet::model::Mode;
use mprnet::{Error, PixelBuffer, Restorer, RestorerOptions};
use wgpu::{BufferUsages, TextureFormat, TextureUsages};

use crate::host_device;
use crate::on_device::{COPIES, buffer, described, pixels, put, texture, texture_of, tiny, weights};
use crate::overflowing::{changed, tiny as biased};
use crate::restorer::photo;

/// Two devices of one adapter.
fn siblings() -> (Device, Device) {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    descriptor.backends = wgpu::Backends::from_env().unwrap_or(wgpu::Backends::PRIMARY);
    let instance = wgpu::Instance::new(descriptor);
    let adapter =
        pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default())).unwrap();
    let open = || {
        let opened = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()));
        let (device, queue) = opened.unwrap();
        Device::from_wgpu(device, queue)
    };
    (open(), open())
}

/// The error of a restoration that is refused, in words.
fn refusal(restorer: &Restorer, from: &wgpu::Texture, to: &wgpu::Texture) -> String {
    match restorer.restore_texture(from, to) {
        Err(Error::Input(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn textures_that_are_refused() {
    let (opened, other) = siblings();
    let device = &opened;
    let restorer = Restorer::new(weights(), device.clone(), RestorerOptions::default());
    let good = || texture(device, TextureFormat::Rgba8Unorm, (24, 16));
    let made = |format, usage| texture_of(device, (24, 16), &described(format, usage));
    let refused = |from: &wgpu::Texture, to: &wgpu::Texture, said: &str| {
        let reason = refusal(&restorer, from, to);
        assert!(reason.contains(said), "{reason}");
    };
    let srgb = made(TextureFormat::Rgba8UnormSrgb, COPIES);
    refused(&srgb, &good(), "the source is Rgba8UnormSrgb");
    refused(&good(), &srgb, "the target is Rgba8UnormSrgb");
    refused(&made(TextureFormat::Bgra8Unorm, COPIES), &good(), "the source is Bgra8Unorm");
    refused(&made(TextureFormat::Rgba8Unorm, TextureUsages::COPY_DST), &good(), "the usage COPY_SRC");
    refused(&good(), &made(TextureFormat::Rgba8Unorm, TextureUsages::COPY_SRC), "the usage COPY_DST");
    refused(&good(), &made(TextureFormat::Rgba16Float, COPIES), "give both the same format");
    refused(
        &good(),
        &texture(device, TextureFormat::Rgba8Unorm, (24, 17)),
        "24 x 16 pixels and the target 24 x 17",
    );
    let one = good();
    refused(&one, &one, "the source is the target");
    let mut layers = described(TextureFormat::Rgba8Unorm, COPIES);
    layers.size.depth_or_array_layers = 2;
    refused(&texture_of(device, (24, 16), &layers), &good(), "two dimensions");
    let volume = wgpu::TextureDescriptor { dimension: wgpu::TextureDimension::D3, ..layers };
    refused(&good(), &texture_of(device, (24, 16), &volume), "two dimensions");
    let foreign = texture(&other, TextureFormat::Rgba8Unorm, (24, 16));
    refused(&foreign, &good(), "the source is not to be used on the restorer's device");
    refused(&good(), &foreign, "the target is not to be used on the restorer's device");
    let gone = good();
    gone.destroy();
    assert!(restorer.restore_texture(&gone, &good()).is_err());
    restorer.restore_texture(&good(), &good()).unwrap();
}

#[test]
fn buffers_that_are_refused() {
    let (opened, other) = siblings();
    let device = &opened;
    let restorer = Restorer::new(weights(), device.clone(), RestorerOptions::default());
    let (format, width, height) = (TextureFormat::Rgba8Unorm, 24, 16);
    let usage = BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
    let [from, to, small] = [96 * 16, 96 * 16, 96 * 16 - 4].map(|size| buffer(device, size, usage));
    let image = |buffer| PixelBuffer { buffer, format, width, height, offset: 0, bytes_per_row: 96 };
    let (from, to) = (image(&from), image(&to));
    let refused = |from: &PixelBuffer<'_>, to: &PixelBuffer<'_>, said: &str| {
        let error = restorer.restore_buffer(from, to);
        let Err(Error::Input(reason)) = error else { panic!("{error:?}") };
        assert!(reason.contains(said), "{reason}");
    };
    refused(&image(&small), &to, "the source takes 1536 bytes from byte 0 on, and its buffer has 1532");
    refused(&from, &PixelBuffer { offset: u64::MAX - 3, ..to }, "the target takes 1536 bytes from byte");
    refused(&PixelBuffer { bytes_per_row: 92, ..from }, &to, "the source has rows of 92 bytes");
    refused(&PixelBuffer { bytes_per_row: 98, ..from }, &to, "multiples of 4");
    refused(&from, &PixelBuffer { offset: 2, ..to }, "multiples of 4");
    refused(&PixelBuffer { width: 0, ..from }, &to, "0 x 16 pixels");
    refused(&PixelBuffer { height: 15, ..from }, &to, "give both the same size");
    refused(&PixelBuffer { width: u32::MAX, ..from }, &to, "the source has rows of 96 bytes");
    refused(&PixelBuffer { format: TextureFormat::Rgba8UnormSrgb, ..from }, &to, "Rgba8UnormSrgb");
    refused(&from, &from, "the source is the target");
    let unread = buffer(device, 96 * 16, BufferUsages::COPY_DST);
    refused(&image(&unread), &to, "the usage COPY_SRC");
    let foreign = buffer(&other, 96 * 16, usage);
    refused(&from, &image(&foreign), "the target is not to be used on the restorer's device");
    restorer.restore_buffer(&from, &to).unwrap();
}

/// What only the submission tells leaves a restorer that works.
#[test]
fn a_mapped_buffer_is_an_error() {
    let restorer = tiny(RestorerOptions::default());
    let device = restorer.device();
    let size = 96 * 16;
    let descriptor = wgpu::BufferDescriptor {
        label: None,
        size,
        usage: BufferUsages::COPY_SRC | BufferUsages::MAP_WRITE,
        mapped_at_creation: true,
    };
    let from = device.wgpu().create_buffer(&descriptor);
    let to = buffer(device, size, BufferUsages::COPY_DST);
    let format = TextureFormat::Rgba8Unorm;
    let image = |buffer| PixelBuffer { buffer, format, width: 24, height: 16, offset: 0, bytes_per_row: 96 };
    assert!(restorer.restore_buffer(&image(&from), &image(&to)).is_err());
    from.unmap();
    restorer.restore_buffer(&image(&from), &image(&to)).unwrap();
}

#[test]
fn restorations_that_are_refused() {
    let options = RestorerOptions::default();
    let refused = |restorer: &Restorer, said: &str| {
        let [from, to] = [(); 2].map(|()| texture(restorer.device(), TextureFormat::Rgba8Unorm, (240, 160)));
        let reason = refusal(restorer, &from, &to);
        assert!(reason.contains(said), "{reason}");
    };
    refused(&tiny(RestorerOptions { symmetries: true, ..options }), "symmetries");
    refused(&tiny(RestorerOptions { strength: 1.5, ..options }), "a strength of 1.5");
    refused(&tiny(RestorerOptions { mode: Mode::Tiled { tile: 64, overlap: 16 }, ..options }), "tiles");
    refused(&tiny(options).followed_by(weights()), "several models");
    refused(&tiny(RestorerOptions { max_memory: Some(3 << 20), ..options }), "bands");
}

#[test]
fn numbers_that_overflow_are_an_error() {
    let loud =
        changed(
            &biased(),
            |key, _| {
                if ["shallow_feat3.0.weight", "tail.weight"].contains(&key) { 1e30 } else { 1.0 }
            },
        );
    let restorer = Restorer::new(loud, host_device(), RestorerOptions::default());
    let [from, to] = [(); 2].map(|()| texture(restorer.device(), TextureFormat::Rgba8Unorm, (35, 22)));
    put(restorer.device(), &from, &pixels(&photo(35, 22), TextureFormat::Rgba8Unorm));
    let told = restorer.restore_texture(&from, &to);
    assert!(matches!(told, Err(Error::NotFinite(_))), "{told:?}");
}
