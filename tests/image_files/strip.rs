//! Pictures side by side: every sample at its place, labels above, nothing else.

use std::path::Path;

use mprnet::Error;
use mprnet::image::{self, Frame, MAX_PIXELS};

use crate::{bytes_of, icc, ramp8, ramp16, rgb8};

/// Of labels on pictures up to 562 pixels high: a letter's width, the band's height, the gap's width.
const LETTER: usize = 9;
const BAND: usize = 21;
const GAP: usize = 4;

const WHITE: [u8; 3] = [255; 3];
const BLACK: [u8; 3] = [0; 3];

/// A strip's pixels.
struct Pixels {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Pixels {
    fn of(panels: &[(&str, &Frame)]) -> Pixels {
        let strip = image::strip(panels).unwrap();
        assert!(strip.alpha().is_none() && !strip.is_grey());
        image::check_strip(panels, Path::new("strip.png")).unwrap();
        let (width, height) = (strip.width() as usize, strip.height() as usize);
        Pixels { width, height, rgb: bytes_of(strip.samples()).to_vec() }
    }

    /// The rectangle's samples, row by row.
    fn part(&self, x: usize, y: usize, width: usize, height: usize) -> Vec<u8> {
        let row = |y: usize| &self.rgb[(y * self.width + x) * 3..][..width * 3];
        (y..y + height).flat_map(row).copied().collect()
    }

    fn is_white(&self, x: usize, y: usize, width: usize, height: usize) -> bool {
        self.part(x, y, width, height).iter().all(|&v| v == 255)
    }

    #[track_caller]
    fn holds(&self, picture: &[u8], x: usize, y: usize, width: usize) {
        assert!(self.part(x, y, width, picture.len() / 3 / width) == picture, "not at ({x}, {y})");
    }

