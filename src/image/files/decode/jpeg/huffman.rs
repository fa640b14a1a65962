//! Huffman codes of JPEG data (ITU-T T.81, annexes C and F), read to find out where blocks end: their values are the
//! decoder's business.

/// Codes of up to so many bits are found in one step.
const FAST_BITS: u32 = 9;

/// Why no more blocks can be read from where the reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bits end, at a marker or with the file.
    End,
    /// The bits are no code, or one that cannot stand here.
    Nonsense,
}

/// The codes of one table.
#[derive(Clone)]
pub(super) struct Table {
    /// Length and value of the code that the first [`FAST_BITS`] bits begin with; length 0 where it is longer.
    fast: Box<[(u8, u8); 1 << FAST_BITS]>,
    /// For each length from 1 to 16 one more than its largest code, and what to add to a code to get its value's place.
    ends: [(i32, i32); 16],
    values: Vec<u8>,
}

impl Table {
    /// The table of so many codes of each length from 1 to 16, and their values; `None` where there are more codes than
    /// bits can tell apart.
    pub(super) fn new(counts: &[u8; 16], values: &[u8]) -> Option<Self> {
        let mut fast = Box::new([(0, 0); 1 << FAST_BITS]);
        let mut ends = [(0, 0); 16];
        let (mut code, mut place) = (0i32, 0usize);
        for (length, &count) in (1u32..).zip(counts) {
            ends[length as usize - 1] = (code + i32::from(count), place as i32 - code);
            if code + i32::from(count) > 1 << length {
                return None;
            }
            for &value in values.get(place..place + usize::from(count))? {
                if length <= FAST_BITS {
                    let first = (code as usize) << (FAST_BITS - length);
                    fast[first..first + (1 << (FAST_BITS - length))].fill((length as u8, value));
                }
                code += 1;
            }
            place += usize::from(count);
            code <<= 1;
        }
        Some(Self { fast, ends, values: values[..place].to_vec() })
    }
}

/// Reads the bits between two markers.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next byte to take into the buffer.
    at: usize,
    /// The lowest `count` bits are next, the highest of them first.
    buffer: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, buffer: 0, count: 0 }
    }

    /// The value of the next code.
    pub(super) fn value(&mut self, table: &Table) -> Result<u8, Stop> {
        let code = self.next_16();
        let (length, value) = table.fast[(code >> (16 - FAST_BITS)) as usize];
        if length > 0 {
            self.skip(u32::from(length))?;
            return Ok(value);
        }
        for length in FAST_BITS + 1..=16 {
            let (end, place) = table.ends[length as usize - 1];
            let code = (code >> (16 - length)) as i32;
            if code < end {
                self.skip(length)?;
                return table.values.get((code + place) as usize).copied().ok_or(Stop::Nonsense);
            }
        }
        // What is left of a stream that has been cut is no code either, and no sign of damage.
        Err(if self.count < 16 { Stop::End } else { Stop::Nonsense })
    }

    /// The next bits, at most 16, as a number.
    pub(super) fn take(&mut self, count: u32) -> Result<u32, Stop> {
        let bits = self.next_16() >> (16 - count);
        self.skip(count)?;
        Ok(bits)
    }

    /// Passes over bits, at most 16.
    pub(super) fn skip(&mut self, count: u32) -> Result<(), Stop> {
        if self.count < count {
            self.fill();
        }
        self.count = self.count.checked_sub(count).ok_or(Stop::End)?;
        Ok(())
    }

    /// Where reading has come to: no byte before it is needed again.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The byte that holds the next bit.
    pub(super) fn byte(&self) -> usize {
        self.back(self.count.div_ceil(8))
    }

    /// The first byte of which no bit has been read.
    pub(super) fn untouched(&self) -> usize {
        self.back(self.count / 8)
    }

    /// Where the last so many bytes that were taken begin.
    fn back(&self, count: u32) -> usize {
        (0..count).fold(self.at, |at, _| at - if self.bytes[..at].ends_with(&[0xff, 0]) { 2 } else { 1 })
    }

    /// The next 16 bits, zeros behind the last.
    fn next_16(&mut self) -> u32 {
        if self.count < 16 {
            self.fill();
        }
        let bits = if self.count >= 16 {
            self.buffer >> (self.count - 16)
        } else {
            self.buffer << (16 - self.count)
        };
        bits as u32 & 0xffff
    }

    fn fill(&mut self) {
        while self.count <= 56 {
            let (byte, length) = match self.bytes.get(self.at..) {
                // A zero is stuffed behind every 0xff that is data; anything else behind it makes a marker.
                Some([0xff, 0, ..]) => (0xff, 2),
                Some([0xff, ..] | []) | None => return,
                Some(&[byte, ..]) => (byte, 1),
            };
            self.at += length;
            self.buffer = self.buffer << 8 | u64::from(byte);
            self.count += 8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_may_be_as_many_codes_as_bits_tell_apart() {
        let table = |one: u8, two: u8, three: u8| {
            let mut counts = [0; 16];
            counts[..3].copy_from_slice(&[one, two, three]);
            Table::new(&counts, &[0, 1, 2, 3, 4, 5, 6, 7, 8])
        };
        for (one, two, three) in [(2, 0, 0), (1, 2, 0), (1, 1, 2), (0, 0, 8)] {
            let full = table(one, two, three).expect("none is left over");
            // Of ones alone, which is the last code.
            let last = Bits::new(&[0xff, 0], 0).value(&full);
            assert_eq!(last, Ok(one + two + three - 1));
        }
        for (one, two, three) in [(3, 0, 0), (1, 3, 0), (2, 1, 0), (1, 2, 1), (0, 0, 9)] {
            assert!(table(one, two, three).is_none(), "{one} {two} {three}");
        }
    }
}
