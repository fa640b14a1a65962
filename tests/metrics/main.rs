//! PSNR and SSIM against the scores of `tools/metrics_reference.py`, and what follows from their definitions.

mod definitions;

use std::path::PathBuf;

use mprnet::image::{self, Frame};
use mprnet::metrics::{Protocol, Score, luma, score};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    pairs: Vec<Pair>,
    luma: String,
}

#[derive(Deserialize)]
struct Pair {
    image: String,
    target: String,
    rgb: Expected,
    y: Expected,
}

#[derive(Deserialize)]
struct Expected {
    psnr: Decibels,
    ssim: f64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Decibels {
    Number(f64),
    Text(String),
}

impl Decibels {
    fn value(&self) -> f64 {
        match self {
            Self::Number(value) => *value,
            Self::Text(text) => text.parse().unwrap(),
        }
    }
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

fn golden() -> Golden {
    serde_json::from_slice(&std::fs::read(path("metrics.json")).unwrap()).unwrap()
}

fn frame(name: &str) -> Frame {
    image::read(&path("metrics").join(name)).unwrap()
}

#[track_caller]
fn assert_score(what: &str, actual: Score, expected: &Expected) {
    let (psnr, ssim) = (expected.psnr.value(), expected.ssim);
    // The difference of infinities is none.
    let apart = if actual.psnr == psnr { 0.0 } else { (actual.psnr - psnr).abs() };
    println!("{what}: {apart:.1e} dB, SSIM {:.1e}", (actual.ssim - ssim).abs());
    assert!(apart <= 1e-4, "{what}: {} dB where the reference has {psnr}", actual.psnr);
    assert!((actual.ssim - ssim).abs() <= 1e-5, "{what}: SSIM {} is {ssim}", actual.ssim);
}

#[test]
fn scores_are_those_of_the_reference() {
    let pairs = golden().pairs;
    assert_eq!(pairs.len(), 11);
    for pair in pairs {
        let (image, target) = (frame(&pair.image), frame(&pair.target));
        for (protocol, expected) in [(Protocol::Rgb, &pair.rgb), (Protocol::Y, &pair.y)] {
            let what = format!("{} by {}", pair.image, protocol.name());
            assert_score(&what, score(&image, &target, protocol).unwrap(), expected);
        }
    }
}

/// Corners of the colour cube, ties of the rounding and random colours.
#[test]
fn luma_is_that_of_the_reference() {
    let list = golden().luma;
    let row = |row: &str| -> [u8; 4] {
        let values: Vec<u8> = row.split_whitespace().map(|value| value.parse().unwrap()).collect();
        values.try_into().unwrap()
    };
    let rows: Vec<[u8; 4]> = list.split(';').map(row).collect();
    assert!(rows.len() > 1000);
    for [r, g, b, y] in rows {
        assert_eq!(luma([r, g, b]), y, "{r} {g} {b}");
    }
}
