//! Kinds of TIFF files, each with a small picture: bits, palettes, floats, JPEG data, channels and pages.

use mprnet::Error;
use mprnet::image::{self, Frame, Samples};

use super::matrix::tiffcp;
use crate::build::*;
use crate::{Room, bytes_of, message, ramp8, said, smooth};

/// The frame of a file, made of this one by `tiffcp` with these arguments.
fn through_tiffcp(file: &[u8], arguments: &str) -> Frame {
    let room = Room::new();
    let (from, to) = (room.path("from.tif"), room.path("to.tif"));
    std::fs::write(&from, file).unwrap();
    tiffcp(&arguments.split(' ').collect::<Vec<_>>(), &from, &to);
    image::read(&to).unwrap_or_else(|e| panic!("{arguments}: {e}"))
}

/// Values of so many bits, each row beginning with a byte.
fn packed(values: &[u8], width: usize, bits: usize) -> Vec<u8> {
    if bits == 8 {
        return values.to_vec();
    }
    let byte = |values: &[u8]| values.iter().rev().fold(0u8, |byte, v| byte >> bits | v << (8 - bits));
    let pad = |group: &[u8]| [group, &vec![0; 8 / bits - group.len()]].concat();
    values.chunks(width).flat_map(|row| row.chunks(8 / bits).map(|group| byte(&pad(group)))).collect()
}

/// Three times each value.
fn grey(values: impl IntoIterator<Item = u8>) -> Vec<u8> {
    values.into_iter().flat_map(|v| [v; 3]).collect()
}

#[test]
fn bits_in_reverse() {
    let pixels = ramp8(37 * 19 * 3);
    let file = tiff(vec![Page::rgb(37, 19, 3, &pixels)]);
    for compression in ["none", "lzw", "zip:2", "packbits"] {
        for shape in ["-s -r 4", "-t -w 16 -l 16"] {
            let frame = through_tiffcp(&file, &format!("-f lsb2msb -c {compression} {shape}"));
            assert_eq!(bytes_of(frame.samples()), pixels, "{compression} {shape}");
        }
    }
}

#[test]
fn shallow_grey() {
    for bits in [1, 2, 4] {
        let largest = (1u16 << bits) - 1;
        let values: Vec<u8> = (0..37 * 19).map(|i| (i * 7 / 3 % (largest + 1)) as u8).collect();
        let expected = grey(values.iter().map(|&v| v * (255 / largest as u8)));
        let page = Page::grey(37, 19, &packed(&values, 37, bits)).with(tag::BITS_PER_SAMPLE, &[bits as u32]);
        let file = tiff(vec![page.clone()]);
        let frame = image::from_bytes(&file, "a.tif".as_ref(), &image::ReadOptions::default()).unwrap();
        assert_eq!(bytes_of(frame.samples()), expected, "{bits} bits");
        for arguments in ["-c lzw -t -w 16 -l 16", "-c zip -s -r 3", "-f lsb2msb -c packbits -s"] {
            let frame = through_tiffcp(&file, arguments);
            assert_eq!(bytes_of(frame.samples()), expected, "{bits} bits {arguments}");
        }
        let negative = tiff(vec![page.with(tag::PHOTOMETRIC, &[0])]);
        let frame = through_tiffcp(&negative, "-c none");
        let inverted: Vec<u8> = expected.iter().map(|v| !v).collect();
        assert_eq!(bytes_of(frame.samples()), inverted, "{bits} bits, white is 0");
    }
}

/// As scanners write pages.
#[test]
fn fax() {
    let values: Vec<u8> = (0..37 * 19).map(|i| u8::from(i * i % 11 < 4 && i % 37 > 2)).collect();
    for photometric in [0, 1] {
        let expected = grey(values.iter().map(|&v| if u32::from(v) == photometric { 255 } else { 0 }));
        let page = Page::grey(37, 19, &packed(&values, 37, 1)).with(tag::BITS_PER_SAMPLE, &[1]);
        let file = tiff(vec![page.with(tag::PHOTOMETRIC, &[photometric])]);
        for arguments in ["-c g4 -s", "-c g4 -s -r 5", "-c g4 -t -w 16 -l 16", "-f lsb2msb -c g4 -s"] {
            let frame = through_tiffcp(&file, arguments);
            assert_eq!(bytes_of(frame.samples()), expected, "{photometric} {arguments}");
        }
    }
}

