//! A JPEG's segments, and whether all of its blocks are there: what has to be known before the pixels are decoded.

use super::super::MAX_PIXELS;
use super::frame::Frame;
use super::huffman::Table;
use super::scan::{Cut, Gaps, Scan, Tables, Walk, next_marker};

/// How often all blocks may be gone through: more often than any writer has them. A scan may say of all of them in a
/// few bytes that nothing changes, so a small file could take hours. Small pictures may have as many scans as they
/// like.
const MAX_PASSES: usize = 64;
const SMALL: usize = 1 << 20;

/// What stands between the start and the end of an image.
pub(super) struct Survey<'a> {
    pub(super) frame: Frame,
    /// Marker and content of the segments that are about neither blocks nor tables.
    pub(super) segments: Vec<(u8, &'a [u8])>,
    /// Whether there is an end marker.
    pub(super) ended: bool,
    /// Where the image ends: behind its last marker.
    pub(super) end: usize,
    /// What is missing of the scans that show the picture first: the component, where one has a scan of its own, and
    /// the units from first to behind the last.
    pub(super) missing: Vec<(Option<usize>, usize, usize)>,
    /// Units that there should be, and those that are missing, in those scans.
    pub(super) units: (usize, usize),
    /// For each component, whether something is missing of the scans that refine it.
    pub(super) coarse: Vec<bool>,
    /// Whether the data makes no sense in a place where there is data.
    pub(super) nonsense: bool,
    /// Bytes of pixels behind the last block.
    pub(super) left_over: usize,
    /// Components without any scan.
    lacking: Vec<usize>,
    /// Scans of nothing for these, without which the decoder gives up.
    stand_in: Vec<u8>,
    /// How the bytes must be changed for the rest to be decoded.
    pub(super) cuts: Vec<Cut>,
}

/// Why there is nothing to decode.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// The file ends before the picture begins.
    Short,
    /// A part makes no sense.
    Broken(&'static str),
    /// The process is one that is not decoded; its low four bits are in the frame.
    Process,
}

/// A survey under way.
struct Surveyor<'a> {
    bytes: &'a [u8],
    tables: Tables,
    restart_interval: usize,
    /// Units gone through so far.
    walked: usize,
    /// The bits of each component's coefficients that are still to come, at first all.
    pending: Vec<u64>,
    history: Vec<Vec<u64>>,
    survey: Option<Survey<'a>>,
    segments: Vec<(u8, &'a [u8])>,
    cuts: Vec<Cut>,
}

/// Looks through the bytes of a file.
///
/// # Errors
/// What keeps the picture from being decoded, with the frame where there is one.
pub(super) fn survey(bytes: &[u8]) -> Result<Survey<'_>, (Obstacle, Option<Frame>)> {
    let mut surveyor = Surveyor {
        bytes,
        tables: Tables::default(),
        restart_interval: 0,
        walked: 0,
        pending: Vec::new(),
        history: Vec::new(),
        survey: None,
        segments: Vec::new(),
        cuts: Vec::new(),
    };
    let obstacle = surveyor.run().err();
    let Surveyor { survey, segments, pending, cuts, tables, restart_interval, .. } = surveyor;
    let Some(mut survey) = survey else { return Err((obstacle.unwrap_or(Obstacle::Short), None)) };
    // A picture without the first channel is none; without the others it has no colours.
    let seen = pending.first().is_some_and(|bits| bits & 1 == 0);
    match obstacle {
        // What is broken behind the picture ends it.
        Some(Obstacle::Broken(_)) if seen => survey.nonsense = true,
        Some(obstacle) => return Err((obstacle, Some(survey.frame))),
        None if seen => {}
        None if survey.ended => return Err((Obstacle::Broken("it holds no picture"), Some(survey.frame))),
        None => return Err((Obstacle::Short, Some(survey.frame))),
    }
    survey.lacking = (0..pending.len()).filter(|&place| pending[place] & 1 == 1).collect();
    for &place in &survey.lacking {
        let (across, down) = survey.frame.components[place].blocks;
        survey.units = (survey.units.0 + across * down, survey.units.1 + across * down);
    }
    let tables = [&tables.dc, &tables.ac].map(|tables| tables.iter().rposition(Option::is_some).unwrap_or(0));
    survey.stand_in = survey.stand_in(tables, restart_interval);
    // A progressive picture is there without its last scans.
    if survey.frame.progressive && !survey.ended {
        survey.coarse.iter_mut().zip(&pending).for_each(|(coarse, &bits)| *coarse |= bits != 0);
    }
    (survey.segments, survey.cuts) = (segments, cuts);
    Ok(survey)
}

