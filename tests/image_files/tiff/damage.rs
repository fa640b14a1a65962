//! TIFF files of which a part is missing or broken: how much is said, and what there is can be had.

use mprnet::Error;
use mprnet::image::Frame;
use proptest::prelude::*;

use super::matrix::{chunks_of, tiffcp};
use crate::build::*;
use crate::{Room, bytes_of, message, ramp8, read_damaged, said};

const WIDTH: usize = 40;

/// Forty rows of forty pixels, ten of them a strip.
fn in_strips(compression: &str) -> (Vec<u8>, Vec<u8>) {
    let room = Room::new();
    let pixels = ramp8(WIDTH * 40 * 3);
    let (from, to) = (room.path("from.tif"), room.path("to.tif"));
    std::fs::write(&from, tiff(vec![Page::rgb(40, 40, 3, &pixels)])).unwrap();
    tiffcp(&["-c", compression, "-r", "10"], &from, &to);
    // The tags to the front, where no cut reaches them.
    let strips = chunks_of(&std::fs::read(&to).unwrap(), tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS);
    let mut page = Page::rgb(40, 40, 3, &[]).with(tag::ROWS_PER_STRIP, &[10]);
    page.strips = strips;
    let number = if compression == "none" { 1 } else { 5 };
    (tiff(vec![page.with(tag::COMPRESSION, &[number])]), pixels)
}

/// The rows of a frame that are as they should be, and whether the others are grey.
fn rows_right(frame: &Frame, expected: &[u8]) -> usize {
    let rows = bytes_of(frame.samples()).chunks(WIDTH * 3).zip(expected.chunks(WIDTH * 3));
    let right = rows.clone().take_while(|(found, expected)| found == expected).count();
    assert!(rows.skip(right).all(|(found, _)| found.iter().all(|&v| v == 128)));
    right
}

#[test]
fn what_is_missing_is_said_and_the_rest_can_be_had() {
    let room = Room::new();
    let (whole, pixels) = in_strips("none");
    assert_eq!(bytes_of(room.read("a.tif", &whole).unwrap().samples()), pixels);
    // Half of the third strip, and the fourth.
    let cut = &whole[..whole.len() - WIDTH * 3 * 15];
    let result = room.read("a.tif", cut);
    assert!(matches!(result, Err(Error::ImageCutShort { .. })), "{result:?}");
    let text = message(result, "a.tif");
    assert!(text.contains("is cut short after") && text.contains("38% of the picture is missing"), "{text}");
    let (frame, text) = said(|| read_damaged(cut).unwrap());
    assert_eq!(rows_right(&frame, &pixels), 25);
    assert!(text.contains("WARN") && text.contains("38% of the picture is missing; grey"), "{text}");
    // Nothing is left of the picture.
    let header = &whole[..whole.len() - pixels.len()];
    assert!(matches!(read_damaged(header), Err(Error::ImageCutShort { .. })));
}

#[test]
fn rows_before_a_break_in_packed_data_are_kept() {
    let room = Room::new();
    let (whole, pixels) = in_strips("lzw");
    assert_eq!(bytes_of(room.read("a.tif", &whole).unwrap().samples()), pixels);
    let frame = read_damaged(&whole[..whole.len() - 300]).unwrap();
    assert!((30..40).contains(&rows_right(&frame, &pixels)));

    // A file in its full length whose last strip ends early.
    let mut page = Page::rgb(40, 40, 3, &[]).with(tag::ROWS_PER_STRIP, &[10]).with(tag::COMPRESSION, &[5]);
    page.strips = chunks_of(&whole, tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS);
    let length = page.strips[3].len();
    page.strips[3].truncate(length / 2);
    let broken = tiff(vec![page]);
    let result = room.read("a.tif", &broken);
    assert!(matches!(result, Err(Error::ImageDamaged { .. })), "{result:?}");
    let text = message(result, "a.tif");
    assert!(
        text.contains("data is damaged (1") && text.contains("% of the picture cannot be decoded)"),
        "{text}"
    );
    let (frame, text) = said(|| read_damaged(&broken).unwrap());
    assert!((31..39).contains(&rows_right(&frame, &pixels)));
    assert!(text.contains("of the picture cannot be decoded; grey stands in its place"), "{text}");
}

#[test]
fn missing_transparency_is_opaque() {
    let whole = tiff(vec![Page::rgb(2, 2, 4, &[9; 16]).with(tag::EXTRA_SAMPLES, &[2])]);
    let frame = read_damaged(&whole[..whole.len() - 8]).unwrap();
    assert_eq!(bytes_of(frame.samples()), [9, 9, 9, 9, 9, 9, 128, 128, 128, 128, 128, 128]);
    assert_eq!(bytes_of(frame.alpha().unwrap()), [9, 9, 255, 255]);
}

