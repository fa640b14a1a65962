//! Kinds of JPEG that are read otherwise than most, or refused.

use mprnet::Error;

use super::{cjpeg, difference, djpeg};
use crate::build::segment;
use crate::{Room, message};

/// A JPEG of `cjpeg` with a segment put behind its start.
fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    [&jpeg[..2], &segment(marker, content), &jpeg[2..]].concat()
}

/// Adobe's marker with this colour transform.
fn adobe(transform: u8) -> Vec<u8> {
    [b"Adobe\0\x64\0\0\0\0".as_slice(), &[transform]].concat()
}

#[test]
fn arithmetic_coding_is_refused_by_name() {
    let room = Room::new();
    let jpeg = cjpeg(40, 24, &["-arithmetic"]).unwrap();
    let text = message(room.read("photo.jpg", &jpeg), "photo.jpg");
    assert!(text.contains("arithmetic coding is not supported; save it as"), "{text}");
}

#[test]
fn a_height_behind_the_pixels_is_refused_by_name() {
    let room = Room::new();
    let mut jpeg = cjpeg(40, 24, &["-baseline"]).unwrap();
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 7].fill(0);
    jpeg.extend(segment(0xdc, &[0, 24]));
    let result = room.read("photo.jpg", &jpeg);
    assert!(matches!(result, Err(Error::ImageUnsupported { .. })), "{result:?}");
}

#[test]
fn colours_are_told_as_libjpeg_tells_them() {
    let room = Room::new();
    // cjpeg -rgb writes red, green and blue as they are, with Adobe's marker.
    let rgb = cjpeg(40, 24, &["-rgb", "-quality", "100"]).unwrap();
    let ycbcr = cjpeg(40, 24, &["-quality", "100", "-sample", "1x1"]).unwrap();
    let jfif = ycbcr.windows(4).position(|at| at == b"JFIF").unwrap();
    let without_jfif = {
        let mut bytes = ycbcr.clone();
        bytes[jfif..jfif + 4].copy_from_slice(b"none");
        bytes
    };
    let files = [
        ("RGB", rgb.clone()),
        ("YCbCr", ycbcr.clone()),
        ("JFIF and Adobe's RGB", with_segment(&ycbcr, 0xee, &adobe(0))),
        ("Adobe's RGB", with_segment(&without_jfif, 0xee, &adobe(0))),
        ("Adobe's YCbCr", with_segment(&without_jfif, 0xee, &adobe(1))),
        ("neither", without_jfif),
    ];
    for (name, bytes) in files {
        let frame = room.read("photo.jpg", &bytes).unwrap();
        let (largest, _) = difference(&frame, &djpeg(&bytes).unwrap());
        assert!(largest <= 3, "{name}: {largest}");
    }
}
