//! Images of the device, as host programs have them: textures and buffers, copied to where a graph reads them and from
//! where it writes them.

use std::ops::Range;

use wgpu::{BufferUsages, TextureFormat, TextureUsages};

use crate::gpu::Device;
use crate::graph::PixelFormat;
use crate::{Error, Result, caught};

/// An image in a buffer of the device.
#[derive(Clone, Copy, Debug)]
pub struct PixelBuffer<'a> {
    /// The buffer: of the device that the restorer works on, and not mapped.
    pub buffer: &'a wgpu::Buffer,
    /// `Rgba8Unorm`, `Rgba16Float` or `Rgba32Float`.
    pub format: TextureFormat,
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes before the first pixel, a multiple of 4.
    pub offset: u64,
    /// Bytes from one row's first pixel to the next row's, a multiple of 4. What lies between rows stays as it is.
    pub bytes_per_row: u32,
}

/// An image of the device.
#[derive(Clone, Copy)]
pub(crate) enum Surface<'a> {
    Texture(&'a wgpu::Texture),
    Buffer(PixelBuffer<'a>),
}

/// An image, and the one that its result goes to.
pub(crate) struct Ends<'a> {
    pub(crate) from: Surface<'a>,
    pub(crate) to: Surface<'a>,
}

/// Rows of a graph's tensor in a buffer.
pub(super) struct Block<'a> {
    pub(super) buffer: &'a wgpu::Buffer,
    /// Bytes before the first of these rows.
    pub(super) offset: u64,
    pub(super) row_bytes: u64,
    pub(super) rows: Range<u32>,
}

impl Block<'_> {
    /// As copies between it and a texture have it.
    fn texels(&self) -> wgpu::TexelCopyBufferInfo<'_> {
        let (offset, bytes_per_row) = (self.offset, Some(self.row_bytes as u32));
        let layout = wgpu::TexelCopyBufferLayout { offset, bytes_per_row, rows_per_image: None };
        wgpu::TexelCopyBufferInfo { buffer: self.buffer, layout }
    }
}

impl Ends<'_> {
    /// Finds out whether one can be restored into the other, and gives how pixels are stored.
    pub(crate) fn check(&self, device: &Device) -> Result<PixelFormat> {
        let format = self.from.check(
            "source",
            "COPY_SRC",
            [TextureUsages::COPY_SRC.bits(), BufferUsages::COPY_SRC.bits()],
        )?;
        let same = self.to.check(
            "target",
            "COPY_DST",
            [TextureUsages::COPY_DST.bits(), BufferUsages::COPY_DST.bits()],
        )?;
        let ([width, height], [wide, high]) = (self.from.size(), self.to.size());
        if format != same {
            let (from, to) = (self.from.format(), self.to.format());
            return Err(refused(format!(
                "the source is {from:?} and the target {to:?}; give both the same format"
            )));
        }
        if [width, height] != [wide, high] {
            let sizes = format!("the source has {width} x {height} pixels and the target {wide} x {high}");
            return Err(refused(format!("{sizes}; give both the same size")));
        }
        let one = match (&self.from, &self.to) {
            (Surface::Texture(from), Surface::Texture(to)) => from == to,
            (Surface::Buffer(from), Surface::Buffer(to)) => from.buffer == to.buffer,
            _ => false,
        };
        if one {
            return Err(refused(
                "the source is the target; give two, since what overflows f16 is restored from the source once more"
                    .to_owned(),
            ));
        }
        self.belong_to(device, u64::from(format.row(width)) * 4)?;
        Ok(format)
    }

    /// Finds out whether both are the device's and can be copied: what is recorded here is not submitted. wgpu knows
    /// its objects by numbers, and takes what another instance has made for its own of that number; where there is
    /// none, it panics.
    fn belong_to(&self, device: &Device, row_bytes: u64) -> Result<()> {
        let wgpu = device.wgpu();
        let probed = |copy: &dyn Fn(&Block<'_>, &mut wgpu::CommandEncoder)| {
            let copied = || {
                let usage = BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
                let (label, size) = (Some("probe"), row_bytes);
                let descriptor = wgpu::BufferDescriptor { label, size, usage, mapped_at_creation: false };
                let buffer = wgpu.create_buffer(&descriptor);
                let mut commands = wgpu.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                copy(&Block { buffer: &buffer, offset: 0, row_bytes, rows: 0..1 }, &mut commands);
                commands.finish();
            };
            caught(|| device.checked(copied).map_err(refused)).map_err(|error| match error {
                Error::Input(reason) => reason,
                other => other.to_string(),
            })
        };
        let told = |name: &str, reason: String| {
            refused(format!("the {name} is not to be used on the restorer's device: {reason}"))
        };
        probed(&|block, commands| self.from.read(block, commands))
            .map_err(|reason| told("source", reason))?;
        probed(&|block, commands| self.to.write(block, commands)).map_err(|reason| told("target", reason))
    }
}

