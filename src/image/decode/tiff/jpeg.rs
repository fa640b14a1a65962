//! Strips and tiles that are JPEG files of their own, with tables in common that stand in a tag.

use jpeg_decoder::{ColorTransform, Decoder};

use super::color::Color;

/// A decoded strip or tile: bytes of a row, and rows.
pub(super) struct Pixels {
    pub row_bytes: usize,
    pub bytes: Vec<u8>,
}

/// Decodes one of so many channels, not much larger than `width * height`; `None` where it cannot be decoded.
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
    let mut decoder = Decoder::new(whole.as_slice());
    // The tag tells what the channels are. The marks in the data, which it would otherwise go by, are those of a file
    // that stands alone.
    decoder.set_color_transform(match (channels, color) {
        (1, _) => ColorTransform::Grayscale,
        (_, Color::YCbCr) => ColorTransform::YCbCr,
        _ => ColorTransform::RGB,
    });
    // Sides may be rounded up to whole blocks.
    let largest = width.checked_add(64)?.checked_mul(height.checked_add(64)?)?.checked_mul(channels)?;
    decoder.set_max_decoding_buffer_size(largest);
    let bytes = decoder.decode().ok()?;
    let info = decoder.info()?;
    (info.pixel_format.pixel_bytes() == channels)
        .then(|| Pixels { row_bytes: usize::from(info.width) * channels, bytes })
}