    /// The rectangle's ink, as points relative to it; there is nothing but ink and paper.
    fn ink(&self, x: usize, y: usize, width: usize, height: usize) -> Vec<(usize, usize)> {
        let part = self.part(x, y, width, height);
        let dots = part.as_chunks::<3>().0.iter().enumerate();
        assert!(dots.clone().all(|(_, dot)| *dot == BLACK || *dot == WHITE));
        dots.filter(|(_, dot)| **dot == BLACK).map(|(i, _)| (i % width, i / width)).collect()
    }
}

fn rgb_of(width: u32, height: u32, first: u8) -> Frame {
    let samples = ramp8((width * height * 3) as usize).into_iter().map(|v| v.wrapping_add(first));
    Frame::from_rgb8(width, height, samples.collect()).unwrap()
}

#[test]
fn pictures_are_copied_to_their_columns() {
    let (a, b, c) = (rgb_of(61, 33, 0), rgb_of(70, 33, 40), rgb_of(61, 33, 90));
    let strip = Pixels::of(&[("input", &a), ("output", &b), ("target", &c)]);
    assert_eq!((strip.width, strip.height), (61 + GAP + 70 + GAP + 61, BAND + 33));
    let (second, third) = (61 + GAP, 61 + GAP + 70 + GAP);
    strip.holds(&a.to_rgb8(), 0, BAND, 61);
    strip.holds(&b.to_rgb8(), second, BAND, 70);
    strip.holds(&c.to_rgb8(), third, BAND, 61);
    for gap in [61, third - GAP] {
        assert!(strip.is_white(gap, 0, GAP, strip.height));
    }
}

#[test]
fn labels_stand_above_their_pictures() {
    let picture = rgb8(80, 20);
    let strip = Pixels::of(&[("input", &picture), ("to", &picture)]);
    let second = 80 + GAP;
    for (left, label) in [(0, "input"), (second, "to")] {
        for (at, letter) in label.chars().enumerate() {
            let ink = strip.ink(left + at * LETTER, 0, LETTER, BAND);
            assert!(ink.len() > 10, "{letter} of {label} has {} dots", ink.len());
        }
        let end = label.len() * LETTER;
        assert!(strip.is_white(left + end, 0, 80 - end, BAND), "ink behind {label}");
    }
    assert!(strip.is_white(0, 0, strip.width, 3) && strip.is_white(0, BAND - 3, strip.width, 3));
    // The same letter is the same dots wherever it stands.
    assert_eq!(strip.ink(4 * LETTER, 0, LETTER, BAND), strip.ink(second, 0, LETTER, BAND));
    assert_ne!(strip.ink(0, 0, LETTER, BAND), strip.ink(LETTER, 0, LETTER, BAND));
}

#[test]
fn labels_grow_with_the_pictures() {
    let label = "in";
    let dots = |dot: usize, tall: u32| {
        let picture = rgb8(64, tall);
        let strip = Pixels::of(&[(label, &picture), (label, &picture)]);
        let (band, gap) = (BAND * dot, GAP * dot);
        assert_eq!((strip.width, strip.height), (128 + gap, band + tall as usize), "{tall}");
        strip.holds(&picture.to_rgb8(), 64 + gap, band, 64);
        strip.ink(0, 0, LETTER * label.len() * dot, band)
    };
    let small = dots(1, 562);
    assert_eq!(dots(1, 1), small);
    for (dot, tall) in [(2, 563), (2, 937), (3, 938)] {
        let large: Vec<_> = dots(dot, tall);
        assert_eq!(large.len(), small.len() * dot * dot);
        assert!(large.iter().all(|&(x, y)| small.contains(&(x / dot, y / dot))), "{tall}");
    }
}

#[test]
fn narrow_pictures_get_columns_as_wide_as_their_labels() {
    for (width, height) in [(1, 1), (5, 3), (44, 2)] {
        let picture = rgb8(width, height);
        let strip = Pixels::of(&[("input", &picture), ("output", &picture)]);
        let (width, height) = (width as usize, height as usize);
        let second = 5 * LETTER + GAP;
        assert_eq!((strip.width, strip.height), (second + 6 * LETTER, BAND + height));
        strip.holds(&picture.to_rgb8(), 0, BAND, width);
        strip.holds(&picture.to_rgb8(), second, BAND, width);
        assert!(strip.is_white(width, BAND, second - width, height));
        assert!(strip.is_white(second + width, BAND, strip.width - second - width, height));
    }
}

#[test]
fn one_panel_and_many() {
    let picture = rgb8(3, 2);
    assert_eq!(Pixels::of(&[("", &picture)]).width, 3);
    let strip = Pixels::of(&[("a", &picture); 100]);
    assert_eq!(strip.width, 100 * LETTER + 99 * GAP);
    for at in 0..100 {
        strip.holds(&picture.to_rgb8(), at * (LETTER + GAP), BAND, 3);
    }
}

/// One letter in one line for every character, also for those that the font has not.
#[test]
fn labels_of_any_characters() {
    let picture = rgb8(100, 3);
    let unknown = Pixels::of(&[("?????", &picture)]);
    for label in ["\u{e9}\u{4e16}\u{1f408}\u{2028}\u{301}", "\n\r\t\0\u{7f}"] {
        let strip = Pixels::of(&[(label, &picture)]);
        assert!(strip.rgb == unknown.rgb, "{label:?}");
    }
}

#[test]
fn other_kinds_of_pictures_become_8_bit_rgb() {
    let deep = Frame::from_rgb16(10, 4, ramp16(120)).unwrap().with_alpha16(ramp16(40)).unwrap();
    let grey = Frame::from_grey8(10, 4, &ramp8(40)).unwrap();
    let strip = Pixels::of(&[("a", &deep), ("b", &grey)]);
    strip.holds(&deep.to_rgb8(), 0, BAND, 10);
    let expanded: Vec<u8> = ramp8(40).into_iter().flat_map(|v| [v; 3]).collect();
    strip.holds(&expanded, 10 + GAP, BAND, 10);
}

#[test]
fn a_profile_is_kept_where_it_describes_all() {
    let with = |profile: &[u8]| rgb8(2, 2).with_metadata(icc(profile.to_vec()));
    let (a, b, none) = (with(b"one"), with(b"two"), rgb8(2, 2));
    let profile = |other: &Frame| image::strip(&[("a", &a), ("b", other)]).unwrap().metadata().icc.clone();
    assert_eq!(profile(&a), Some(b"one".to_vec()));
    assert_eq!((profile(&b), profile(&none)), (None, None));
}

#[track_caller]
fn refused(panels: &[(&str, &Frame)], words: &str) {
    let error = image::strip(panels).unwrap_err();
    assert!(matches!(error, Error::Strip { .. }) && error.to_string().contains(words), "{error}");
    let early = image::check_strip(panels, Path::new("strip.png")).unwrap_err();
    assert_eq!(early.to_string(), error.to_string());
}

#[test]
fn panels_that_do_not_go_together() {
    let (low, high) = (rgb8(4, 5), rgb8(4, 6));
    refused(&[], "there are none");
    refused(&[("input", &low), ("output", &low), ("target", &high)], "\"target\" is 6 pixels high");
    refused(&[("input", &high), ("output", &low)], "\"output\" is 5 pixels high and \"input\" 6");
}

#[test]
fn strips_beyond_the_limit() {
    let wide = rgb8(100_000, 1);
    let fits = MAX_PIXELS / (100_000 + GAP as u64) / (BAND as u64 + 1);
    let panels = vec![("", &wide); fits as usize + 1];
    let words = format!("x 22 pixels and the limit is {MAX_PIXELS} in all; scale");
    refused(&panels, &words);
    image::check_strip(&panels[..fits as usize], Path::new("strip.png")).unwrap();
    // Labels take room as well.
    refused(&[(&"i".repeat(2_000_000), &rgb8(1, 1))], "scale the pictures down");
}

#[test]
fn strips_that_a_format_has_no_room_for() {
    let wide = rgb8(40_000, 1);
    let panels = [("input", &wide), ("output", &wide)];
    let refusal = |name: &str| image::check_strip(&panels, Path::new(name)).unwrap_err().to_string();
    assert!(refusal("s.jpg").contains("JPEG holds at most 65535 pixels a side"), "{}", refusal("s.jpg"));
    assert!(refusal("s.webp").contains("at most 16383"));
    assert!(refusal("s.bmp").contains("the name must end in"));
    image::check_strip(&panels, Path::new("s.tiff")).unwrap();
}

#[test]
fn eight_bits_are_the_nearest_of_sixteen() {
    let all: Vec<u16> = (0..=u16::MAX).flat_map(|v| [v; 3]).collect();
    let rgb = Frame::from_rgb16(256, 256, all).unwrap().to_rgb8();
    for (v, pixel) in rgb.as_chunks::<3>().0.iter().enumerate() {
        let nearest = (v as f64 / 257.0).round() as u8;
        assert_eq!(*pixel, [nearest; 3], "{v}");
    }
}

/// A restored grey picture has three channels that differ a little; what is written and shown is their luma.
#[test]
fn grey_is_shown_as_it_is_written() {
    let grey = Frame::from_grey8(5, 4, &[7; 20]).unwrap();
    let coloured = grey.with_samples(rgb8(5, 4).samples().clone()).unwrap();
    let room = crate::Room::new();
    let (path, _) = room.write("grey.png", &coloured);
    let written = image::read(&path).unwrap();
    assert_eq!(coloured.to_rgb8(), bytes_of(written.samples()));
    assert_ne!(coloured.to_rgb8(), rgb8(5, 4).to_rgb8());
}
