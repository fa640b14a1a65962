//! What files say beside the pixels: read, kept from format to format, and told where it is lost.

mod containers;
mod exif;

use std::path::Path;

use mprnet::image::{self as files, Frame, Metadata, PngColor, Resolution, ResolutionUnit, losses};
use proptest::prelude::*;

use self::exif::{MAKER_NOTE, camera, upright};
use crate::build::*;
use crate::{Room, options, ramp8, rgb8, rgb16, smooth};

const XMP: &[u8] = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF>\xc3\xa9</rdf:RDF></x:xmpmeta>";
/// A keyword and a headline in IPTC's records, an odd number of bytes.
const IPTC: &[u8] = b"\x1c\x02\x19\0\x03sky\x1c\x02\x69\0\x04Dusk";

fn profile(space: &[u8; 4]) -> Vec<u8> {
    let mut profile = vec![0; 128];
    profile[16..20].copy_from_slice(space);
    profile
}

fn color(kind: &[u8; 4], content: &[u8]) -> PngColor {
    PngColor { kind: *kind, content: content.to_vec() }
}

/// A PNG of 3 x 2 grey pixels with these chunks before them.
fn png_with(chunks: &[Vec<u8>]) -> Vec<u8> {
    let pixels = idat(&[0, 1, 2, 3, 0, 4, 5, 6]);
    png(&[[ihdr(3, 2, 8, 0)].as_slice(), chunks, &[pixels]].concat())
}

fn dpi(resolution: f64) -> Resolution {
    Resolution { x: resolution, y: resolution, unit: ResolutionUnit::Inch }
}

/// Everything that a file can say.
fn everything() -> Metadata {
    Metadata {
        icc: Some(profile(b"RGB ")),
        exif: Some(upright(true)),
        xmp: Some(XMP.to_vec()),
        iptc: Some(IPTC.to_vec()),
        resolution: Some(dpi(300.0)),
        png_colors: vec![color(b"cICP", &[12, 13, 0, 1]), color(b"gAMA", &45_455u32.to_be_bytes())],
    }
}

fn dots_an_inch(metadata: &Metadata) -> (f64, f64) {
    let Resolution { x, y, unit } = metadata.resolution.unwrap();
    let factor = if unit == ResolutionUnit::Centimetre { 2.54 } else { 1.0 };
    ((x * factor).round(), (y * factor).round())
}

#[test]
fn from_every_format_to_every_other() {
    let room = Room::new();
    let original = smooth(24, 16).with_metadata(everything());
    for from in ["png", "jpg", "webp"] {
        let first = files::read(&room.write(&format!("from.{from}"), &original).0).unwrap();
        for to in ["png", "jpg", "webp"] {
            let what = format!("{from} to {to}");
            let back = files::read(&room.write(&format!("to.{to}"), &first).0).unwrap();
            let (had, has, all) = (first.metadata(), back.metadata(), everything());
            assert_eq!((&has.icc, &has.exif, &has.xmp), (&all.icc, &all.exif, &all.xmp), "{what}");
            let iptc = (from == "jpg" && to == "jpg").then(|| IPTC.to_vec());
            assert_eq!(has.iptc, iptc, "{what}");
            assert_eq!(dots_an_inch(has), (300.0, 300.0), "{what}");
            let colors = if (from, to) == ("png", "png") { all.png_colors } else { vec![] };
            assert_eq!(has.png_colors, colors, "{what}");
            if to != "jpg" {
                assert_eq!(back.samples(), first.samples(), "{what}");
            }
            if from == to {
                assert_eq!(has, had, "{what}");
            }
            let lossy = options(|o| o.quality = Some(70));
            let back = files::read(&room.write_with(&format!("to.{to}"), &first, &lossy).0).unwrap();
            assert_eq!(back.metadata(), has, "{what}");
        }
    }
}

