//! Pictures side by side under their labels, to be looked at.

use std::convert::Infallible;
use std::path::Path;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Dimensions, OriginDimensions, Point, Size};
use embedded_graphics::mono_font::ascii::FONT_9X15_BOLD;
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::text::Baseline;
use embedded_graphics::text::renderer::TextRenderer;

use super::WriteOptions;
use super::metadata::Metadata;
use super::write::check_sides;
use crate::error::{Error, Result};
use crate::image::MAX_PIXELS;
use crate::image::frame::Frame;

const FONT: MonoFont<'static> = FONT_9X15_BOLD;
/// How many times as high as its label a large picture is.
const PICTURE_TO_LABEL: u32 = 25;
/// Above and below labels, and between pictures, in dots of the font.
const MARGIN: u32 = 3;
const GAP: u32 = 4;
const PAPER: u8 = 255;
const INK: u8 = 0;

/// Puts pictures of one height side by side, each under its label, in an 8-bit RGB frame.
///
/// From left to right there is a column for each panel, as wide as its picture or its label, whichever is wider,
/// with a white gap between two columns. In a column a white band with the label is at the top, both starting at
/// the left edge, and the picture is below it, sample for sample as [`Frame::to_rgb8`] has it; linear light is encoded
/// before. Labels are set in a
/// font of 9 x 15 dots; a dot is a square of as many pixels as make large pictures about 25 times as high as the
/// label. Other characters than those of ASCII become question marks. An ICC profile that all pictures share is
/// kept.
///
/// # Errors
/// [`Error::Strip`] where there is no panel, the heights differ, or the strip has more than [`MAX_PIXELS`].
pub fn strip(panels: &[(&str, &Frame)]) -> Result<Frame> {
    let encoded = panels.iter().map(|(label, picture)| Ok((*label, picture.encoded()?)));
    let encoded = encoded.collect::<Result<Vec<_>>>()?;
    let panels: Vec<(&str, &Frame)> = encoded.iter().map(|(label, picture)| (*label, &**picture)).collect();
    let layout = Layout::of(&panels)?;
    let samples = layout.width as usize * layout.height as usize * 3;
    let mut sheet = Sheet { width: layout.width as usize, rgb: vec![PAPER; samples] };
    for (&(label, picture), &left) in panels.iter().zip(&layout.columns) {
        let top = (MARGIN * layout.dot) as usize;
        let mut line = Line { sheet: &mut sheet, left: left as usize, top, dot: layout.dot as usize };
        let style = MonoTextStyle::new(&FONT, BinaryColor::On);
        let Ok(_) = style.draw_string(label, Point::zero(), Baseline::Top, &mut line);
        sheet.place(picture, left as usize, layout.band as usize);
    }
    let strip = Frame::from_rgb8(layout.width, layout.height, sheet.rgb)?;
    Ok(match shared_profile(&panels) {
        Some(profile) => strip.with_metadata(Metadata { icc: Some(profile.to_vec()), ..Metadata::default() }),
        None => strip,
    })
}

/// Finds out whether [`strip`] takes these panels, and whether the format that the path names has room for the
/// result: before the pictures are computed, with others of the same sizes in their places.
///
/// # Errors
/// As [`strip`], and [`Error::Unwritable`] where the format has no room or the path names none.
pub fn check_strip(panels: &[(&str, &Frame)], path: &Path) -> Result<()> {
    let layout = Layout::of(panels)?;
    check_sides(layout.width, layout.height, path, &WriteOptions::default())
}

fn shared_profile<'a>(panels: &[(&str, &'a Frame)]) -> Option<&'a [u8]> {
    let profile = panels.first()?.1.metadata().icc.as_deref();
    profile.filter(|_| panels.iter().all(|(_, picture)| picture.metadata().icc.as_deref() == profile))
}

/// Where everything goes, in pixels.
struct Layout {
    /// The side of a dot of the font.
    dot: u32,
    /// Height of the band of labels.
    band: u32,
    /// The columns' left edges.
    columns: Vec<u32>,
    width: u32,
    height: u32,
}

impl Layout {
    fn of(panels: &[(&str, &Frame)]) -> Result<Layout> {
        let refuse = |reason| Err(Error::Strip { reason });
        let Some((_, first)) = panels.first() else { return refuse("there are none".to_owned()) };
        let tall = first.height();
        if let Some((label, other)) = panels.iter().find(|(_, picture)| picture.height() != tall) {
            let other = other.height();
            return refuse(format!("{label:?} is {other} pixels high and {:?} {tall}", panels[0].0));
        }
        let step = PICTURE_TO_LABEL * FONT.character_size.height;
        let dot = (tall.saturating_add(step / 2) / step).max(1);
        let band = dot * (FONT.character_size.height + 2 * MARGIN);
        let mut columns = Vec::with_capacity(panels.len());
        let mut right = 0u64;
        for (label, picture) in panels {
            let left = if columns.is_empty() { 0 } else { right.saturating_add(u64::from(GAP * dot)) };
            let letters = label.chars().count() as u64;
            let lettering = letters.saturating_mul(u64::from(FONT.character_size.width * dot));
            right = left.saturating_add(lettering.max(u64::from(picture.width())));
            columns.push(left as u32);
        }
        let height = u64::from(tall) + u64::from(band);
        if right.saturating_mul(height) > MAX_PIXELS {
            return refuse(format!(
                "the strip would have {right} x {height} pixels and the limit is {MAX_PIXELS} in all; \
                 scale the pictures down first"
            ));
        }
        // Both are at least one, so neither is above the limit, which 32 bits hold.
        Ok(Layout { dot, band, columns, width: right as u32, height: height as u32 })
    }
}

/// Rows of interleaved RGB.
struct Sheet {
    width: usize,
    rgb: Vec<u8>,
}

impl Sheet {
    fn place(&mut self, picture: &Frame, left: usize, top: usize) {
        let rgb = picture.to_rgb8();
        let stride = picture.width() as usize * 3;
        let rows = self.rgb.chunks_exact_mut(self.width * 3).skip(top);
        for (to, from) in rows.zip(rgb.chunks_exact(stride)) {
            to[left * 3..][..stride].copy_from_slice(from);
        }
    }
}

/// A line of text on a sheet, to be drawn in dots.
struct Line<'a> {
    sheet: &'a mut Sheet,
    left: usize,
    top: usize,
    dot: usize,
}

impl OriginDimensions for Line<'_> {
    fn size(&self) -> Size {
        let across = (self.sheet.width - self.left) / self.dot;
        Size::new(across as u32, FONT.character_size.height)
    }
}

impl DrawTarget for Line<'_> {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, dots: I) -> std::result::Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<BinaryColor>>,
    {
        let (area, dot) = (self.bounding_box(), self.dot);
        for Pixel(at, color) in dots {
            if !color.is_on() || !area.contains(at) {
                continue;
            }
            let (x, y) = (self.left + at.x as usize * dot, self.top + at.y as usize * dot);
            for row in self.sheet.rgb.chunks_exact_mut(self.sheet.width * 3).skip(y).take(dot) {
                row[x * 3..][..dot * 3].fill(INK);
            }
        }
        Ok(())
    }
}
