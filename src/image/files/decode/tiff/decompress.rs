//! The packed bytes of one strip or tile, unpacked.
//!
//! `weezl`, `flate2` and `fax` are called directly and not through an image library, since of a strip that breaks off
//! the bytes before the break are wanted: many a file is one strip.

use std::borrow::Cow;
use std::convert::Infallible;
use std::io::Read;

use fax::Color;
use fax::decoder::{DecodeStatus, Group4Decoder, pels};
use flate2::read::ZlibDecoder;
use weezl::{BitOrder, LzwStatus, decode::Configuration};

/// How strips and tiles are packed, JPEG aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Lzw,
    Deflate,
    PackBits,
    /// ITU-T T.6, of pixels of one bit.
    Fax4,
}

/// Unpacks rows of so many columns until `wanted` bytes are there, and no further; fewer where the data ends or breaks
/// before.
pub(super) fn unpack(packing: Packing, packed: &[u8], columns: usize, wanted: usize) -> Cow<'_, [u8]> {
    match packing {
        Packing::None => Cow::Borrowed(&packed[..packed.len().min(wanted)]),
        Packing::Lzw => Cow::Owned(lzw(packed, wanted)),
        Packing::Deflate => Cow::Owned(deflate(packed, wanted)),
        Packing::PackBits => Cow::Owned(pack_bits(packed, wanted)),
        Packing::Fax4 => Cow::Owned(fax4(packed, columns, wanted)),
    }
}

fn lzw(mut packed: &[u8], wanted: usize) -> Vec<u8> {
    let configuration =
        Configuration::with_tiff_size_switch(BitOrder::Msb, 8).with_yield_on_full_buffer(true);
    let mut decoder = configuration.build();
    let mut out = Vec::new();
    let mut filled = 0;
    while filled < wanted {
        if filled == out.len() {
            // Grown as the data asks for it: what a header claims is worth no memory.
            out.resize((packed.len() * 4).max(filled * 2).max(1 << 12).min(wanted), 0);
        }
        let step = decoder.decode_bytes(packed, &mut out[filled..]);
        packed = &packed[step.consumed_in..];
        filled += step.consumed_out;
        match step.status {
            Ok(LzwStatus::Ok) if step.consumed_in + step.consumed_out > 0 => {}
            _ => break,
        }
    }
    out.truncate(filled);
    out
}

fn deflate(packed: &[u8], wanted: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(packed.len().saturating_mul(4).min(wanted));
    // What came before an error is in the vector.
    let _ = ZlibDecoder::new(packed).take(wanted as u64).read_to_end(&mut out);
    out
}

fn pack_bits(mut packed: &[u8], wanted: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(packed.len().saturating_mul(4).min(wanted));
    while out.len() < wanted {
        let Some((&head, rest)) = packed.split_first() else { break };
        packed = match head.cast_signed() {
            -128 => rest,
            count @ 0.. => {
                let literal = rest.len().min(count as usize + 1);
                out.extend_from_slice(&rest[..literal]);
                &rest[literal..]
            }
            count => {
                let Some((&value, rest)) = rest.split_first() else { break };
                out.resize(out.len() + usize::from(count.unsigned_abs()) + 1, value);
                rest
            }
        };
    }
    out.truncate(wanted);
    out
}

fn fax4(packed: &[u8], columns: usize, wanted: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let bytes = packed.iter().map(|&byte| Ok::<u8, Infallible>(byte));
    let Ok(width) = u16::try_from(columns) else { return out };
    let Ok(mut decoder) = Group4Decoder::new(bytes, width);
    while out.len() < wanted && matches!(decoder.advance(), Ok(DecodeStatus::Incomplete)) {
        let row = out.len();
        out.resize(row + columns.div_ceil(8), 0);
        let black = pels(decoder.transition(), width).enumerate().filter(|(_, color)| *color == Color::Black);
        black.for_each(|(x, _)| out[row + x / 8] |= 0x80 >> (x % 8));
    }
    out.truncate(wanted);
    out
}
