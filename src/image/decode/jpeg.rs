//! JPEG.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Decoded, Problem, broken, check_size, cut_short};
use crate::image::metadata::jpeg::from_segments;
use crate::image::read::ReadOptions;
use crate::image::samples::Samples;
use crate::image::sniff::FileFormat;

const FORMAT: FileFormat = FileFormat::Jpeg;

/// What the segments say.
struct Segments<'a> {
    width: u16,
    height: u16,
    /// Bits a sample.
    precision: u8,
    components: u8,
    /// Whether bytes stand between the segments that belong to none, as some cameras leave them.
    stray: bool,
    /// Marker and content of each before the pixels.
    before_pixels: Vec<(u8, &'a [u8])>,
}

pub(super) fn decode(bytes: &[u8], _options: &ReadOptions) -> Result<Decoded, Problem> {
    let segments = walk(bytes)?;
    let (width, height) = (u32::from(segments.width), u32::from(segments.height));
    check_size(width, height)?;
    let (channels, colors) = match (segments.precision, segments.components) {
        (8, 1) => (1, ColorSpace::Luma),
        (8, 3) => (3, ColorSpace::RGB),
        (8, 4) => {
            return Err(Problem::Unsupported(
                "it is a JPEG in CMYK (print) colours; convert it to RGB with its colour profile \
                 first"
                    .to_owned(),
            ));
        }
        (precision, components) => {
            return Err(Problem::Unsupported(format!(
                "it is a JPEG of {components} channels of {precision} bits; save it as an ordinary \
                 8-bit RGB JPEG or as a PNG first"
            )));
        }
    };
    // Strict, so that pixels which cannot be decoded are an error and not filled with grey. Strict
    // also objects to stray bytes, which harm nothing.
    let options = DecoderOptions::default()
        .set_strict_mode(!segments.stray)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(colors);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let samples = decoder.decode().map_err(|e| broken(FORMAT, &e))?;
    let metadata = from_segments(segments.before_pixels.into_iter());
    Ok(Decoded {
        width,
        height,
        channels,
        samples: Samples::U8(samples),
        orientation: super::exif_orientation(metadata.exif.as_deref()),
        metadata,
        notes: Vec::new(),
    })
}

/// Goes through the segments to the end-of-image marker. The decoder would be content without that
/// marker, and with half of the pixels before it.
fn walk(bytes: &[u8]) -> Result<Segments<'_>, Problem> {
    let short = || cut_short(FORMAT, bytes);
    let mut frame = None;
    let mut scans = 0;
    let mut stray = false;
    let mut before_pixels = Vec::new();
    let mut at = 2;
    loop {
        let skipped = bytes[at..].iter().position(|&b| b == 0xff).ok_or_else(short)?;
        stray |= skipped > 0;
        at += skipped;
        let marker = loop {
            at += 1;
            match *bytes.get(at).ok_or_else(short)? {
                0xff => {}
                marker => break marker,
            }
        };
        at += 1;
        match marker {
            // Not the start of a segment: a stuffed byte, a restart mark left over.
            0x00 | 0x01 | 0xd0..=0xd8 => stray = true,
            0xd9 => break,
            _ => {
                let content = segment(&bytes[at..]).ok_or_else(short)?;
                at += 2 + content.len();
                if scans == 0 {
                    before_pixels.push((marker, content));
                }
                match marker {
                    0xda => {
                        scans += 1;
                        at += entropy_coded_len(&bytes[at..]).ok_or_else(short)?;
                    }
                    // Start of frame; the gaps in the range are tables.
                    0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                        frame = content.first_chunk::<6>().copied();
                    }
                    _ => {}
                }
            }
        }
    }
    let (Some([precision, h1, h0, w1, w0, components]), 1..) = (frame, scans) else {
        return Err(broken(FORMAT, &"it holds no picture"));
    };
    Ok(Segments {
        width: u16::from_be_bytes([w1, w0]),
        height: u16::from_be_bytes([h1, h0]),
        precision,
        components,
        stray,
        before_pixels,
    })
}

/// The content of the segment whose length field comes next; `None` where the data ends before it.
fn segment(bytes: &[u8]) -> Option<&[u8]> {
    let length = usize::from(u16::from_be_bytes(*bytes.first_chunk()?));
    bytes.get(2..length.max(2))
}

/// How many bytes of pixels follow before the next marker that is no restart mark.
fn entropy_coded_len(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff))
}
