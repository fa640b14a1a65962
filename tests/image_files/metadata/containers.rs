//! The segments of JPEG and the chunks of PNG that metadata are in.

use super::*;

#[test]
fn jpeg_segments() {
    let room = Room::new();
    let (_, plain) = room.write("plain.jpg", &smooth(16, 16));
    let with = |segments: &[Vec<u8>]| {
        let bytes = [&plain[..2], &segments.concat(), &plain[20..]].concat();
        room.read("a.jpg", &bytes).unwrap().metadata().clone()
    };
    assert_eq!(&plain[2..4], [0xff, 0xe0], "the header that the others replace");

    let part = |number: u8, count: u8, content: &[u8]| {
        segment(0xe2, &[b"ICC_PROFILE\0".as_slice(), &[number, count], content].concat())
    };
    // In any order, and only as a whole.
    assert_eq!(with(&[part(2, 2, b"file"), part(1, 2, b"pro")]).icc, Some(b"profile".to_vec()));
    assert_eq!(with(&[part(1, 2, b"pro")]).icc, None);
    // Some writers count the only part from 0.
    assert_eq!(with(&[part(0, 0, b"pro")]).icc, Some(b"pro".to_vec()));

    let density = |unit: u8, x: u16, y: u16| {
        let numbers = [x.to_be_bytes(), y.to_be_bytes()].concat();
        with(&[segment(0xe0, &[b"JFIF\0\x01\x02".as_slice(), &[unit], &numbers, &[0, 0]].concat())])
            .resolution
    };
    assert_eq!(density(1, 300, 300), Some(dpi(300.0)));
    assert_eq!(density(2, 118, 59), Some(Resolution { x: 118.0, y: 59.0, unit: ResolutionUnit::Centimetre }));
    assert_eq!(density(0, 2, 1), Some(Resolution { x: 2.0, y: 1.0, unit: ResolutionUnit::Aspect }));
    assert_eq!([density(0, 1, 1), density(1, 0, 0), density(9, 72, 72)], [None; 3]);

    let resource = |number: u8, name: &[u8], content: &[u8]| {
        let length = (content.len() as u32).to_be_bytes();
        let pad = vec![0; content.len() % 2];
        [
            b"8BIM\x04".as_slice(),
            &[number, name.len() as u8],
            name,
            &vec![0; (name.len() + 1) % 2],
            &length,
            content,
            &pad,
        ]
        .concat()
    };
    let resources =
        [resource(0x25, b"odd", b"xyz"), resource(0x04, b"", IPTC), resource(0x06, b"", b"-")].concat();
    let photoshop = |content: &[u8]| segment(0xed, &[b"Photoshop 3.0\0", content].concat());
    assert_eq!(with(&[photoshop(&resources)]).iptc, Some(IPTC.to_vec()));
    let (front, back) = resources.split_at(30);
    assert_eq!(with(&[photoshop(front), photoshop(back)]).iptc, Some(IPTC.to_vec()));
    assert_eq!(with(&[photoshop(front)]).iptc, None);

    let app1 = |mark: &[u8], content: &[u8]| segment(0xe1, &[mark, content].concat());
    let extension = app1(b"http://ns.adobe.com/xmp/extension/\0", &[b'A'; 60]);
    let packets = [
        extension,
        app1(b"http://ns.adobe.com/xap/1.0/\0", XMP),
        app1(b"http://ns.adobe.com/xap/1.0/\0", b"2"),
    ];
    assert_eq!(with(&packets).xmp, Some(XMP.to_vec()));
    let noted = with(&[app1(b"Exif\0\0", &upright(false))]);
    assert_eq!((noted.exif, noted.resolution), (Some(upright(false)), Some(dpi(300.0))));
}

#[test]
fn png_chunks() {
    let room = Room::new();
    let read = |bytes: &[u8]| room.read("a.png", bytes).unwrap().metadata().clone();
    let text = |flags: &[u8], language: &[u8], content: &[u8]| {
        let parts = [b"XML:com.adobe.xmp\0", flags, language, b"\0translated\0", content];
        chunk(b"iTXt", &parts.concat())
    };
    assert_eq!(read(&png_with(&[text(&[0, 0], b"en", XMP)])).xmp, Some(XMP.to_vec()));
    assert_eq!(read(&png_with(&[text(&[1, 0], b"", &zlib(XMP))])).xmp, Some(XMP.to_vec()));
    assert_eq!(read(&png_with(&[text(&[1, 0], b"", b"not packed")])).xmp, None);
    let pixels = idat(&[0, 1, 2, 3, 0, 4, 5, 6]);
    let behind = png(&[ihdr(3, 2, 8, 0), pixels, text(&[0, 0], b"", XMP)]);
    assert_eq!(read(&behind).xmp, Some(XMP.to_vec()));

    let dimensions = |x: u32, y: u32, unit: u8| {
        let content = [x.to_be_bytes().as_slice(), &y.to_be_bytes(), &[unit]].concat();
        read(&png_with(&[chunk(b"pHYs", &content)])).resolution
    };
    let centimetres = |x, y| Some(Resolution { x, y, unit: ResolutionUnit::Centimetre });
    assert_eq!(dimensions(11_811, 2835, 1), centimetres(118.11, 28.35));
    assert_eq!(dimensions(3, 2, 0), Some(Resolution { x: 3.0, y: 2.0, unit: ResolutionUnit::Aspect }));
    assert_eq!([dimensions(1, 1, 0), dimensions(0, 9, 1), dimensions(9, 9, 7)], [None; 3]);
}

