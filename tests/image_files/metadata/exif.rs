//! EXIF blocks: made upright in place, and harmless where they are damaged.

use crate::Room;
use crate::build::*;

use super::png_with;

/// An odd number of bytes.
pub const MAKER_NOTE: &[u8] = b"Maker\0II*\0\x08\0\0\0 offsets from the block's start: 0x8E";

/// Where each thing of an EXIF block stands, and the block.
pub struct Sample {
    pub block: Vec<u8>,
    orientation_at: usize,
    thumbnail_at: usize,
    second_directory_at: usize,
}

/// A block as a camera writes it: a picture on its side, a maker's note, a position, and a thumbnail.
pub fn camera(big_endian: bool, orientation_as_long: bool) -> Sample {
    let short = |v: u16| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let long = |v: u32| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let ratio = |n: u32, d: u32| [long(n), long(d)].concat();
    let (wide, narrow) = (long(6), short(6));
    let orientation: Value = if orientation_as_long { (0x112, 4, &wide) } else { (0x112, 3, &narrow) };
    let (resolution, unit) = (ratio(300, 1), short(2));
    let image = |exif: &[u8], gps: &[u8], next| {
        let values = [
            (0x10f, 2, b"Maker of cameras\0".as_slice()),
            orientation,
            (0x11a, 5, &resolution),
            (0x11b, 5, &resolution),
            (0x128, 3, &unit),
            (0x8769, 4, exif),
            (0x8825, 4, gps),
        ];
        exif_directory(big_endian, 8, &values, next)
    };
    let exif_at = 8 + image(&[0; 4], &[0; 4], 0).len();
    let comment = [b"UNICODE\0".as_slice(), &short(u16::from(b'h')), &short(0xe9)].concat();
    let values: [Value; 4] = [
        (0x829a, 5, &ratio(1, 250)),
        (0x8827, 3, &short(400)),
        (0x927c, 7, MAKER_NOTE),
        (0x9286, 7, &comment),
    ];
    let exif = exif_directory(big_endian, exif_at, &values, 0);
    let gps_at = exif_at + exif.len();
    let degrees = [ratio(52, 1), ratio(31, 1), ratio(12, 1)].concat();
    let gps = exif_directory(big_endian, gps_at, &[(1, 2, b"N\0"), (2, 5, &degrees)], 0);
    let second_at = gps_at + gps.len();
    let picture = b"\xff\xd8 the picture as it was \xff\xd9";
    let second = |at: usize| {
        let (kind, at, length) = (short(6), long(at as u32), long(picture.len() as u32));
        exif_directory(big_endian, second_at, &[(0x103, 3, &kind), (0x201, 4, &at), (0x202, 4, &length)], 0)
    };
    let thumbnail_at = second_at + second(0).len();
    let image = image(&long(exif_at as u32), &long(gps_at as u32), second_at as u32);
    let header = if big_endian { b"MM\0*\0\0\0\x08" } else { b"II*\0\x08\0\0\0" };
    let block = [header, image.as_slice(), &exif, &gps, &second(thumbnail_at), picture].concat();
    Sample { block, orientation_at: 8 + 2 + 12 + 8, thumbnail_at, second_directory_at: second_at }
}

/// The camera's block as a frame has it.
pub fn upright(big_endian: bool) -> Vec<u8> {
    let room = Room::new();
    let frame = room.read("a.png", &png_with(&[chunk(b"eXIf", &camera(big_endian, false).block)])).unwrap();
    frame.metadata().exif.clone().unwrap()
}

#[test]
fn exif_is_made_upright_in_place() {
    let room = Room::new();
    for big_endian in [false, true] {
        for as_long in [false, true] {
            let Sample { block, orientation_at, thumbnail_at, second_directory_at } =
                camera(big_endian, as_long);
            let frame = room.read("a.png", &png_with(&[chunk(b"eXIf", &block)])).unwrap();
            assert_eq!((frame.width(), frame.height()), (2, 3), "turned");
            let kept = frame.metadata().exif.as_ref().unwrap();
            let one: &[u8] = match (as_long, big_endian) {
                (false, false) => &[1, 0],
                (false, true) => &[0, 1],
                (true, false) => &[1, 0, 0, 0],
                (true, true) => &[0, 0, 0, 1],
            };
            assert_eq!(&kept[orientation_at..][..one.len()], one);
            // Nothing of the second directory is left, nor the way to it; the rest is as it was.
            assert!(thumbnail_at > second_directory_at);
            let mut expected = block[..second_directory_at].to_vec();
            expected[orientation_at..][..one.len()].copy_from_slice(one);
            // The picture is turned: its two resolutions have changed places.
            let resolution_at = 8 + 2 + 2 * 12 + 2;
            (0..10).for_each(|i| expected.swap(resolution_at + i, resolution_at + 12 + i));
            let next_at = 8 + 2 + 7 * 12;
            expected[next_at..next_at + 4].fill(0);
            assert_eq!(kept, &expected);
            let note_at = block.windows(MAKER_NOTE.len()).position(|window| window == MAKER_NOTE).unwrap();
            assert_eq!(&kept[note_at..][..MAKER_NOTE.len()], MAKER_NOTE);
        }
    }
}

/// A thumbnail that is not the last in the block leaves blank space, so that what is behind it keeps its place.
#[test]
fn what_is_behind_a_thumbnail_keeps_its_place() {
    let room = Room::new();
    let Sample { mut block, second_directory_at, .. } = camera(true, false);
    let length = block.len();
    block.extend_from_slice(b"the maker's own");
    let frame = room.read("a.png", &png_with(&[chunk(b"eXIf", &block)])).unwrap();
    let kept = frame.metadata().exif.as_ref().unwrap();
    assert!(kept[second_directory_at..length].iter().all(|byte| *byte == 0));
    assert_eq!(&kept[length..], b"the maker's own");
}

