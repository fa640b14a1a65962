//! How much a pickle does, before anything interprets it: each of its operations can make an object of many times its
//! size, so that a file of some kilobytes could fill the memory.

use std::io::{self, BufRead, Read};

/// The most operations of a pickle that is interpreted: ten times those of the largest published network beside the
/// state of its optimizer.
pub(super) const MAX_OPERATIONS: u64 = 1 << 19;

/// What follows an opcode.
enum Argument {
    /// That many bytes.
    Bytes(u64),
    /// That many lines.
    Lines(u32),
    /// A length of so many bytes, little-endian, and as many bytes.
    Counted(usize),
}

/// The argument of an opcode of any protocol up to 5; `None` where there is no such opcode.
fn argument(opcode: u8) -> Option<Argument> {
    Some(match opcode {
        b'('
        | b'0'
        | b'1'
        | b'2'
        | b'N'
        | b'Q'
        | b'R'
        | b'a'
        | b'b'
        | b'd'
        | b'}'
        | b'e'
        | b']'
        | b'l'
        | b'o'
        | b's'
        | b't'
        | b'u'
        | b')'
        | 0x81
        | 0x85..=0x89
        | 0x8f..=0x94
        | 0x97
        | 0x98 => Argument::Bytes(0),
        b'K' | b'h' | b'q' | 0x80 | 0x82 => Argument::Bytes(1),
        b'M' | 0x83 => Argument::Bytes(2),
        b'J' | b'j' | b'r' | 0x84 => Argument::Bytes(4),
        b'G' | 0x95 => Argument::Bytes(8),
        b'I' | b'L' | b'F' | b'S' | b'V' | b'P' | b'g' | b'p' => Argument::Lines(1),
        b'c' | b'i' => Argument::Lines(2),
        b'U' | b'C' | 0x8a | 0x8c => Argument::Counted(1),
        b'T' | b'X' | b'B' | 0x8b => Argument::Counted(4),
        0x8d | 0x8e | 0x96 => Argument::Counted(8),
        _ => return None,
    })
}

/// Whether the pickle that begins here has more operations than are interpreted; `reader` is left behind its end. A
/// pickle that is broken is left to the interpreter, which has a better message.
pub(super) fn is_excessive(reader: &mut impl BufRead) -> io::Result<bool> {
    for _ in 0..MAX_OPERATIONS {
        let mut opcode = [0];
        if reader.read(&mut opcode)? == 0 || opcode == *b"." {
            return Ok(false);
        }
        match argument(opcode[0]) {
            None => return Ok(false),
            Some(Argument::Bytes(count)) => skip(reader, count)?,
            Some(Argument::Lines(count)) => {
                (0..count).try_for_each(|_| reader.skip_until(b'\n').map(drop))?;
            }
            Some(Argument::Counted(width)) => {
                let mut length = [0; 8];
                if reader.read_exact(&mut length[..width]).is_err() {
                    return Ok(false);
                }
                skip(reader, u64::from_le_bytes(length))?;
            }
        }
    }
    Ok(true)
}

fn skip(reader: &mut impl BufRead, count: u64) -> io::Result<()> {
    io::copy(&mut reader.take(count), &mut io::sink()).map(drop)
}
