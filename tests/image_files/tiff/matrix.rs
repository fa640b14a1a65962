//! TIFF files by libtiff, over every way of storing pixels that photographers' programs choose from.

use std::path::Path;
use std::process::Command;

use mprnet::Error;
use mprnet::image::Frame;

use crate::build::*;
use crate::{Room, ramp8, ramp16};

/// The odd sides are for strips and tiles that are not filled.
const SIZES: [(u32, u32); 6] = [(1, 1), (7, 5), (17, 1), (16, 32), (33, 17), (71, 97)];

const COMPRESSIONS: [&str; 4] = ["none", "lzw", "zip:2", "packbits"];

/// Runs libtiff's `tiffcp`.
pub fn tiffcp(arguments: &[&str], from: &Path, to: &Path) {
    let output =
        Command::new("tiffcp").args(arguments).args([from, to]).output().unwrap_or_else(|e| {
            panic!("tiffcp does not run ({e}); install it: sh tools/setup.sh libtiff-tools")
        });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tiffcp {arguments:?}: {said}");
}

/// The strips or tiles of a little-endian file, by the tags that list their places and lengths.
pub fn chunks_of(file: &[u8], offsets: u16, lengths: u16) -> Vec<Vec<u8>> {
    let u16_at = |at: usize| usize::from(u16::from_le_bytes([file[at], file[at + 1]]));
    let u32_at = |at: usize| u16_at(at) | u16_at(at + 2) << 16;
    let directory = u32_at(4);
    let values = |tag: u16| -> Vec<usize> {
        let mut entries = (0..u16_at(directory)).map(|i| directory + 2 + 12 * i);
        let entry = entries.find(|&at| u16_at(at) == usize::from(tag)).unwrap();
        let size = if u16_at(entry + 2) == 3 { 2 } else { 4 };
        let count = u32_at(entry + 4);
        let place = if size * count > 4 { u32_at(entry + 8) } else { entry + 8 };
        (0..count).map(|i| if size == 2 { u16_at(place + 2 * i) } else { u32_at(place + 4 * i) }).collect()
    };
    let places = values(offsets).into_iter().zip(values(lengths));
    places.map(|(at, length)| file[at..at + length].to_vec()).collect()
}

/// What a picture is and how it is stored.
#[derive(Clone, Copy)]
struct Source {
    size: (u32, u32),
    channels: usize,
    deep: bool,
    planar: bool,
    tiled: bool,
}

/// Sides of the tiles.
const TILE: usize = 16;

impl Source {
    fn pixels(&self) -> usize {
        (self.size.0 * self.size.1) as usize
    }

    fn samples(&self) -> Vec<u16> {
        let count = self.pixels() * self.channels;
        if self.deep { ramp16(count) } else { ramp8(count).into_iter().map(u16::from).collect() }
    }

    fn frame(&self) -> Frame {
        let samples = self.samples();
        let (colors, alpha): (Vec<u16>, Vec<u16>) = if self.channels == 4 {
            let pixels = samples.as_chunks::<4>().0;
            (pixels.iter().flat_map(|p| p[..3].to_vec()).collect(), pixels.iter().map(|p| p[3]).collect())
        } else {
            (samples, Vec::new())
        };
        let shallow = |v: &[u16]| v.iter().map(|&v| v as u8).collect::<Vec<u8>>();
        let (width, height) = self.size;
        let frame = match (self.channels, self.deep) {
            (1, true) => Frame::from_grey16(width, height, &colors),
            (1, false) => Frame::from_grey8(width, height, &shallow(&colors)),
            (_, true) => Frame::from_rgb16(width, height, colors),
            (_, false) => Frame::from_rgb8(width, height, shallow(&colors)),
        };
        match (self.channels, self.deep) {
            (4, true) => frame.and_then(|frame| frame.with_alpha16(alpha)).unwrap(),
            (4, false) => frame.and_then(|frame| frame.with_alpha8(shallow(&alpha))).unwrap(),
            _ => frame.unwrap(),
        }
    }

    /// Samples `from` on of every `each`.
    fn plane(&self, from: usize, each: usize) -> Vec<u16> {
        self.samples().into_iter().skip(from).step_by(each).collect()
    }

    /// The page without its strips or tiles.
    fn page(&self) -> Page {
        let (width, height) = self.size;
        let depth = if self.deep { 16 } else { 8 };
        let page = match self.channels {
            1 => Page::grey(width, height, &[]),
            4 => Page::rgb(width, height, 4, &[]).with(tag::EXTRA_SAMPLES, &[2]),
            channels => Page::rgb(width, height, channels, &[]),
        };
        let page = page
            .with(tag::BITS_PER_SAMPLE, &vec![depth; self.channels])
            .with(tag::PLANAR, &[1 + u32::from(self.planar)]);
        if self.tiled {
            page.with(322, &[TILE as u32]).with(323, &[TILE as u32])
        } else {
            page.with(tag::ROWS_PER_STRIP, &[height])
        }
    }

    /// The file before it is compressed.
    fn file(&self) -> Vec<u8> {
        let planes = if self.planar { self.channels } else { 1 };
        let mut page = self.page();
        let chunks = |c| self.chunks(&self.plane(c, planes), self.channels / planes);
        page.strips = (0..planes).flat_map(chunks).collect();
        tiff(vec![page])
    }

