//! Image files in and out: what is kept, what is refused and with which words.

mod bad_input;
#[path = "../common/build.rs"]
mod build;
mod formats;
mod jpeg;
mod metadata;
mod orientation;
mod output;
mod partial_png;
mod round_trip;
mod slices;
mod strip;
mod thumbnail;
mod tiff;
mod values;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Once;

use mprnet::Error;
use mprnet::image::{self, Frame, Metadata, ReadOptions, Samples, WriteOptions};

/// A directory of its own for one test, removed at the end.
struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Room {
        listen();
        Room(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes bytes to a file and reads it as an image.
    fn read(&self, name: &str, bytes: &[u8]) -> Result<Frame, Error> {
        seed(bytes);
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        image::read(&path)
    }

    /// The file that the frame is written to, and its bytes.
    fn write(&self, name: &str, frame: &Frame) -> (PathBuf, Vec<u8>) {
        let path = self.path(name);
        image::write(frame, &path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        seed(&bytes);
        (path, bytes)
    }

    /// As [`Room::write`], with options.
    fn write_with(&self, name: &str, frame: &Frame, options: &WriteOptions) -> (PathBuf, Vec<u8>) {
        let path = self.path(name);
        image::write_with(frame, &path, options).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        (path, bytes)
    }

    /// The names in the directory, sorted.
    fn names(&self) -> Vec<String> {
        names_in(self.0.path())
    }
}

/// Keeps a small file for fuzzing to start from, in the folder that MPRNET_SEEDS names.
fn seed(bytes: &[u8]) {
    let Some(folder) = std::env::var_os("MPRNET_SEEDS").filter(|_| bytes.len() < 8192) else { return };
    let format = match bytes {
        [0xff, 0xd8, ..] => "jpeg",
        [0x89, b'P', ..] => "png",
        [b'R', b'I', ..] => "webp",
        [b'I', b'I', ..] | [b'M', b'M', ..] => "tiff",
        _ => return,
    };
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let folder = Path::new(&folder).join(format);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{hash:016x}")), bytes).unwrap();
}

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Of a file with damage, what there is.
fn read_damaged(bytes: &[u8]) -> Result<Frame, Error> {
    let options = ReadOptions { keep_damaged: true, ..ReadOptions::default() };
    image::from_bytes(bytes, Path::new("damaged"), &options)
}

thread_local! {
    static SAID: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Lets each thread hear what is said on it.
///
/// There is one subscriber for all tests, since `tracing` can forget one of several: a place in the code that speaks
/// for the first time while another thread subscribes may stay silent for good.
fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| tracing_subscriber::fmt().with_ansi(false).with_writer(|| Ear).init());
}

/// What is said, at any level down to information, while something is done.
fn said<T>(act: impl FnOnce() -> T) -> (T, String) {
    listen();
    SAID.take();
    let result = act();
    (result, String::from_utf8(SAID.take()).unwrap())
}

struct Ear;

impl std::io::Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        SAID.with_borrow_mut(|said| said.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The message of an error: one line that names the file.
fn message(result: Result<Frame, Error>, name: &str) -> String {
    let message = result.expect_err(name).to_string();
    assert!(message.contains(name), "{message}");
    assert!(!message.contains(['\n', '{']), "{message}");
    message
}

/// Samples that differ from pixel to pixel and channel to channel.
fn ramp8(count: usize) -> Vec<u8> {
    (0..count).map(|i| (i * 37 % 251) as u8).collect()
}

fn ramp16(count: usize) -> Vec<u16> {
    (0..count).map(|i| (i * 4099 % 65521) as u16).collect()
}

fn rgb8(width: u32, height: u32) -> Frame {
    let count = (width * height * 3) as usize;
    Frame::from_rgb8(width, height, ramp8(count)).unwrap()
}

fn rgb16(width: u32, height: u32) -> Frame {
    let count = (width * height * 3) as usize;
    Frame::from_rgb16(width, height, ramp16(count)).unwrap()
}

/// A smooth picture, which JPEG keeps nearly as it is.
fn smooth(width: u32, height: u32) -> Frame {
    let rgb = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| [60 + 2 * x, 80 + 2 * y, 90 + x + y]))
        .map(|v| v as u8)
        .collect();
    Frame::from_rgb8(width, height, rgb).unwrap()
}

fn bytes_of(samples: &Samples) -> &[u8] {
    match samples {
        Samples::U8(v) => v,
        _ => panic!("16 bits where 8 were expected"),
    }
}

/// Metadata that are a colour profile and nothing else.
fn icc(profile: Vec<u8>) -> Metadata {
    Metadata { icc: Some(profile), ..Metadata::default() }
}

fn options(set: impl FnOnce(&mut WriteOptions)) -> WriteOptions {
    let mut options = WriteOptions::default();
    set(&mut options);
    options
}
