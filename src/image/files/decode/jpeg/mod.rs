//! JPEG: Huffman-coded, sequential or progressive, of any whole sampling factors.
//!
//! Decoded by `jpeg-decoder`. It fills with whatever comes out what is missing of a picture, and gives up at the first
//! code that makes no sense; so a [`survey`] of the blocks, which reads the codes and leaves their values alone, tells
//! beforehand whether all of them are there.
//!
//! Chosen by 518 files of libjpeg-turbo's `cjpeg` (twenty samplings, four kinds of scans, seven sizes; the matrix of
//! the tests), and by the milliseconds that 12 megapixels took in 4:2:0 (one run each on two cores of an AMD EPYC,
//! 2026-11-25):
//!
//! | | right | refused | wrong in silence | panics | ms |
//! |---|---|---|---|---|---|
//! | zune-jpeg 0.5.15, which `image` 0.25.10 calls | 377 | 74 | 54 | 13 | 98 |
//! | zune-jpeg 0.5.16-rc3 | 455 | 63 | 0 | 0 | 95 |
//! | zenjpeg 0.8.4 | 470 | 0 | 48 | 0 | 139 |
//! | mozjpeg 0.10.13 without assembler, in C | 518 | 0 | 0 | 0 | 185 |
//! | jpeg-decoder 0.3.2, without dependencies | 518 | 0 | 0 | 0 | 165 |
//!
//! The survey takes a quarter to a third of the decoder's time besides: 40 of 147 ms for these pixels, 89 of 347 where
//! they are progressive.

mod frame;
mod huffman;
mod scan;
mod survey;

use jpeg_decoder::{ColorTransform, Decoder};

use self::frame::Frame;
use self::survey::{Obstacle, Survey, survey};
use super::{ALL_BUT_LOST, Decoded, Note, Problem, broken, check_size, cut_short, lost_profile};
use crate::image::files::ReadOptions;
use crate::image::files::metadata::jpeg::from_segments;
use crate::image::files::sniff::FileFormat;
use crate::image::samples::Samples;

const FORMAT: FileFormat = FileFormat::Jpeg;

/// What stands where nothing can be decoded.
const FILLING: u8 = 128;

/// So many bytes behind the last block are worth a word: some writers leave a few.
const LEFT_OVER: usize = 16;

pub(super) fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Decoded, Problem> {
    let survey = survey(bytes).map_err(|(obstacle, frame)| refusal(bytes, &obstacle, frame.as_ref()))?;
    let frame = &survey.frame;
    let (width, height) = (u32::from(frame.width), u32::from(frame.height));
    check_size(width, height)?;
    let channels = frame.components.len();
    let mut notes = damage(&survey, options)?;
    let mut samples = pixels(&survey, bytes, is_rgb(&survey))?;
    fill(&mut samples, channels, &survey);
    let (metadata, broken) = from_segments(survey.segments.iter().copied());
    notes.extend(broken.then(lost_profile));
    Ok(Decoded {
        width,
        height,
        channels,
        samples: Samples::U8(samples),
        orientation: super::exif_orientation(metadata.exif.as_deref()),
        metadata,
        notes,
    })
}

/// A JPEG inside of another file.
pub(super) struct Part {
    pub(super) width: usize,
    pub(super) channels: usize,
    /// The pixels of the rows that are all there, from the first.
    pub(super) samples: Vec<u8>,
}

/// Decodes a JPEG whose colours another file tells; `None` where nothing can be decoded, or where it has more columns
/// or rows than at most it should.
pub(super) fn decode_part(bytes: &[u8], rgb: bool, largest: (usize, usize)) -> Option<Part> {
    let survey = survey(bytes).ok()?;
    let (width, height) = (usize::from(survey.frame.width), usize::from(survey.frame.height));
    if width > largest.0 || height > largest.1 {
        return None;
    }
    let channels = survey.frame.components.len();
    let mut samples = pixels(&survey, bytes, rgb).ok()?;
    samples.truncate(survey.whole_rows() * width * channels);
    Some(Part { width, channels, samples })
}

/// What the decoder makes of the file, whatever is missing; of three channels, which are red, green and blue or not.
fn pixels(survey: &Survey, bytes: &[u8], rgb: bool) -> Result<Vec<u8>, Problem> {
    let channels = survey.frame.components.len();
    let mended = if survey.ended && survey.is_whole() && survey.cuts.is_empty() {
        None
    } else {
        Some(survey.mended(bytes))
    };
    let mut decoder = Decoder::new(mended.as_deref().unwrap_or(bytes));
    decoder.set_color_transform(match (channels, rgb) {
        (1, _) => ColorTransform::Grayscale,
        (_, true) => ColorTransform::RGB,
        (_, false) => ColorTransform::YCbCr,
    });
    let samples = decoder.decode().map_err(|e| problem(bytes, &e))?;
    let frame = &survey.frame;
    if samples.len() != usize::from(frame.width) * usize::from(frame.height) * channels {
        return Err(broken(FORMAT, &"its pixels do not fit its size"));
    }
    Ok(samples)
}