/// What says which colours the samples are comes through whole and stands where it must, before the pixels.
#[test]
fn png_colour_chunks_are_kept() {
    let room = Room::new();
    let colors = [
        color(b"cICP", &[12, 13, 0, 1]),
        color(b"mDCV", &[7; 24]),
        color(b"cLLI", &[9; 8]),
        color(b"gAMA", &45_455u32.to_be_bytes()),
        color(
            b"cHRM",
            &[31_270u32, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6000].map(u32::to_be_bytes).concat(),
        ),
        color(b"sRGB", &[0]),
    ];
    let chunks: Vec<_> = colors.iter().map(|color| chunk(&color.kind, &color.content)).collect();
    let frame = room.read("a.png", &png_with(&chunks)).unwrap();
    assert_eq!(frame.metadata().png_colors, colors);
    for strip in [false, true] {
        let (_, bytes) = room.write_with("b.png", &frame, &options(|o| o.strip_metadata = strip));
        let written = chunks_of(&bytes);
        let pixels = written.iter().position(|(kind, _)| kind == b"IDAT").unwrap();
        for color in &colors {
            let at = written.iter().position(|chunk| *chunk == (color.kind, color.content.clone()));
            assert!(at.is_some_and(|at| at < pixels), "{color:?} {strip}");
        }
    }
    // Of a wrong length, or a second one of its kind.
    let odd = [chunk(b"sRGB", &[1]), chunk(b"sRGB", &[2]), chunk(b"cICP", &[1, 13, 0])];
    let frame = room.read("a.png", &png_with(&odd)).unwrap();
    assert_eq!(frame.metadata().png_colors, [color(b"sRGB", &[1])]);
}

/// A chunk that claims four gigabytes gets no room for them.
#[test]
fn webp_chunks_end_with_the_file() {
    let room = Room::new();
    let (_, mut bytes) = room.write("a.webp", &smooth(24, 16).with_metadata(everything()));
    let at = bytes.windows(4).position(|kind| kind == b"XMP ").unwrap();
    bytes[at + 4..at + 8].copy_from_slice(&[0xf0, 0xff, 0xff, 0xff]);
    let text = crate::message(room.read("a.webp", &bytes), "a.webp");
    assert!(text.contains("cut short") && !text.contains("--damaged"), "{text}");
}

/// What is lost in reading is said.
#[test]
fn profiles_that_are_not_whole_are_told() {
    let room = Room::new();
    let (_, jpeg) = room.write("a.jpg", &smooth(24, 16));
    let part = segment(0xe2, b"ICC_PROFILE\0\x01\x02pro");
    let jpeg = [&jpeg[..2], &part, &jpeg[2..]].concat();
    let png = png_with(&[chunk(b"iCCP", b"name\0\0no zlib data")]);
    for (name, bytes) in [("a.jpg", jpeg), ("a.png", png)] {
        let (frame, text) = crate::said(|| room.read(name, &bytes).unwrap());
        assert!(frame.metadata().icc.is_none());
        assert!(text.contains("its colour profile is damaged and is not kept"), "{name}: {text}");
    }
}

/// As ImageMagick writes blocks into PNG.
#[test]
fn blocks_in_hexadecimal_digits() {
    let digits = |kind: &str, block: &[u8]| {
        let lines: Vec<String> = block
            .chunks(36)
            .map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat())
            .collect();
        let text = format!("\n{kind}\n{:8}\n{}\n", block.len(), lines.join("\n"));
        chunk(b"tEXt", &[format!("Raw profile type {kind}\0").as_bytes(), text.as_bytes()].concat())
    };
    let note = [b"Exif\0\0".as_slice(), &exif(6, true)].concat();
    let resource = [b"8BIM\x04\x04\0\0\0\0\0".as_slice(), &[IPTC.len() as u8], IPTC, &[0]].concat();
    let chunks = [digits("exif", &note), digits("xmp", XMP), digits("iptc", &resource)];
    let room = Room::new();
    let frame = room.read("a.png", &png_with(&chunks)).unwrap();
    assert_eq!((frame.width(), frame.height()), (2, 3), "turned");
    let metadata = frame.metadata();
    assert!(metadata.exif.is_some());
    assert_eq!((metadata.xmp.as_deref(), metadata.iptc.as_deref()), (Some(XMP), Some(IPTC)));
    // One digit too few, and an odd one: nothing is taken from them.
    for bad in ["\nexif\n 3\n4578\n", "\nexif\n 2\n45zz\n", "\nexif\n", ""] {
        let text = chunk(b"tEXt", &[b"Raw profile type exif\0", bad.as_bytes()].concat());
        assert!(room.read("a.png", &png_with(&[text])).unwrap().metadata().exif.is_none(), "{bad:?}");
    }
}
