//! TIFF and `BigTIFF`.

use std::io::Cursor;

use image::metadata::Orientation;
use tiff::decoder::{BufferLayoutPreference, Decoder, DecodingResult, Limits};
use tiff::tags::{CompressionMethod, Tag};
use tiff::{ColorType, TiffError};

use super::{Decoded, MAX_PIXELS, Problem, SIDE_BYTES, broken, check_size, cut_short};
use crate::image::metadata::Metadata;
use crate::image::read::ReadOptions;
use crate::image::samples::{Sample, Samples};
use crate::image::sniff::{CAMERA_RAW, FileFormat};

const FORMAT: FileFormat = FileFormat::Tiff;

/// Bytes of the largest image: four channels of 16 bits.
const MAX_IMAGE_BYTES: u64 = MAX_PIXELS * 8;

/// The tag that makes a TIFF file a DNG.
const DNG_VERSION: Tag = Tag::Unknown(50706);

type Reader<'a> = Decoder<Cursor<&'a [u8]>>;

pub(super) fn decode(bytes: &[u8], _options: &ReadOptions) -> Result<Decoded, Problem> {
    let sort = |e| problem(bytes, e);
    let mut reader = open(bytes).map_err(sort)?;
    let (width, height) = reader.dimensions().map_err(sort)?;
    check_size(width, height)?;
    check_pages(bytes)?;
    check_data_present(&mut reader, bytes)?;
    let channels = channels(&mut reader).map_err(sort)??;
    let orientation = find(&mut reader, Tag::Orientation)
        .and_then(|v| Orientation::from_exif(u8::try_from(v).ok()?))
        .unwrap_or(Orientation::NoTransforms);
    let icc = reader.get_tag_u8_vec(Tag::IccProfile).ok();
    let bits = find(&mut reader, Tag::BitsPerSample);
    // 1 in this tag: colours are stored multiplied by the transparency.
    let premultiplied = channels == 4 && find(&mut reader, Tag::ExtraSamples) == Some(1);

    let mut stored = DecodingResult::U8(Vec::new());
    let layout = reader.read_image_to_buffer(&mut stored).map_err(sort)?;
    let pixels = width as usize * height as usize;
    let mut samples = match stored {
        DecodingResult::U8(bits_of_8) if bits.unwrap_or(1) == 1 => {
            Samples::U8(expand_bitmap(&bits_of_8, width as usize))
        }
        DecodingResult::U8(v) => Samples::U8(interleave(v, &layout, channels, pixels)),
        DecodingResult::U16(v) => Samples::U16(interleave(v, &layout, channels, pixels)),
        _ => return Err(unsupported("its samples are neither 8 nor 16 bits deep")),
    };
    if samples.len() != pixels * channels {
        return Err(cut_short(FORMAT, bytes));
    }
    if premultiplied {
        match &mut samples {
            Samples::U8(v) => divide_by_alpha(v),
            Samples::U16(v) => divide_by_alpha(v),
            Samples::F32(v) => divide_by_alpha(v),
        }
    }
    Ok(Decoded {
        width,
        height,
        channels,
        samples,
        orientation,
        metadata: Metadata { icc, ..Metadata::default() },
        notes: Vec::new(),
    })
}

fn open(bytes: &[u8]) -> Result<Reader<'_>, TiffError> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = usize::try_from(MAX_IMAGE_BYTES).unwrap_or(usize::MAX);
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    limits.ifd_value_size = SIDE_BYTES;
    Ok(Decoder::new(Cursor::new(bytes))?.with_limits(limits))
}

/// The first value of a tag of small numbers, where the file has it.
fn find(reader: &mut Reader, tag: Tag) -> Option<u16> {
    reader.find_tag_unsigned_vec(tag).ok().flatten().and_then(|values| values.first().copied())
}

/// Refuses documents of several pages, and camera raw files, whose first page is a thumbnail.
fn check_pages(bytes: &[u8]) -> Result<(), Problem> {
    let sort = |e| problem(bytes, e);
    let mut reader = open(bytes).map_err(sort)?;
    if is_small_copy(&mut reader) || matches!(reader.find_tag(DNG_VERSION), Ok(Some(_))) {
        return Err(Problem::Unsupported(format!(
            "it is {CAMERA_RAW}; develop it to PNG, JPEG, WebP or TIFF first"
        )));
    }
    while reader.more_images() {
        reader.next_image().map_err(sort)?;
        if !is_small_copy(&mut reader) {
            return Err(Problem::Unsupported(
                "it is a TIFF of several pages; extract the page you want first".to_owned(),
            ));
        }
    }
    Ok(())
}

