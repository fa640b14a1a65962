//! PNG, and of one that is not whole what there is.

mod rows;

use std::io::Cursor;

use flate2::Crc;
use image::codecs::png::PngDecoder;
use image::{ImageDecoder, Limits};

use self::rows::{Rows, salvage};
use super::{
    ALL_BUT_LOST, Decoded, Note, Problem, SIDE_BYTES, broken, check_size, cut_short, lost_profile, pixels,
    problem,
};
use crate::image::files::ReadOptions;
use crate::image::files::metadata::Metadata;
use crate::image::files::metadata::png::MAX_TEXTS;
use crate::image::files::sniff::FileFormat;
use crate::image::samples::Samples;

const FORMAT: FileFormat = FileFormat::Png;

/// What the chunks say.
struct Chunks {
    width: u32,
    height: u32,
    /// Frames of the animation; a still image has none, or one.
    frames: u32,
    /// What they say beside the pixels, also from behind them, where the decoder does not look.
    metadata: Metadata,
    /// Whether there is a colour profile.
    profile: bool,
    /// Whether the closing chunk is there.
    ended: bool,
}

/// What a decoder makes of the chunks.
struct Pixels {
    channels: usize,
    samples: Samples,
    icc: Option<Vec<u8>>,
}

pub(super) fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Decoded, Problem> {
    let chunks = walk(bytes)?;
    check_size(chunks.width, chunks.height)?;
    if chunks.frames > 1 {
        return Err(Problem::Unsupported(format!(
            "it is an animated PNG of {} frames; extract the one you want first",
            chunks.frames
        )));
    }
    let (pixels, mut notes) = match whole(bytes, &chunks) {
        Ok(pixels) => (pixels, Vec::new()),
        Err(problem) => partial(bytes, problem, options)?,
    };
    if chunks.profile && pixels.icc.is_none() {
        notes.push(lost_profile());
    }
    Ok(Decoded {
        width: chunks.width,
        height: chunks.height,
        channels: pixels.channels,
        samples: pixels.samples,
        orientation: super::exif_orientation(chunks.metadata.exif.as_deref()),
        metadata: Metadata { icc: pixels.icc, ..chunks.metadata },
        notes,
    })
}

/// The pixels of a file that is as it should be.
fn whole(bytes: &[u8], chunks: &Chunks) -> Result<Pixels, Problem> {
    if !chunks.ended {
        return Err(cut_short(FORMAT, bytes));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(SIDE_BYTES as u64);
    let sort = |e| problem(FORMAT, bytes, &e);
    let mut decoder = PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(sort)?;
    let icc = decoder.icc_profile().map_err(sort)?;
    let (channels, samples) = pixels(decoder).map_err(sort)?;
    Ok(Pixels { channels, samples, icc })
}

/// The pixels of a file with this problem, as far as they are there: all of them where nothing but the end is missing.
fn partial(bytes: &[u8], problem: Problem, options: &ReadOptions) -> Result<(Pixels, Vec<Note>), Problem> {
    let (reason, sort, check): (_, fn(String) -> Problem, _) = match problem {
        Problem::CutShort { reason, .. } => (reason, Problem::cut_short, true),
        // What is damaged need not fit its checksums.
        Problem::Damaged { reason, .. } => (reason, Problem::damaged, false),
        other => return Err(other),
    };
    let Some(Rows { pixels, missing_percent }) = salvage(bytes, check, options.keep_damaged) else {
        return Err(sort(reason));
    };
    if missing_percent >= 100.0 * ALL_BUT_LOST {
        return Err(sort(format!("{reason}: {missing_percent:.1}% of the picture is missing")));
    }
    let note = match (missing_percent > 0.0, check) {
        (true, _) => Note::Warning(format!("{reason}: {missing_percent:.1}% of the picture is missing")),
        (false, true) => Note::Info(format!("{reason}; every pixel is there")),
        (false, false) => Note::Warning(format!("{reason}: some of the pixels may be wrong")),
    };
    match note {
        Note::Warning(text) if !options.keep_damaged => Err(sort(text).but_salvageable()),
        note => Ok((pixels, vec![note])),
    }
}

/// Goes through the chunks (length, type, content, checksum) to the closing one, or to the last that is whole.
fn walk(bytes: &[u8]) -> Result<Chunks, Problem> {
    let mut rest = &bytes[8..];
    let chunk = next_chunk(&mut rest).ok_or_else(|| cut_short(FORMAT, bytes))?;
    let (b"IHDR", Some((&width, after)), 13) =
        (&chunk.kind, chunk.content.split_first_chunk(), chunk.content.len())
    else {
        return Err(broken(FORMAT, &"it does not begin with its header"));
    };
    if !chunk.is_sound() {
        return Err(broken(FORMAT, &"its header does not fit its checksum"));
    }
    let mut chunks = Chunks {
        width: u32::from_be_bytes(width),
        height: after.first_chunk().map_or(0, |height| u32::from_be_bytes(*height)),
        frames: 0,
        metadata: Metadata::default(),
        profile: false,
        ended: false,
    };
    let mut room = MAX_TEXTS;
    while let Some(chunk) = next_chunk(&mut rest) {
        let Chunk { kind, content, .. } = chunk;
        match &kind {
            b"IEND" => {
                chunks.ended = true;
                break;
            }
            b"iCCP" => chunks.profile = true,
            b"acTL" => {
                chunks.frames = content.first_chunk().map_or(0, |frames| u32::from_be_bytes(*frames));
            }
            // The decoder looks at the pixels.
            b"IDAT" | b"fdAT" => {}
            // What is damaged might turn the picture, or its colours.
            _ if !chunk.is_sound() => {}
            _ => chunks.metadata.add_png_chunk(kind, content, &mut room),
        }
    }
    Ok(chunks)
}

/// A chunk, with the checksum that stands behind it.
struct Chunk<'a> {
    kind: [u8; 4],
    content: &'a [u8],
    stated: u32,
}

impl Chunk<'_> {
    /// Whether its type and content fit its checksum.
    fn is_sound(&self) -> bool {
        let mut checksum = Crc::new();
        checksum.update(&self.kind);
        checksum.update(self.content);
        checksum.sum() == self.stated
    }
}

/// Takes the next chunk off the front; `None` where the data ends before it.
fn next_chunk<'a>(rest: &mut &'a [u8]) -> Option<Chunk<'a>> {
    let (length, after) = rest.split_first_chunk()?;
    let (kind, after) = after.split_first_chunk()?;
    let (content, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let (stated, after) = after.split_first_chunk()?;
    *rest = after;
    Some(Chunk { kind: *kind, content, stated: u32::from_be_bytes(*stated) })
}
