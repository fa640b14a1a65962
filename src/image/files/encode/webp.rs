//! WebP: lossless, or lossy at a quality.

use std::io::Write;

use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageError};
use webp::{Encoder, PixelLayout};

use super::{Failure, Picture};
use crate::image::files::WriteOptions;
use crate::image::files::metadata::webp::with_metadata;

pub(super) fn encode(picture: &Picture, options: &WriteOptions, mut out: impl Write) -> Result<(), Failure> {
    let Picture { width, height, metadata, .. } = picture;
    let file = match options.quality {
        Some(quality) => lossy(picture, quality)?,
        None => lossless(picture)?,
    };
    let file = with_metadata(file, *width, *height, metadata)
        .ok_or_else(|| Failure::Refused("WebP holds at most 4 GiB".to_owned()))?;
    Ok(out.write_all(&file)?)
}

fn lossless(picture: &Picture) -> Result<Vec<u8>, Failure> {
    let color = if picture.channels == 3 { ExtendedColorType::Rgb8 } else { ExtendedColorType::Rgba8 };
    let mut file = Vec::new();
    let encoder = WebPEncoder::new_lossless(&mut file);
    encoder.encode(picture.samples.as_bytes(), picture.width, picture.height, color).map_err(|error| {
        match error {
            ImageError::IoError(error) => Failure::Io(error),
            other => Failure::Refused(format!("the WebP encoder does not take it ({other})")),
        }
    })?;
    Ok(file)
}

fn lossy(picture: &Picture, quality: u8) -> Result<Vec<u8>, Failure> {
    let layout = if picture.channels == 3 { PixelLayout::Rgb } else { PixelLayout::Rgba };
    let encoder = Encoder::new(picture.samples.as_bytes(), layout, picture.width, picture.height);
    let file = encoder.encode_simple(false, f32::from(quality));
    // The sizes were checked before: memory is all that libwebp can lack.
    let file = file.map_err(|_| Failure::Refused("the WebP encoder has not enough memory".to_owned()))?;
    Ok(file.to_vec())
}
