//! The container of WebP.

use super::Metadata;

/// Flags of the extended header.
const PROFILE: u8 = 1 << 5;
const ALPHA: u8 = 1 << 4;
const EXIF: u8 = 1 << 3;
const XMP: u8 = 1 << 2;

/// Puts metadata around the picture in an encoder's file, which has none.
///
/// `None` where it is no such file, or becomes one of 4 GiB.
pub(crate) fn with_metadata(file: Vec<u8>, width: u32, height: u32, metadata: &Metadata) -> Option<Vec<u8>> {
    if metadata.icc.is_none() && metadata.exif.is_none() && metadata.xmp.is_none() {
        return Some(file);
    }
    let mut flags = 0;
    let mut picture = Vec::new();
    let mut rest = file.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WEBP")?;
    while let Some((kind, after)) = rest.split_first_chunk::<4>() {
        let (length, after) = after.split_first_chunk()?;
        let content = after.get(..u32::from_le_bytes(*length) as usize)?;
        match kind {
            b"VP8X" => flags |= content.first()? & ALPHA,
            // The bit stream's own header: a mark, 28 bits of size, then whether there is transparency.
            b"VP8L" => flags |= if content.get(4)? & 0x10 == 0 { 0 } else { ALPHA },
            _ => {}
        }
        if kind != b"VP8X" {
            put(&mut picture, kind, content);
        }
        rest = after.get(content.len() + content.len() % 2..).unwrap_or_default();
    }
    let mut body = b"WEBP".to_vec();
    let parts = [(&metadata.icc, PROFILE), (&metadata.exif, EXIF), (&metadata.xmp, XMP)];
    flags |= parts.iter().filter(|(part, _)| part.is_some()).map(|(_, flag)| flag).sum::<u8>();
    let side = |pixels: u32| (pixels - 1).to_le_bytes();
    put(&mut body, b"VP8X", &[&[flags, 0, 0, 0], &side(width)[..3], &side(height)[..3]].concat());
    if let Some(profile) = &metadata.icc {
        put(&mut body, b"ICCP", profile);
    }
    body.append(&mut picture);
    for (kind, content) in [(b"EXIF", &metadata.exif), (b"XMP ", &metadata.xmp)] {
        if let Some(content) = content {
            put(&mut body, kind, content);
        }
    }
    let mut out = Vec::with_capacity(body.len() + 8);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&u32::try_from(body.len()).ok()?.to_le_bytes());
    out.append(&mut body);
    Some(out)
}

/// Adds a chunk, padded to an even length.
fn put(out: &mut Vec<u8>, kind: &[u8; 4], content: &[u8]) {
    out.extend_from_slice(kind);
    out.extend_from_slice(&(content.len() as u32).to_le_bytes());
    out.extend_from_slice(content);
    out.extend(vec![0; content.len() % 2]);
}