/// A TIFF keeps EXIF as tags of its own, from which a block is made again.
#[test]
fn from_tiff_to_every_other() {
    let room = Room::new();
    for big_endian in [false, true] {
        let mut all = everything();
        all.exif = Some(upright(big_endian));
        let first =
            files::read(&room.write("from.tif", &smooth(24, 16).with_metadata(all.clone())).0).unwrap();
        let had = first.metadata();
        assert_eq!((&had.icc, &had.xmp, &had.iptc), (&all.icc, &all.xmp, &all.iptc));
        assert_eq!(dots_an_inch(had), (300.0, 300.0));
        let block = had.exif.clone().unwrap();
        let has = |bytes: &[u8]| block.windows(bytes.len()).any(|window| window == bytes);
        assert!(has(b"Maker of cameras\0") && has(MAKER_NOTE) && has(b"N\0"));
        for to in ["png", "jpg", "webp", "tif"] {
            let back = files::read(&room.write(&format!("to.{to}"), &first).0).unwrap();
            let kept = back.metadata();
            assert_eq!((&kept.icc, &kept.exif, &kept.xmp), (&all.icc, &had.exif, &all.xmp), "{to}");
            assert_eq!(kept.iptc.is_some(), matches!(to, "jpg" | "tif"), "{to}");
            assert_eq!(dots_an_inch(kept), (300.0, 300.0), "{to}");
        }
    }
}

#[test]
fn tiff_holds_what_the_others_do() {
    let room = Room::new();
    for big_endian in [false, true] {
        let mut metadata = everything();
        metadata.exif = Some(upright(big_endian));
        let (path, file) = room.write("a.tif", &rgb16(5, 3).with_metadata(metadata));
        assert_eq!(files::read(&path).unwrap().samples(), rgb16(5, 3).samples());
        let long = |bytes: &[u8]| u32::from_le_bytes(*bytes.first_chunk().unwrap());
        let page = tags_of(&file, long(&file[4..]) as usize);
        let of = |tag| page.get(&tag).map(|(_, value): &(u16, Vec<u8>)| value.as_slice());
        assert_eq!(of(34_675), Some(profile(b"RGB ").as_slice()));
        assert_eq!((of(700), of(33_723)), (Some(XMP), Some(IPTC)));
        assert_eq!(of(0x10f), Some(b"Maker of cameras\0".as_slice()));
        assert_eq!(of(296), Some([2, 0].as_slice()));
        let (n, d) = (long(of(282).unwrap()), long(&of(282).unwrap()[4..]));
        assert_eq!(n, 300 * d);
        assert_eq!(of(274), None, "the pixels stand as they are seen");

        let exif = tags_of(&file, long(of(0x8769).unwrap()) as usize);
        assert_eq!(exif[&0x829a], (5, [1u32.to_le_bytes(), 250u32.to_le_bytes()].concat()));
        assert_eq!(exif[&0x8827], (3, 400u16.to_le_bytes().to_vec()));
        assert_eq!(exif[&0x927c], (7, MAKER_NOTE.to_vec()));
        assert_eq!(exif[&0x9286], (7, b"UNICODE\0h\0\xe9\0".to_vec()));
        let gps = tags_of(&file, long(of(0x8825).unwrap()) as usize);
        assert_eq!(gps[&1], (2, b"N\0".to_vec()));
        assert_eq!(gps[&2].1, [52u32, 1, 31, 1, 12, 1].map(u32::to_le_bytes).concat());
    }
}

#[test]
fn orientation_in_xmp_follows() {
    let room = Room::new();
    let packet = |attribute, element| {
        format!("<a tiff:Orientation=\"{attribute}\"/><tiff:Orientation> {element} </tiff:Orientation> 6")
    };
    let xmp = |packet: &str| chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", packet.as_bytes()].concat());
    let read = |orientation| {
        let note = chunk(b"eXIf", &exif(orientation, true));
        let frame = room.read("a.png", &png_with(&[note, xmp(&packet(6, 8))])).unwrap();
        String::from_utf8(frame.metadata().xmp.clone().unwrap()).unwrap()
    };
    assert_eq!(read(6), packet(1, 1));
    // Nothing was turned.
    assert_eq!(read(1), packet(6, 8));
}

