//! The rows of a PNG that is not whole, as far as they can be decoded.

use std::io::Cursor;

use png::{DecodeOptions, Decoder, InterlaceInfo, Limits, Transformations};

use super::Pixels;
use crate::image::files::decode::SIDE_BYTES;
use crate::image::samples::Samples;

/// What stands where nothing can be decoded: the middle of the scale.
const FILLING: u8 = 128;

/// What was decoded.
pub(super) struct Rows {
    /// The pixels, missing ones grey and opaque. Where some are missing and are not to be filled, there are none.
    pub(super) pixels: Pixels,
    /// Which share of the picture is missing, in percent.
    pub(super) missing_percent: f64,
}

/// Decodes what can be decoded; `None` where that is nothing. With `check`, up to the first chunk that does not fit its
/// checksum. With `fill`, a picture is made of a part of one.
pub(super) fn salvage(bytes: &[u8], check: bool, fill: bool) -> Option<Rows> {
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
    let (all, grey) = (width * height, grey(channels, sample_bytes));
    // Grown by what is decoded: what a header claims is worth no memory.
    let (mut data, mut decoded) = (Vec::new(), 0);
    while let Ok(Some(row)) = reader.next_interlaced_row() {
        decoded += row.data().len() / pixel_bytes;
        match row.interlace() {
            InterlaceInfo::Null(_) => {
                data.reserve_exact(all * pixel_bytes - data.len());
                data.extend_from_slice(row.data());
            }
            // Each pixel stands for those around it until a later pass has them.
            InterlaceInfo::Adam7(info) => {
                if data.is_empty() {
                    data = if fill { grey.repeat(all) } else { vec![0; all * pixel_bytes] };
                }
                let bits = 8 * pixel_bytes as u8;
                png::splat_interlaced_row(&mut data, width * pixel_bytes, row.data(), info, bits);
            }
        }
    }
    if decoded == 0 {
        return None;
    }
    let missing_percent = 100.0 * (1.0 - decoded as f64 / all as f64);
    if fill {
        data.extend(grey.repeat(all - data.len() / pixel_bytes));
    } else if decoded < all {
        data = Vec::new();
    }
    let samples = if sample_bytes == 2 {
        Samples::U16(data.as_chunks().0.iter().map(|&pair| u16::from_be_bytes(pair)).collect())
    } else {
        Samples::U8(data)
    };
    Some(Rows { pixels: Pixels { channels, samples, icc }, missing_percent })
}

/// A grey pixel; the last of two or four channels, the transparency, is full.
fn grey(channels: usize, sample_bytes: usize) -> Vec<u8> {
    let opaque = channels.is_multiple_of(2);
    let channel =
        |channel| [if opaque && channel + 1 == channels { 255 } else { FILLING }].repeat(sample_bytes);
    (0..channels).flat_map(channel).collect()
}
