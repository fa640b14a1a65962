//! The chunks of PNG.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::{Metadata, PngColor, Resolution, ResolutionUnit, exif, jpeg};

/// Chunks that say which colours the samples are, beside `iCCP`, with the length of their content.
const COLORS: [(&[u8; 4], usize); 6] =
    [(b"cICP", 4), (b"gAMA", 4), (b"cHRM", 32), (b"sRGB", 1), (b"mDCV", 24), (b"cLLI", 8)];

/// An XMP packet is text under this keyword.
const XMP: &[u8] = b"XML:com.adobe.xmp\0";

/// The most that the texts of a file are unpacked to, all together.
pub(crate) const MAX_TEXTS: u64 = 1 << 26;

const METRE: f64 = 100.0;

impl Metadata {
    /// Takes in a chunk, with texts that are unpacked to as many bytes as there is `room` for. The profile is not among
    /// them: the decoder unpacks it.
    pub(crate) fn add_png_chunk(&mut self, kind: [u8; 4], content: &[u8], room: &mut u64) {
        match &kind {
            b"eXIf" => self.exif = Some(exif::without_mark(content).to_vec()),
            b"pHYs" => self.resolution = resolution(content),
            b"tEXt" => _ = self.add_raw_profile(content, None),
            b"zTXt" => _ = self.add_raw_profile(content, Some(room)),
            b"iTXt" if self.xmp.is_none() => {
                self.xmp = content.strip_prefix(XMP).and_then(|content| text(content, room));
            }
            _ => {
                let known = COLORS.iter().any(|(color, length)| **color == kind && *length == content.len());
                if known && self.png_colors.iter().all(|color| color.kind != kind) {
                    self.png_colors.push(PngColor { kind, content: content.to_vec() });
                }
            }
        }
    }
}

impl Metadata {
    /// Takes in a block in hexadecimal digits, as ImageMagick writes them from a time when PNG had no place for them.
    /// What stands in a chunk of its own goes before. Packed ones are unpacked as far as there is `room`.
    fn add_raw_profile(&mut self, content: &[u8], room: Option<&mut u64>) -> Option<()> {
        let rest = content.strip_prefix(b"Raw profile type ")?;
        let (kind, text) = rest.split_at(rest.iter().position(|byte| *byte == 0)?);
        let block = || match room {
            Some(room) => in_digits(&unpacked(text.get(2..)?, room)?),
            None => in_digits(&text[1..]),
        };
        match kind {
            b"exif" | b"APP1" if self.exif.is_none() => {
                self.exif = Some(block()?.strip_prefix(b"Exif\0\0")?.to_vec());
            }
            b"xmp" if self.xmp.is_none() => self.xmp = Some(block()?),
            b"iptc" if self.iptc.is_none() => self.iptc = jpeg::iptc(&block()?),
            _ => {}
        }
        Some(())
    }
}

/// The bytes behind a name and their number; `None` where they are not so many.
fn in_digits(text: &[u8]) -> Option<Vec<u8>> {
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).skip(1);
    let length: usize = std::str::from_utf8(words.next()?).ok()?.parse().ok()?;
    let digits: Vec<u8> = words.flatten().copied().collect();
    let digit = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let byte = |&[high, low]: &[u8; 2]| Some(digit(high)? << 4 | digit(low)?);
    let bytes: Vec<u8> = digits.as_chunks().0.iter().map(byte).collect::<Option<_>>()?;
    (bytes.len() == length).then_some(bytes)
}

fn resolution(content: &[u8]) -> Option<Resolution> {
    let (x, after) = content.split_first_chunk()?;
    let (y, unit) = after.split_first_chunk()?;
    let (x, y) = (f64::from(u32::from_be_bytes(*x)), f64::from(u32::from_be_bytes(*y)));
    match unit {
        [0] => Resolution::new(x, y, ResolutionUnit::Aspect),
        [1] => Resolution::new(x / METRE, y / METRE, ResolutionUnit::Centimetre),
        _ => None,
    }
}

/// The text behind the flag and the method of compression, the language and the translated keyword.
fn text(content: &[u8], room: &mut u64) -> Option<Vec<u8>> {
    let (&[packed, _], after) = content.split_first_chunk()?;
    let mut parts = after.splitn(3, |byte| *byte == 0).skip(2);
    let text = parts.next()?;
    if packed == 0 {
        return Some(text.to_vec());
    }
    unpacked(text, room)
}

fn unpacked(packed: &[u8], room: &mut u64) -> Option<Vec<u8>> {
    let mut unpacked = Vec::new();
    let done = ZlibDecoder::new(packed).take(*room).read_to_end(&mut unpacked);
    *room -= unpacked.len() as u64;
    done.ok().map(|_| unpacked)
}

/// The chunks that stand before the pixels, but those of the profile and of EXIF, which the encoder writes itself.
pub(crate) fn to_chunks(metadata: &Metadata) -> Vec<([u8; 4], Vec<u8>)> {
    let colors = metadata.png_colors.iter().map(|color| (color.kind, color.content.clone()));
    let mut chunks: Vec<_> = colors.collect();
    if let Some((unit, x, y)) = metadata.resolution.and_then(to_dimensions) {
        chunks.push((*b"pHYs", [&x.to_be_bytes(), &y.to_be_bytes(), [unit].as_slice()].concat()));
    }
    if let Some(packet) = &metadata.xmp {
        chunks.push((*b"iTXt", [XMP, &[0; 4], packet].concat()));
    }
    chunks
}

/// The resolution as PNG has it, in whole numbers: the unit (1 is the metre), across and down.
pub(crate) fn to_dimensions(resolution: Resolution) -> Option<(u8, u32, u32)> {
    let (unit, exact) = if resolution.unit == ResolutionUnit::Aspect {
        (0, resolution)
    } else {
        let Resolution { x, y, unit } = resolution.counted_in(ResolutionUnit::Centimetre);
        (1, Resolution { x: x * METRE, y: y * METRE, unit })
    };
    let (x, y) = exact.in_whole_numbers(i32::MAX as u32)?;
    Some((unit, x, y))
}

/// Whether the chunks say no more than that the colours are those of sRGB, as every format without a profile has it:
/// tables and numbers of the PNG specification.
pub(crate) fn are_srgb(colors: &[PngColor], profile: bool) -> bool {
    let srgb_chromaticities = [31_270u32, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];
    let superseded = profile || colors.iter().any(|color| matches!(&color.kind, b"cICP" | b"sRGB"));
    colors.iter().all(|PngColor { kind, content }| match kind {
        b"sRGB" => true,
        b"gAMA" => superseded || **content == 45_455u32.to_be_bytes(),
        b"cHRM" => superseded || *content == srgb_chromaticities.map(u32::to_be_bytes).concat(),
        // BT.709 primaries, the transfer curve of sRGB, RGB, full range.
        b"cICP" => **content == [1, 13, 0, 1],
        _ => false,
    })
}
