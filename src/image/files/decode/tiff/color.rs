//! What the samples mean: their colours, and which of them is transparency.
//!
//! Transparency is what the tag `ExtraSamples` calls so. Without that tag, one channel more than the colours need is
//! transparency that the colours are not multiplied by, as Pillow takes it and many programs write it; libtiff would
//! divide by it, which changes colours. A channel that the tag leaves unspecified may be anything, and is left out.

use super::directory::{Directory, tag};
use super::{FORMAT, broken, unsupported};
use crate::image::files::decode::{Note, Problem};

/// The colours of a page.
pub(super) enum Color {
    Grey {
        white_is_zero: bool,
    },
    Rgb,
    Palette(Vec<[u8; 3]>),
    /// Of JPEG data only, whose decoder makes RGB of it.
    YCbCr,
}

/// Which samples of a pixel are taken.
pub(super) struct Channels {
    pub color: Color,
    /// The sample that is transparency.
    pub alpha: Option<usize>,
    /// Whether the colours are multiplied by it.
    pub multiplied: bool,
}

impl Channels {
    /// How many samples a pixel has, of those stored, that colour is made of.
    pub(super) fn colors(&self) -> usize {
        match self.color {
            Color::Grey { .. } | Color::Palette(_) => 1,
            Color::Rgb | Color::YCbCr => 3,
        }
    }

    /// Which of the stored samples are taken, in order.
    pub(super) fn taken(&self) -> Vec<usize> {
        (0..self.colors()).chain(self.alpha).collect()
    }

    /// How many samples a pixel of the picture has.
    pub(super) fn kept(&self) -> usize {
        match self.color {
            Color::Palette(_) => 3,
            _ => self.colors() + usize::from(self.alpha.is_some()),
        }
    }
}

pub(super) fn channels(
    page: &Directory,
    samples: usize,
    jpeg: bool,
    notes: &mut Vec<Note>,
) -> Result<Channels, Problem> {
    let mut channels = Channels { color: color(page, samples, jpeg)?, alpha: None, multiplied: false };
    let colors = channels.colors();
    let Some(extra) = samples.checked_sub(colors) else {
        return Err(broken(FORMAT, &format!("its colours need {colors} channels and it has {samples}")));
    };
    if jpeg && (extra > 0 || matches!(channels.color, Color::Palette(_))) {
        return Err(unsupported(&format!("it is a TIFF of JPEG data with {samples} channels")));
    }
    let stated = page.numbers(tag::EXTRA_SAMPLES);
    let kinds = match &stated {
        None if extra == 1 => vec![2],
        None => Vec::new(),
        Some(kinds) => kinds.iter().copied().take(extra).collect(),
    };
    if !matches!(channels.color, Color::Palette(_))
        && let Some(at) = kinds.iter().position(|kind| matches!(kind, 1 | 2))
    {
        channels.alpha = Some(colors + at);
        channels.multiplied = kinds[at] == 1;
    }
    match extra - usize::from(channels.alpha.is_some()) {
        0 => {}
        1 if matches!(channels.color, Color::Palette(_)) => {
            notes.push(Note::Warning("the transparency beside its palette is left out".into()));
        }
        1 => notes.push(Note::Warning(
            "a channel that is neither colour nor marked as transparency is left out".into(),
        )),
        n => notes.push(Note::Warning(format!(
            "{n} channels that are neither colour nor marked as transparency are left out"
        ))),
    }
    Ok(channels)
}

fn color(page: &Directory, samples: usize, jpeg: bool) -> Result<Color, Problem> {
    let photometric = match page.number(tag::PHOTOMETRIC) {
        Some(photometric) => photometric,
        // As libtiff guesses.
        None if samples >= 3 => 2,
        None => 1,
    };
    match photometric {
        0 => Ok(Color::Grey { white_is_zero: true }),
        1 => Ok(Color::Grey { white_is_zero: false }),
        2 => Ok(Color::Rgb),
        3 => palette(page).map(Color::Palette),
        4 => Err(unsupported("its first page is a transparency mask")),
        5 => Err(Problem::Unsupported(
            "it is a TIFF in CMYK (print) colours; convert it to RGB with its colour profile first"
                .to_owned(),
        )),
        6 if jpeg && page.number(tag::PLANAR) == Some(2) => {
            Err(unsupported("it is a TIFF of JPEG data with brightness and colour apart"))
        }
        6 if jpeg => Ok(Color::YCbCr),
        6 => Err(unsupported("it is a TIFF in YCbCr (video) colours without JPEG compression")),
        8..=10 => Err(unsupported("it is a TIFF in Lab (CIELab) colours")),
        32844 | 32845 => Err(unsupported("it is a TIFF in LogLuv (high dynamic range) colours")),
        other => Err(unsupported(&format!("it is a TIFF in colours of an unknown kind (number {other})"))),
    }
}

/// The palette in 8 bits.
fn palette(page: &Directory) -> Result<Vec<[u8; 3]>, Problem> {
    let bits = page.number(tag::BITS_PER_SAMPLE).unwrap_or(1).min(8);
    let map = page.numbers(tag::COLOR_MAP).unwrap_or_default();
    let colors = 1 << bits;
    if map.len() < 3 * colors {
        return Err(broken(FORMAT, &format!("its palette of {colors} colours is incomplete")));
    }
    // The standard's values have 16 bits; some writers put 8 into them, which libtiff tells in the same way.
    let shift = if map.iter().all(|&value| value < 256) { 0 } else { 8 };
    let value = |at: usize| (map[at] >> shift) as u8;
    Ok((0..colors).map(|i| [value(i), value(colors + i), value(2 * colors + i)]).collect())
}
