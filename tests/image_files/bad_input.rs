//! Files that are no image, no whole image, or one that is refused: each in words that help.

use std::path::Path;

use mprnet::Error;
use mprnet::image::{self, Frame, MAX_PIXELS, WriteOptions};
use proptest::prelude::*;

use crate::build::*;
use crate::{Room, message, ramp8, read_damaged, rgb8, smooth};

const FORMATS: [&str; 4] = ["png", "jpg", "webp", "tiff"];

#[test]
fn missing_file_and_directory() {
    let room = Room::new();
    let missing = mprnet::image::read(&room.path("none.png"));
    assert!(
        matches!(&missing, Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound)
    );
    assert!(message(missing, "none.png").starts_with("cannot read "));

    std::fs::create_dir(room.path("album.png")).unwrap();
    let directory = message(mprnet::image::read(&room.path("album.png")), "album.png");
    assert!(directory.contains("it is a directory"), "{directory}");
}

#[test]
fn no_image_at_all() {
    let room = Room::new();
    let empty = message(room.read("empty.png", b""), "empty.png");
    assert!(empty.contains("it is empty (0 bytes)"), "{empty}");
    for text in ["Dear all,\nthe photo is attached.\n", "BMW built it", "x", "RIFF____WAVEfmt "] {
        let text = message(room.read("note.jpg", text.as_bytes()), "note.jpg");
        assert!(text.contains("it is not an image"), "{text}");
    }
}

#[test]
fn other_formats_are_called_by_name() {
    let bmp = [b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0".as_slice(), &[40, 0, 0, 0]].concat();
    let dng = tiff(vec![Page::grey(2, 1, &[1, 2]).with(tag::DNG_VERSION, &[0x104])]);
    let thumbnail_first = tiff(vec![Page::grey(2, 1, &[1, 2]).with(tag::NEW_SUBFILE_TYPE, &[1])]);
    let files: &[(&[u8], &str)] = &[
        (b"GIF89a\x01\0\x01\0", "a GIF file"),
        (&bmp, "a BMP file"),
        (b"\xff\x0a\xfa\x7f", "a JPEG XL file"),
        (b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ", "a JPEG XL file"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 file"),
        (b"8BPS\0\x01", "a Photoshop (PSD) file"),
        (b"%PDF-1.7\n", "a PDF file"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC file"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "a HEIC file"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", "an AVIF file"),
        (b"\0\0\0\x18ftypavif\0\0\0\0avifmif1", "an AVIF file"),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "a camera raw file"),
        (b"II*\0\x10\0\0\0CR\x02\0", "a camera raw file"),
        (&dng, "a camera raw file"),
        (&thumbnail_first, "a camera raw file"),
        (b"P6\n2 2\n255\n", "a PPM file"),
    ];
    let room = Room::new();
    for (bytes, name) in files {
        let result = room.read("photo.jpg", bytes);
        assert!(matches!(result, Err(Error::ImageUnsupported { .. })), "{name}");
        let text = message(result, "photo.jpg");
        assert!(text.contains(&format!("it is {name};")), "{text}");
        assert!(text.ends_with("to PNG, JPEG, WebP or TIFF first"), "{text}");
    }
    for (bytes, words) in [
        (
            &b"\0\0\0\x18ftypisom\0\0\0\x01isommp41"[..],
            "it is a video (MP4 or QuickTime) file; ffmpeg makes a YUV4MPEG2 stream of it, whose frames can be restored",
        ),
        (b"YUV4MPEG2 W4 H4 F25:1\nFRAME\n", "it is a YUV4MPEG2 stream, which is a video and no photo"),
    ] {
        let text = message(room.read("photo.jpg", bytes), "photo.jpg");
        assert!(text.ends_with(words), "{text}");
    }
}

#[test]
fn every_cut_is_noticed() {
    let room = Room::new();
    for extension in FORMATS {
        let (path, whole) = room.write(&format!("whole.{extension}"), &smooth(40, 24));
        let picture = mprnet::image::read(&path).unwrap();
        // Every cut near both ends and a spread of those between.
        let cuts = (1..whole.len()).filter(|&n| n < 80 || n + 80 > whole.len() || n.is_multiple_of(7));
        for cut in cuts {
            match room.read("cut", &whole[..cut]) {
                Err(Error::ImageCutShort { reason, .. }) if reason.contains("cut short") => {}
                // Too little is left to know the format by.
                Err(Error::ImageUnsupported { reason, .. }) if cut < 12 => {
                    assert!(reason.contains("not an image"), "{reason}");
                }
                // Nothing but an end marker and checksums is missing.
                Ok(frame) if whole.len() - cut < 32 => assert!(frame == picture, "{extension} cut at {cut}"),
                other => panic!("{extension} cut at {cut}: {other:?}"),
            }
        }
    }
}

