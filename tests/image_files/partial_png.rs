//! PNG files that are not whole.

use std::path::Path;

use mprnet::image::{Frame, ReadOptions, Samples, from_bytes};
use mprnet::{Error, Result};

use crate::Room;
use crate::build::*;

fn keep(bytes: &[u8]) -> Result<Frame> {
    let options = ReadOptions { keep_damaged: true, ..ReadOptions::default() };
    from_bytes(bytes, Path::new("photo"), &options)
}

fn read(bytes: &[u8]) -> Result<Frame> {
    from_bytes(bytes, Path::new("photo"), &ReadOptions::default())
}

/// Files of every depth and of one to four channels.
fn files() -> Vec<(Frame, Vec<u8>)> {
    let room = Room::new();
    let (width, height) = (61, 47);
    let count = (width * height) as usize;
    // Noise, which takes as many bytes in every row.
    let noise = |count: usize| {
        let mixed = |i: u32| (i.wrapping_mul(2_654_435_761) >> 13 ^ i).wrapping_mul(2_246_822_519) >> 16;
        (0..count as u32).map(mixed)
    };
    let noise8 = |count| noise(count).map(|v| v as u8).collect::<Vec<u8>>();
    let rgb = || Frame::from_rgb8(width, height, noise8(3 * count)).unwrap();
    let frames = [
        rgb(),
        Frame::from_grey8(width, height, &noise8(count)).unwrap(),
        rgb().with_alpha8(noise8(count)).unwrap(),
        Frame::from_rgb16(width, height, noise(3 * count).map(|v| v as u16).collect()).unwrap(),
    ];
    frames.map(|frame| (frame.clone(), room.write("whole.png", &frame).1)).to_vec()
}

#[test]
fn rows_that_are_there_are_kept() {
    for (whole, bytes) in files() {
        for share in [0.3, 0.6, 0.9] {
            let cut = &bytes[..(bytes.len() as f64 * share) as usize];
            let error = read(cut).unwrap_err();
            assert!(matches!(error, Error::ImageCutShort { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains("% of the picture is missing; get a whole copy"), "{text}");
            let kept = keep(cut).unwrap();
            let (first, last) = match (kept.samples(), whole.samples()) {
                (Samples::U8(a), Samples::U8(b)) => (a[..183] == b[..183], a.ends_with(&[128; 9])),
                (Samples::U16(a), Samples::U16(b)) => (a[..183] == b[..183], a.ends_with(&[128 * 257; 9])),
                other => panic!("{other:?}"),
            };
            assert!(first && last, "{share}: {first} {last}");
            let opaque = match kept.alpha() {
                Some(Samples::U8(alpha)) => alpha.ends_with(&[255; 3]),
                _ => kept.alpha().is_none(),
            };
            assert!(opaque && kept.alpha().is_some() == whole.alpha().is_some());
        }
    }
}

#[test]
fn a_picture_without_its_closing_chunk_is_whole() {
    for (whole, bytes) in files() {
        // Length, type and checksum of the closing chunk.
        assert!(read(&bytes[..bytes.len() - 12]).unwrap() == whole);
        assert!(read(&bytes[..bytes.len() - 4]).unwrap() == whole);
    }
}

#[test]
fn pixels_behind_damage_are_missing() {
    for (whole, bytes) in files() {
        let mut damaged = bytes.clone();
        let middle = bytes.len() / 2;
        damaged[middle..middle + 12].fill(0xff);
        let Err(error @ Error::ImageDamaged { .. }) = read(&damaged) else { panic!() };
        assert!(error.to_string().contains("get another copy"), "{error}");
        let kept = keep(&damaged).unwrap();
        // What stands well before the damage is as it was.
        let quarter = |frame: &Frame| frame.to_rgb8()[..whole.to_rgb8().len() / 4].to_vec();
        assert!(quarter(&kept) == quarter(&whole));
    }
}

#[test]
fn a_damaged_header_is_not_trusted() {
    let (_, mut bytes) = files().swap_remove(0);
    // The width's highest byte.
    bytes[16] = 1;
    for result in [read(&bytes), keep(&bytes)] {
        let text = result.unwrap_err().to_string();
        assert!(
            text.contains("its header does not fit its checksum") && !text.contains("--damaged"),
            "{text}"
        );
    }
}

/// Passes of every eighth pixel come first, and stand for those around them.
#[test]
fn an_interlaced_picture_is_kept_coarsely() {
    let (width, height) = (64u32, 48u32);
    let value = |x: u32, y: u32| (x * 3 + y) as u8;
    let mut rows = Vec::new();
    for (left, top, across, down) in
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    {
        for y in (top..height).step_by(down) {
            rows.push(0);
            rows.extend((left..width).step_by(across).map(|x| value(x, y)));
        }
    }
    let mut header = ihdr(width, height, 8, 0);
    header[8 + 12] = 1;
    let header = chunk(b"IHDR", &header[8..21]);
    let whole = png(&[header.clone(), idat(&rows)]);
    let expected: Vec<u8> = (0..height).flat_map(|y| (0..width).map(move |x| value(x, y))).collect();
    let grey = |frame: &Frame| frame.to_rgb8().into_iter().step_by(3).collect::<Vec<_>>();
    assert!(grey(&read(&whole).unwrap()) == expected);
    // The first three passes are there.
    let cut = &whole[..whole.len() - 12 - 4 - 4 - rows.len() + rows.len() / 5];
    assert!(read(cut).unwrap_err().to_string().contains("% of the picture is missing"));
    let kept = grey(&keep(cut).unwrap());
    let apart = kept.iter().zip(&expected).map(|(a, b)| u32::from(a.abs_diff(*b))).max().unwrap();
    assert!(apart <= 3 * 7 + 7, "{apart}");
}
