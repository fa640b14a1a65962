//! What is written is what is read: samples, depth, grey, transparency, profile.

use image::{ColorType, ImageDecoder};
use mprnet::image::{self as files, Frame, Samples};

use crate::build::*;
use crate::{Room, bytes_of, icc, ramp8, ramp16, rgb8, rgb16, smooth};

/// How another reader sees the file: its colour type and profile.
fn seen(path: &std::path::Path) -> (ColorType, Option<Vec<u8>>) {
    let reader = image::ImageReader::open(path).unwrap();
    let mut decoder = reader.into_decoder().unwrap();
    (decoder.color_type(), decoder.icc_profile().unwrap())
}

/// RGB, RGBA, grey and grey with transparency, at 8 and at 16 bits.
fn kinds(width: u32, height: u32) -> [Frame; 8] {
    let pixels = (width * height) as usize;
    let grey8 = Frame::from_grey8(width, height, &ramp8(pixels)).unwrap();
    let grey16 = Frame::from_grey16(width, height, &ramp16(pixels)).unwrap();
    let alpha8: Vec<u8> = (0..pixels).map(|i| (i * 11 % 256) as u8).collect();
    let alpha16: Vec<u16> = (0..pixels).map(|i| (i * 7001 % 65536) as u16).collect();
    [
        rgb8(width, height),
        rgb8(width, height).with_alpha8(alpha8.clone()).unwrap(),
        grey8.clone(),
        grey8.with_alpha8(alpha8).unwrap(),
        rgb16(width, height),
        rgb16(width, height).with_alpha16(alpha16.clone()).unwrap(),
        grey16.clone(),
        grey16.with_alpha16(alpha16).unwrap(),
    ]
}

const COLORS: [ColorType; 8] = [
    ColorType::Rgb8,
    ColorType::Rgba8,
    ColorType::L8,
    ColorType::La8,
    ColorType::Rgb16,
    ColorType::Rgba16,
    ColorType::L16,
    ColorType::La16,
];

const SIZES: [(u32, u32); 5] = [(1, 1), (1, 7), (5, 1), (3, 2), (67, 41)];

#[test]
fn png_keeps_everything() {
    let room = Room::new();
    for (width, height) in SIZES {
        for (frame, color) in kinds(width, height).iter().zip(COLORS) {
            let (path, _) = room.write("a.png", frame);
            assert_eq!(&files::read(&path).unwrap(), frame);
            assert_eq!(seen(&path).0, color);
        }
    }
}

#[test]
fn tiff_keeps_everything() {
    let room = Room::new();
    for (width, height) in SIZES {
        for (frame, color) in kinds(width, height).iter().zip(COLORS) {
            let (path, _) = room.write("a.tiff", frame);
            assert_eq!(&files::read(&path).unwrap(), frame);
            // The other reader knows no pair of grey and transparency.
            if !matches!(color, ColorType::La8 | ColorType::La16) {
                assert_eq!(seen(&path).0, color);
            }
        }
    }
}

#[test]
fn webp_keeps_8_bits_and_alpha() {
    let room = Room::new();
    for (width, height) in SIZES {
        for frame in &kinds(width, height)[..4] {
            let (path, bytes) = room.write("a.webp", frame);
            assert!(bytes.windows(4).any(|kind| kind == b"VP8L"));
            let back = files::read(&path).unwrap();
            assert_eq!((back.samples(), back.alpha()), (frame.samples(), frame.alpha()));
        }
    }
}

/// 65535 levels to 255, to the nearest.
#[test]
fn sixteen_bits_become_eight_where_they_must() {
    let room = Room::new();
    let deep = vec![0, 128, 129, 385, 386, 65535, 65407, 65406, 32768];
    let shallow = [0, 0, 1, 1, 2, 255, 255, 254, 128];
    let frame = Frame::from_rgb16(3, 1, deep).unwrap();
    let frame = frame.with_alpha16(vec![0, 300, 65535]).unwrap();
    let back = files::read(&room.write("a.webp", &frame).0).unwrap();
    assert_eq!(bytes_of(back.samples()), shallow);
    assert_eq!(back.alpha(), Some(&Samples::U8(vec![0, 1, 255])));

    let grey = Frame::from_grey16(8, 8, &[257 * 77; 64]).unwrap();
    let back = files::read(&room.write("a.jpg", &grey).0).unwrap();
    assert_eq!(bytes_of(back.samples()), [77; 192]);
}

