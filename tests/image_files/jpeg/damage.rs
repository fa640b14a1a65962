//! Files that are cut, bent or without their end.

use std::path::Path;

use mprnet::image::{Frame, ReadOptions, from_bytes};
use mprnet::{Error, Result};

use super::{cjpeg, difference, djpeg};

const SIDES: (usize, usize) = (160, 128);

/// Every way of writing the same picture.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let modes: [(&str, &[&str]); 4] = [
        ("baseline", &["-sample", "2x2"]),
        ("restarts", &["-sample", "2x1", "-restart", "3B"]),
        ("grey", &["-grayscale"]),
        ("progressive", &["-sample", "2x2", "-progressive"]),
    ];
    modes.map(|(name, arguments)| (name, cjpeg(SIDES.0, SIDES.1, arguments).unwrap())).to_vec()
}

fn read(bytes: &[u8]) -> Result<Frame> {
    from_bytes(bytes, Path::new("photo"), &ReadOptions::default())
}

fn keep(bytes: &[u8]) -> Result<Frame> {
    let options = ReadOptions { keep_damaged: true, ..ReadOptions::default() };
    from_bytes(bytes, Path::new("photo"), &options)
}

/// Where the pixels of the first scan begin.
fn pixels(jpeg: &[u8]) -> usize {
    let header = jpeg.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    header + 2 + usize::from(u16::from_be_bytes([jpeg[header + 2], jpeg[header + 3]]))
}