/// An uncompressed thumbnail in two strips, with something between them that is not its own.
#[test]
fn every_strip_of_a_thumbnail_goes() {
    let room = Room::new();
    let image = exif_directory(false, 8, &[(0x112, 3, &[1, 0])], 8 + 18);
    let second = |strips: [u32; 2]| {
        let [at, lengths] = [strips, [6, 4]].map(|numbers| numbers.map(u32::to_le_bytes).concat());
        exif_directory(false, 8 + 18, &[(0x111, 4, &at), (0x117, 4, &lengths)], 0)
    };
    let strips_at = (8 + 18 + second([0; 2]).len()) as u32;
    let header = b"II*\0\x08\0\0\0";
    let own = [header, image.as_slice(), &second([strips_at, strips_at + 9])].concat();
    let frame = [own.as_slice(), b"secretthesame!"].concat();
    let frame = room.read("a.png", &png_with(&[chunk(b"eXIf", &frame)])).unwrap();
    let kept = frame.metadata().exif.as_ref().unwrap();
    assert_eq!(&kept[strips_at as usize..], b"\0\0\0\0\0\0the\0\0\0\0!");
}

/// Blocks that no reader could follow: not kept, and no harm to the picture.
#[test]
fn damaged_exif_is_not_kept() {
    let room = Room::new();
    let whole = camera(false, false).block;
    let beyond = [&whole[..4], &[0xff, 0xff, 0, 0], &whole[8..]].concat();
    let blocks: [&[u8]; 6] =
        [b"", b"II*\0", &beyond, &whole[..30], b"MM\0*\xff\xff\xff\xff", b"no block at all"];
    for block in blocks {
        let frame = room.read("a.png", &png_with(&[chunk(b"eXIf", block)])).unwrap();
        assert_eq!((frame.width(), frame.metadata().exif.as_ref()), (3, None));
    }
}

/// Directories that lead to themselves or into each other.
#[test]
fn loops_in_exif_end() {
    let room = Room::new();
    let eight = 8u32.to_le_bytes();
    let values = [(0x112, 3, [6, 0].as_slice()), (0x201, 4, &[8, 0, 0, 0]), (0x202, 4, &[9, 0, 0, 0])];
    let more = [(0x8769, 4, eight.as_slice()), (0x8825, 4, &eight), (0xa005, 4, &eight)];
    let directory = exif_directory(false, 8, &[values, more].concat(), 8);
    let block = [b"II*\0\x08\0\0\0", directory.as_slice()].concat();
    let frame = room.read("a.png", &png_with(&[chunk(b"eXIf", &block)])).unwrap();
    let kept = frame.metadata().exif.clone().unwrap();
    // The directory is not taken for a thumbnail of its own.
    assert_eq!(kept.len(), block.len());
    assert_eq!(kept[8 + 2 + 8..][..4], [1, 0, 0, 0]);
    room.write("a.tif", &frame);
}

/// What is so many pixels wide is so many high when it is turned.
#[test]
fn width_and_height_change_places_with_the_picture() {
    let room = Room::new();
    let rational = |n: u32| [n.to_be_bytes(), 1u32.to_be_bytes()].concat();
    let block = |orientation: u8| {
        let turn = [0, orientation];
        let (x, y) = (rational(300), rational(150));
        let image = |exif: &[u8]| {
            let sides: [Value; 2] = [(0x100, 3, &[0, 3]), (0x101, 4, &[0, 0, 0, 2])];
            let values: [Value; 4] = [(0x112, 3, &turn), (0x11a, 5, &x), (0x11b, 5, &y), (0x8769, 4, exif)];
            exif_directory(true, 8, &[&sides[..], &values].concat(), 0)
        };
        let at = 8 + image(&[0; 4]).len();
        let exif = exif_directory(true, at, &[(0xa002, 3, &[0, 3]), (0xa003, 4, &[0, 0, 0, 2])], 0);
        [b"MM\0*\0\0\0\x08", image(&(at as u32).to_be_bytes()).as_slice(), &exif].concat()
    };
    for (orientation, x, y) in [(1, 300.0, 150.0), (3, 300.0, 150.0), (6, 150.0, 300.0), (5, 150.0, 300.0)] {
        let note = chunk(b"eXIf", &block(orientation));
        let frame = room.read("a.png", &png_with(&[note])).unwrap();
        let resolution = frame.metadata().resolution.unwrap();
        assert_eq!((resolution.x, resolution.y), (x, y), "{orientation}");
        let kept = frame.metadata().exif.as_ref().unwrap();
        for tag in [[0xa0, 2], [1, 0]] {
            let width = [&tag[..], &[0, 3, 0, 0, 0, 1, 0, 3]].concat();
            assert_eq!(kept.windows(10).any(|window| window == width), x > y, "{orientation}");
        }
        // The chunk of PNG likewise.
        let dots = chunk(b"pHYs", &[&11_811u32.to_be_bytes()[..], &5906u32.to_be_bytes(), &[1]].concat());
        let frame = room.read("a.png", &png_with(&[dots, chunk(b"eXIf", &block(orientation))])).unwrap();
        let resolution = frame.metadata().resolution.unwrap();
        assert_eq!(resolution.x > resolution.y, x > y, "{orientation}");
    }
}
