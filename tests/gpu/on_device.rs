//! Images of a host program's own device: textures and buffers.

use mprnet::gpu::Device;
use mprnet::image::{Frame, Samples};
use mprnet::model::{Mode, Stage, Weights};
use mprnet::plan::Precision;
use mprnet::{PixelBuffer, Restorer, RestorerOptions};
use wgpu::{BufferUsages, TextureFormat, TextureUsages};

use crate::common::golden_path;
use crate::host_device;
use crate::restorer::{bytes, photo};

pub const COPIES: TextureUsages = TextureUsages::COPY_SRC.union(TextureUsages::COPY_DST);
const FORMATS: [TextureFormat; 3] =
    [TextureFormat::Rgba8Unorm, TextureFormat::Rgba16Float, TextureFormat::Rgba32Float];
const SIZES: [(u32, u32); 5] = [(1, 1), (17, 16), (33, 5), (48, 40), (70, 41)];

pub fn weights() -> Weights {
    Weights::read(&golden_path("tiny_shuffle2.safetensors")).unwrap()
}

pub fn tiny(options: RestorerOptions) -> Restorer {
    Restorer::new(weights(), host_device(), options)
}

pub fn texture_of(
    device: &Device,
    (width, height): (u32, u32),
    descriptor: &wgpu::TextureDescriptor<'_>,
) -> wgpu::Texture {
    let size = wgpu::Extent3d { width, height, ..descriptor.size };
    device.wgpu().create_texture(&wgpu::TextureDescriptor { size, ..descriptor.clone() })
}

pub fn described(format: TextureFormat, usage: TextureUsages) -> wgpu::TextureDescriptor<'static> {
    wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: 1, height: 1, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage,
        view_formats: &[],
    }
}

pub fn texture(device: &Device, format: TextureFormat, size: (u32, u32)) -> wgpu::Texture {
    texture_of(device, size, &described(format, COPIES))
}

fn pixel_bytes(format: TextureFormat) -> u32 {
    format.block_copy_size(None).unwrap()
}

pub fn put(device: &Device, texture: &wgpu::Texture, pixels: &[u8]) {
    let bytes_per_row = Some(texture.width() * pixel_bytes(texture.format()));
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row, rows_per_image: None };
    device.queue().write_texture(texture.as_image_copy(), pixels, layout, texture.size());
}

fn take(device: &Device, texture: &wgpu::Texture) -> Vec<u8> {
    let row = texture.width() * pixel_bytes(texture.format());
    let padded = row.next_multiple_of(256);
    let buffer =
        buffer(device, u64::from(padded * texture.height()), BufferUsages::MAP_READ | BufferUsages::COPY_DST);
    let mut commands = device.wgpu().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(padded), rows_per_image: None };
    let to = wgpu::TexelCopyBufferInfo { buffer: &buffer, layout };
    commands.copy_texture_to_buffer(texture.as_image_copy(), to, texture.size());
    device.queue().submit([commands.finish()]);
    let rows = mapped(device, &buffer);
    rows.chunks_exact(padded as usize).flat_map(|line| &line[..row as usize]).copied().collect()
}

pub fn buffer(device: &Device, size: u64, usage: BufferUsages) -> wgpu::Buffer {
    let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
    device.wgpu().create_buffer(&descriptor)
}

fn mapped(device: &Device, buffer: &wgpu::Buffer) -> Vec<u8> {
    buffer.slice(..).map_async(wgpu::MapMode::Read, |_| ());
    device.wgpu().poll(wgpu::PollType::wait_indefinitely()).unwrap();
    buffer.slice(..).get_mapped_range().unwrap().to_vec()
}

/// Colours of every kind, and an alpha that differs from pixel to pixel.
pub fn pixels(noisy: &Frame, format: TextureFormat) -> Vec<u8> {
    let alpha = |i: usize| (i * 41 % 256) as u8;
    let colours = bytes(noisy).chunks_exact(3).enumerate();
    let four = colours.map(|(i, rgb)| [rgb[0], rgb[1], rgb[2], alpha(i)]);
    // Beyond black and white too, and no number at all; alpha of any size.
    let unit = |i: usize, v: u8| match (i, v) {
        (3, _) => f32::from(v) - 100.0,
        (_, 7) => f32::NAN,
        _ => f32::from(v) / 255.0 * 1.5 - 0.25,
    };
    match format {
        TextureFormat::Rgba8Unorm => four.flatten().collect(),
        TextureFormat::Rgba16Float => four
            .flat_map(|pixel| [0, 1, 2, 3].map(|i| half::f16::from_f32(unit(i, pixel[i])).to_le_bytes()))
            .flatten()
            .collect(),
        _ => four.flat_map(|pixel| [0, 1, 2, 3].map(|i| unit(i, pixel[i]).to_le_bytes())).flatten().collect(),
    }
}