#[test]
fn headers_that_lie() {
    let room = Room::new();
    // Tiles far larger than the picture, and channels without end.
    let huge_tiles = Page::grey(2, 1, &[0; 8]).with(322, &[65_535]).with(323, &[65_535]);
    let channels = Page::grey(60_000, 4_000, &[0; 8]).with(tag::SAMPLES_PER_PIXEL, &[65_535]);
    let wide_tiles = Page::grey(1, 60_000, &[0; 8]).with(322, &[65_535]).with(323, &[1]);
    for page in [huge_tiles, wide_tiles, channels.with(tag::EXTRA_SAMPLES, &[0])] {
        let text = message(room.read("a.tif", &tiff(vec![page])), "a.tif");
        assert!(text.contains("would take too much memory"), "{text}");
    }
    let no_tiles = Page::grey(2, 1, &[0; 8]).with(322, &[0]).with(323, &[16]);
    let text = message(room.read("a.tif", &tiff(vec![no_tiles])), "a.tif");
    assert!(text.contains("its tiles have no pixels"), "{text}");
    // A page that is its own successor.
    let mut loops =
        tiff(vec![Page::grey(2, 1, &[5, 6]), Page::grey(2, 1, &[5, 6]).with(tag::NEW_SUBFILE_TYPE, &[1])]);
    let second = u32::from_le_bytes(loops[link_of_first(&loops)..][..4].try_into().unwrap()) as usize;
    let link = second + 2 + 12 * usize::from(u16::from_le_bytes([loops[second], loops[second + 1]]));
    loops[link..link + 4].copy_from_slice(&(second as u32).to_le_bytes());
    assert_eq!(bytes_of(room.read("a.tif", &loops).unwrap().samples()), [5, 5, 5, 6, 6, 6]);
}

/// Each strip would be read to the end for the next one to begin anew.
#[test]
fn strips_that_lie_over_each_other() {
    const STRIPS: u32 = 64;
    const EACH: u32 = 4096;
    let page =
        Page { strips: vec![vec![0x80; EACH as usize]; STRIPS as usize], ..Page::grey(1, STRIPS, &[]) };
    let mut file = tiff(vec![page.with(tag::COMPRESSION, &[32_773]).with(tag::ROWS_PER_STRIP, &[1])]);
    let first = file.len() as u32 - STRIPS * EACH;
    let table =
        |each: &dyn Fn(u32) -> u32| (0..STRIPS).flat_map(|i| each(i).to_le_bytes()).collect::<Vec<u8>>();
    let mut replace = |from: Vec<u8>, to: Vec<u8>| {
        let at = file.windows(from.len()).position(|bytes| bytes == from).unwrap();
        file[at..at + to.len()].copy_from_slice(&to);
    };
    replace(table(&|i| first + i * EACH), table(&|_| first));
    replace(table(&|_| EACH), table(&|_| STRIPS * EACH));
    let text = message(Room::new().read("a.tif", &file), "a.tif");
    assert!(text.contains("its strips lie over each other"), "{text}");
}

/// Values behind the end of the file: those of the pixels are missed, others left out.
#[test]
fn values_behind_the_end() {
    let room = Room::new();
    let with_cut = |tag: u16| {
        let mut file = tiff(vec![Page::grey(2, 1, &[5, 6]).with_bytes(tag, 1, &[0; 8])]);
        let place =
            file.windows(12).position(|e| e[..8] == [&tag.to_le_bytes()[..], &[1, 0, 8, 0, 0, 0]].concat());
        file[place.unwrap() + 8..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
        file
    };
    let (frame, text) = said(|| room.read("a.tif", &with_cut(700)));
    assert_eq!(bytes_of(frame.unwrap().samples()), [5, 5, 5, 6, 6, 6]);
    assert!(text.contains("the file ends before some of its metadata"), "{text}");
    let result = room.read("a.tif", &with_cut(tag::EXTRA_SAMPLES));
    assert!(matches!(result, Err(Error::ImageCutShort { .. })), "{result:?}");
}

fn link_of_first(file: &[u8]) -> usize {
    8 + 2 + 12 * usize::from(u16::from_le_bytes([file[8], file[9]]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever the bytes are, the answer is a frame or an error, and the decoder does not panic.
    #[test]
    fn damage_never_panics(
        compression in 0..6usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        header_only in any::<bool>(),
        keep in any::<bool>(),
    ) {
        let pixels = ramp8(19 * 13 * 3);
        let page = Page::rgb(19, 13, 3, &pixels).with(tag::ROWS_PER_STRIP, &[13]);
        let page = page.with(tag::COMPRESSION, &[[1, 5, 7, 8, 32773, 1][compression]]);
        let page = if compression == 5 { page.with(322, &[16]).with(323, &[16]) } else { page };
        let mut bytes = tiff(vec![page.with(tag::EXIF, &[8]).with(317, &[2])]);
        let range = if header_only { bytes.len() - pixels.len() } else { bytes.len() };
        for (at, value) in &changes {
            bytes[at.index(range)] = *value;
        }
        let result = if keep { read_damaged(&bytes) } else { Room::new().read("damaged", &bytes) };
        prop_assert!(!matches!(result, Err(Error::ImageDecoder { .. })), "{result:?}");
    }
}
