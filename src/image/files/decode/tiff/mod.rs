//! TIFF and `BigTIFF`, as cameras' programs, editors and scanners write them.
//!
//! The tags are read here and the packed bytes unpacked by `weezl`, `flate2` and `jpeg-decoder`: an image library in
//! between (`tiff` 0.11) gave up on planes in tiles, bits in reverse, palettes and much else, and kept nothing of a
//! strip that breaks off.
//!
//! * [`directory`]: the tags as they stand in the file.
//! * [`pages`]: which page is the photo.
//! * [`layout`], with [`color`] and [`chunks`]: what the tags of that page say of its pixels. Whatever is not read is
//!   refused by these, before anything is decoded.
//! * [`decompress`], [`predictor`] and [`jpeg`]: one strip or tile.
//! * [`picture`]: all of them, put together.
//! * [`metadata`] and [`exif`]: what else the tags say.

mod chunks;
mod color;
mod decompress;
mod directory;
mod exif;
mod jpeg;
mod layout;
mod metadata;
mod pages;
mod picture;
mod predictor;

use image::metadata::Orientation;

use self::directory::{File, tag};
use self::layout::Layout;
use self::picture::{Stored, assemble};
use super::{ALL_BUT_LOST, Decoded, Note, Problem, broken, cut_short};
use crate::image::files::ReadOptions;
use crate::image::files::sniff::FileFormat;
use crate::image::samples::{Arithmetic, Samples};

const FORMAT: FileFormat = FileFormat::Tiff;

pub(super) fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Decoded, Problem> {
    let (file, page) = File::first(bytes)?;
    let mut notes = pages::check(&file, &page, bytes, options)?;
    if page.cut.iter().any(|tag| tag::OF_PIXELS.contains(tag)) {
        return Err(cut_short(FORMAT, bytes));
    }
    if !page.cut.is_empty() {
        notes.push(Note::Warning("the file ends before some of its metadata, which are left out".to_owned()));
    }
    let layout = Layout::of(&file, &page, &mut notes)?;
    layout.check_lzw(bytes)?;
    layout.check_overlap(bytes)?;
    let cut = share_cut_off(&layout, bytes.len() as u64);
    if cut > 0.0 && !options.keep_damaged {
        let lost = lost(bytes, cut, true);
        return Err(if cut < 1.0 { lost.but_salvageable() } else { lost });
    }
    let samples = if layout.float {
        Samples::F32(pixels(&layout, bytes, options, cut > 0.0, &mut notes)?)
    } else if layout.bits == 16 {
        Samples::U16(pixels(&layout, bytes, options, cut > 0.0, &mut notes)?)
    } else {
        Samples::U8(pixels(&layout, bytes, options, cut > 0.0, &mut notes)?)
    };
    if let Samples::F32(samples) = &samples {
        notes.extend(out_of_range(samples));
    }
    let orientation = page
        .number(tag::ORIENTATION)
        .and_then(|value| Orientation::from_exif(u8::try_from(value).ok()?))
        .unwrap_or(Orientation::NoTransforms);
    Ok(Decoded {
        width: layout.width,
        height: layout.height,
        channels: layout.channels.kept(),
        samples,
        orientation,
        metadata: metadata::of(&file, &page),
        notes,
    })
}

/// The picture's samples, an error where not all of them can be decoded and nothing else is wished.
fn pixels<T: Stored>(
    layout: &Layout,
    bytes: &[u8],
    options: &ReadOptions,
    cut: bool,
    notes: &mut Vec<Note>,
) -> Result<Vec<T>, Problem> {
    let mut picture = assemble::<T>(layout, bytes, options.keep_damaged);
    let wanted = layout.taken_samples();
    if picture.decoded < wanted {
        let share = (wanted - picture.decoded) as f64 / wanted as f64;
        if share >= ALL_BUT_LOST {
            return Err(lost(bytes, share, cut));
        }
        if !options.keep_damaged {
            return Err(lost(bytes, share, cut).but_salvageable());
        }
        let what = if cut { "is missing" } else { "cannot be decoded" };
        notes.push(Note::Warning(format!(
            "{} of the picture {what}; grey stands in its place",
            percent(share)
        )));
    }
    picture.extend_to(layout, layout.height as usize);
    if layout.channels.multiplied {
        divide_by_alpha(&mut picture.samples, layout.channels.kept());
    }
    Ok(picture.samples)
}

/// The share of the picture whose bytes lie behind the end of the file, by the lengths of strips and tiles.
fn share_cut_off(layout: &Layout, file: u64) -> f64 {
    let taken = layout.channels.taken();
    let mut missing = 0.0;
    for chunk in layout.grid.chunks() {
        let (start, end) = layout.extent(&chunk);
        let channels = match chunk.plane {
            None => taken.len(),
            Some(plane) => usize::from(taken.contains(&plane)),
        };
        if end > file && end > start {
            let share = (end - file.max(start)) as f64 / (end - start) as f64;
            missing += share * (chunk.columns * chunk.rows * channels) as f64;
        }
    }
    missing / layout.taken_samples() as f64
}

/// The problem of a picture of which this share is missing, or else cannot be decoded.
fn lost(bytes: &[u8], share: f64, cut: bool) -> Problem {
    let share = percent(share);
    if cut {
        Problem::cut_short(format!(
            "the TIFF data is cut short after {} bytes, and {share} of the picture is missing",
            bytes.len()
        ))
    } else {
        broken(FORMAT, &format!("{share} of the picture cannot be decoded"))
    }
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent < 1.0 => "less than 1%".to_owned(),
        percent => format!("{percent:.0}%"),
    }
}

/// A word on floats that are not between black and white.
fn out_of_range(samples: &[f32]) -> Option<Note> {
    let outside = samples.iter().filter(|sample| !(0.0..=1.0).contains(*sample)).count();
    (outside > 0).then(|| {
        let share = percent(outside as f64 / samples.len() as f64);
        Note::Warning(format!("{share} of its samples lie outside of 0 to 1 and count as 0 or 1"))
    })
}

/// Undoes the multiplication of colours by transparency, the last of the channels; where nothing shows the colour
/// stays.
fn divide_by_alpha<T: Arithmetic>(samples: &mut [T], channels: usize) {
    for pixel in samples.chunks_exact_mut(channels) {
        if let [colors @ .., alpha] = pixel {
            colors.iter_mut().for_each(|sample| *sample = sample.unmultiplied(*alpha));
        }
    }
}

fn unsupported(what: &str) -> Problem {
    Problem::Unsupported(format!("{what}; save it as 8- or 16-bit RGB or grey, or as a PNG, first"))
}
