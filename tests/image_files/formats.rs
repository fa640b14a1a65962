//! What the options of writing do to the files.

use mprnet::image::{self as files, Depth, FileFormat, Frame, Metadata, Samples, WriteOptions};

use crate::build::tags_of;
use crate::{Room, bytes_of, options, ramp8, rgb8, rgb16, smooth};

fn at_quality(quality: u8) -> WriteOptions {
    options(|o| o.quality = Some(quality))
}

/// A smooth picture with noise on it, so that quality has something to drop.
fn textured(width: u32, height: u32) -> Frame {
    let noise = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 28) as u8;
    let smooth = smooth(width, height);
    let rgb = bytes_of(smooth.samples()).iter().enumerate();
    Frame::from_rgb8(width, height, rgb.map(|(i, v)| v.wrapping_add(noise(i))).collect()).unwrap()
}

fn mean_error(a: &Frame, b: &Frame) -> f64 {
    let pairs = bytes_of(a.samples()).iter().zip(bytes_of(b.samples()));
    pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.samples().len() as f64
}

#[test]
fn quality_is_size() {
    let room = Room::new();
    let frame = textured(64, 48);
    for name in ["a.jpg", "a.webp"] {
        let sizes: Vec<_> =
            [1, 20, 50, 80, 95, 100].map(|q| room.write_with(name, &frame, &at_quality(q)).1.len()).into();
        assert!(sizes.is_sorted() && sizes[0] * 3 < sizes[5], "{name}: {sizes:?}");
        let error = |q| {
            let path = room.write_with(name, &frame, &at_quality(q)).0;
            mean_error(&frame, &files::read(&path).unwrap())
        };
        assert!(error(95) < 5.0 && error(95) < error(20), "{name}: {} {}", error(95), error(20));
    }
    assert_eq!(room.write("a.jpg", &frame).1, room.write_with("b.jpg", &frame, &at_quality(95)).1);
    // What knows no quality is as it is without.
    assert_eq!(room.write("a.png", &frame).1, room.write_with("b.png", &frame, &at_quality(9)).1);
    for quality in [0, 101] {
        let text =
            files::write_with(&frame, &room.path("a.jpg"), &at_quality(quality)).unwrap_err().to_string();
        assert!(
            text.ends_with(&format!("there is no quality {quality}; choose one from 1 to 100")),
            "{text}"
        );
    }
}

/// The markers of a JPEG's segments with their contents, and its number of scans.
fn segments(jpeg: &[u8]) -> Vec<(u8, &[u8])> {
    let mut segments = Vec::new();
    let mut at = 2;
    while at + 4 <= jpeg.len() {
        if jpeg[at] == 0xff && !matches!(jpeg[at + 1], 0 | 0xd0..=0xd9 | 0xff) {
            let length = usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
            segments.push((jpeg[at + 1], &jpeg[at + 4..at + 2 + length]));
            at += 2 + length;
        } else {
            at += 1;
        }
    }
    segments
}

#[test]
fn jpeg_is_progressive_on_request_and_of_full_colour() {
    let room = Room::new();
    for (width, height) in [(1, 1), (7, 1), (2, 9), (17, 15), (61, 35)] {
        let grey: Vec<u8> = bytes_of(smooth(width, height).samples()).iter().step_by(3).copied().collect();
        let grey = Frame::from_grey8(width, height, &grey).unwrap();
        for frame in [smooth(width, height), grey] {
            for progressive in [false, true] {
                let (path, bytes) =
                    room.write_with("a.jpg", &frame, &options(|o| o.progressive = progressive));
                let segments = segments(&bytes);
                let (kind, header) = segments.iter().find(|(kind, _)| matches!(kind, 0xc0..=0xc2)).unwrap();
                assert_eq!(*kind, if progressive { 0xc2 } else { 0xc0 });
                assert!(header[6..].chunks_exact(3).all(|component| component[1] == 0x11));
                // One scan of all components, which every decoder reads right.
                let scans = segments.iter().filter(|(kind, _)| *kind == 0xda).count();
                assert!(if progressive { scans > 1 } else { scans == 1 }, "{scans}");
                let back = files::read(&path).unwrap();
                assert_eq!(back.is_grey(), frame.is_grey());
                assert!(mean_error(&frame, &back) < 1.5, "{width} x {height}: {}", mean_error(&frame, &back));
                let other = image::open(&path).unwrap().to_rgb8();
                // Another decoder, which rounds in other places.
                let apart = other.as_raw().iter().zip(bytes_of(back.samples())).map(|(a, b)| a.abs_diff(*b));
                assert!(apart.max() <= Some(3));
            }
        }
    }
}