impl<'a> Surveyor<'a> {
    /// Goes through the segments to the end marker, or to the end of the bytes.
    fn run(&mut self) -> Result<(), Obstacle> {
        let mut at = 2;
        loop {
            let from = at;
            at = next_marker(self.bytes, from);
            if at > from {
                self.cut(from, at);
            }
            // Without an end marker the image ends where nothing more can be read.
            self.reached(at);
            let Some(&marker) = self.bytes.get(at + 1) else { return Ok(()) };
            at += 2;
            match marker {
                // Not the start of a segment: a restart mark left over, a second start of an image.
                0xd0..=0xd8 => self.cut(at - 2, at),
                0xd9 => {
                    self.reached(at);
                    self.survey.iter_mut().for_each(|survey| survey.ended = true);
                    return Ok(());
                }
                _ => {
                    let Some(content) = segment(self.bytes, at) else { return Ok(()) };
                    at += 2 + content.len();
                    at = self.segment(marker, content, at)?;
                }
            }
        }
    }

    /// Leaves out bytes that belong to nothing, or that the decoder does not pass over.
    fn cut(&mut self, from: usize, to: usize) {
        self.cuts.push(Cut { from, to, instead: Vec::new() });
    }

    fn reached(&mut self, at: usize) {
        if let Some(survey) = &mut self.survey {
            survey.end = at;
        }
    }

    /// Takes a segment in; returns where the next one is looked for.
    fn segment(&mut self, marker: u8, content: &'a [u8], behind: usize) -> Result<usize, Obstacle> {
        match marker {
            0xc4 => self.tables(content)?,
            // Start of frame; the gaps in the range are tables.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => self.frame(marker, content)?,
            0xdd => {
                let interval =
                    content.first_chunk().ok_or(Obstacle::Broken("its restart interval is cut"))?;
                self.restart_interval = usize::from(u16::from_be_bytes(*interval));
            }
            0xda => return self.scan(content, behind),
            0xe0..=0xef => self.segments.push((marker, content)),
            // What other processes need, and extensions: the decoder does not pass over them.
            0xc8 | 0xcc | 0xdc | 0xde | 0xdf | 0xf0..=0xfd => {
                self.cut(behind - content.len() - 4, behind);
            }
            _ => {}
        }
        Ok(behind)
    }

    /// Huffman tables (T.81, B.2.4.2).
    fn tables(&mut self, mut content: &[u8]) -> Result<(), Obstacle> {
        while let Some((&kind, rest)) = content.split_first() {
            let broken = Obstacle::Broken("one of its Huffman tables makes no sense");
            let Some((counts, rest)) = rest.split_first_chunk::<16>() else { return Err(broken) };
            let total = counts.iter().map(|&count| usize::from(count)).sum();
            let tables = if kind >> 4 == 0 { &mut self.tables.dc } else { &mut self.tables.ac };
            match (tables.get_mut(usize::from(kind & 15)), rest.split_at_checked(total)) {
                (Some(table), Some((values, rest))) => {
                    *table = Some(Table::new(counts, values).ok_or(broken)?);
                    content = rest;
                }
                _ => return Err(broken),
            }
        }
        Ok(())
    }

    fn frame(&mut self, marker: u8, content: &[u8]) -> Result<(), Obstacle> {
        let frame =
            Frame::parse(marker, content).ok_or(Obstacle::Broken("its frame header makes no sense"))?;
        if self.survey.is_some() {
            return Err(Obstacle::Broken("it has two frame headers"));
        }
        // Huffman codes of 8 bits a sample, in one frame, sequential or progressive, are what is read.
        let process = frame.process;
        let pixels = u64::from(frame.width) * u64::from(frame.height);
        let read = process <= 2
            && frame.precision == 8
            && matches!(frame.components.len(), 1 | 3)
            && (1..=MAX_PIXELS).contains(&pixels)
            && frame.divides();
        self.pending = vec![u64::MAX; frame.components.len()];
        self.survey = Some(Survey {
            frame,
            segments: Vec::new(),
            ended: false,
            end: self.bytes.len(),
            missing: Vec::new(),
            units: (0, 0),
            coarse: vec![false; self.pending.len()],
            nonsense: false,
            left_over: 0,
            lacking: Vec::new(),
            stand_in: Vec::new(),
            cuts: Vec::new(),
        });
        if read { Ok(()) } else { Err(Obstacle::Process) }
    }