/// JPEG data in a TIFF file, which ends with it: its decoder takes what there is.
#[test]
fn a_cut_in_jpeg_data_inside_tiff_is_noticed() {
    let room = Room::new();
    let grey = Frame::from_grey8(32, 32, &ramp8(1024)).unwrap();
    let (_, jpeg) = room.write("a.jpg", &grey);
    let page = Page::grey(32, 32, &jpeg).with(tag::COMPRESSION, &[7]);
    let whole = tiff(vec![page]);
    room.read("a.tif", &whole).unwrap();
    for missing in (1..jpeg.len()).step_by(23) {
        let result = room.read("a.tif", &whole[..whole.len() - missing]);
        let text = message(result, "a.tif");
        assert!(text.contains("the TIFF data is cut short"), "{text}");
    }
}

/// Decoders differ in what they notice; pixels that cannot be decoded are never filled in.
#[test]
fn broken_pixels_are_an_error() {
    let room = Room::new();
    for extension in ["png", "jpg"] {
        let (_, mut bytes) = room.write(&format!("whole.{extension}"), &rgb8(64, 64));
        let middle = bytes.len() / 2;
        // All-ones codes, which no Huffman table has, each stuffed as JPEG demands.
        for pair in bytes[middle..middle + 64].chunks_exact_mut(2) {
            pair.copy_from_slice(&[0xff, 0x00]);
        }
        let result = room.read("broken", &bytes);
        assert!(matches!(result, Err(Error::ImageDamaged { .. })), "{result:?}");
        let text = message(result, "broken");
        assert!(text.contains("data is damaged"), "{text}");
        assert!(text.contains("; get another copy of the file"), "{text}");
    }
}

#[test]
fn sides_of_zero() {
    // The lossy bit stream's header: a key frame, its start code, width and height.
    let vp8 = [0x30, 1, 0, 0x9d, 1, 0x2a, 0, 0, 5, 0, 0, 0];
    let files = [
        png(&[ihdr(0, 5, 8, 2), idat(&[])]),
        png(&[ihdr(5, 0, 8, 2), idat(&[])]),
        jpeg_header(0, 5, 8, 3),
        jpeg_header(5, 0, 8, 3),
        webp(&[riff(b"VP8 ", &vp8)]),
        tiff(vec![Page::grey(0, 5, &[])]),
        tiff(vec![Page::grey(5, 0, &[])]),
    ];
    let room = Room::new();
    for bytes in &files {
        let result = room.read("zero", bytes);
        let text = message(result, "zero");
        // The decoders of WebP and TIFF are the first to notice.
        let by_decoder = matches!(bytes[0], b'R' | b'I') && text.contains("data is damaged (");
        let by_header =
            text.contains("5 pixels, which is no image") || text.contains("5 x 0 pixels, which is no image");
        assert!(by_decoder || by_header, "{text}");
    }
}

#[test]
fn huge_claims_are_refused_by_the_header() {
    let files = [
        (png(&[ihdr(100_000, 100_000, 8, 2), idat(&[0])]), 100_000),
        (jpeg_header(65_535, 65_535, 8, 3), 65_535),
        (webp(&[vp8x(60_000, 60_000, 0), riff(b"VP8L", &[0x2f, 0, 0, 0, 0])]), 60_000),
        (tiff(vec![Page::grey(100_000, 100_000, &[0])]), 100_000),
        (png(&[ihdr(16_385, 16_384, 8, 2), idat(&[0])]), 16_385),
    ];
    let room = Room::new();
    for (bytes, side) in &files {
        match room.read("huge.png", bytes) {
            Err(Error::ImageTooLarge { width, limit, .. }) => {
                assert_eq!((width, limit), (*side, MAX_PIXELS));
            }
            other => panic!("{other:?}"),
        }
    }
    let text = message(room.read("huge.png", &files[0].0), "huge.png");
    assert!(text.contains("it claims 100000 x 100000 pixels"), "{text}");
    // As many pixels as are allowed: the header passes, and the missing pixels are what is wrong.
    let largest = room.read("large.png", &png(&[ihdr(16_384, 16_384, 1, 0), idat(&[0])]));
    assert!(matches!(largest, Err(Error::ImageDamaged { .. })), "{largest:?}");
}