#[test]
fn palettes() {
    let room = Room::new();
    for bits in [1, 2, 4, 8] {
        let colors = 1 << bits;
        let values: Vec<u8> = (0..21 * 11).map(|i| (i * 5 % colors) as u8).collect();
        let shade = |i: u32, c: u32| (i * 29 + c * 71) % 256;
        let map: Vec<u32> = (0..3).flat_map(|c| (0..colors).map(move |i| shade(i, c) << 8 | 7)).collect();
        let expected: Vec<u8> =
            values.iter().flat_map(|&v| [0, 1, 2].map(|c| shade(u32::from(v), c) as u8)).collect();
        let page = Page::grey(21, 11, &packed(&values, 21, bits as usize))
            .with(tag::BITS_PER_SAMPLE, &[bits])
            .with(tag::PHOTOMETRIC, &[3]);
        let file = tiff(vec![page.clone().with(tag::COLOR_MAP, &map)]);
        let frame = room.read("a.tif", &file).unwrap();
        assert_eq!(bytes_of(frame.samples()), expected, "{bits} bits");
        assert!(!frame.is_grey());
        let frame = through_tiffcp(&file, "-c lzw -t -w 16 -l 16");
        assert_eq!(bytes_of(frame.samples()), expected, "{bits} bits in tiles");
        // Some writers put 8 bits into the palette's 16.
        let shallow: Vec<u32> = map.iter().map(|v| v >> 8).collect();
        let frame = room.read("a.tif", &tiff(vec![page.clone().with(tag::COLOR_MAP, &shallow)])).unwrap();
        assert_eq!(bytes_of(frame.samples()), expected, "{bits} bits, shallow");
        let short = tiff(vec![page.with(tag::COLOR_MAP, &map[1..])]);
        let text = message(room.read("a.tif", &short), "a.tif");
        assert!(text.contains("its palette of"), "{text}");
    }
}

#[test]
fn floats() {
    let count = 37 * 19 * 3;
    let deep: Vec<f32> = (0..count).map(|i| (i * 37 % 251) as f32 / 251.0).collect();
    let halves: Vec<f32> = (0..count).map(|i| (i % 33) as f32 / 32.0).collect();
    let cases = [
        (32, deep.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>(), deep),
        (16, halves.iter().flat_map(|v| half::f16::from_f32(*v).to_le_bytes()).collect(), halves),
    ];
    for (bits, bytes, expected) in cases {
        let page = Page::rgb(37, 19, 3, &bytes)
            .with(tag::BITS_PER_SAMPLE, &[bits; 3])
            .with(tag::SAMPLE_FORMAT, &[3; 3]);
        let file = tiff(vec![page]);
        for compression in ["none", "lzw:3", "zip:3", "zip:2", "packbits"] {
            for shape in ["-L -s -r 4", "-B -s -r 4", "-L -t -w 16 -l 16", "-B -t -w 16 -l 16"] {
                // tiffcp itself does not get back what it writes so.
                if compression.ends_with(":3") && shape.starts_with("-B") {
                    continue;
                }
                let frame = through_tiffcp(&file, &format!("-c {compression} {shape}"));
                assert_eq!(frame.samples(), &Samples::F32(expected.clone()), "{bits} {compression} {shape}");
            }
        }
    }
}

#[test]
fn floats_past_black_and_white_are_told() {
    let values = [-0.5f32, 0.25, 1.0, f32::NAN, 2.0, 0.0, 0.5, 0.75];
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let page = Page::grey(4, 2, &bytes).with(tag::BITS_PER_SAMPLE, &[32]).with(tag::SAMPLE_FORMAT, &[3]);
    let room = Room::new();
    let (frame, text) = said(|| room.read("a.tif", &tiff(vec![page])));
    assert!(frame.unwrap().is_grey());
    assert!(text.contains("38% of its samples lie outside of 0 to 1"), "{text}");
}

/// Each within what JPEG loses of a smooth picture. Tiles are full, since `tiffcp` fills others with black.
#[test]
fn jpeg_data() {
    for (width, height, shape) in [(71, 53, "-s -r 64"), (71, 53, "-s -r 16"), (64, 32, "-t -w 32 -l 32")] {
        let frame = smooth(width, height);
        let pixels = bytes_of(frame.samples()).to_vec();
        let first: Vec<u8> = pixels.iter().copied().step_by(3).collect();
        let color = tiff(vec![Page::rgb(width, height, 3, &pixels)]);
        let bright = tiff(vec![Page::grey(width, height, &first)]);
        for (file, expected) in [(color, pixels), (bright, grey(first))] {
            // Converted to YCbCr by its own tag or, with r, as RGB.
            for compression in ["jpeg:95", "jpeg:r:95"] {
                let frame = through_tiffcp(&file, &format!("-c {compression} {shape}"));
                let pairs = bytes_of(frame.samples()).iter().zip(&expected);
                let worst = pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
                assert!(worst <= 8, "{compression} {shape}: {worst}");
            }
        }
    }
}