    fn scan(&mut self, content: &[u8], at: usize) -> Result<usize, Obstacle> {
        let Some(survey) = &mut self.survey else {
            return Err(Obstacle::Broken("a scan comes before its frame header"));
        };
        let broken = Obstacle::Broken("a scan header makes no sense");
        let mut scan = Scan::parse(content, &survey.frame).ok_or(broken)?;
        if !survey.frame.progressive {
            // These have no meaning there, and some writers leave nonsense in them.
            (scan.first, scan.last, scan.high, scan.low) = (0, 63, 0, 0);
        }
        if scan.is_first() && scan.components.iter().any(|&(place, ..)| self.pending[place] & 1 == 0) {
            return Err(Obstacle::Broken("a channel comes twice"));
        }
        self.walked += survey.frame.units(scan.alone());
        if self.walked > MAX_PASSES * survey.frame.blocks() + SMALL {
            return Err(Obstacle::Broken("it has more scans than any writer makes"));
        }
        if self.history.is_empty() {
            let blocks = |c: &super::frame::Component| c.stride * c.v * survey.frame.units.1;
            let history = |c| if survey.frame.progressive { vec![0; blocks(c)] } else { Vec::new() };
            self.history = survey.frame.components.iter().map(history).collect();
        }
        let walk = Walk::new(&survey.frame, &scan, &self.tables, &mut self.history, self.bytes, at);
        let (end, gaps) = walk.run(self.restart_interval);
        self.cuts.extend(survey.take(&scan, gaps, at - content.len() - 4, end));
        if scan.low == 0 {
            let bits = u64::MAX >> (63 - (scan.last - scan.first)) << scan.first;
            scan.components.iter().for_each(|&(place, ..)| self.pending[place] &= !bits);
        } else if scan.is_first() {
            // Bit 0 tells whether the picture shows at all.
            scan.components.iter().for_each(|&(place, ..)| self.pending[place] &= !1);
        }
        Ok(end)
    }
}

impl Survey<'_> {
    /// Adds what is missing of a scan, which reaches from its marker to the next; returns what the decoder is to do
    /// without.
    fn take(&mut self, scan: &Scan, gaps: Gaps, from: usize, to: usize) -> Vec<Cut> {
        let frame = &self.frame;
        let lost: usize = gaps.units.iter().map(|(begin, end)| end - begin).sum();
        self.nonsense |= gaps.nonsense;
        self.left_over += gaps.left_over;
        if scan.is_first() {
            let total = frame.units(scan.alone());
            self.units = (self.units.0 + total, self.units.1 + lost);
            let alone = scan.alone();
            self.missing.extend(gaps.units.iter().map(|&(begin, end)| (alone, begin, end)));
        } else if lost > 0 || scan.components.iter().any(|&(place, ..)| self.coarse[place]) {
            // Half a refinement would show as a border, and a later one is refined in turn: the picture stays as
            // coarse as it is without them.
            scan.components.iter().for_each(|&(place, ..)| self.coarse[place] = true);
            return vec![Cut { from, to, instead: Vec::new() }];
        }
        gaps.cuts
    }

    /// Scans without data for the components that have none, with tables that are there: the decoder reads zeros, which
    /// are the shortest code, mostly that of no difference.
    fn stand_in(&self, [dc, ac]: [usize; 2], restart_interval: usize) -> Vec<u8> {
        let mut scans = Vec::new();
        let last = if self.frame.progressive { 0 } else { 63 };
        for component in self.lacking.iter().map(|&place| &self.frame.components[place]) {
            scans.extend([0xff, 0xda, 0, 8, 1, component.id, (dc << 4 | ac) as u8, 0, last, 0]);
            let units = component.blocks.0 * component.blocks.1;
            let restarts = (units - 1).checked_div(restart_interval).unwrap_or(0);
            scans.extend((0..restarts).flat_map(|i| [0xff, 0xd0 + (i % 8) as u8]));
        }
        scans
    }

    /// Which share of the picture is missing, in percent.
    pub(super) fn missing_percent(&self) -> f64 {
        100.0 * self.units.1 as f64 / self.units.0.max(1) as f64
    }

    /// Whether something is missing of what refines the picture.
    pub(super) fn is_coarse(&self) -> bool {
        self.coarse.contains(&true)
    }

    /// How many rows are all there, from the first.
    pub(super) fn whole_rows(&self) -> usize {
        let first =
            |&(alone, begin, _): &(Option<usize>, usize, usize)| self.frame.area(alone, begin).1.start;
        let height = usize::from(self.frame.height);
        let uneven = self.is_coarse() || !self.lacking.is_empty();
        if uneven { 0 } else { self.missing.iter().map(first).min().unwrap_or(height) }
    }

    /// Whether everything is there.
    pub(super) fn is_whole(&self) -> bool {
        self.units.1 == 0 && !self.is_coarse() && !self.nonsense
    }

    /// The bytes, changed so that the decoder gets to their end, and with an end.
    pub(super) fn mended(&self, bytes: &[u8]) -> Vec<u8> {
        let mut mended = Vec::with_capacity(bytes.len());
        let mut at = 0;
        for cut in &self.cuts {
            mended.extend_from_slice(&bytes[at.min(cut.from)..cut.from]);
            mended.extend_from_slice(&cut.instead);
            at = at.max(cut.to);
        }
        // An end marker that is there is put back behind the scans that stand in.
        let end = if self.ended { self.end - 2 } else { self.end };
        mended.extend_from_slice(&bytes[at.min(end)..end]);
        mended.extend_from_slice(&self.stand_in);
        mended.extend_from_slice(&[0xff, 0xd9]);
        mended
    }
}

/// The content of the segment whose length field comes next; `None` where the data ends before it.
fn segment(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::from(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    bytes.get(at + 2..at + length.max(2))
}
