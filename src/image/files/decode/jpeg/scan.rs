//! One scan of a JPEG: which of its blocks are there.

use super::frame::{Component, Frame};
use super::huffman::{Bits, Stop, Table};

/// The Huffman tables in force: of direct currents, and of the others.
#[derive(Clone, Default)]
pub(super) struct Tables {
    pub(super) dc: [Option<Table>; 4],
    pub(super) ac: [Option<Table>; 4],
}

/// The header of a scan (T.81, B.2.3).
pub(super) struct Scan {
    /// For each component in it: its place in the frame, and its tables' numbers.
    pub(super) components: Vec<(usize, usize, usize)>,
    /// The first and the last coefficient of a block, in zigzag order.
    pub(super) first: u8,
    pub(super) last: u8,
    /// Which bit the coefficients had before: 0 where they have not been seen yet.
    pub(super) high: u8,
    /// Which bit they have afterwards: 0 where they are whole.
    pub(super) low: u8,
}

impl Scan {
    /// The header in the content of a segment; `None` where it does not fit the frame.
    pub(super) fn parse(content: &[u8], frame: &Frame) -> Option<Self> {
        let (&count, rest) = content.split_first()?;
        let (listed, rest) = rest.split_at_checked(usize::from(count) * 2)?;
        let &[first, last, bits, ..] = rest else { return None };
        let component = |&[id, tables]: &[u8; 2]| {
            let place = frame.components.iter().position(|component| component.id == id)?;
            Some((place, usize::from(tables >> 4), usize::from(tables & 15)))
        };
        let components: Vec<_> = listed.as_chunks().0.iter().map(component).collect::<Option<_>>()?;
        let scan = Self { components, first, last, high: bits >> 4, low: bits & 15 };
        let fits = (1..=4).contains(&count)
            && scan.components.iter().all(|&(_, dc, ac)| dc < 4 && ac < 4)
            && first <= last
            && last < 64
            && (!frame.progressive || first == 0 || count == 1);
        fits.then_some(scan)
    }

    /// The component that has the scan to itself: its units are single blocks then.
    pub(super) fn alone(&self) -> Option<usize> {
        match self.components[..] {
            [(place, ..)] => Some(place),
            _ => None,
        }
    }

    /// Whether the picture is there after this scan where it was not before, if coarsely.
    pub(super) fn is_first(&self) -> bool {
        self.first == 0 && self.high == 0
    }
}

/// What is missing of a scan.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// The units (T.81's MCUs) that cannot be read, from first to behind the last.
    pub(super) units: Vec<(usize, usize)>,
    /// What would have to be taken out of the file, and what to put there, for the rest to be decoded.
    pub(super) cuts: Vec<Cut>,
    /// Whether nonsense was read, and the scan did not just end too early.
    pub(super) nonsense: bool,
    /// Bytes behind the last block.
    pub(super) left_over: usize,
}

/// Bytes from one place to another, and what takes their place.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) instead: Vec<u8>,
}