    /// Planes of tiles, which `tiffcp` mixes up where they are deep or narrow: each plane goes through it as a picture
    /// of its own.
    fn planar_tiles(&self, compression: &str, from: &Path, to: &Path) -> Vec<u8> {
        let mut page = self.page().with(tag::COMPRESSION, &[1]);
        page.strips = Vec::new();
        for c in 0..self.channels {
            let alone = Source { channels: 1, planar: false, ..*self };
            let mut grey = alone.page();
            grey.strips = alone.chunks(&self.plane(c, self.channels), 1);
            std::fs::write(from, tiff(vec![grey])).unwrap();
            tiffcp(&["-c", compression, "-L", "-t", "-w", "16", "-l", "16"], from, to);
            page.strips.extend(chunks_of(&std::fs::read(to).unwrap(), 324, 325));
        }
        let number = [1, 5, 8, 32773][COMPRESSIONS.iter().position(|&c| c == compression).unwrap()];
        let predictor = if compression.ends_with(":2") { 2 } else { 1 };
        tiff(vec![page.with(tag::COMPRESSION, &[number]).with(317, &[predictor])])
    }

    /// The one strip or the tiles of all channels or of a plane, so many samples a pixel.
    fn chunks(&self, samples: &[u16], each: usize) -> Vec<Vec<u8>> {
        let bytes = |v: u16| v.to_le_bytes().into_iter().take(if self.deep { 2 } else { 1 });
        if !self.tiled {
            return vec![samples.iter().copied().flat_map(bytes).collect()];
        }
        let (width, height) = (self.size.0 as usize, self.size.1 as usize);
        let sample = |x: usize, y: usize, c: usize| {
            if x < width && y < height { samples[(y * width + x) * each + c] } else { 0 }
        };
        let corners = (0..height).step_by(TILE).flat_map(|y| (0..width).step_by(TILE).map(move |x| (x, y)));
        let tile = |(left, top): (usize, usize)| {
            let places =
                (0..TILE * TILE * each).map(|i| (left + i / each % TILE, top + i / each / TILE, i % each));
            places.flat_map(|(x, y, c)| bytes(sample(x, y, c))).collect()
        };
        corners.map(tile).collect()
    }
}

#[derive(Debug, Default)]
struct Counts {
    right: usize,
    refused: usize,
    wrong: Vec<String>,
}

impl Counts {
    fn add(&mut self, name: String, found: Result<Frame, Error>, expected: &Frame) {
        match found {
            Ok(frame) if same(&frame, expected) => self.right += 1,
            Ok(_) => self.wrong.push(name),
            Err(Error::ImageUnsupported { .. }) => self.refused += 1,
            Err(error) => self.wrong.push(format!("{name}: {error}")),
        }
    }
}

fn same(a: &Frame, b: &Frame) -> bool {
    let key = |frame: &Frame| (frame.width(), frame.height(), frame.is_grey());
    let alpha = |frame: &Frame| frame.alpha().cloned();
    key(a) == key(b) && a.samples() == b.samples() && alpha(a) == alpha(b)
}

#[test]
fn every_layout_is_read_right() {
    let room = Room::new();
    let (from, to) = (room.path("from.tif"), room.path("to.tif"));
    let mut counts = Counts::default();
    for (i, size) in SIZES.into_iter().enumerate() {
        for (channels, deep, planar) in [1, 3, 4]
            .into_iter()
            .flat_map(|c| [(c, false, false), (c, false, true), (c, true, false), (c, true, true)])
        {
            let strips: &[&str] = &["-s", "-r", "3"];
            for shape in [strips, &["-t", "-w", "16", "-l", "16"]] {
                let source = Source { size, channels, deep, planar, tiled: shape != strips };
                let expected = source.frame();
                for compression in COMPRESSIONS {
                    let planes = if planar { "separate" } else { "contig" };
                    // Either byte order has its turn.
                    let order = if i % 2 == 0 { "-L" } else { "-B" };
                    let arguments = [&["-c", compression, "-p", planes, order], shape].concat();
                    if planar && shape != strips {
                        std::fs::write(&to, source.planar_tiles(compression, &from, &room.path("b.tif")))
                            .unwrap();
                    } else {
                        std::fs::write(&from, source.file()).unwrap();
                        tiffcp(&arguments, &from, &to);
                    }
                    let name = format!("{size:?} {channels} channels, deep {deep}, {arguments:?}");
                    counts.add(name, mprnet::image::read(&to), &expected);
                }
            }
        }
    }
    let all = counts.right + counts.refused + counts.wrong.len();
    let wrong = counts.wrong.len();
    println!("TIFF matrix: of {all}, {} right, {} refused, {wrong} wrong", counts.right, counts.refused);
    assert!(counts.wrong.is_empty(), "{wrong} of {all} wrong, such as {:#?}", &counts.wrong[..wrong.min(20)]);
    assert_eq!(all, 576);
    assert!(counts.right * 10 >= all * 9, "{counts:?}");
}
