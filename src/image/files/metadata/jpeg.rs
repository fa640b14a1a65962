//! The application segments of JPEG.

use super::{Metadata, Resolution, ResolutionUnit, exif};

const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP13: u8 = 0xed;

const JFIF: &[u8] = b"JFIF\0";
const EXIF: &[u8] = b"Exif\0\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const ICC: &[u8] = b"ICC_PROFILE\0";
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// Photoshop's resources begin with this, and one of them is IPTC. Those of other programs begin otherwise.
const RESOURCE: &[u8] = b"8BIM";
const RESOURCES: [&[u8; 4]; 5] = [b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR"];
const IPTC: [u8; 2] = [0x04, 0x04];

/// The most bytes a segment holds, its length not counted.
const MAX_SEGMENT: usize = 65_533;
const ICC_PART: usize = MAX_SEGMENT - ICC.len() - 2;

/// The largest content of each kind that fits.
pub(crate) const MAX_EXIF: usize = MAX_SEGMENT - EXIF.len();
pub(crate) const MAX_XMP: usize = MAX_SEGMENT - XMP.len();
pub(crate) const MAX_IPTC: usize = MAX_SEGMENT - PHOTOSHOP.len() - 13;
pub(crate) const MAX_ICC: usize = 255 * ICC_PART;

/// The metadata in segments: each one's marker and its content without the length.
///
/// Besides, whether there are parts of a profile that make none. Of several blocks of one kind the first counts. An XMP
/// packet's extension, in which programs put what has no room in a segment (depth maps, pictures of other moments), is
/// left out: it belongs to the picture as it was.
pub(crate) fn from_segments<'a>(segments: impl Iterator<Item = (u8, &'a [u8])>) -> (Metadata, bool) {
    let mut metadata = Metadata::default();
    let mut profile = Vec::new();
    let mut photoshop = Vec::new();
    for (marker, content) in segments {
        let after = |mark| content.strip_prefix(mark);
        match marker {
            APP0 => metadata.resolution = metadata.resolution.or(after(JFIF).and_then(density)),
            APP1 => {
                if let Some(block) = after(EXIF) {
                    metadata.exif.get_or_insert_with(|| exif::without_mark(block).to_vec());
                } else if let Some(packet) = after(XMP) {
                    metadata.xmp.get_or_insert_with(|| packet.to_vec());
                }
            }
            APP2 => profile.extend(after(ICC).and_then(<[u8]>::split_first_chunk)),
            APP13 => photoshop.extend_from_slice(after(PHOTOSHOP).unwrap_or_default()),
            _ => {}
        }
    }
    let parts = profile.len();
    metadata.icc = joined(profile);
    metadata.iptc = iptc(&photoshop);
    let broken = parts > 0 && metadata.icc.is_none();
    (metadata, broken)
}

/// The density that follows JFIF's version.
fn density(content: &[u8]) -> Option<Resolution> {
    let [_, _, unit, x1, x0, y1, y0] = *content.first_chunk()?;
    let unit = match unit {
        0 => ResolutionUnit::Aspect,
        1 => ResolutionUnit::Inch,
        2 => ResolutionUnit::Centimetre,
        _ => return None,
    };
    Resolution::new(u16::from_be_bytes([x1, x0]).into(), u16::from_be_bytes([y1, y0]).into(), unit)
}

/// A profile of numbered parts, if all are there.
fn joined(mut parts: Vec<(&[u8; 2], &[u8])>) -> Option<Vec<u8>> {
    parts.sort_by_key(|([number, _], _)| *number);
    parts.dedup_by_key(|([number, _], _)| *number);
    if let [(_, whole)] = parts[..] {
        // Some writers number the only part from 0.
        return (parts[0].0[1] <= 1).then(|| whole.to_vec());
    }
    let count = usize::from(parts.first()?.0[1]);
    let whole =
        parts.len() == count && parts.iter().enumerate().all(|(i, ([n, _], _))| usize::from(*n) == i + 1);
    whole.then(|| parts.iter().flat_map(|(_, part)| *part).copied().collect())
}

/// The IPTC records among Photoshop's resources: each has a mark, a number, a name of even length and a content.
pub(super) fn iptc(mut resources: &[u8]) -> Option<Vec<u8>> {
    loop {
        let (kind, after) = resources.split_first_chunk::<4>()?;
        let (number, after) = RESOURCES.contains(&kind).then_some(after)?.split_first_chunk::<2>()?;
        let name = usize::from(*after.first()?) + 1;
        let (length, after) = after.get(name + name % 2..)?.split_first_chunk()?;
        let length = u32::from_be_bytes(*length) as usize;
        let content = after.get(..length)?;
        if *kind == *RESOURCE && *number == IPTC {
            return Some(content.to_vec());
        }
        resources = after.get(length + length % 2..)?;
    }
}

/// The twin of [`from_segments`]: segments but that of JFIF, which an encoder writes itself. What has no room must have
/// been left out before.
pub(crate) fn to_segments(metadata: &Metadata) -> Vec<(u8, Vec<u8>)> {
    let mut segments = Vec::new();
    if let Some(block) = &metadata.exif {
        segments.push((APP1, [EXIF, block].concat()));
    }
    if let Some(packet) = &metadata.xmp {
        segments.push((APP1, [XMP, packet].concat()));
    }
    if let Some(records) = &metadata.iptc {
        let length = (records.len() as u32).to_be_bytes();
        let mut content = [PHOTOSHOP, RESOURCE, &IPTC, &[0, 0], &length, records].concat();
        content.extend(vec![0; records.len() % 2]);
        segments.push((APP13, content));
    }
    let profile = metadata.icc.as_deref().unwrap_or_default();
    let count = profile.len().div_ceil(ICC_PART) as u8;
    for (number, part) in (1..).zip(profile.chunks(ICC_PART)) {
        segments.push((APP2, [ICC, &[number, count], part].concat()));
    }
    segments
}

/// The resolution as JFIF has it, in whole numbers: inches or centimetres, whichever is nearer.
pub(crate) fn to_density(resolution: Resolution) -> Option<(ResolutionUnit, [u16; 2])> {
    let units = match resolution.unit {
        ResolutionUnit::Aspect => vec![ResolutionUnit::Aspect],
        _ => vec![ResolutionUnit::Inch, ResolutionUnit::Centimetre],
    };
    let candidates = units.into_iter().filter_map(|unit| {
        let exact = resolution.counted_in(unit);
        let (x, y) = exact.in_whole_numbers(u32::from(u16::MAX))?;
        let error = (f64::from(x) / exact.x - 1.0).abs() + (f64::from(y) / exact.y - 1.0).abs();
        Some((error, (unit, [x as u16, y as u16])))
    });
    candidates.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, density)| density)
}