/// The chunks of a WebP file.
fn chunks(webp: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut rest = &webp[12..];
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(*rest[4..].first_chunk().unwrap()) as usize;
        chunks.push((&rest[..4], &rest[8..8 + length]));
        rest = &rest[8 + length + length % 2..];
    }
    chunks
}

#[test]
fn webp_is_lossy_at_a_quality() {
    let room = Room::new();
    let alpha: Vec<u8> = ramp8(31 * 17);
    let frames = [smooth(31, 17), smooth(31, 17).with_alpha8(alpha).unwrap()];
    let grey = Frame::from_grey8(31, 17, &[90; 31 * 17]).unwrap();
    for frame in frames.iter().chain([&grey]) {
        let (path, bytes) = room.write("a.webp", frame);
        let kinds: Vec<_> = chunks(&bytes).iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [b"VP8L"]);
        assert_eq!(files::read(&path).unwrap().samples(), frame.samples());
        let (path, bytes) = room.write_with("a.webp", frame, &at_quality(90));
        assert!(chunks(&bytes).iter().any(|(kind, _)| kind == b"VP8 "));
        assert_eq!(chunks(&bytes).iter().any(|(kind, _)| kind == b"ALPH"), frame.alpha().is_some());
        let back = files::read(&path).unwrap();
        assert_eq!(back.alpha(), frame.alpha());
        if frame.alpha().is_none() {
            assert!(mean_error(frame, &back) < 3.0, "{}", mean_error(frame, &back));
        }
    }
}

/// Readers trust the extended header: it names the size and every chunk that there is.
#[test]
fn webp_header_says_what_follows() {
    let room = Room::new();
    let opaque = smooth(31, 17);
    let transparent = opaque.clone().with_alpha8(ramp8(31 * 17)).unwrap();
    for (frame, alpha) in [(opaque, 0), (transparent, 0x10)] {
        for options in [WriteOptions::default(), at_quality(90)] {
            for (exif, flag) in [(false, 4), (true, 8 + 4)] {
                let metadata = Metadata {
                    xmp: Some(b"<x/>".to_vec()),
                    exif: exif.then(|| crate::build::exif(1, true)),
                    ..Metadata::default()
                };
                let (path, bytes) =
                    room.write_with("a.webp", &frame.clone().with_metadata(metadata), &options);
                let (kind, header) = chunks(&bytes)[0];
                assert_eq!(
                    (kind, header),
                    (b"VP8X".as_slice(), [flag + alpha, 0, 0, 0, 30, 0, 0, 16, 0, 0].as_slice())
                );
                assert_eq!(files::read(&path).unwrap().alpha(), frame.alpha());
                let length = u32::from_le_bytes(*bytes[4..].first_chunk().unwrap()) as usize;
                assert_eq!(length + 8, bytes.len());
            }
        }
    }
}

#[test]
fn a_format_of_its_own_needs_no_extension() {
    let room = Room::new();
    let starts: [(FileFormat, &[u8]); 4] = [
        (FileFormat::Png, b"\x89PNG"),
        (FileFormat::Jpeg, b"\xff\xd8"),
        (FileFormat::WebP, b"RIFF"),
        (FileFormat::Tiff, b"II*\0"),
    ];
    for (format, start) in starts {
        let options = options(|o| o.format = Some(format));
        for name in ["photo", "photo.bmp", "photo.png"] {
            files::check_output(&room.path(name), &options).unwrap();
            assert!(room.write_with(name, &rgb8(5, 3), &options).1.starts_with(start), "{format:?} {name}");
        }
    }
    let wide = rgb8(16_384, 1);
    let webp = options(|o| o.format = Some(FileFormat::WebP));
    assert!(
        files::check_frame(&wide, &room.path("a.png"), &webp).unwrap_err().to_string().contains("WebP holds")
    );
    let transparent = rgb8(1, 1).with_alpha8(vec![9]).unwrap();
    let jpeg = options(|o| o.format = Some(FileFormat::Jpeg));
    files::check_frame(&transparent, &room.path("a.png"), &jpeg).unwrap_err();
}

