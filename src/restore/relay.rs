//! Images of floats on their way through several networks: to the device, between its buffers, and back.

use crate::engine::{PixelBuffer, Surface};
use crate::gpu::Device;
use crate::image::{Frame, Samples};
use crate::{Error, Result};

/// Floats of a pixel, of which the last is alpha and means nothing here.
const CHANNELS: usize = 4;
const PIXEL_BYTES: u64 = (CHANNELS * size_of::<f32>()) as u64;

/// What is said to be under way.
const PASSING: &str = "passing an image on";

/// Buffers for images of one size.
pub(super) struct Relay<'a> {
    device: &'a Device,
    width: u32,
    height: u32,
}

impl<'a> Relay<'a> {
    pub(super) fn new(device: &'a Device, image: &Frame) -> Self {
        Self { device, width: image.width(), height: image.height() }
    }

    /// Bytes of an image.
    pub(super) fn bytes(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height) * PIXEL_BYTES
    }

    /// Whether the device has no buffer for an image, or nobody a number for the bytes of a row.
    pub(super) fn is_too_large(&self) -> bool {
        let row = u64::from(self.width) * PIXEL_BYTES;
        self.bytes() > self.device.wgpu().limits().max_buffer_size || row > u64::from(u32::MAX)
    }

    /// Of an image that is not too large.
    fn bytes_per_row(&self) -> u32 {
        self.width * PIXEL_BYTES as u32
    }

    fn buffer(&self, usage: wgpu::BufferUsages, mapped_at_creation: bool) -> Result<wgpu::Buffer> {
        let (label, size) = (Some("image on its way"), self.bytes());
        self.device.checked_for("making room to pass an image on", size, || {
            self.device.wgpu().create_buffer(&wgpu::BufferDescriptor {
                label,
                size,
                usage,
                mapped_at_creation,
            })
        })
    }

    /// A buffer for what a network gives.
    pub(super) fn between(&self) -> Result<wgpu::Buffer> {
        self.buffer(wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST, false)
    }

    /// What a network reads and writes.
    pub(super) fn surface<'b>(&self, buffer: &'b wgpu::Buffer) -> Surface<'b> {
        let &Self { width, height, .. } = self;
        let (format, bytes_per_row) = (wgpu::TextureFormat::Rgba32Float, self.bytes_per_row());
        Surface::Buffer(PixelBuffer { buffer, format, width, height, offset: 0, bytes_per_row })
    }

    /// An image of floats, from which the device copies.
    pub(super) fn uploaded(&self, image: &Frame) -> Result<wgpu::Buffer> {
        let Samples::F32(units) = image.samples() else {
            return Err(Error::FrameShape { reason: "floats are passed on".to_owned() });
        };
        let buffer = self.buffer(wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC, true)?;
        {
            let view = buffer.get_mapped_range_mut(..);
            let mut view = view.map_err(|_| self.device.not_mapped(PASSING, self.bytes()))?;
            let width = self.width as usize;
            let (mut row, bytes) = (vec![1.0_f32; CHANNELS * width], self.bytes_per_row() as usize);
            for (y, colours) in units.chunks_exact(3 * width).enumerate() {
                let pixels = row.chunks_exact_mut(CHANNELS).zip(colours.chunks_exact(3));
                pixels.for_each(|(pixel, colour)| pixel[..3].copy_from_slice(colour));
                view.slice(y * bytes..(y + 1) * bytes).copy_from_slice(bytemuck::cast_slice(&row));
            }
        }
        self.device.unmap(&buffer, PASSING)?;
        Ok(buffer)
    }

    /// The image of a buffer.
    pub(super) async fn downloaded(&self, source: &wgpu::Buffer) -> Result<Frame> {
        let buffer = self.buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST, false)?;
        let submitted = self.device.checked_for("reading an image back", self.bytes(), || {
            let mut commands =
                self.device.wgpu().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            commands.copy_buffer_to_buffer(source, 0, &buffer, 0, self.bytes());
            // A failed mapping shows when the range is taken.
            commands.map_buffer_on_submit(&buffer, wgpu::MapMode::Read, .., |_| ());
            self.device.submit(commands, |_| ())
        })?;
        submitted.await.map_err(lost)?;
        self.device.settle().await?;
        let view =
            buffer.get_mapped_range(..).map_err(|error| self.device.cause_of(lost(error.to_string())))?;
        let pixels = view.chunks_exact(CHANNELS * size_of::<f32>());
        let colours = pixels.flat_map(|pixel| bytemuck::pod_read_unaligned::<[f32; 3]>(&pixel[..12]));
        Frame::from_rgb32f(self.width, self.height, colours.collect())
    }
}

fn lost(reason: String) -> Error {
    Error::Gpu { during: PASSING.into(), reason }
}
