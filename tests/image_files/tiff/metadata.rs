//! What a TIFF file says of its picture besides the pixels.

use mprnet::image::{Metadata, Resolution, ResolutionUnit};

use crate::build::*;
use crate::{Room, said};

fn metadata(page: Page) -> Metadata {
    Room::new().read("a.tif", &tiff(vec![page])).unwrap().metadata().clone()
}

fn page() -> Page {
    Page::grey(2, 1, &[1, 2])
}

fn fraction(over: u32, under: u32) -> Vec<u8> {
    [over.to_le_bytes(), under.to_le_bytes()].concat()
}

#[test]
fn blocks_are_kept_byte_by_byte() {
    let found = metadata(
        page()
            .with_bytes(34675, 7, b"a colour profile")
            .with_bytes(700, 1, b"<x:xmpmeta/>")
            // Often called numbers of 32 bits, which it is not.
            .with_bytes(33723, 4, b"\x1c\x02\x50\0\x03Ann"),
    );
    assert_eq!(found.icc.as_deref(), Some(&b"a colour profile"[..]));
    assert_eq!(found.xmp.as_deref(), Some(&b"<x:xmpmeta/>"[..]));
    assert_eq!(found.iptc.as_deref(), Some(&b"\x1c\x02\x50\0\x03Ann"[..]));
    assert_eq!(found.exif, None);
    assert_eq!(metadata(page()), Metadata::default());
}

#[test]
fn resolution() {
    let at = |x: (u32, u32), y: (u32, u32)| {
        page().with_bytes(282, 5, &fraction(x.0, x.1)).with_bytes(283, 5, &fraction(y.0, y.1))
    };
    let found = |page| metadata(page).resolution;
    let inch = Resolution { x: 300.0, y: 150.5, unit: ResolutionUnit::Inch };
    assert_eq!(found(at((300, 1), (301, 2))), Some(inch));
    let centimetre = Resolution { unit: ResolutionUnit::Centimetre, ..inch };
    assert_eq!(found(at((300, 1), (301, 2)).with(296, &[3])), Some(centimetre));
    let aspect = Resolution { x: 2.0, y: 1.0, unit: ResolutionUnit::Aspect };
    assert_eq!(found(at((2, 1), (1, 1)).with(296, &[1])), Some(aspect));
    assert_eq!(found(at((1, 1), (1, 1)).with(296, &[1])), None);
    assert_eq!(found(at((300, 0), (300, 1))), None);
    assert_eq!(found(at((0, 1), (0, 1))), None);
}

/// The tags of a little-endian directory, with values of up to 4 bytes or the bytes at their place.
fn fields(block: &[u8], at: usize) -> Vec<Field> {
    let u16_at = |at: usize| u16::from_le_bytes([block[at], block[at + 1]]);
    let u32_at = |at: usize| u32::from_le_bytes(block[at..at + 4].try_into().unwrap()) as usize;
    let entries = (0..usize::from(u16_at(at))).map(|i| at + 2 + 12 * i);
    let entry = |at: usize| {
        let kind = u16_at(at + 2);
        let length = [1, 1, 1, 2, 4, 8, 1, 1][usize::from(kind)] * u32_at(at + 4);
        let place = if length > 4 { u32_at(at + 8) } else { at + 8 };
        (u16_at(at), kind, block[place..place + length].to_vec())
    };
    entries.map(entry).collect()
}

fn place(fields: &[Field], tag: u16) -> usize {
    let (.., value) = fields.iter().find(|(other, ..)| *other == tag).unwrap();
    u32::from_le_bytes(value.as_slice().try_into().unwrap()) as usize
}

#[test]
fn exif_stands_alone() {
    let text = |tag, text: &[u8]| (tag, 2, text.to_vec());
    let described = [text(271, b"Maker\0"), text(305, b"Pro\0"), text(315, b"Ann Example\0")];
    let mut file_page = page().with(tag::ORIENTATION, &[6]).with_bytes(282, 5, &fraction(300, 1));
    for (tag, kind, value) in &described {
        file_page = file_page.with_bytes(*tag, *kind, value);
    }
    let interoperability = [text(1, b"R98\0")];
    let gps = [text(1, b"N\0"), (2, 5, [fraction(52, 1), fraction(31, 1), fraction(0, 1)].concat())];
    let exposure = [(33434, 5, fraction(1, 250)), (37500, 7, b"maker's own".to_vec())];

    // The directories stand behind the pixels.
    let length = tiff(vec![file_page.clone().with(tag::EXIF, &[0]).with(tag::GPS, &[0])]).len();
    let interoperability_bytes = directory(&interoperability, length);
    let gps_at = length + interoperability_bytes.len();
    let gps_bytes = directory(&gps, gps_at);
    let exif_at = gps_at + gps_bytes.len();
    let pointer = (40965, 4, (length as u32).to_le_bytes().to_vec());
    let exif_bytes = directory(&[&exposure[..], &[pointer]].concat(), exif_at);
    let file = tiff(vec![file_page.with(tag::EXIF, &[exif_at as u32]).with(tag::GPS, &[gps_at as u32])]);
    let file = [file, interoperability_bytes, gps_bytes, exif_bytes].concat();

    let frame = Room::new().read("a.tif", &file).unwrap();
    assert_eq!((frame.width(), frame.height()), (1, 2));
    let block = frame.metadata().exif.clone().unwrap();
    assert_eq!(&block[..4], b"II*\0");
    let first = fields(&block, u32::from_le_bytes(block[4..8].try_into().unwrap()) as usize);
    let [maker, program, artist] = described;
    assert_eq!(first[..4], [maker, (282, 5, fraction(300, 1)), program, artist]);
    // No tag of the pixels, and no orientation: the frame is upright.
    assert_eq!(first.iter().map(|(tag, ..)| *tag).collect::<Vec<_>>(), [271, 282, 305, 315, 34665, 34853]);
    assert_eq!(fields(&block, place(&first, tag::GPS)), gps);
    let exif = fields(&block, place(&first, tag::EXIF));
    assert_eq!(&exif[..2], &exposure);
    assert_eq!(fields(&block, place(&exif, 40965)), interoperability);
}

/// A pointer to nowhere costs the picture nothing.
#[test]
fn broken_metadata_are_left_out() {
    let page = page().with(tag::EXIF, &[1 << 30]).with_bytes(271, 2, b"Maker\0");
    let (found, text) = said(|| metadata(page));
    let block = found.exif.unwrap();
    assert_eq!(fields(&block, 8), [(271, 2, b"Maker\0".to_vec())]);
    assert_eq!(text, "");
}

/// Values that overlap: each is as long as the file, and all of them together would fill any memory.
#[test]
fn overlapping_values_take_no_room() {
    let file = |exif_at: u32| tiff(vec![page().with(tag::EXIF, &[exif_at]).with_bytes(271, 2, b"Maker\0")]);
    let at = file(0).len();
    let entries: Vec<u8> = (0..20_000u16)
        .flat_map(|tag| {
            let (tag, length) = ((tag + 1).to_le_bytes(), 200_000u32.to_le_bytes());
            [&tag[..], &[7, 0], &length, &[0, 0, 0, 0]].concat()
        })
        .collect();
    let bytes = [file(at as u32), 20_000u16.to_le_bytes().to_vec(), entries, vec![0; 4]].concat();
    let frame = Room::new().read("a.tif", &bytes).unwrap();
    assert!(frame.metadata().exif.as_ref().unwrap().len() < 2 * bytes.len());
}
