//! PNG.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::{ImageDecoder, Limits};

use super::{Decoded, Problem, SIDE_BYTES, broken, check_size, cut_short, pixels, problem};
use crate::image::metadata::Metadata;
use crate::image::read::ReadOptions;
use crate::image::sniff::FileFormat;

const FORMAT: FileFormat = FileFormat::Png;

/// What the chunks say.
struct Chunks {
    width: u32,
    height: u32,
    /// Frames of the animation; a still image has none, or one.
    frames: u32,
    /// What they say beside the pixels, also from behind them, where the decoder does not look.
    metadata: Metadata,
}

pub(super) fn decode(bytes: &[u8], _options: &ReadOptions) -> Result<Decoded, Problem> {
    let chunks = walk(bytes)?;
    check_size(chunks.width, chunks.height)?;
    if chunks.frames > 1 {
        return Err(Problem::Unsupported(format!(
            "it is an animated PNG of {} frames; extract the one you want first",
            chunks.frames
        )));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(SIDE_BYTES as u64);
    let sort = |e| problem(FORMAT, bytes, &e);
    let mut decoder = PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(sort)?;
    let metadata = Metadata { icc: decoder.icc_profile().map_err(sort)?, ..chunks.metadata };
    let (channels, samples) = pixels(decoder).map_err(sort)?;
    Ok(Decoded {
        width: chunks.width,
        height: chunks.height,
        channels,
        samples,
        orientation: super::exif_orientation(metadata.exif.as_deref()),
        metadata,
        notes: Vec::new(),
    })
}

/// Goes through the chunks (length, type, content, checksum) to the closing one.
fn walk(bytes: &[u8]) -> Result<Chunks, Problem> {
    let mut rest = &bytes[8..];
    let (kind, header) = next_chunk(&mut rest).ok_or_else(|| cut_short(FORMAT, bytes))?;
    let (b"IHDR", Some((&width, after)), 13) = (&kind, header.split_first_chunk(), header.len()) else {
        return Err(broken(FORMAT, &"it does not begin with its header"));
    };
    let mut chunks = Chunks {
        width: u32::from_be_bytes(width),
        height: after.first_chunk().map_or(0, |height| u32::from_be_bytes(*height)),
        frames: 0,
        metadata: Metadata::default(),
    };
    loop {
        let (kind, content) = next_chunk(&mut rest).ok_or_else(|| cut_short(FORMAT, bytes))?;
        match &kind {
            b"IEND" => return Ok(chunks),
            b"acTL" => {
                chunks.frames = content.first_chunk().map_or(0, |frames| u32::from_be_bytes(*frames));
            }
            _ => chunks.metadata.add_png_chunk(kind, content),
        }
    }
}

/// Takes the next chunk's type and content off the front; `None` where the data ends before it.
fn next_chunk<'a>(rest: &mut &'a [u8]) -> Option<([u8; 4], &'a [u8])> {
    let (length, after) = rest.split_first_chunk()?;
    let (kind, after) = after.split_first_chunk()?;
    let (content, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let (_checksum, after) = after.split_first_chunk::<4>()?;
    *rest = after;
    Some((*kind, content))
}