#[test]
fn jpeg_stays_close() {
    let room = Room::new();
    for (width, height) in [(1, 1), (2, 9), (40, 24), (61, 35)] {
        let frame = smooth(width, height);
        let (path, bytes) = room.write("a.JPG", &frame);
        assert_eq!(seen(&path).0, ColorType::Rgb8);
        let back = files::read(&path).unwrap();
        assert_eq!((back.width(), back.height()), (width, height));
        let pairs = bytes_of(back.samples()).iter().zip(bytes_of(frame.samples()));
        assert!(pairs.map(|(a, b)| a.abs_diff(*b)).max() <= Some(3));
        // Colour at full resolution: every component has the sampling factors 1 x 1.
        let frame_header = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        let components = bytes[frame_header + 10..].chunks_exact(3).take(3);
        assert!(components.into_iter().all(|component| component[1] == 0x11));
    }
    let grey = Frame::from_grey8(16, 8, &[90; 128]).unwrap();
    let (path, _) = room.write("grey.jpeg", &grey);
    assert_eq!(seen(&path).0, ColorType::L8);
    assert_eq!(files::read(&path).unwrap(), grey);
}

/// The network may colour a grey image slightly; what is written is the luma.
#[test]
fn restored_grey_is_written_as_its_luma() {
    let room = Room::new();
    let grey = Frame::from_grey8(2, 1, &[10, 20]).unwrap().with_alpha8(vec![1, 2]).unwrap();
    let restored = grey.with_samples(Samples::U8(vec![100, 110, 90, 0, 255, 0])).unwrap();
    // 0.299 R + 0.587 G + 0.114 B: 104.73 and 149.685.
    let luma = [105, 105, 105, 150, 150, 150];
    for name in ["a.png", "a.tif", "a.webp"] {
        let back = files::read(&room.write(name, &restored).0).unwrap();
        assert_eq!(bytes_of(back.samples()), luma, "{name}");
        assert_eq!(back.alpha(), Some(&Samples::U8(vec![1, 2])), "{name}");
    }
    let opaque = Frame::from_grey16(1, 1, &[7]).unwrap();
    let restored = opaque.with_samples(Samples::U16(vec![65535, 65535, 65534])).unwrap();
    let back = files::read(&room.write("a.png", &restored).0).unwrap();
    assert_eq!(back.samples(), &Samples::U16(vec![65535; 3]));
}

/// A profile of the least length, naming its colour space.
fn profile(space: &[u8; 4]) -> Vec<u8> {
    let mut profile = vec![0; 128];
    profile[..4].copy_from_slice(&128u32.to_be_bytes());
    profile[16..20].copy_from_slice(space);
    profile
}

#[test]
fn profiles_are_kept_where_they_fit() {
    let room = Room::new();
    // The other reader allows no TIFF profile that takes it more memory than the pixels.
    let rgb = rgb8(96, 96).with_metadata(icc(profile(b"RGB ")));
    let grey = Frame::from_grey8(96, 96, &ramp8(96 * 96)).unwrap();
    let grey = grey.with_metadata(icc(profile(b"GRAY")));
    for name in ["a.png", "a.jpg", "a.webp", "a.tif"] {
        let (path, _) = room.write(name, &rgb);
        assert_eq!(seen(&path).1, Some(profile(b"RGB ")), "{name}");
        let back = files::read(&path).unwrap();
        assert_eq!(back.metadata().icc.as_deref(), rgb.metadata().icc.as_deref(), "{name}");
        // WebP holds RGB, which a grey profile does not describe.
        let (path, _) = room.write(name, &grey);
        let kept = (name != "a.webp").then(|| profile(b"GRAY"));
        assert_eq!(seen(&path).1, kept, "{name}");
        let wrong = rgb8(96, 96).with_metadata(icc(profile(b"CMYK")));
        assert_eq!(seen(&room.write(name, &wrong).0).1, None, "{name}");
        let (path, _) = room.write(name, &rgb8(96, 96).with_metadata(icc(vec![1, 2, 3])));
        assert_eq!(seen(&path).1, None, "{name}");
        // More than one segment of a JPEG file holds.
        let mut long = profile(b"RGB ");
        long.resize(200_000, 7);
        let frame = rgb8(4, 4).with_metadata(icc(long.clone()));
        let back = files::read(&room.write(name, &frame).0).unwrap();
        assert_eq!(back.metadata().icc.as_deref(), Some(long.as_slice()), "{name}");
    }
}

#[test]
fn the_content_tells_the_format_and_the_name_does_not() {
    let room = Room::new();
    for extension in ["png", "webp", "tif"] {
        let (_, bytes) = room.write(&format!("a.{extension}"), &rgb8(5, 4));
        assert_eq!(room.read("photo.jpg", &bytes).unwrap(), rgb8(5, 4));
        assert_eq!(room.read("photo", &bytes).unwrap(), rgb8(5, 4));
    }
}