impl Surface<'_> {
    pub(crate) fn size(&self) -> [u32; 2] {
        match self {
            Self::Texture(texture) => [texture.width(), texture.height()],
            Self::Buffer(pixels) => [pixels.width, pixels.height],
        }
    }

    fn format(&self) -> TextureFormat {
        match self {
            Self::Texture(texture) => texture.format(),
            Self::Buffer(pixels) => pixels.format,
        }
    }

    /// Finds out whether it is an image that can be copied, and gives how pixels are stored.
    fn check(&self, name: &str, needed: &str, usages: [u32; 2]) -> Result<PixelFormat> {
        let format = stored(name, self.format())?;
        let can = match self {
            Self::Texture(texture) => texture.usage().bits() & usages[0] != 0,
            Self::Buffer(pixels) => pixels.buffer.usage().bits() & usages[1] != 0,
        };
        if !can {
            return Err(refused(format!(
                "the {name} was made without the usage {needed}; make it with that"
            )));
        }
        match self {
            Self::Texture(texture) => flat(name, texture)?,
            Self::Buffer(pixels) => pixels.check(name)?,
        }
        Ok(format)
    }

    /// Adds copies of its rows to a tensor's.
    pub(super) fn read(&self, block: &Block<'_>, commands: &mut wgpu::CommandEncoder) {
        match self {
            Self::Texture(texture) => {
                commands.copy_texture_to_buffer(rows(texture, block), block.texels(), extent(texture, block));
            }
            Self::Buffer(pixels) => pixels.runs(block).for_each(|[own, tensor, bytes]| {
                commands.copy_buffer_to_buffer(pixels.buffer, own, block.buffer, tensor, bytes);
            }),
        }
    }

    /// Adds copies of a tensor's rows to its own.
    pub(super) fn write(&self, block: &Block<'_>, commands: &mut wgpu::CommandEncoder) {
        match self {
            Self::Texture(texture) => {
                commands.copy_buffer_to_texture(block.texels(), rows(texture, block), extent(texture, block));
            }
            Self::Buffer(pixels) => pixels.runs(block).for_each(|[own, tensor, bytes]| {
                commands.copy_buffer_to_buffer(block.buffer, tensor, pixels.buffer, own, bytes);
            }),
        }
    }
}

impl PixelBuffer<'_> {
    /// Bytes of a row, without what lies between rows.
    fn row_bytes(&self) -> u64 {
        let pixel = self.format.block_copy_size(None).unwrap_or(0);
        u64::from(self.width) * u64::from(pixel)
    }

    fn check(&self, name: &str) -> Result<()> {
        let Self { buffer, width, height, offset, bytes_per_row, .. } = *self;
        let row = self.row_bytes();
        if width == 0 || height == 0 {
            return Err(refused(format!("the {name} of {width} x {height} pixels has none")));
        }
        if u64::from(bytes_per_row) < row || !bytes_per_row.is_multiple_of(4) || !offset.is_multiple_of(4) {
            return Err(refused(format!(
                "the {name} has rows of {bytes_per_row} bytes from byte {offset} on; {width} pixels take {row}, and both are to be \
                 multiples of 4"
            )));
        }
        let bytes = u64::from(bytes_per_row) * u64::from(height - 1) + row;
        if offset.saturating_add(bytes) > buffer.size() {
            let size = buffer.size();
            return Err(refused(format!(
                "the {name} takes {bytes} bytes from byte {offset} on, and its buffer has {size}; make it larger"
            )));
        }
        Ok(())
    }

    /// What is copied: the first byte here, the first byte there, and how many.
    fn runs(&self, block: &Block<'_>) -> impl Iterator<Item = [u64; 3]> {
        let (own, tensor, bytes) = (u64::from(self.bytes_per_row), block.row_bytes, self.row_bytes());
        let last = block.rows.end.min(self.height);
        let rows = u64::from(block.rows.start)..u64::from(last);
        // Rows without anything between them are one.
        let step =
            if own == bytes && tensor == bytes { rows.end.saturating_sub(rows.start).max(1) } else { 1 };
        let (first, offset, start) = (self.offset, block.offset, rows.start);
        rows.step_by(step as usize)
            .map(move |row| [first + row * own, offset + (row - start) * tensor, bytes * step])
    }
}

/// How pixels of a format are stored, where they can be restored.
fn stored(name: &str, format: TextureFormat) -> Result<PixelFormat> {
    match format {
        TextureFormat::Rgba8Unorm => Ok(PixelFormat::Unorm8),
        TextureFormat::Rgba16Float => Ok(PixelFormat::Float16),
        TextureFormat::Rgba32Float => Ok(PixelFormat::Float32),
        other if other.is_srgb() => Err(refused(format!(
            "the {name} is {other:?}, whose values are linear to shaders, and networks see those of files; make it {:?}, and give \
             it views of {other:?} where it is drawn to",
            other.remove_srgb_suffix()
        ))),
        other => {
            let known = "Rgba8Unorm, Rgba16Float and Rgba32Float";
            Err(refused(format!(
                "the {name} is {other:?}; {known} can be restored, with values of the sRGB curve"
            )))
        }
    }
}

/// Finds out whether a texture is one image.
fn flat(name: &str, texture: &wgpu::Texture) -> Result<()> {
    let single = texture.dimension() == wgpu::TextureDimension::D2
        && texture.depth_or_array_layers() == 1
        && texture.sample_count() == 1;
    if single {
        return Ok(());
    }
    Err(refused(format!(
        "the {name} has layers, samples or a depth; give a texture of two dimensions with one of each"
    )))
}

fn rows<'a>(texture: &'a wgpu::Texture, block: &Block<'_>) -> wgpu::TexelCopyTextureInfo<'a> {
    let origin = wgpu::Origin3d { x: 0, y: block.rows.start, z: 0 };
    wgpu::TexelCopyTextureInfo { texture, mip_level: 0, origin, aspect: wgpu::TextureAspect::All }
}

fn extent(texture: &wgpu::Texture, block: &Block<'_>) -> wgpu::Extent3d {
    let height = block.rows.end - block.rows.start;
    wgpu::Extent3d { width: texture.width(), height, depth_or_array_layers: 1 }
}

fn refused(reason: String) -> Error {
    Error::Input(reason)
}