/// Reads the blocks of a scan, and their coefficients' bits only as far as it takes to find their ends.
pub(super) struct Walk<'a> {
    frame: &'a Frame,
    scan: &'a Scan,
    tables: &'a Tables,
    /// For each component, which coefficients of each block are not zero so far: refining them takes bits.
    history: &'a mut [Vec<u64>],
    bytes: &'a [u8],
    bits: Bits<'a>,
    /// Blocks that are known to have nothing more in this scan.
    end_run: u32,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        frame: &'a Frame,
        scan: &'a Scan,
        tables: &'a Tables,
        history: &'a mut [Vec<u64>],
        bytes: &'a [u8],
        at: usize,
    ) -> Self {
        Self { frame, scan, tables, history, bytes, bits: Bits::new(bytes, at), end_run: 0 }
    }

    /// Goes to the end of the scan; returns where the marker behind it begins, and what is missing.
    pub(super) fn run(mut self, restart_interval: usize) -> (usize, Gaps) {
        let total = self.frame.units(self.scan.alone());
        let interval = if restart_interval == 0 { total } else { restart_interval };
        let mut gaps = Gaps::default();
        let mut number = 0;
        let mut begin = 0;
        loop {
            let end = (begin + interval).min(total);
            let marker = self.interval(begin, end, &mut gaps);
            begin = end;
            if begin >= total {
                return (marker, gaps);
            }
            let left = (total - begin).div_ceil(interval);
            let lost = self.restart(marker, number, left, &mut gaps);
            if lost > 0 {
                let end = (begin + lost * interval).min(total);
                gaps.units.push((begin, end));
                begin = end;
            }
            if begin >= total {
                return (marker, gaps);
            }
            number = (number + lost + 1) % 8;
        }
    }

    /// The units between two markers; returns where the second one begins.
    fn interval(&mut self, begin: usize, end: usize, gaps: &mut Gaps) -> usize {
        self.end_run = 0;
        for unit in begin..end {
            let before = self.bits;
            if let Err(stop) = self.unit(unit) {
                // The byte in which this unit begins goes too: what is left of it need not begin a code. The decoder
                // reads zeros instead, which are one.
                let from = before.byte();
                let marker = next_marker(self.bytes, self.bits.position());
                gaps.units.push((unit.saturating_sub(1).max(begin), end));
                gaps.nonsense |= stop == Stop::Nonsense;
                gaps.cuts.push(Cut { from, to: marker, instead: Vec::new() });
                return marker;
            }
        }
        let (from, marker) = (self.bits.untouched(), next_marker(self.bytes, self.bits.position()));
        let padding = |byte: &u8| matches!(byte, 0 | 0xff);
        if self.bytes[from..marker].iter().all(padding) {
            return marker;
        }
        gaps.cuts.push(Cut { from, to: marker, instead: Vec::new() });
        if end < self.frame.units(self.scan.alone()) {
            // Something went unread, so not all that was read is what was written.
            gaps.units.push((begin, end));
            gaps.nonsense = true;
        } else {
            gaps.left_over = marker - from;
        }
        marker
    }

    /// Passes the marker between two intervals, which should be that of this number; returns how many of the intervals
    /// that are left are missing before the next one that can be read.
    fn restart(&mut self, marker: usize, number: usize, left: usize, gaps: &mut Gaps) -> usize {
        let found = match self.bytes.get(marker..marker + 2) {
            Some(&[0xff, restart @ 0xd0..=0xd7]) => (usize::from(restart - 0xd0) + 8 - number) % 8,
            _ => left,
        };
        let lost = found.min(left);
        if lost > 0 {
            // The decoder asks for the markers of intervals that are not there.
            let instead = (number..number + lost).flat_map(|i| [0xff, 0xd0 + (i % 8) as u8]).collect();
            gaps.cuts.push(Cut { from: marker, to: marker, instead });
        }
        if lost < left {
            self.bits = Bits::new(self.bytes, marker + 2);
        }
        lost
    }

    /// The blocks of a unit.
    fn unit(&mut self, unit: usize) -> Result<(), Stop> {
        let (frame, scan) = (self.frame, self.scan);
        if let [(place, dc, ac)] = scan.components[..] {
            let component = &frame.components[place];
            let (across, _) = component.blocks;
            let block = unit / across * component.stride + unit % across;
            return self.block(place, block, dc, ac);
        }
        let (left, top) = (unit % frame.units.0, unit / frame.units.0);
        for &(place, dc, ac) in &scan.components {
            let &Component { h, v, stride, .. } = &frame.components[place];
            for row in 0..v {
                for column in 0..h {
                    self.block(place, (top * v + row) * stride + left * h + column, dc, ac)?;
                }
            }
        }
        Ok(())
    }

    fn block(&mut self, place: usize, block: usize, dc: usize, ac: usize) -> Result<(), Stop> {
        let tables = self.tables;
        let Scan { mut first, last, high, .. } = *self.scan;
        if first == 0 {
            if high > 0 {
                return self.bits.skip(1);
            }
            let table = tables.dc[dc].as_ref().ok_or(Stop::Nonsense)?;
            let length = u32::from(self.bits.value(table)?);
            if length > 11 {
                return Err(Stop::Nonsense);
            }
            self.bits.skip(length)?;
            first = 1;
        }
        if first > last {
            return Ok(());
        }
        let table = tables.ac[ac].as_ref().ok_or(Stop::Nonsense)?;
        if !self.frame.progressive {
            return self.sequential(table);
        }
        let seen = self.history[place].get(block).copied().unwrap_or(0);
        let now = if high == 0 {
            seen | self.coefficients(table, first, last)?
        } else {
            self.refinement(table, seen, first, last)?
        };
        if let Some(known) = self.history[place].get_mut(block) {
            *known = now;
        }
        Ok(())
    }

    /// The coefficients of a block but for the first (T.81, F.2.2.2).
    fn sequential(&mut self, table: &Table) -> Result<(), Stop> {
        let mut at = 1u32;
        while at < 64 {
            let value = u32::from(self.bits.value(table)?);
            match (value >> 4, value & 15) {
                (15, 0) => at += 16,
                (0, 0) => return Ok(()),
                (_, 0) => return Err(Stop::Nonsense),
                (zeros, length) => {
                    at += zeros + 1;
                    self.bits.skip(length)?;
                }
            }
        }
        if at > 64 { Err(Stop::Nonsense) } else { Ok(()) }
    }

    /// Some coefficients of a block, seen for the first time (G.1.2.2); those that are not zero, as bits.
    fn coefficients(&mut self, table: &Table, first: u8, last: u8) -> Result<u64, Stop> {
        if self.end_run > 0 {
            self.end_run -= 1;
            return Ok(0);
        }
        let (mut at, mut seen) = (u32::from(first), 0);
        while at <= u32::from(last) {
            let value = u32::from(self.bits.value(table)?);
            match (value >> 4, value & 15) {
                (15, 0) => at += 16,
                (run, 0) => {
                    self.end_run = (1 << run) - 1 + self.bits.take(run)?;
                    return Ok(seen);
                }
                (zeros, length) => {
                    at += zeros;
                    if at > u32::from(last) {
                        return Err(Stop::Nonsense);
                    }
                    self.bits.skip(length)?;
                    seen |= 1 << at;
                    at += 1;
                }
            }
        }
        Ok(seen)
    }

    /// One more bit of some coefficients of a block (G.1.2.3); those that are not zero then, as bits.
    fn refinement(&mut self, table: &Table, mut seen: u64, first: u8, last: u8) -> Result<u64, Stop> {
        let (mut at, last) = (u32::from(first), u32::from(last));
        while self.end_run == 0 && at <= last {
            let value = u32::from(self.bits.value(table)?);
            let (mut zeros, length) = (value >> 4, value & 15);
            match length {
                0 if zeros < 15 => {
                    self.end_run = (1 << zeros) + self.bits.take(zeros)?;
                    break;
                }
                0 => {}
                1 => self.bits.skip(1)?,
                _ => return Err(Stop::Nonsense),
            }
            // Coefficients that are not zero are refined on the way to the new one, which takes the place behind so
            // many that are.
            while at <= last && (seen >> at & 1 == 1 || zeros > 0) {
                if seen >> at & 1 == 1 {
                    self.bits.skip(1)?;
                } else {
                    zeros -= 1;
                }
                at += 1;
            }
            if length == 1 {
                if at > last {
                    return Err(Stop::Nonsense);
                }
                seen |= 1 << at;
            }
            at += 1;
        }
        if self.end_run > 0 {
            self.end_run -= 1;
            let rest = if at > last { 0 } else { seen >> at & (u64::MAX >> (63 - (last - at))) };
            (0..rest.count_ones()).try_for_each(|_| self.bits.skip(1))?;
        }
        Ok(seen)
    }
}

/// Where the next marker begins, or where the bytes end. What T.81 reserves is none that anybody writes.
pub(super) fn next_marker(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or(&[]);
    let marker = rest.windows(2).position(|pair| pair[0] == 0xff && matches!(pair[1], 0xc0..=0xfe));
    marker.map_or(bytes.len(), |at| from + at)
}