/// The share, in percent, that an error says is missing.
fn missing(error: &Error) -> f64 {
    let text = error.to_string();
    let percent = text.split('%').next().and_then(|before| before.rsplit(' ').next());
    percent.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn a_whole_picture_needs_no_end_marker() {
    for (name, jpeg) in files() {
        let expected = read(&jpeg).unwrap();
        for end in [&[][..], b"\xff", b"\xff\xd9 and more"] {
            let bytes = [&jpeg[..jpeg.len() - 2], end].concat();
            assert!(read(&bytes).unwrap() == expected, "{name} {end:?}");
        }
    }
}

#[test]
fn half_a_picture_is_refused_with_its_share_whether_or_not_an_end_marker_follows() {
    for (name, jpeg) in files().into_iter().filter(|(name, _)| *name != "progressive") {
        let begin = pixels(&jpeg);
        for share in [0.25, 0.5, 0.75] {
            let cut = begin + ((jpeg.len() - begin) as f64 * share) as usize;
            for end in [&[][..], b"\xff\xd9"] {
                let bytes = [&jpeg[..cut], end].concat();
                let Err(error @ Error::ImageCutShort { .. }) = read(&bytes) else { panic!("{name}") };
                // The pattern takes about as many bytes everywhere.
                let expected = 100.0 * (1.0 - share);
                assert!((missing(&error) - expected).abs() < 12.0, "{name} {share}: {error}");
            }
        }
    }
}

#[test]
fn what_is_there_is_kept_and_the_rest_is_grey() {
    for (name, jpeg) in files() {
        let whole = djpeg(&jpeg).unwrap();
        let begin = pixels(&jpeg);
        for share in [0.1, 0.5, 0.9] {
            let cut = begin + ((jpeg.len() - begin) as f64 * share) as usize;
            let Ok(kept) = keep(&jpeg[..cut]) else { panic!("{name} {share}") };
            let rows = |from: usize, to: usize| {
                let range = from * SIDES.0 * 3..to * SIDES.0 * 3;
                let mprnet::image::Samples::U8(samples) = kept.samples() else { panic!() };
                let differences = samples[range.clone()].iter().zip(&whole[range.clone()]);
                differences.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / range.len() as f64
            };
            if name == "progressive" {
                // Coarse at first, over the whole picture.
                assert!(share < 0.5 || rows(0, SIDES.1) < 30.0, "{name} {share}");
                continue;
            }
            // A unit is 16 rows; the last one there may be bent.
            let there = (SIDES.1 as f64 * share) as usize / 16 * 16;
            assert!(there < 32 || rows(0, there - 16) < 1.0, "{name} {share}: {}", rows(0, there - 16));
            let mprnet::image::Samples::U8(samples) = kept.samples() else { panic!() };
            assert!(samples.ends_with(&[128; 3 * 8]), "{name} {share}");
        }
    }
}

/// Each block is as it was, or grey: none is shown of which a part is missing.
#[test]
fn no_block_is_bent_where_a_file_ends() {
    let (_, jpeg) = files().swap_remove(2);
    let whole = read(&jpeg).unwrap().to_rgb8();
    let block = |rgb: &[u8], (left, top): (usize, usize)| {
        (top..top + 8).flat_map(|y| rgb[3 * (y * SIDES.0 + left)..][..3 * 8].to_vec()).collect::<Vec<u8>>()
    };
    let places =
        || (0..SIDES.1).step_by(8).flat_map(|top| (0..SIDES.0).step_by(8).map(move |left| (left, top)));
    for end in (pixels(&jpeg) + 40..jpeg.len() - 2).step_by(11) {
        let kept = keep(&jpeg[..end]).unwrap().to_rgb8();
        for place in places() {
            let found = block(&kept, place);
            assert!(found == block(&whole, place) || found == [128; 3 * 64], "{end}: {place:?}");
        }
    }
}

/// Such a segment has not even room for its own length; the file does not end there.
#[test]
fn a_segment_of_no_length_is_damage() {
    let (_, jpeg) = files().swap_remove(0);
    for length in [0, 1] {
        let bytes = [&jpeg[..2], &[0xff, 0xe1, 0, length], &jpeg[2..]].concat();
        let result = read(&bytes);
        assert!(matches!(result, Err(Error::ImageDamaged { .. })), "{result:?}");
    }
}

#[test]
fn an_interval_that_is_damaged_costs_no_other() {
    let (_, jpeg) = files().swap_remove(1);
    let whole = djpeg(&jpeg).unwrap();
    let begin = pixels(&jpeg);
    let markers: Vec<usize> = (begin..jpeg.len() - 1)
        .filter(|&at| jpeg[at] == 0xff && matches!(jpeg[at + 1], 0xd0..=0xd7))
        .collect();
    let damaged = |from: usize, to: usize, instead: &[u8]| [&jpeg[..from], instead, &jpeg[to..]].concat();
    let variants = [
        // All-ones codes, which no Huffman table has.
        damaged(markers[4] + 4, markers[5], &[0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0]),
        // Two intervals that are gone.
        damaged(markers[4], markers[6], &[]),
        damaged(markers[4] + 2, markers[5], &[]),
    ];
    for (number, bytes) in variants.iter().enumerate() {
        let error = read(bytes).unwrap_err();
        assert!(matches!(error, Error::ImageDamaged { .. } | Error::ImageCutShort { .. }), "{error}");
        assert!((0.5..20.0).contains(&missing(&error)), "{number}: {error}");
        let kept = keep(bytes).unwrap();
        let (_, mean) = difference(&kept, &whole);
        assert!(mean < 12.0, "{number}: {mean}");
        let mprnet::image::Samples::U8(samples) = kept.samples() else { panic!() };
        let last = samples.len() - SIDES.0 * 3 * 32;
        assert!(
            samples[last..] == *read(&jpeg).map(|f| f.to_rgb8()).unwrap().get(last..).unwrap(),
            "{number}"
        );
    }
}

/// The bits of every third byte that holds pixels are turned around, one after the other: whatever is refused is kept
/// where that is asked for, unless a header between scans is hit that nothing can be decoded without.
#[test]
fn damage_anywhere_ends_in_a_picture_or_in_an_error() {
    for (name, jpeg) in files() {
        let (mut kept, mut lost) = (0, 0);
        for at in (pixels(&jpeg)..jpeg.len() - 2).step_by(3) {
            let mut bytes = jpeg.clone();
            bytes[at] ^= 0x55;
            match (read(&bytes), keep(&bytes)) {
                (Ok(a), Ok(b)) => assert!(a == b, "{name} {at}"),
                (Err(Error::ImageDamaged { .. } | Error::ImageCutShort { .. }), Ok(b)) => {
                    assert_eq!((b.width() as usize, b.height() as usize), SIDES, "{name} {at}");
                    kept += 1;
                }
                (Err(Error::ImageDamaged { .. }), Err(Error::ImageDamaged { .. })) => lost += 1,
                (a, b) => panic!("{name} {at}: {a:?}, {b:?}"),
            }
        }
        println!("{name}: of damaged files that are noticed, {kept} are kept and {lost} are not");
        assert!(lost * 20 <= kept, "{name}: {kept} {lost}");
    }
}

/// The picture in a scan for each channel, and where each scan begins.
fn apart() -> (Vec<u8>, Vec<usize>) {
    let folder = tempfile::tempdir().unwrap();
    let scans = folder.path().join("scans.txt");
    std::fs::write(&scans, "0;\n1;\n2;\n").unwrap();
    let jpeg = cjpeg(SIDES.0, SIDES.1, &["-sample", "2x2", "-scans", scans.to_str().unwrap()]).unwrap();
    let places = (0..jpeg.len()).filter(|&at| jpeg[at..].starts_with(&[0xff, 0xda])).collect();
    (jpeg, places)
}

#[test]
fn a_channel_that_is_not_there_costs_its_colour_alone() {
    let (jpeg, places) = apart();
    let whole = read(&jpeg).unwrap();
    for end in [&[][..], b"\xff\xd9"] {
        let bytes = [&jpeg[..places[1]], end].concat();
        let Err(error @ Error::ImageCutShort { .. }) = read(&bytes) else { panic!("{end:?}") };
        // Each of the two has a quarter of the luma's blocks.
        assert!((missing(&error) - 33.3).abs() < 1.0, "{error}");
        let kept = keep(&bytes).unwrap();
        let luma = |frame: &Frame| {
            let rgb = frame.to_rgb8();
            let grey = |pixel: &[u8; 3]| {
                0.299 * f64::from(pixel[0]) + 0.587 * f64::from(pixel[1]) + 0.114 * f64::from(pixel[2])
            };
            rgb.as_chunks().0.iter().map(grey).collect::<Vec<_>>()
        };
        let errors = luma(&kept).into_iter().zip(luma(&whole)).map(|(a, b)| (a - b).abs());
        // Strong colours are cut off at black and white.
        assert!(errors.sum::<f64>() / ((SIDES.0 * SIDES.1) as f64) < 12.0);
    }
}

#[test]
fn a_picture_without_a_block_is_none() {
    for (name, jpeg) in files() {
        let bytes = &jpeg[..pixels(&jpeg)];
        for result in [read(bytes), keep(bytes)] {
            let error = result.expect_err(name);
            assert!(!error.to_string().contains("--damaged"), "{error}");
        }
    }
}

/// Small files that could keep a processor busy for hours: they are given up at a repetition.
#[test]
fn work_has_a_bound() {
    let huge = |mut jpeg: Vec<u8>| {
        let frame = jpeg.windows(2).position(|pair| matches!(pair, [0xff, 0xc0..=0xc2])).unwrap();
        jpeg[frame + 5..frame + 9].copy_from_slice(&[0x40, 0, 0x40, 0]);
        jpeg
    };
    let (apart, places) = apart();
    let scan = &apart[places[0]..places[0] + 10];
    let again = [&huge(apart[..places[0]].to_vec())[..], &scan.repeat(490)].concat();
    for result in [read(&again), keep(&again)] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains("100.0% of the picture is missing"), "{error}");
    }
}
