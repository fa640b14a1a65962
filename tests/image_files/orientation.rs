//! The orientation tag, 1 to 8, in each place that a format has for it.

use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageDecoder, ImageEncoder, metadata};
use mprnet::image::{Frame, Samples};

use crate::build::*;
use crate::{Room, bytes_of};

/// What becomes of the stored rows `1 2 3 / 4 5 6`, by orientation: the rows as they are seen.
const SEEN: [(u16, &[&[u8]]); 8] = [
    (1, &[&[1, 2, 3], &[4, 5, 6]]),
    (2, &[&[3, 2, 1], &[6, 5, 4]]),
    (3, &[&[6, 5, 4], &[3, 2, 1]]),
    (4, &[&[4, 5, 6], &[1, 2, 3]]),
    (5, &[&[1, 4], &[2, 5], &[3, 6]]),
    (6, &[&[4, 1], &[5, 2], &[6, 3]]),
    (7, &[&[6, 3], &[5, 2], &[4, 1]]),
    (8, &[&[3, 6], &[2, 5], &[1, 4]]),
];

fn assert_seen(frame: &Frame, rows: &[&[u8]], what: &str) {
    let size = (frame.width() as usize, frame.height() as usize);
    assert_eq!(size, (rows[0].len(), rows.len()), "{what}");
    let grey: Vec<u8> = bytes_of(frame.samples()).iter().copied().step_by(3).collect();
    assert_eq!(grey, rows.concat(), "{what}");
}

/// The orientation another reader finds in a file.
fn noted(path: &std::path::Path) -> metadata::Orientation {
    let reader = image::ImageReader::open(path).unwrap();
    reader.into_decoder().unwrap().orientation().unwrap()
}

#[test]
fn png_before_and_behind_the_pixels() {
    let room = Room::new();
    let pixels = || idat(&[0, 1, 2, 3, 0, 4, 5, 6]);
    for (orientation, rows) in SEEN {
        for big_endian in [false, true] {
            let note = chunk(b"eXIf", &exif(orientation, big_endian));
            let before = png(&[ihdr(3, 2, 8, 0), note.clone(), pixels()]);
            let behind = png(&[ihdr(3, 2, 8, 0), pixels(), note]);
            for bytes in [before, behind] {
                let frame = room.read("a.png", &bytes).unwrap();
                assert_seen(&frame, rows, &format!("orientation {orientation}"));
                let (path, _) = room.write("out.png", &frame);
                assert_eq!(noted(&path), metadata::Orientation::NoTransforms);
                assert_eq!(mprnet::image::read(&path).unwrap(), frame);
            }
        }
    }
    let unknown = png(&[ihdr(3, 2, 8, 0), chunk(b"eXIf", &exif(9, true)), pixels()]);
    assert_seen(&room.read("a.png", &unknown).unwrap(), SEEN[0].1, "unknown");
    let mut damaged = chunk(b"eXIf", &exif(6, true));
    *damaged.last_mut().unwrap() ^= 1;
    let damaged = png(&[ihdr(3, 2, 8, 0), damaged, pixels()]);
    assert_seen(&room.read("a.png", &damaged).unwrap(), SEEN[0].1, "damaged");
}

/// Blocks of 8 x 8 pixels of one grey survive the compression within a step or two.
#[test]
fn jpeg() {
    let room = Room::new();
    let blocks: Vec<u8> = (0..16 * 24).map(|i| 30 * (1 + i % 24 / 8 + i / 24 / 8 * 3) as u8).collect();
    let (_, plain) = room.write("plain.jpg", &Frame::from_grey8(24, 16, &blocks).unwrap());
    for (orientation, rows) in SEEN {
        let note = [b"Exif\0\0".as_slice(), &exif(orientation, true)].concat();
        let bytes = [&plain[..2], &segment(0xe1, &note), &plain[2..]].concat();
        let frame = room.read("a.jpg", &bytes).unwrap();
        let size = (frame.width() as usize, frame.height() as usize);
        assert_eq!(size, (rows[0].len() * 8, rows.len() * 8));
        for (y, row) in rows.iter().enumerate() {
            for (x, &seen) in row.iter().enumerate() {
                let center = (y * 8 + 4) * size.0 + x * 8 + 4;
                let found = bytes_of(frame.samples())[center * 3];
                assert!(found.abs_diff(30 * seen) <= 2, "{orientation}: {found}");
            }
        }
        let (path, _) = room.write("out.jpg", &frame);
        assert_eq!(noted(&path), metadata::Orientation::NoTransforms);
    }
}

#[test]
fn webp_with_and_without_the_mark() {
    let room = Room::new();
    let rgb: Vec<u8> = (1..=6).flat_map(|v| [v; 3]).collect();
    for (orientation, rows) in SEEN {
        for mark in [b"".as_slice(), b"Exif\0\0"] {
            let mut bytes = Vec::new();
            let mut encoder = WebPEncoder::new_lossless(&mut bytes);
            let note = [mark, &exif(orientation, false)].concat();
            encoder.set_exif_metadata(note).unwrap();
            encoder.write_image(&rgb, 3, 2, ExtendedColorType::Rgb8).unwrap();
            let frame = room.read("a.webp", &bytes).unwrap();
            assert_seen(&frame, rows, &format!("orientation {orientation}"));
            let (path, _) = room.write("out.webp", &frame);
            assert_eq!(noted(&path), metadata::Orientation::NoTransforms);
        }
    }
}

#[test]
fn tiff_tag() {
    let room = Room::new();
    for (orientation, rows) in SEEN {
        let page = Page::grey(3, 2, &[1, 2, 3, 4, 5, 6]).with(tag::ORIENTATION, &[u32::from(orientation)]);
        let frame = room.read("a.tif", &tiff(vec![page])).unwrap();
        assert_seen(&frame, rows, &format!("orientation {orientation}"));
        let (path, _) = room.write("out.tif", &frame);
        assert_eq!(noted(&path), metadata::Orientation::NoTransforms);
    }
}

/// Transparency turns with the colour, at 16 bits too.
#[test]
fn all_channels_turn() {
    let room = Room::new();
    let pixel = |v: u16| [v, v + 100, v + 200, v + 300].map(u16::to_be_bytes).concat();
    let mut row = vec![0];
    row.extend([1000, 2000].into_iter().flat_map(pixel));
    let note = chunk(b"eXIf", &exif(6, true));
    let bytes = png(&[ihdr(2, 1, 16, 6), note, idat(&row)]);
    let frame = room.read("a.png", &bytes).unwrap();
    assert_eq!((frame.width(), frame.height()), (1, 2));
    let colors = vec![1000, 1100, 1200, 2000, 2100, 2200];
    assert_eq!(frame.samples(), &Samples::U16(colors));
    assert_eq!(frame.alpha(), Some(&Samples::U16(vec![1300, 2300])));
}