/// The values of pixels, four each.
fn values(pixels: &[u8], format: TextureFormat) -> Vec<f32> {
    match format {
        TextureFormat::Rgba8Unorm => pixels.iter().map(|&v| f32::from(v)).collect(),
        TextureFormat::Rgba16Float => {
            pixels.chunks_exact(2).map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
        }
        _ => pixels.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
    }
}

/// The same photo for [`Restorer::restore`].
fn frame((width, height): (u32, u32), pixels: &[u8], format: TextureFormat) -> Frame {
    let values = values(pixels, format);
    let colours = values.chunks_exact(4).flat_map(|pixel| &pixel[..3]).copied();
    if format == TextureFormat::Rgba8Unorm {
        Frame::from_rgb8(width, height, colours.map(|v| v as u8).collect()).unwrap()
    } else {
        Frame::from_rgb32f(width, height, colours.collect()).unwrap()
    }
}

/// Compares pixels with what [`Restorer::restore`] gives, and alpha with what it was. `levels` is how far bytes may be
/// off.
fn compare(what: &str, format: TextureFormat, found: &[u8], source: &[u8], restored: &Frame, levels: f32) {
    let (found, source) = (values(found, format), values(source, format));
    let expected: Vec<f32> = match restored.samples() {
        Samples::U8(bytes) => bytes.iter().map(|&v| f32::from(v)).collect(),
        Samples::F32(units) => units.clone(),
        Samples::U16(_) => panic!("no photo is of 16 bits"),
    };
    // Bytes and f32 are the same to the bit. f16 has 11 bits, and a driver may round to either side.
    let bound = |v: f32| match format {
        TextureFormat::Rgba8Unorm => levels,
        TextureFormat::Rgba16Float => (v * 2.0_f32.powi(-10)).max(2.0_f32.powi(-24)),
        _ => 0.0,
    };
    for ((pixel, own), colours) in
        found.chunks_exact(4).zip(source.chunks_exact(4)).zip(expected.chunks_exact(3))
    {
        assert_eq!(pixel[3].to_bits(), own[3].to_bits(), "{what}: alpha");
        for (v, e) in pixel.iter().zip(colours) {
            assert!((v - e).abs() <= bound(*e), "{what}: {v} where {e} is expected");
        }
    }
}

#[test]
fn textures_are_restored_as_photos_are() {
    let restorer = tiny(RestorerOptions::default());
    let device = restorer.device();
    for format in FORMATS {
        for size in SIZES {
            let source = pixels(&photo(size.0, size.1), format);
            let [from, to] = [(); 2].map(|()| texture(device, format, size));
            put(device, &from, &source);
            let spent = restorer.restore_texture(&from, &to).unwrap();
            let restored = restorer.restore(&frame(size, &source, format)).unwrap();
            compare(&format!("{format:?} {size:?}"), format, &take(device, &to), &source, &restored, 0.0);
            assert_eq!(take(device, &from), source, "the source is as it was");
            // Of four sums of floats for every eight rows, and nothing else.
            assert_eq!(spent.moved_bytes, u64::from(size.1.div_ceil(8)) * 16);
        }
    }
}

