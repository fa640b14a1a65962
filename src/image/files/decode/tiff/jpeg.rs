//! Strips and tiles that are JPEG files of their own, with tables in common that stand in a tag.

use super::color::Color;
use crate::image::files::decode::jpeg::decode_part;

/// A decoded strip or tile: bytes of a row, and the rows that are there.
pub(super) struct Pixels {
    pub row_bytes: usize,
    pub bytes: Vec<u8>,
}

/// Decodes one of so many channels, not much larger than so many columns and rows; `None` where it cannot be decoded.
/// The tag tells what the channels are: the marks in the data are those of a file that stands alone.
pub(super) fn decode(
    packed: &[u8],
    tables: &[u8],
    color: &Color,
    channels: usize,
    (width, height): (usize, usize),
) -> Option<Pixels> {
    let body = packed.strip_prefix(b"\xff\xd8")?;
    let tables = tables.strip_prefix(b"\xff\xd8").unwrap_or(tables);
    let tables = tables.strip_suffix(b"\xff\xd9").unwrap_or(tables);
    let whole = [b"\xff\xd8", tables, body].concat();
    // Sides may be rounded up to whole blocks.
    let part = decode_part(&whole, !matches!(color, Color::YCbCr), (width + 64, height + 64))?;
    (part.channels == channels).then(|| Pixels { row_bytes: part.width * channels, bytes: part.samples })
}