/// Of the last tile of a row most lies outside of the picture.
#[test]
fn jpeg_tiles_that_are_not_filled() {
    let pixels: Vec<u8> = (0..263 * 40).map(|i| (i % 263 / 2 + i / 263) as u8).collect();
    let frame = through_tiffcp(&tiff(vec![Page::grey(263, 40, &pixels)]), "-c jpeg:95 -t -w 256 -l 256");
    for i in (0..263 * 40).filter(|i| i % 263 < 250 && i / 263 < 32) {
        let found = bytes_of(frame.samples())[3 * i];
        assert!(found.abs_diff(pixels[i]) <= 4, "pixel {i}");
    }
}

#[test]
fn transparency_is_what_the_tag_calls_so() {
    let room = Room::new();
    let pixels = [50, 25, 10, 100, 9, 9, 9, 0];
    let page = Page::rgb(2, 1, 4, &pixels);
    let read = |page: Page| said(|| room.read("a.tif", &tiff(vec![page])).unwrap());
    // Without the tag it is transparency all the same.
    let (frame, text) = read(page.clone());
    assert_eq!((bytes_of(frame.samples()), text.as_str()), (&[50, 25, 10, 9, 9, 9][..], ""));
    assert_eq!(frame.alpha(), Some(&Samples::U8(vec![100, 0])));
    let (frame, text) = read(page.with(tag::EXTRA_SAMPLES, &[0]));
    assert_eq!(frame.alpha(), None);
    assert_eq!(bytes_of(frame.samples()), [50, 25, 10, 9, 9, 9]);
    assert!(text.contains("WARN") && text.contains("a channel that is neither colour nor"), "{text}");

    // Of two channels more the second is the transparency.
    let five = Page::rgb(1, 1, 5, &[50, 25, 10, 77, 100]).with(tag::EXTRA_SAMPLES, &[0, 1]);
    let (frame, text) = read(five.clone());
    assert_eq!(bytes_of(frame.samples()), [128, 64, 26]);
    assert_eq!(frame.alpha(), Some(&Samples::U8(vec![100])));
    assert!(text.contains("a channel that is neither colour nor"), "{text}");
    // The same with a plane for each.
    let mut planar = five.with(tag::PLANAR, &[2]);
    planar.strips = vec![vec![50], vec![25], vec![10], vec![77], vec![100]];
    assert_eq!(read(planar).0, frame);

    let pair = Page::grey(2, 1, &[50, 100, 9, 0])
        .with(tag::SAMPLES_PER_PIXEL, &[2])
        .with(tag::BITS_PER_SAMPLE, &[8, 8])
        .with(tag::EXTRA_SAMPLES, &[1]);
    let (frame, _) = read(pair);
    assert!(frame.is_grey());
    assert_eq!(bytes_of(frame.samples()), grey([128, 9]));
    assert_eq!(frame.alpha(), Some(&Samples::U8(vec![100, 0])));
}

/// Colours are turned around once and transparency never, in one plane or in two.
#[test]
fn negatives_with_transparency() {
    let room = Room::new();
    let negative = |pixels: &[u8]| {
        Page::grey(2, 1, pixels)
            .with(tag::PHOTOMETRIC, &[0])
            .with(tag::SAMPLES_PER_PIXEL, &[2])
            .with(tag::BITS_PER_SAMPLE, &[8, 8])
            .with(tag::EXTRA_SAMPLES, &[2])
    };
    let mut planar = negative(&[]).with(tag::PLANAR, &[2]);
    planar.strips = vec![vec![50, 9], vec![100, 0]];
    for page in [negative(&[50, 100, 9, 0]), planar] {
        let frame = room.read("a.tif", &tiff(vec![page])).unwrap();
        assert_eq!(bytes_of(frame.samples()), grey([205, 246]));
        assert_eq!(frame.alpha(), Some(&Samples::U8(vec![100, 0])));
    }
}

#[test]
fn masks_and_smaller_copies_are_no_pages() {
    let room = Room::new();
    let photo = || Page::grey(2, 1, &[7, 8]);
    let mask = Page::grey(2, 1, &[0xc0]).with(tag::BITS_PER_SAMPLE, &[1]).with(tag::PHOTOMETRIC, &[4]);
    let marked = mask.clone().with(tag::NEW_SUBFILE_TYPE, &[4]);
    let copy = Page::grey(1, 1, &[7]).with(tag::NEW_SUBFILE_TYPE, &[1]);
    let old_copy = Page::grey(1, 1, &[7]).with(255, &[2]);
    for page in [&mask, &marked, &copy, &old_copy] {
        let (frame, text) = said(|| room.read("a.tif", &tiff(vec![photo(), page.clone()])).unwrap());
        assert_eq!(bytes_of(frame.samples()), grey([7, 8]));
        assert!(text.contains("INFO") && text.contains("one page, a mask or a smaller copy"), "{text}");
    }
    let (_, text) = said(|| room.read("a.tif", &tiff(vec![photo(), mask.clone(), copy.clone()])).unwrap());
    assert!(text.contains("2 pages, masks or smaller copies, are left out"), "{text}");
    let text = message(room.read("a.tif", &tiff(vec![photo(), mask, photo()])), "a.tif");
    assert!(text.contains("it is a TIFF of several pages;"), "{text}");
}