#[test]
fn buffers_are_restored_as_photos_are() {
    let restorer = tiny(RestorerOptions::default());
    let device = restorer.device();
    for format in FORMATS {
        for (size, gap, offset) in [((17, 16), 12, 8), ((16, 9), 0, 0), ((64, 33), 0, 4), ((33, 5), 4, 300)] {
            let (width, height) = size;
            let row = width * pixel_bytes(format);
            let bytes_per_row = row + gap;
            let source = pixels(&photo(width, height), format);
            let mut laid = vec![0xab; offset];
            for line in source.chunks_exact(row as usize) {
                laid.extend(line);
                laid.resize(laid.len() + gap as usize, 0xab);
            }
            let usage = BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
            let [from, to] = [(); 2].map(|()| buffer(device, laid.len() as u64, usage));
            device.queue().write_buffer(&from, 0, &laid);
            device.queue().write_buffer(&to, 0, &vec![0xcd; laid.len()]);
            let image =
                |buffer| PixelBuffer { buffer, format, width, height, offset: offset as u64, bytes_per_row };
            pollster::block_on(restorer.restore_buffer_async(&image(&from), &image(&to))).unwrap();
            let read = buffer(device, laid.len() as u64, BufferUsages::MAP_READ | BufferUsages::COPY_DST);
            let mut commands =
                device.wgpu().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            commands.copy_buffer_to_buffer(&to, 0, &read, 0, laid.len() as u64);
            device.queue().submit([commands.finish()]);
            let found = mapped(device, &read);
            assert!(found[..offset].iter().all(|&v| v == 0xcd), "what is before the image stays");
            let lines = found[offset..].chunks_exact(bytes_per_row as usize);
            assert!(
                lines.clone().all(|line| line[row as usize..].iter().all(|&v| v == 0xcd)),
                "and between rows"
            );
            let found: Vec<u8> = lines.flat_map(|line| &line[..row as usize]).copied().collect();
            let restored = restorer.restore(&frame(size, &source, format)).unwrap();
            compare(&format!("{format:?} {size:?}"), format, &found, &source, &restored, 0.0);
        }
    }
}

/// A texture restored, and the same photo.
fn both(restorer: &Restorer, format: TextureFormat) -> (Vec<u8>, Vec<u8>, Frame) {
    let (size, device) = ((35, 22), restorer.device());
    let source = pixels(&photo(35, 22), format);
    let [from, to] = [(); 2].map(|()| texture(device, format, size));
    put(device, &from, &source);
    restorer.restore_texture(&from, &to).unwrap();
    let restored = restorer.restore(&frame(size, &source, format)).unwrap();
    (take(device, &to), source, restored)
}

#[test]
fn options_hold() {
    let options = RestorerOptions::default();
    let plain = both(&tiny(options), TextureFormat::Rgba8Unorm).0;
    let asked = [
        ("strength", RestorerOptions { strength: 0.5, ..options }),
        ("no strength", RestorerOptions { strength: 0.0, ..options }),
        ("first stage", RestorerOptions { stage: Stage::One, ..options }),
        ("second stage", RestorerOptions { stage: Stage::Two, ..options }),
        ("local", RestorerOptions { mode: Mode::Local { train_size: Some(32) }, ..options }),
        ("one tile", RestorerOptions { mode: Mode::Tiled { tile: 64, overlap: 16 }, ..options }),
        ("unfused", RestorerOptions { passes: false, ..options }),
    ];
    for (what, options) in asked {
        let restorer = tiny(options);
        for format in FORMATS {
            let (found, source, restored) = both(&restorer, format);
            // Blending is a sum of floats, which may be rounded once less where a product is added.
            let blended = options.strength != 1.0;
            // No strength gives a photo of the host as it came, and pixels within black and white.
            if blended && format != TextureFormat::Rgba8Unorm {
                continue;
            }
            compare(
                &format!("{what} {format:?}"),
                format,
                &found,
                &source,
                &restored,
                f32::from(u8::from(blended)),
            );
            if format == TextureFormat::Rgba8Unorm && !["one tile", "unfused", "local"].contains(&what) {
                assert!(found != plain, "{what} changes nothing");
            }
        }
    }
}

/// Until a photo of the host has told how large features become, f16 is not used.
#[test]
fn half_precision() {
    let options = RestorerOptions { precision: Precision::F16, ..RestorerOptions::default() };
    let (restorer, single) = (tiny(options), tiny(RestorerOptions::default()));
    let format = TextureFormat::Rgba32Float;
    let (found, source, half) = both(&restorer, format);
    let (_, _, expected) = both(&single, format);
    compare("not measured", format, &found, &source, &expected, 0.0);
    let (found, ..) = both(&restorer, format);
    compare("measured", format, &found, &source, &half, 0.0);
    assert!(half != expected, "f16 is f32");
}
