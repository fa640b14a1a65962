//! The rows of a PNG that is not whole, as far as they can be decoded.

use std::io::Cursor;

use png::{DecodeOptions, Decoder, InterlaceInfo, Limits, Transformations};

use super::Pixels;
use crate::image::files::decode::SIDE_BYTES;
use crate::image::samples::Samples;

/// What stands where nothing can be decoded: the middle of the scale.
const FILLING: u8 = 128;

/// The pixels that were decoded, the others grey and opaque.
pub(super) struct Rows {
    pub(super) pixels: Pixels,
    /// Which share of the picture is missing, in percent.
    pub(super) missing_percent: f64,
}

/// Decodes what can be decoded; `None` where that is nothing. With `check`, up to the first chunk that does not fit its
/// checksum.
pub(super) fn salvage(bytes: &[u8], check: bool) -> Option<Rows> {
    let mut options = DecodeOptions::default();
    options.set_ignore_checksums(!check);
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_limits(Limits { bytes: SIDE_BYTES });
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().ok()?;
    let (color, depth) = reader.output_color_type();
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let channels = color.samples();
    let icc = reader.info().icc_profile.as_deref().map(<[u8]>::to_vec);
    let sample_bytes = if depth == png::BitDepth::Sixteen { 2 } else { 1 };
    let pixel_bytes = channels * sample_bytes;
    let mut data = filling(width * height, channels, sample_bytes);
    let (mut decoded, mut line) = (0, 0);
    while let Ok(Some(row)) = reader.next_interlaced_row() {
        decoded += row.data().len() / pixel_bytes;
        match row.interlace() {
            InterlaceInfo::Null(_) => {
                data[line * width * pixel_bytes..][..row.data().len()].copy_from_slice(row.data());
                line += 1;
            }
            // Each pixel stands for those around it until a later pass has them.
            InterlaceInfo::Adam7(info) => {
                let bits = 8 * pixel_bytes as u8;
                png::splat_interlaced_row(&mut data, width * pixel_bytes, row.data(), info, bits);
            }
        }
    }
    let missing_percent = 100.0 * (1.0 - decoded as f64 / (width * height) as f64);
    let samples = if sample_bytes == 2 {
        Samples::U16(data.as_chunks().0.iter().map(|&pair| u16::from_be_bytes(pair)).collect())
    } else {
        Samples::U8(data)
    };
    (decoded > 0).then_some(Rows { pixels: Pixels { channels, samples, icc }, missing_percent })
}

/// Grey pixels; the last of two or four channels, the transparency, is full.
fn filling(pixels: usize, channels: usize, sample_bytes: usize) -> Vec<u8> {
    let opaque = channels.is_multiple_of(2);
    let channel =
        |channel| [if opaque && channel + 1 == channels { 255 } else { FILLING }].repeat(sample_bytes);
    (0..channels).flat_map(channel).collect::<Vec<_>>().repeat(pixels)
}