#[test]
fn offsets_of_64_bits() {
    let pixels = ramp8(37 * 19 * 3);
    let file = tiff(vec![Page::rgb(37, 19, 3, &pixels)]);
    for arguments in ["-8 -L -c lzw", "-8 -B -c zip:2 -t -w 16 -l 16"] {
        assert_eq!(bytes_of(through_tiffcp(&file, arguments).samples()), pixels, "{arguments}");
    }
}

#[test]
fn orientation_in_any_type() {
    let room = Room::new();
    for (kind, value) in [(1, vec![6]), (3, vec![6, 0]), (4, vec![6, 0, 0, 0])] {
        let page = Page::grey(2, 1, &[1, 2]).with_bytes(tag::ORIENTATION, kind, &value);
        let frame = room.read("a.tif", &tiff(vec![page])).unwrap();
        assert_eq!((frame.width(), frame.height()), (1, 2), "type {kind}");
    }
}

/// In the words of people who take photos.
#[test]
fn what_is_not_read_is_refused_by_name() {
    let plain = || Page::rgb(2, 1, 3, &[0; 6]);
    let with = |tag, value| plain().with(tag, &[value]);
    let cases = [
        (with(tag::COMPRESSION, 3), "fax (group 3) compression"),
        (with(tag::COMPRESSION, 4), "fax compression of other than narrow bitmaps"),
        (with(tag::COMPRESSION, 6), "old-style JPEG compression"),
        (with(tag::COMPRESSION, 34661), "JBIG compression"),
        (with(tag::COMPRESSION, 50000), "Zstandard compression"),
        (with(tag::COMPRESSION, 50001), "WebP compression"),
        (with(tag::COMPRESSION, 777), "compression number 777"),
        (with(tag::PHOTOMETRIC, 6), "YCbCr (video) colours"),
        (with(tag::PHOTOMETRIC, 8), "Lab (CIELab) colours"),
        (with(tag::PHOTOMETRIC, 32845), "LogLuv (high dynamic range) colours"),
        (with(tag::PHOTOMETRIC, 32803), "it is a camera raw file"),
        (with(tag::PHOTOMETRIC, 4), "its first page is a transparency mask"),
        (with(tag::PHOTOMETRIC, 99), "colours of an unknown kind (number 99)"),
        (with(tag::SAMPLE_FORMAT, 2), "its samples are signed integers"),
        (with(tag::SAMPLE_FORMAT, 6), "its samples are complex numbers"),
        (plain().with(tag::BITS_PER_SAMPLE, &[12; 3]), "12-bit integer samples"),
        (plain().with(tag::BITS_PER_SAMPLE, &[5, 6, 5]), "not all of the same depth"),
        (
            plain().with(tag::BITS_PER_SAMPLE, &[24; 3]).with(tag::SAMPLE_FORMAT, &[3]),
            "24-bit floating-point samples",
        ),
        (Page::rgb(2, 1, 4, &[0; 8]).with(tag::COMPRESSION, &[7]), "JPEG data with 4 channels"),
    ];
    let mut old_lzw = with(tag::COMPRESSION, 5);
    old_lzw.strips = vec![vec![0, 1, 2, 3]];
    let cases = cases.into_iter().chain([(old_lzw, "old-style LZW compression")]);
    let room = Room::new();
    for (page, words) in cases {
        let result = room.read("a.tif", &tiff(vec![page]));
        assert!(matches!(result, Err(Error::ImageUnsupported { .. })), "{words}: {result:?}");
        let text = message(result, "a.tif");
        assert!(text.contains(words) && text.ends_with("first"), "{text}");
    }
}

/// Some writers do not know how long their strips are.
#[test]
fn strips_without_lengths() {
    let room = Room::new();
    let mut page = Page::grey(4, 4, &[]).with(tag::ROWS_PER_STRIP, &[2]);
    page.strips = vec![vec![1, 2, 3, 4, 5, 6, 7, 8], vec![9, 10, 11, 12, 13, 14, 15, 16]];
    let mut file = tiff(vec![page]);
    let lengths = [8u32, 8].map(u32::to_le_bytes).concat();
    let at = file.windows(8).position(|window| window == lengths).unwrap();
    file[at..at + 8].fill(0);
    let frame = room.read("a.tif", &file).unwrap();
    assert_eq!(bytes_of(frame.samples()), grey(1..=16));
}
