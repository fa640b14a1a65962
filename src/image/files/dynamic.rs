//! Frames from images of the crate `image`, and back.

use image::DynamicImage;

use crate::image::frame::Frame;
use crate::image::samples::Samples;
use crate::{Error, Result};

impl Frame {
    /// A frame from an image of the crate `image`: with its depth, grey where it is grey, with its transparency.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where it has no pixel.
    pub fn from_dynamic_image(image: DynamicImage) -> Result<Frame> {
        let (width, height, channels) = (image.width(), image.height(), image.color().channel_count());
        let samples = match image {
            DynamicImage::ImageLuma8(pixels) => Samples::U8(pixels.into_raw()),
            DynamicImage::ImageLumaA8(pixels) => Samples::U8(pixels.into_raw()),
            DynamicImage::ImageRgb8(pixels) => Samples::U8(pixels.into_raw()),
            DynamicImage::ImageRgba8(pixels) => Samples::U8(pixels.into_raw()),
            DynamicImage::ImageLuma16(pixels) => Samples::U16(pixels.into_raw()),
            DynamicImage::ImageLumaA16(pixels) => Samples::U16(pixels.into_raw()),
            DynamicImage::ImageRgb16(pixels) => Samples::U16(pixels.into_raw()),
            DynamicImage::ImageRgba16(pixels) => Samples::U16(pixels.into_raw()),
            DynamicImage::ImageRgb32F(pixels) => Samples::F32(pixels.into_raw()),
            DynamicImage::ImageRgba32F(pixels) => Samples::F32(pixels.into_raw()),
            other => return Err(shape(format!("images of {:?} are not known", other.color()))),
        };
        Frame::from_interleaved(width, height, channels.into(), samples)
    }

    /// The frame as an image of the crate `image`, which has no grey of floats: there all three colours are equal.
    ///
    /// # Errors
    /// None that is known; [`Error::FrameShape`] rather than a panic.
    pub fn to_dynamic_image(&self) -> Result<DynamicImage> {
        let (width, height) = (self.width(), self.height());
        let (channels, samples) = self.interleaved(!matches!(self.samples(), Samples::F32(_)));
        let image = match (samples.into_owned(), channels) {
            (Samples::U8(v), 1) => buffer(width, height, v).map(DynamicImage::ImageLuma8),
            (Samples::U8(v), 2) => buffer(width, height, v).map(DynamicImage::ImageLumaA8),
            (Samples::U8(v), 3) => buffer(width, height, v).map(DynamicImage::ImageRgb8),
            (Samples::U8(v), _) => buffer(width, height, v).map(DynamicImage::ImageRgba8),
            (Samples::U16(v), 1) => buffer(width, height, v).map(DynamicImage::ImageLuma16),
            (Samples::U16(v), 2) => buffer(width, height, v).map(DynamicImage::ImageLumaA16),
            (Samples::U16(v), 3) => buffer(width, height, v).map(DynamicImage::ImageRgb16),
            (Samples::U16(v), _) => buffer(width, height, v).map(DynamicImage::ImageRgba16),
            (Samples::F32(v), 3) => buffer(width, height, v).map(DynamicImage::ImageRgb32F),
            (Samples::F32(v), _) => buffer(width, height, v).map(DynamicImage::ImageRgba32F),
        };
        image.ok_or_else(|| shape(format!("{width} x {height} pixels do not fit an image")))
    }
}

fn buffer<P: image::Pixel>(
    width: u32,
    height: u32,
    samples: Vec<P::Subpixel>,
) -> Option<image::ImageBuffer<P, Vec<P::Subpixel>>> {
    image::ImageBuffer::from_raw(width, height, samples)
}

fn shape(reason: String) -> Error {
    Error::FrameShape { reason }
}
