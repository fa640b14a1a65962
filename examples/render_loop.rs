//! Draws frames, restores each where it is, and draws with the result, as a game or a viewer would; only the last frame
//! comes to the host, to be saved: `cargo run --release --example render_loop -- OUT.png`.

use std::path::PathBuf;

use mprnet::image::{self, Channels, Frame, Pixels};
use mprnet::model::{Task, Weights};
use mprnet::{Restorer, RestorerOptions, gpu};
use wgpu::{TextureFormat, TextureUsages};

const WIDTH: u32 = 96;
const HEIGHT: u32 = 64;
const FRAMES: u32 = 4;

/// What is drawn: a noisy scene that moves, and a pass that samples the restored one and darkens its corners.
const SHADERS: &str = "
@vertex fn triangle(@builtin(vertex_index) i: u32) -> @builtin(position) vec4<f32> {
    return vec4<f32>(f32(i & 1u) * 4.0 - 1.0, f32(i >> 1u) * 4.0 - 1.0, 0.0, 1.0);
}

@group(0) @binding(0) var<uniform> frame: vec4<u32>;

fn noise(seed: u32) -> f32 {
    var h = seed * 747796405u + 2891336453u;
    h = ((h >> ((h >> 28u) + 4u)) ^ h) * 277803737u;
    return f32(((h >> 22u) ^ h) & 1023u) / 1023.0 - 0.5;
}

@fragment fn scene(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    let centre = vec2<f32>(30.0 + 10.0 * f32(frame.x), 32.0);
    let disc = smoothstep(20.0, 18.0, distance(at.xy, centre));
    let clean = mix(vec3<f32>(0.2, 0.35, 0.5) + at.y / 200.0, vec3<f32>(0.9, 0.6, 0.2), disc);
    let seed = (u32(at.y) * 8192u + u32(at.x)) * 64u + frame.x * 4u;
    let grain = vec3<f32>(noise(seed), noise(seed + 1u), noise(seed + 2u));
    return vec4<f32>(clean + 0.25 * grain, 1.0);
}

@group(0) @binding(0) var restored: texture_2d<f32>;
@group(0) @binding(1) var nearest: sampler;

@fragment fn shown(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    let place = at.xy / vec2<f32>(textureDimensions(restored));
    let corner = distance(place, vec2<f32>(0.5));
    return textureSample(restored, nearest, place) * (1.0 - 0.5 * corner * corner);
}
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let output = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("render_loop.png"), PathBuf::from);
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))?;
    let request = wgpu::DeviceDescriptor {
        required_features: adapter.features() & gpu::Device::FEATURES,
        required_limits: adapter.limits(),
        ..Default::default()
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&request))?;
    let shared = gpu::Device::from_wgpu(device.clone(), queue.clone());
    let restorer = Restorer::new(Weights::embedded(Task::Denoise)?, shared, RestorerOptions::default());

    // The restorer copies from what is drawn to, and to what is sampled. A window would have `shown` for its surface.
    let drawn = texture(&device, TextureUsages::RENDER_ATTACHMENT | TextureUsages::COPY_SRC);
    let restored = texture(&device, TextureUsages::COPY_DST | TextureUsages::TEXTURE_BINDING);
    let shown = texture(&device, TextureUsages::RENDER_ATTACHMENT | TextureUsages::COPY_SRC);
    let [scene, show] = ["scene", "shown"].map(|entry| pipeline(&device, entry));
    let number = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 16,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let sampler = device.create_sampler(&wgpu::SamplerDescriptor::default());
    let view = restored.create_view(&wgpu::TextureViewDescriptor::default());
    let scene_group = group(&device, &scene, &[number.as_entire_binding()]);
    let resources = [wgpu::BindingResource::TextureView(&view), wgpu::BindingResource::Sampler(&sampler)];
    let show_group = group(&device, &show, &resources);

    for frame in 0..FRAMES {
        queue.write_buffer(&number, 0, &frame.to_le_bytes());
        draw(&device, &queue, &scene, &scene_group, &drawn);
        let spent = restorer.restore_texture(&drawn, &restored)?;
        draw(&device, &queue, &show, &show_group, &shown);
        println!(
            "frame {frame}: {:.1} ms, {} bytes to the host",
            spent.gpu.as_secs_f64() * 1e3,
            spent.moved_bytes
        );
    }
    image::write(&read_back(&device, &queue, &shown)?, &output)?;
    println!("the last frame is in {}", output.display());
    Ok(())
}

fn texture(device: &wgpu::Device, usage: TextureUsages) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: WIDTH, height: HEIGHT, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: TextureFormat::Rgba8Unorm,
        usage,
        view_formats: &[],
    })
}

/// A pipeline that covers its target with what a fragment shader gives.
fn pipeline(device: &wgpu::Device, entry: &str) -> wgpu::RenderPipeline {
    let source = wgpu::ShaderSource::Wgsl(SHADERS.into());
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: None,
        layout: None,
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("triangle"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some(entry),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            targets: &[Some(TextureFormat::Rgba8Unorm.into())],
        }),
        multiview_mask: None,
        cache: None,
    })
}

fn group(
    device: &wgpu::Device,
    pipeline: &wgpu::RenderPipeline,
    resources: &[wgpu::BindingResource<'_>],
) -> wgpu::BindGroup {
    let entry = |(binding, resource)| wgpu::BindGroupEntry { binding, resource };
    let entries: Vec<_> = (0..).zip(resources.iter().cloned()).map(entry).collect();
    let layout = &pipeline.get_bind_group_layout(0);
    device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
}

/// Submits a pass that covers a texture.
fn draw(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    pipeline: &wgpu::RenderPipeline,
    group: &wgpu::BindGroup,
    target: &wgpu::Texture,
) {
    let view = target.create_view(&wgpu::TextureViewDescriptor::default());
    let mut commands = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let mut pass = commands.begin_render_pass(&wgpu::RenderPassDescriptor {
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view: &view,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations::default(),
        })],
        ..Default::default()
    });
    pass.set_pipeline(pipeline);
    pass.set_bind_group(0, group, &[]);
    pass.draw(0..3, 0..1);
    drop(pass);
    queue.submit([commands.finish()]);
}

/// The one copy to the host.
fn read_back(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    texture: &wgpu::Texture,
) -> Result<Frame, Box<dyn std::error::Error>> {
    let row_bytes = (4 * WIDTH).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: u64::from(row_bytes * HEIGHT),
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut commands = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let layout =
        wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row_bytes), rows_per_image: None };
    let copied = wgpu::TexelCopyBufferInfo { buffer: &buffer, layout };
    commands.copy_texture_to_buffer(texture.as_image_copy(), copied, texture.size());
    queue.submit([commands.finish()]);
    buffer.map_async(wgpu::MapMode::Read, .., |_| ());
    device.poll(wgpu::PollType::wait_indefinitely())?;
    let view = buffer.get_mapped_range(..)?;
    let pixels = Pixels { row_stride: row_bytes as usize, ..Pixels::packed(WIDTH, HEIGHT, Channels::Rgba) };
    Ok(Frame::from_slice(&view, &pixels)?)
}
