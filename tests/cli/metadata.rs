//! What a photo says besides its pixels: it comes through a restoration, or is stripped on request.

use image::ImageFormat;

use crate::build::{exif_directory, segment};
use crate::photos::*;
use crate::{Room, repository};

/// Where a photo was taken, as EXIF has it.
const PLACE: &[u8] = b"52 N 13 E of a test\0";
const XMP: &[u8] = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF/></x:xmpmeta>";
/// What stands in the profile, where its device's maker is named.
const PROFILE: &[u8] = b"RGB XYZ \x07\xea\0\x01\0\x02";

/// A JPEG with EXIF, a packet of XMP and a colour profile.
fn telling_jpeg() -> Vec<u8> {
    let pointer = |at: usize| exif_directory(false, 8, &[(0x8825, 4, &(at as u32).to_le_bytes())], 0);
    let place_at = 8 + pointer(0).len();
    let place = exif_directory(false, place_at, &[(0x1b, 7, PLACE)], 0);
    let exif = [b"Exif\0\0II*\0\x08\0\0\0", pointer(place_at).as_slice(), &place].concat();
    let xmp = [b"http://ns.adobe.com/xap/1.0/\0", XMP].concat();
    let mut profile = vec![0; 128];
    profile[..4].copy_from_slice(&128u32.to_be_bytes());
    profile[16..][..PROFILE.len()].copy_from_slice(PROFILE);
    let icc = [b"ICC_PROFILE\0\x01\x01", profile.as_slice()].concat();
    let jpeg = encode(smooth(24, 17), ImageFormat::Jpeg);
    let segments = [segment(0xe1, &exif), segment(0xe1, &xmp), segment(0xe2, &icc)].concat();
    [&jpeg[..2], &segments, &jpeg[2..]].concat()
}

/// Which of the three a file holds.
fn told(room: &Room, name: &str) -> [bool; 3] {
    let bytes = std::fs::read(room.path(name)).unwrap();
    [PLACE, XMP, PROFILE].map(|text| bytes.windows(text.len()).any(|window| window == text))
}

#[test]
fn it_comes_through_and_is_stripped_on_request() {
    let room = Room::new();
    room.put("tiny", &std::fs::read(repository("golden/tiny.safetensors")).unwrap());
    room.put("photo.jpg", &telling_jpeg());
    assert_eq!(told(&room, "photo.jpg"), [true; 3]);
    // Results that are blended with the photo, and images of stages, are made in ways of their own.
    let ways: [(&str, &[&str], &[&str]); 3] = [
        ("plain.jpg", &[], &["plain.jpg"]),
        ("half.jpg", &["--strength", "0.5"], &["half.jpg"]),
        ("all.jpg", &["--keep-stages"], &["all.jpg", "all.stage1.jpg", "all.stage2.jpg"]),
    ];
    for (output, how, files) in ways {
        for strip in [false, true] {
            let stripping: &[&str] = if strip { &["--strip-metadata"] } else { &[] };
            let args = ["restore", "-q", "--model", "tiny", "photo.jpg", "-o", output, "--overwrite"];
            room.run(&[&args, how, stripping].concat()).succeeds();
            for file in files {
                // The profile says what the numbers of the pixels mean.
                assert_eq!(told(&room, file), [!strip, !strip, true], "{file}, strip: {strip}");
            }
        }
    }
}