/// What to say of a picture that is not whole, or why it is refused.
fn damage(survey: &Survey, options: &ReadOptions) -> Result<Vec<Note>, Problem> {
    if survey.is_whole() {
        let mut notes = Vec::new();
        if !survey.ended {
            notes.push(Note::Info("the end marker is missing; every pixel is there".to_owned()));
        }
        if survey.left_over >= LEFT_OVER {
            let bytes = survey.left_over;
            notes.push(Note::Warning(format!(
                "{bytes} bytes are left over behind the last pixel, which may mean that the picture is damaged"
            )));
        }
        return Ok(notes);
    }
    let percent = survey.missing_percent();
    let missing = match (survey.units.1, survey.is_coarse()) {
        (0, false) => "the picture is there, and nothing behind it can be read".to_owned(),
        (0, true) => "the picture is there, and a part of its detail is missing".to_owned(),
        (_, false) => format!("{percent:.1}% of the picture is missing"),
        (_, true) => format!("{percent:.1}% of the picture and a part of the rest's detail are missing"),
    };
    let (what, problem): (_, fn(String) -> Problem) = if survey.nonsense {
        ("its JPEG data is damaged", Problem::damaged)
    } else {
        ("its JPEG data is cut short", Problem::cut_short)
    };
    let text = format!("{what}: {missing}");
    match (percent < 100.0 * ALL_BUT_LOST, options.keep_damaged) {
        (true, true) => Ok(vec![Note::Warning(text)]),
        (true, false) => Err(problem(text).but_salvageable()),
        (false, _) => Err(problem(text)),
    }
}

/// Whether three components are red, green and blue, told as libjpeg does: JFIF knows no such, then Adobe's marker
/// counts, then the components' names.
fn is_rgb(survey: &Survey) -> bool {
    let jfif =
        survey.segments.iter().any(|(marker, content)| *marker == 0xe0 && content.starts_with(b"JFIF\0"));
    let adobe =
        survey.segments.iter().filter(|(marker, content)| *marker == 0xee && content.starts_with(b"Adobe"));
    let transform = adobe.filter_map(|(_, content)| content.get(11)).next_back();
    let names = || survey.frame.components.iter().map(|component| component.id).eq(*b"RGB");
    !jfif && transform.map_or_else(names, |&transform| transform == 0)
}

/// Paints over what the decoder made of blocks that are not there.
fn fill(samples: &mut [u8], channels: usize, survey: &Survey) {
    let frame = &survey.frame;
    let stride = usize::from(frame.width) * channels;
    for &(alone, begin, end) in &survey.missing {
        for (columns, rows) in (begin..end).map(|unit| frame.area(alone, unit)) {
            for row in rows {
                let left = row * stride;
                samples[left + columns.start * channels..left + columns.end * channels].fill(FILLING);
            }
        }
    }
}

fn refusal(bytes: &[u8], obstacle: &Obstacle, frame: Option<&Frame>) -> Problem {
    match (obstacle, frame) {
        (Obstacle::Short, _) | (Obstacle::Process, None) => cut_short(FORMAT, bytes),
        (Obstacle::Broken(reason), _) => broken(FORMAT, reason),
        (Obstacle::Process, Some(frame)) => process(frame, bytes),
    }
}

/// Which kind of JPEG that is not decoded a frame announces.
fn process(frame: &Frame, bytes: &[u8]) -> Problem {
    let height_behind = frame.height == 0 && bytes.windows(2).any(|pair| pair == [0xff, 0xdc]);
    let height = if height_behind { 1 } else { frame.height };
    if let Err(problem) = check_size(u32::from(frame.width), u32::from(height)) {
        return problem;
    }
    let what = match frame.process {
        0..=2 if height_behind => "its height stands behind the pixels (DNL)",
        0..=2 if frame.precision != 8 => {
            return unsupported(&format!("it is a JPEG of {} bits a sample", frame.precision));
        }
        0..=2 if frame.components.len() == 4 => {
            let cmyk =
                "it is a JPEG in CMYK (print) colours; convert it to RGB with its colour profile first";
            return Problem::Unsupported(cmyk.to_owned());
        }
        0..=2 if frame.components.len() != 3 && frame.components.len() != 1 => {
            return unsupported(&format!("it is a JPEG of {} channels", frame.components.len()));
        }
        0..=2 => "one channel has more samples than another, but not a whole number of times as many",
        3 | 7 | 11 | 15 => "it is a lossless JPEG",
        5 | 6 | 13 | 14 => "it is a hierarchical JPEG",
        _ => "arithmetic coding is not supported",
    };
    unsupported(what)
}

fn unsupported(what: &str) -> Problem {
    Problem::Unsupported(format!("{what}; save it as an ordinary 8-bit JPEG or as a PNG first"))
}

fn problem(bytes: &[u8], error: &jpeg_decoder::Error) -> Problem {
    match error {
        jpeg_decoder::Error::Unsupported(_) => unsupported("this kind of JPEG is not read"),
        jpeg_decoder::Error::Io(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            cut_short(FORMAT, bytes)
        }
        other => broken(FORMAT, other),
    }
}