/// Camera files with bytes between the segments, which strict decoders object to.
#[test]
fn stray_bytes_in_a_jpeg_do_no_harm() {
    let room = Room::new();
    let (path, bytes) = room.write("a.jpg", &smooth(24, 16));
    let tables = bytes.windows(2).position(|pair| pair == [0xff, 0xdb]).unwrap();
    let stray = [&bytes[..tables], &[0; 9], &bytes[tables..]].concat();
    assert_eq!(room.read("b.jpg", &stray).unwrap(), files::read(&path).unwrap());
    let trailing = [bytes.as_slice(), b"\xff\xd8 a second picture"].concat();
    assert_eq!(room.read("b.jpg", &trailing).unwrap(), files::read(&path).unwrap());
}

#[test]
fn palettes_and_bitmaps_are_expanded() {
    let room = Room::new();
    let palette = chunk(b"PLTE", &[10, 20, 30, 40, 50, 60]);
    let bytes = png(&[ihdr(3, 1, 8, 3), palette.clone(), idat(&[0, 1, 0, 1])]);
    let frame = room.read("a.png", &bytes).unwrap();
    assert_eq!(bytes_of(frame.samples()), [40, 50, 60, 10, 20, 30, 40, 50, 60]);
    assert!(!frame.is_grey() && frame.alpha().is_none());

    let shade = chunk(b"tRNS", &[128]);
    let bytes = png(&[ihdr(3, 1, 8, 3), palette, shade, idat(&[0, 1, 0, 1])]);
    let frame = room.read("a.png", &bytes).unwrap();
    assert_eq!(frame.alpha(), Some(&Samples::U8(vec![255, 128, 255])));

    let bits = [0b1010_0000, 0b1000_0000];
    let rows = [[0].as_slice(), &bits].concat();
    let bitmap = room.read("a.png", &png(&[ihdr(9, 1, 1, 0), idat(&rows)])).unwrap();
    let expected = Frame::from_grey8(9, 1, &[255, 0, 255, 0, 0, 0, 0, 0, 255]).unwrap();
    assert_eq!(bitmap, expected);
    let page = Page::grey(9, 1, &bits).with(tag::BITS_PER_SAMPLE, &[1]);
    assert_eq!(room.read("a.tif", &tiff(vec![page])).unwrap(), expected);
    // The same with 0 for white.
    let page =
        Page::grey(9, 1, &bits.map(|b: u8| !b)).with(tag::BITS_PER_SAMPLE, &[1]).with(tag::PHOTOMETRIC, &[0]);
    assert_eq!(room.read("a.tif", &tiff(vec![page])).unwrap(), expected);
}

#[test]
fn tiff_layouts() {
    let room = Room::new();
    // One strip a channel.
    let mut planar = Page::rgb(2, 1, 3, &[]).with(tag::PLANAR, &[2]);
    planar.strips = vec![vec![1, 2], vec![3, 4], vec![5, 6]];
    let frame = room.read("a.tif", &tiff(vec![planar])).unwrap();
    assert_eq!(bytes_of(frame.samples()), [1, 3, 5, 2, 4, 6]);

    // Extra channel 2 is transparency, 1 transparency that the colours are multiplied by.
    let pixels = [50, 25, 10, 100, 9, 9, 9, 0];
    let straight = Page::rgb(2, 1, 4, &pixels).with(tag::EXTRA_SAMPLES, &[2]);
    let frame = room.read("a.tif", &tiff(vec![straight])).unwrap();
    assert_eq!(bytes_of(frame.samples()), [50, 25, 10, 9, 9, 9]);
    let multiplied = Page::rgb(2, 1, 4, &pixels).with(tag::EXTRA_SAMPLES, &[1]);
    let frame = room.read("a.tif", &tiff(vec![multiplied])).unwrap();
    assert_eq!(bytes_of(frame.samples()), [128, 64, 26, 9, 9, 9]);
    assert_eq!(frame.alpha(), Some(&Samples::U8(vec![100, 0])));

    let pair = Page::grey(2, 1, &[1, 2, 3, 4])
        .with(tag::SAMPLES_PER_PIXEL, &[2])
        .with(tag::BITS_PER_SAMPLE, &[8, 8])
        .with(tag::EXTRA_SAMPLES, &[2]);
    let frame = room.read("a.tif", &tiff(vec![pair])).unwrap();
    assert_eq!(bytes_of(frame.samples()), [1, 1, 1, 3, 3, 3]);
    assert_eq!(frame.alpha(), Some(&Samples::U8(vec![2, 4])));
}
