//! The frame header of a JPEG (T.81, B.2.2): how many blocks there should be.

use std::ops::Range;

/// A colour channel.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) id: u8,
    /// Sampling factors: blocks in a unit of all components.
    pub(super) h: usize,
    pub(super) v: usize,
    /// Blocks across and down that hold a part of the picture.
    pub(super) blocks: (usize, usize),
    /// Blocks from one row to the next, with those that fill up the last unit.
    pub(super) stride: usize,
}

#[derive(Debug)]
pub(super) struct Frame {
    /// Which start of frame: its low four bits tell the process.
    pub(super) process: u8,
    pub(super) progressive: bool,
    /// Bits a sample.
    pub(super) precision: u8,
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) components: Vec<Component>,
    /// Units of all components, across and down.
    pub(super) units: (usize, usize),
    /// Pixels of a unit, across and down.
    pub(super) unit: (usize, usize),
}

impl Frame {
    /// The frame in the content of a segment; `None` where it makes no sense.
    pub(super) fn parse(marker: u8, content: &[u8]) -> Option<Self> {
        let (&[precision, h1, h0, w1, w0, count], rest) = content.split_first_chunk::<6>()?;
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        let listed = rest.get(..usize::from(count) * 3)?.as_chunks::<3>().0;
        let factors = |&[_, sampling, _]: &[u8; 3]| (usize::from(sampling >> 4), usize::from(sampling & 15));
        if !listed.iter().map(factors).all(|(h, v)| (1..=4).contains(&h) && (1..=4).contains(&v)) {
            return None;
        }
        let h_max = listed.iter().map(|c| factors(c).0).max()?;
        let v_max = listed.iter().map(|c| factors(c).1).max()?;
        let unit = (8 * h_max, 8 * v_max);
        let units = (usize::from(width).div_ceil(unit.0), usize::from(height).div_ceil(unit.1));
        let component = |component: &[u8; 3]| {
            let (h, v) = factors(component);
            let across = (usize::from(width) * h).div_ceil(h_max).div_ceil(8);
            let down = (usize::from(height) * v).div_ceil(v_max).div_ceil(8);
            Component { id: component[0], h, v, blocks: (across, down), stride: units.0 * h }
        };
        let components = listed.iter().map(component).collect();
        let process = marker & 15;
        Some(Self { process, progressive: process == 2, precision, width, height, components, units, unit })
    }

    /// Whether every component's sampling goes into the finest without a remainder.
    pub(super) fn divides(&self) -> bool {
        let (h_max, v_max) = (self.unit.0 / 8, self.unit.1 / 8);
        self.components.iter().all(|c| h_max.is_multiple_of(c.h) && v_max.is_multiple_of(c.v))
    }

    /// Blocks of all components.
    pub(super) fn blocks(&self) -> usize {
        self.components.iter().map(|component| component.blocks.0 * component.blocks.1).sum()
    }

    /// Units of a scan of all components, or of one that is alone in it: its blocks.
    pub(super) fn units(&self, alone: Option<usize>) -> usize {
        let (across, down) = alone.map_or(self.units, |place| self.components[place].blocks);
        across * down
    }

    /// The pixels of a unit of all components, or of one that is alone in its scan: columns and rows.
    pub(super) fn area(&self, alone: Option<usize>, unit: usize) -> (Range<usize>, Range<usize>) {
        let (across, width, height) = match alone {
            Some(place) => {
                let component = &self.components[place];
                (component.blocks.0, self.unit.0 / component.h, self.unit.1 / component.v)
            }
            None => (self.units.0, self.unit.0, self.unit.1),
        };
        let (left, top) = (unit % across * width, unit / across * height);
        let (right, bottom) = (usize::from(self.width), usize::from(self.height));
        (left.min(right)..(left + width).min(right), top.min(bottom)..(top + height).min(bottom))
    }
}
