//! JPEG as others write it: every combination of sampling factors and kinds of scans, and files that are not whole.
//!
//! Files are made by `cjpeg` and judged by `djpeg`, of libjpeg-turbo, which the set-up of the tests installs.

mod damage;
mod kinds;
mod matrix;

use std::io::Write;
use std::process::{Command, Stdio};

use mprnet::image::{Frame, Samples};

/// A smooth pattern with all colours in it.
fn pattern(width: usize, height: usize) -> Vec<u8> {
    let value = |x: usize, y: usize, channel: usize| {
        let phase = (x * (channel + 1) + 2 * y) as f64 / (19 + 5 * channel) as f64;
        (128.0 + 100.0 * phase.sin()) as u8
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    pixels.flat_map(|(x, y)| (0..3).map(move |channel| value(x, y, channel))).collect()
}

/// What a program of libjpeg-turbo makes of these bytes; `None` where it refuses them.
fn run(program: &str, arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let spawned = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.unwrap_or_else(|e| {
        panic!("{program} cannot be run ({e}): install libjpeg-turbo-progs, as tools/test.sh does")
    });
    let mut stdin = child.stdin.take().unwrap();
    let written = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).ok());
        child.wait_with_output().unwrap()
    });
    // A warning counts as a refusal: the file is not as it should be.
    (written.status.success() && written.stderr.is_empty()).then_some(written.stdout)
}

/// The pattern as a JPEG, by these arguments.
fn cjpeg(width: usize, height: usize, arguments: &[&str]) -> Option<Vec<u8>> {
    let header = format!("P6\n{width} {height}\n255\n").into_bytes();
    run("cjpeg", arguments, &[header, pattern(width, height)].concat())
}

/// The pixels of a JPEG by libjpeg.
fn djpeg(jpeg: &[u8]) -> Option<Vec<u8>> {
    let ppm = run("djpeg", &["-rgb"], jpeg)?;
    let header = ppm.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(2)?.0;
    Some(ppm[header + 1..].to_vec())
}

/// The largest and the mean difference from what libjpeg makes of it.
fn difference(frame: &Frame, expected: &[u8]) -> (u8, f64) {
    let Samples::U8(samples) = frame.samples() else { panic!("8 bits are expected") };
    assert_eq!(samples.len(), expected.len());
    let differences = samples.iter().zip(expected).map(|(a, b)| a.abs_diff(*b));
    let sum: u64 = differences.clone().map(u64::from).sum();
    (differences.max().unwrap_or(0), sum as f64 / samples.len() as f64)
}