/// Whether the page is marked as a smaller copy of another one.
fn is_small_copy(reader: &mut Reader) -> bool {
    find(reader, Tag::NewSubfileType).is_some_and(|kind| kind & 1 == 1)
}

/// Refuses a file that ends before the strips or tiles it lists: not every decompressor minds.
fn check_data_present(reader: &mut Reader, bytes: &[u8]) -> Result<(), Problem> {
    let tiled = matches!(reader.find_tag(Tag::TileOffsets), Ok(Some(_)));
    let (offsets, lengths) = if tiled {
        (Tag::TileOffsets, Tag::TileByteCounts)
    } else {
        (Tag::StripOffsets, Tag::StripByteCounts)
    };
    let mut list = |tag| reader.get_tag_u64_vec(tag).map_err(|e| problem(bytes, e));
    let (offsets, lengths) = (list(offsets)?, list(lengths)?);
    let end = offsets.iter().zip(&lengths).map(|(&offset, &length)| offset.saturating_add(length)).max();
    if end.is_some_and(|end| end > bytes.len() as u64) {
        return Err(cut_short(FORMAT, bytes));
    }
    Ok(())
}

/// How many channels to take, or why the colours are not read.
fn channels(reader: &mut Reader) -> Result<Result<usize, Problem>, TiffError> {
    let color = reader.colortype()?;
    let formats = reader.find_tag_unsigned_vec::<u16>(Tag::SampleFormat)?;
    // 1 is unsigned integers, 3 floating point.
    for format in formats.unwrap_or_default() {
        match format {
            1 => {}
            3 => return Ok(Err(unsupported("it is a TIFF of floating-point samples"))),
            _ => return Ok(Err(unsupported("its samples are not unsigned integers"))),
        }
    }
    let jpeg = reader.find_tag_unsigned(Tag::Compression)? == Some(CompressionMethod::ModernJPEG.to_u16());
    let stored: Option<u16> = reader.find_tag_unsigned(Tag::SamplesPerPixel)?;
    Ok(match color {
        ColorType::CMYK(_) | ColorType::CMYKA(_) => Err(Problem::Unsupported(
            "it is a TIFF in CMYK (print) colours; convert it to RGB with its colour profile first"
                .to_owned(),
        )),
        ColorType::Gray(1 | 8 | 16) => Ok(1),
        ColorType::Multiband {
            bit_depth: 8 | 16,
            num_samples: 2,
            // The decoder takes the two channels of JPEG data for colours.
        } if !jpeg => Ok(2),
        ColorType::RGB(8 | 16) if stored == Some(3) => Ok(3),
        ColorType::RGBA(8 | 16) if stored == Some(4) => Ok(4),
        other => Err(unsupported(&format!("it is a TIFF of type {other:?}"))),
    })
}

fn unsupported(what: &str) -> Problem {
    Problem::Unsupported(format!("{what}; save it as 8- or 16-bit RGB or grey, or as a PNG, first"))
}

/// Rows of bits, most significant first and each row beginning a byte, as samples of 0 and 255.
fn expand_bitmap(rows: &[u8], width: usize) -> Vec<u8> {
    let bit = |row: &[u8], x: usize| {
        if row[x / 8] >> (7 - x % 8) & 1 == 1 { 255 } else { 0 }
    };
    rows.chunks_exact(width.div_ceil(8)).flat_map(|row| (0..width).map(move |x| bit(row, x))).collect()
}

/// Brings channels that are stored as planes together; channels that are interleaved already stay.
fn interleave<T: Sample>(
    samples: Vec<T>,
    layout: &BufferLayoutPreference,
    channels: usize,
    pixels: usize,
) -> Vec<T> {
    if layout.planes <= 1 {
        return samples;
    }
    let mut interleaved = Vec::with_capacity(pixels * channels);
    for i in 0..pixels {
        interleaved.extend(samples.iter().skip(i).step_by(pixels).take(channels));
    }
    interleaved
}

/// Undoes the multiplication of RGB by transparency; where nothing shows the colour stays.
fn divide_by_alpha<T: Sample>(samples: &mut [T]) {
    for [color @ .., alpha] in samples.as_chunks_mut::<4>().0 {
        color.iter_mut().for_each(|sample| *sample = sample.unmultiplied(*alpha));
    }
}

/// Sorts an error of the `tiff` crate.
fn problem(bytes: &[u8], error: TiffError) -> Problem {
    match error {
        TiffError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => cut_short(FORMAT, bytes),
        TiffError::UnsupportedError(e) => unsupported(&format!("this kind of TIFF is not read ({e})")),
        TiffError::LimitsExceeded => unsupported("decoding it would take too much memory"),
        e => broken(FORMAT, &e),
    }
}
