//! WebP, lossy and lossless.

use std::io::Cursor;

use image::ImageDecoder;
use image::codecs::webp::WebPDecoder;

use super::{Decoded, Problem, check_size, cut_short, pixels, problem};
use crate::image::files::ReadOptions;
use crate::image::files::metadata::{Metadata, exif};
use crate::image::files::sniff::FileFormat;

const FORMAT: FileFormat = FileFormat::WebP;

pub(super) fn decode(bytes: &[u8], _options: &ReadOptions) -> Result<Decoded, Problem> {
    check_whole(bytes)?;
    let sort = |e| problem(FORMAT, bytes, &e);
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(sort)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    if decoder.has_animation() {
        return Err(Problem::Unsupported(
            "it is an animated WebP; extract the frame you want first".to_owned(),
        ));
    }
    let block = decoder.exif_metadata().map_err(sort)?;
    let metadata = Metadata {
        icc: decoder.icc_profile().map_err(sort)?,
        exif: block.map(|block| exif::without_mark(&block).to_vec()),
        xmp: decoder.xmp_metadata().map_err(sort)?,
        ..Metadata::default()
    };
    let (channels, samples) = pixels(decoder).map_err(sort)?;
    Ok(Decoded {
        width,
        height,
        channels,
        samples,
        orientation: super::exif_orientation(metadata.exif.as_deref()),
        metadata,
        notes: Vec::new(),
    })
}

/// The size in the RIFF header tells where the file should end, and each chunk's where that does: the decoder takes
/// what there is of the one, and makes room for whatever the others claim.
fn check_whole(bytes: &[u8]) -> Result<(), Problem> {
    let size = |at: usize| {
        let size = bytes.get(at..).and_then(|size| size.first_chunk());
        size.map(|size| u64::from(u32::from_le_bytes(*size)))
    };
    let whole = bytes.len() as u64;
    let end = size(4).map_or(u64::MAX, |declared| declared + 8);
    let mut at = 12;
    while at < end.min(whole) {
        let Some(chunk) = size(at as usize + 4) else { break };
        at += 8 + chunk;
        if at > whole {
            return Err(cut_short(FORMAT, bytes));
        }
        // Chunks begin at even places.
        at += at % 2;
    }
    if end > whole { Err(cut_short(FORMAT, bytes)) } else { Ok(()) }
}