/// Telephones put a video behind a photo, which is not written.
#[test]
fn photos_are_still_in_xmp() {
    let room = Room::new();
    let packet = |video| {
        format!(
            "<a GCamera:MotionPhoto=\"{video}\" GCamera:MotionPhotoVersion=\"1\" GCamera:MicroVideoOffset='7'/>\
             <Camera:MicroVideo>{video}</Camera:MicroVideo>"
        )
    };
    let xmp = chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", packet(1).as_bytes()].concat());
    let frame = room.read("a.png", &png_with(&[xmp])).unwrap();
    assert_eq!(frame.metadata().xmp.as_deref(), Some(packet(0).as_bytes()));
}

#[test]
fn everything_but_the_colours_is_stripped_on_request() {
    let room = Room::new();
    let frame = smooth(24, 16).with_metadata(everything());
    let strip = options(|o| o.strip_metadata = true);
    for name in ["a.png", "a.jpg", "a.webp", "a.tif"] {
        let (path, bytes) = room.write_with(name, &frame, &strip);
        let back = files::read(&path).unwrap();
        let colours = Metadata {
            icc: everything().icc,
            png_colors: if name == "a.png" { everything().png_colors } else { vec![] },
            ..Metadata::default()
        };
        assert_eq!(back.metadata(), &colours, "{name}");
        for trace in [XMP, IPTC, MAKER_NOTE, b"Maker of cameras"] {
            assert!(!bytes.windows(trace.len()).any(|window| window == trace), "{name}");
        }
        let plain = losses(&frame, Path::new(name), &strip);
        let colours_only = if name == "a.png" { vec![] } else { vec!["what PNG's colour chunks say"] };
        assert_eq!(plain, colours_only, "{name}");
    }
}

#[test]
fn losses_are_told() {
    let plain = options(|_| ());
    let all = rgb8(4, 4).with_metadata(everything());
    let told = |frame: &Frame, name: &str| losses(frame, Path::new(name), &plain);
    assert_eq!(told(&rgb8(4, 4), "a.jpg"), Vec::<&str>::new());
    assert_eq!(told(&all, "a.png"), ["IPTC"]);
    assert_eq!(told(&all, "a.jpg"), ["what PNG's colour chunks say"]);
    assert_eq!(told(&all, "a.tif"), ["what PNG's colour chunks say"]);
    // The resolution stands in the EXIF block as well.
    assert_eq!(told(&all, "a.webp"), ["what PNG's colour chunks say", "IPTC"]);
    assert_eq!(told(&all, "a.bmp"), Vec::<&str>::new());
    let with = |set: &dyn Fn(&mut Metadata)| {
        let mut metadata = Metadata::default();
        set(&mut metadata);
        rgb8(4, 4).with_metadata(metadata)
    };
    assert_eq!(told(&with(&|m| m.resolution = Some(dpi(72.0))), "a.webp"), ["the resolution"]);
    let long = vec![b' '; 70_000];
    assert_eq!(told(&with(&|m| m.xmp = Some(long.clone())), "a.jpg"), ["XMP"]);
    assert_eq!(told(&with(&|m| m.iptc = Some(long.clone())), "a.jpg"), ["IPTC"]);
    assert_eq!(told(&with(&|m| m.exif = Some(long.clone())), "a.jpg"), ["EXIF"]);
    assert_eq!(told(&with(&|m| m.exif = Some(b"none".to_vec())), "a.tif"), ["EXIF"]);
    assert_eq!(told(&with(&|m| m.icc = Some(profile(b"GRAY"))), "a.png"), ["the colour profile"]);
    let grey = Frame::from_grey8(2, 2, &ramp8(4)).unwrap();
    let grey = grey.with_metadata(with(&|m| m.icc = Some(profile(b"GRAY"))).metadata().clone());
    assert_eq!(told(&grey, "a.tif"), Vec::<&str>::new());
    assert_eq!(told(&grey, "a.webp"), ["the colour profile"]);

    assert_eq!(told(&rgb16(2, 2), "a.jpg"), ["depth beyond 8 bits"]);
    assert_eq!(told(&rgb16(2, 2), "a.tif"), Vec::<&str>::new());
    let floats = Frame::from_rgb32f(1, 1, vec![0.5; 3]).unwrap();
    assert_eq!(told(&floats, "a.tif"), ["depth beyond 16 bits"]);
    assert_eq!(losses(&floats, Path::new("a.tif"), &options(|o| o.float = true)), Vec::<&str>::new());

    // Chunks that say sRGB say nothing that other formats do not.
    let gamma = |v: u32| color(b"gAMA", &v.to_be_bytes());
    for (colors, lost) in [
        (vec![color(b"sRGB", &[0]), gamma(45_455)], false),
        (vec![gamma(45_455)], false),
        (vec![gamma(100_000)], true),
        (vec![color(b"cICP", &[1, 13, 0, 1])], false),
        (vec![color(b"cICP", &[9, 16, 0, 1])], true),
        (vec![color(b"sRGB", &[0]), color(b"cLLI", &[0; 8])], true),
    ] {
        let frame = with(&|m| m.png_colors.clone_from(&colors));
        assert_eq!(!told(&frame, "a.jpg").is_empty(), lost, "{colors:?}");
        assert_eq!(told(&frame, "a.png"), Vec::<&str>::new());
    }
}

