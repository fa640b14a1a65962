//! Sampling factors, scans and odd sizes.

use std::collections::BTreeMap;
use std::path::Path;

use mprnet::Error;
use mprnet::image::{ReadOptions, from_bytes};

use super::{cjpeg, difference, djpeg};

const SAMPLINGS: [&str; 22] = [
    "1x1",
    "2x1",
    "1x2",
    "2x2",
    "4x1",
    "1x4",
    "4x2",
    "2x4",
    "4x4",
    "3x1",
    "1x3",
    "3x2",
    "2x3",
    "3x3",
    // Chroma finer than luma, and channels that differ.
    "1x1,2x1,2x1",
    "1x1,1x2,1x2",
    "1x1,2x2,2x2",
    "2x2,1x2,1x2",
    "2x2,2x1,2x1",
    "2x1,1x1,2x1",
    // No whole number of times as fine.
    "3x1,2x1,1x1",
    "3x2,1x1,2x1",
];
const SIZES: [(usize, usize); 7] = [(71, 97), (16, 16), (1, 1), (17, 8), (33, 64), (5, 3), (100, 7)];

#[test]
fn every_combination_is_read_right_or_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let scans = folder.path().join("scans.txt");
    std::fs::write(&scans, "0;\n1;\n2;\n").unwrap();
    let modes: [&[&str]; 4] =
        [&["-baseline"], &["-progressive"], &["-restart", "1B"], &["-scans", scans.to_str().unwrap()]];
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (sampling, (width, height), mode) in combinations(&modes) {
        let arguments = [&["-quality", "90", "-sample", sampling], mode].concat();
        // libjpeg makes no interleaved scans of more than ten blocks a unit, and reads no fractions.
        let Some(jpeg) = cjpeg(width, height, &arguments) else { continue };
        crate::seed(&jpeg);
        let Some(expected) = djpeg(&jpeg) else { continue };
        let name = format!("{sampling} {mode:?} {width}x{height}");
        let outcome = match from_bytes(&jpeg, Path::new("photo"), &ReadOptions::default()) {
            Ok(frame) => {
                let (_, mean) = difference(&frame, &expected);
                // Half a grey level: chroma may be enlarged otherwise than libjpeg does it.
                assert!(mean < 0.5, "{name}: a mean error of {mean}");
                "right"
            }
            Err(Error::ImageUnsupported { .. }) => "refused",
            Err(error) => panic!("{name}: {error}"),
        };
        *counts.entry(outcome).or_default() += 1;
    }
    println!("{counts:?}");
    let [right, refused] = ["right", "refused"].map(|outcome| counts.get(outcome).copied().unwrap_or(0));
    assert!(right >= 500 && right * 10 >= (right + refused) * 9, "{counts:?}");
}

fn combinations<'a>(
    modes: &'a [&'a [&'a str]],
) -> impl Iterator<Item = (&'static str, (usize, usize), &'a [&'a str])> {
    let sized = SAMPLINGS.into_iter().flat_map(|sampling| SIZES.map(|size| (sampling, size)));
    sized.flat_map(move |(sampling, size)| modes.iter().map(move |&mode| (sampling, size, mode)))
}
