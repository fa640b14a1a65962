//! JPEG, colour at full resolution (4:4:4).

use std::io::Write;

use jpeg_encoder::{ColorType, Encoder, EncodingError, PixelDensity, PixelDensityUnit, SamplingFactor};

use super::{Failure, Picture};
use crate::image::files::WriteOptions;
use crate::image::files::metadata::ResolutionUnit;
use crate::image::files::metadata::jpeg::{to_density, to_segments};

const QUALITY: u8 = 95;

pub(super) fn encode(picture: &Picture, options: &WriteOptions, out: impl Write) -> Result<(), Failure> {
    let mut encoder = Encoder::new(out, options.quality.unwrap_or(QUALITY));
    encoder.set_sampling_factor(SamplingFactor::R_4_4_4);
    encoder.set_progressive(options.progressive);
    // Without progression the encoder would put each component in a scan of its own, which is right and which common
    // decoders show wrong.
    encoder.set_optimized_huffman_tables(options.progressive);
    if let Some((unit, [x, y])) = picture.metadata.resolution.and_then(to_density) {
        let unit = match unit {
            ResolutionUnit::Aspect => PixelDensityUnit::PixelAspectRatio,
            ResolutionUnit::Inch => PixelDensityUnit::Inches,
            ResolutionUnit::Centimetre => PixelDensityUnit::Centimeters,
        };
        encoder.set_density(PixelDensity { density: (x, y), unit });
    }
    for (marker, content) in to_segments(&picture.metadata) {
        encoder.add_app_segment(marker & 0xf, content)?;
    }
    let color = if picture.channels == 1 { ColorType::Luma } else { ColorType::Rgb };
    // Both sides were found to have 16 bits.
    Ok(encoder.encode(picture.samples.as_bytes(), picture.width as u16, picture.height as u16, color)?)
}

impl From<EncodingError> for Failure {
    fn from(error: EncodingError) -> Failure {
        match error {
            EncodingError::IoError(error) => Failure::Io(error),
            other => Failure::Refused(format!("the JPEG encoder does not take it ({other})")),
        }
    }
}