/// Numbers between two units come back as they were.
#[test]
fn resolution_survives_the_units() {
    let room = Room::new();
    for (x, y) in [(72.0, 72.0), (96.0, 96.0), (300.0, 150.0), (2400.0, 2400.0)] {
        let metadata = Metadata {
            resolution: Some(Resolution { x, y, unit: ResolutionUnit::Inch }),
            ..Metadata::default()
        };
        let mut frame = smooth(8, 8).with_metadata(metadata);
        for name in ["a.jpg", "a.png", "b.jpg", "b.png", "c.jpg"] {
            frame = files::read(&room.write(name, &frame).0).unwrap();
            assert_eq!(dots_an_inch(frame.metadata()), (x, y), "{name}");
        }
        assert_eq!(frame.metadata().resolution, Some(Resolution { x, y, unit: ResolutionUnit::Inch }));
    }
    let aspect = Metadata {
        resolution: Some(Resolution { x: 0.5, y: 0.25, unit: ResolutionUnit::Aspect }),
        ..Metadata::default()
    };
    let frame = smooth(8, 8).with_metadata(aspect);
    for name in ["a.jpg", "a.png"] {
        let back = files::read(&room.write(name, &frame).0).unwrap();
        let Resolution { x, y, unit } = back.metadata().resolution.unwrap();
        assert_eq!((x / y, unit), (2.0, ResolutionUnit::Aspect), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Whatever a block holds, the picture is read, what is kept is written, and its orientation is no longer noted.
    #[test]
    fn no_block_does_harm(
        big_endian in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        whole in any::<bool>(),
    ) {
        let room = Room::new();
        let mut block = camera(big_endian, false).block;
        for (at, value) in &changes {
            let length = block.len();
            block[at.index(length)] = *value;
        }
        if !whole {
            block.truncate(cut.index(block.len()));
        }
        let frame = room.read("a.png", &png_with(&[chunk(b"eXIf", &block)])).unwrap();
        for name in ["a.tif", "a.jpg"] {
            room.write(name, &frame);
        }
        if let Some(block) = &frame.metadata().exif {
            let again = room.read("b.png", &png_with(&[chunk(b"eXIf", block)])).unwrap();
            prop_assert_eq!((again.width(), again.metadata().exif.as_ref()), (3, Some(block)));
        }
    }

    /// Nor do segments.
    #[test]
    fn no_segment_does_harm(marker in 0xe0..=0xedu8, mark in 0..5usize, content in prop::collection::vec(any::<u8>(), 0..60)) {
        let room = Room::new();
        let (_, plain) = room.write("plain.jpg", &smooth(8, 8));
        let marks: [&[u8]; 5] =
            [b"JFIF\0", b"Exif\0\0II*\0", b"ICC_PROFILE\0", b"Photoshop 3.0\x008BIM\x04\x04", b"http://ns.adobe.com/xap/1.0/\0"];
        let noise = segment(marker, &[marks[mark], &content].concat());
        let frame = room.read("a.jpg", &[&plain[..2], &noise, &plain[2..]].concat()).unwrap();
        room.write("b.jpg", &frame);
    }
}