/// The first directory's tag, its values as numbers of 16 bits.
fn shorts(file: &[u8], tag: u16) -> Option<Vec<u16>> {
    let at = u32::from_le_bytes(*file[4..].first_chunk().unwrap()) as usize;
    let (_, value) = tags_of(file, at).remove(&tag)?;
    Some(value.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
}

#[test]
fn tiff_says_what_its_channels_are() {
    let room = Room::new();
    let grey = Frame::from_grey8(3, 2, &ramp8(6)).unwrap();
    let cases = [
        (rgb8(3, 2), vec![8; 3], None),
        (rgb8(3, 2).with_alpha8(vec![7; 6]).unwrap(), vec![8; 4], Some(vec![2])),
        (rgb16(3, 2).with_alpha16(vec![7; 6]).unwrap(), vec![16; 4], Some(vec![2])),
        (grey.clone(), vec![8], None),
        (grey.with_alpha8(vec![7; 6]).unwrap(), vec![8; 2], Some(vec![2])),
    ];
    for (frame, bits, extra) in cases {
        let (_, bytes) = room.write("a.tif", &frame);
        assert_eq!(shorts(&bytes, 258), Some(bits.clone()));
        assert_eq!(shorts(&bytes, 277), Some(vec![bits.len() as u16]));
        assert_eq!(shorts(&bytes, 338), extra);
        assert_eq!(shorts(&bytes, 262), Some(vec![if frame.is_grey() { 1 } else { 2 }]));
    }
}

#[test]
fn floats_stay_floats_in_tiff_alone_and_on_request() {
    let room = Room::new();
    let values: Vec<f32> = (0..18u8).map(|i| 1.7 - f32::from(i) / 7.0).collect();
    let frame = Frame::from_rgb32f(3, 2, values.clone()).unwrap();
    let float = options(|o| o.float = true);
    let (_, bytes) = room.write_with("a.tif", &frame, &float);
    assert_eq!((shorts(&bytes, 258), shorts(&bytes, 339)), (Some(vec![32; 3]), Some(vec![3; 3])));
    let stored: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    assert!(bytes.windows(stored.len()).any(|window| window == stored), "exactly the samples");
    let transparent = frame.clone().with_alpha32f(vec![0.25; 6]).unwrap();
    let (_, bytes) = room.write_with("a.tif", &transparent, &float);
    assert_eq!((shorts(&bytes, 258), shorts(&bytes, 338)), (Some(vec![32; 4]), Some(vec![2])));
    // Samples that were no floats are as they were.
    assert_eq!(room.write_with("a.tif", &rgb8(3, 2), &float).1, room.write("b.tif", &rgb8(3, 2)).1);

    for name in ["a.png", "a.jpg", "a.webp"] {
        let text = files::check_frame(&frame, &room.path(name), &float).unwrap_err().to_string();
        assert!(text.ends_with("cannot hold floating-point samples; choose .tif or .tiff"), "{text}");
    }
    let rounded: Vec<u16> =
        values.iter().map(|v| (v.clamp(0.0, 1.0) * 65535.0).round_ties_even() as u16).collect();
    for name in ["a.png", "a.tif"] {
        let back = files::read(&room.write(name, &frame).0).unwrap();
        assert_eq!(back.samples(), &Samples::U16(rounded.clone()), "{name}");
    }
    assert_eq!(files::read(&room.write("a.webp", &frame).0).unwrap().samples().depth(), Depth::U8);
}