#[test]
fn colours_that_are_not_read() {
    let cmyk = Page::rgb(2, 1, 4, &[0; 8]).with(tag::PHOTOMETRIC, &[5]);
    let float = Page::grey(2, 1, &[0; 16]).with(tag::BITS_PER_SAMPLE, &[64]);
    let signed = Page::grey(2, 1, &[0; 2]).with(tag::SAMPLE_FORMAT, &[2]);
    let deep = Page::grey(2, 1, &[0; 8]).with(tag::BITS_PER_SAMPLE, &[32]);
    let lab = Page::grey(2, 1, &[0; 6])
        .with(tag::SAMPLES_PER_PIXEL, &[3])
        .with(tag::BITS_PER_SAMPLE, &[8; 3])
        .with(tag::PHOTOMETRIC, &[8]);
    let files = [
        (jpeg_header(8, 8, 8, 4), "it is a JPEG in CMYK (print) colours"),
        (jpeg_header(8, 8, 12, 3), "it is a JPEG of 12 bits a sample"),
        (tiff(vec![cmyk]), "it is a TIFF in CMYK (print) colours"),
        (tiff(vec![float.with(tag::SAMPLE_FORMAT, &[3])]), "it is a TIFF of 64-bit floating-point samples"),
        (tiff(vec![signed]), "its samples are signed integers"),
        (tiff(vec![deep]), "it is a TIFF of 32-bit integer samples"),
        (tiff(vec![lab]), "CIELab"),
    ];
    let room = Room::new();
    for (bytes, words) in &files {
        let result = room.read("print.tif", bytes);
        assert!(matches!(result, Err(Error::ImageUnsupported { .. })), "{result:?}");
        let text = message(result, "print.tif");
        assert!(text.contains(words) && text.ends_with("first"), "{text}");
    }
}

#[test]
fn several_pictures_in_one_file() {
    let room = Room::new();
    let frames = |n: u32| chunk(b"acTL", &[n.to_be_bytes(), [0; 4]].concat());
    let still = |extra| png(&[ihdr(1, 1, 8, 0), extra, idat(&[0, 7])]);
    let text = message(room.read("a.png", &still(frames(12))), "a.png");
    assert!(text.contains("it is an animated PNG of 12 frames;"), "{text}");
    room.read("a.png", &still(frames(1))).unwrap();

    let (_, lossless) = room.write("frame.webp", &rgb8(4, 4));
    // Place, size and duration of the one frame, and its picture.
    let frame = [&[0, 0, 0, 0, 0, 0, 3, 0, 0, 3, 0, 0, 9, 0, 0, 0], &lossless[12..]].concat();
    let animated = webp(&[vp8x(4, 4, 2), riff(b"ANIM", &[0; 6]), riff(b"ANMF", &frame)]);
    let text = message(room.read("a.webp", &animated), "a.webp");
    assert!(text.contains("it is an animated WebP;"), "{text}");

    let page = |value| Page::grey(2, 1, &[value, value]);
    let pages = tiff(vec![page(1), page(2)]);
    let text = message(room.read("a.tif", &pages), "a.tif");
    assert!(text.contains("it is a TIFF of several pages;"), "{text}");
    // A smaller copy of the first page is no page of its own.
    let preview = page(2).with(tag::NEW_SUBFILE_TYPE, &[1]);
    let frame = room.read("a.tif", &tiff(vec![page(1), preview])).unwrap();
    assert_eq!(crate::bytes_of(frame.samples()), [1; 6]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the bytes are, the answer is a frame or an error.
    #[test]
    fn damage_never_panics(
        format in 0..FORMATS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        header_only in any::<bool>(),
    ) {
        let room = Room::new();
        let (_, mut bytes) = room.write(&format!("whole.{}", FORMATS[format]), &smooth(19, 13));
        let range = if header_only { bytes.len().min(60) } else { bytes.len() };
        for (at, value) in &changes {
            bytes[at.index(range)] = *value;
        }
        let _ = room.read("damaged", &bytes);
    }
}

/// A few bytes that announce a large picture take no time that is theirs alone to ask for.
#[test]
fn what_is_all_but_lost_is_not_kept() {
    let frame = Frame::from_rgb8(64, 48, vec![100; 64 * 48 * 3]).unwrap();
    let bytes = |name: &str| image::to_bytes(&frame, Path::new(name), &WriteOptions::default()).unwrap();
    let (mut jpeg, mut png) = (bytes("a.jpg"), bytes("a.png"));
    let size = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap() + 5;
    jpeg[size..size + 4].copy_from_slice(&[0x3f, 0xff, 0x3f, 0xff]);
    // The header's checksum is wrong, which damage may be.
    png[16..24].copy_from_slice(&[0, 0, 0x3f, 0xff, 0, 0, 0x3f, 0xff]);
    let mut tiff = bytes("a.tif");
    // Tag 257, the height, in one number of 32 bits.
    let height = tiff.windows(4).position(|tag| tag[..2] == [1, 1] && tag[3] == 0).unwrap();
    tiff[height + 2] = 4;
    tiff[height + 8..height + 12].copy_from_slice(&1_114_160_u32.to_le_bytes());
    for (name, bytes) in [("JPEG", jpeg), ("PNG", png), ("TIFF", tiff)] {
        let error = read_damaged(&bytes).unwrap_err();
        assert!(error.remedy().is_none(), "{name}: {error}");
    }
}
