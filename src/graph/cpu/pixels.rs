//! 8-bit words, pixels of the device's own images, and pixel shuffle.

use half::f16;

use super::Value;
use crate::graph::{PixelFormat, TensorDesc};

/// v / 255 of each byte.
pub(super) fn unpack(words: &Value, desc: TensorDesc) -> Value {
    let byte = |word: f64, c: usize| f64::from((word as u32) >> (8 * c) & 255) / 255.0;
    let data = (0..3).flat_map(|c| words.data.iter().map(move |&w| byte(w, c))).collect();
    Value { desc, data }
}

/// Clamped to [0, 1], times 255, rounded half to even; alpha 255. A pixel that is not finite becomes 0.
pub(super) fn pack(x: &Value, desc: TensorDesc) -> Value {
    let byte = |v: f64| (v.clamp(0.0, 1.0) * 255.0).round_ties_even() as u32;
    let word = |i: usize| {
        let finite = (0..3).all(|c| x.plane(c)[i].is_finite());
        if finite { (0..3).fold(255 << 24, |word, c| word | byte(x.plane(c)[i]) << (8 * c)) } else { 0 }
    };
    Value { desc, data: (0..desc.pixels() as usize).map(|i| f64::from(word(i))).collect() }
}

/// Within [0, 1]; not-a-number is 0.
fn shown(v: f64) -> f64 {
    if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) }
}

/// A colour of a pixel.
fn colour(pixel: &[f64], format: PixelFormat, c: usize) -> f64 {
    let word = |i: usize| pixel[i] as u32;
    shown(match format {
        PixelFormat::Unorm8 => f64::from(word(0) >> (8 * c) & 255) / 255.0,
        PixelFormat::Float16 => f16::from_bits((word(c / 2) >> (16 * (c % 2))) as u16).to_f64(),
        PixelFormat::Float32 => f64::from(f32::from_bits(word(c))),
    })
}

/// The colours of pixels.
pub(super) fn read(words: &Value, format: PixelFormat, desc: TensorDesc) -> Value {
    let mut out = Value::zeros(desc);
    let (row, each, width) = (words.desc.width as usize, format.words() as usize, desc.width as usize);
    for c in 0..3 {
        for (i, o) in out.plane_mut(c).iter_mut().enumerate() {
            let first = i / width * row + i % width * each;
            *o = colour(&words.data[first..first + each], format, c);
        }
    }
    out
}

/// Pixels with an image's colours, or with what lies between these and their own.
pub(super) fn write(x: &Value, words: &Value, (format, strength): (PixelFormat, f32)) -> Value {
    let mut out = words.clone();
    let (row, each, width) = (words.desc.width as usize, format.words() as usize, x.desc.width as usize);
    for i in 0..x.desc.pixels() as usize {
        let first = i / width * row + i % width * each;
        let pixel = &words.data[first..first + each];
        let colours = [0, 1, 2].map(|c| {
            let (own, made) = (colour(pixel, format, c), shown(x.plane(c)[i]));
            if strength == 1.0 { made } else { own + f64::from(strength) * (made - own) }
        });
        let new = &mut out.data[first..first + each];
        for (c, colour) in colours.into_iter().enumerate() {
            let (at, shift, mask, bits) = match format {
                PixelFormat::Unorm8 => (0, 8 * c, 0xff, (colour * 255.0).round_ties_even() as u32),
                PixelFormat::Float16 => {
                    (c / 2, 16 * (c % 2), 0xffff, u32::from(f16::from_f64(colour).to_bits()))
                }
                PixelFormat::Float32 => (c, 0, u32::MAX, (colour as f32).to_bits()),
            };
            new[at] = f64::from(new[at] as u32 & !(mask << shift) | bits << shift);
        }
    }
    out
}

/// Channel `c*r*r + dy*r + dx` from pixel (dy, dx) of each r x r.
pub(super) fn unshuffle(x: &Value, desc: TensorDesc, r: usize) -> Value {
    let mut out = Value::zeros(desc);
    let (w, wide) = (desc.width as usize, x.desc.width as usize);
    for c in 0..desc.channels as usize {
        let (dy, dx) = (c % (r * r) / r, c % r);
        let source = x.plane(c / (r * r));
        for (i, o) in out.plane_mut(c).iter_mut().enumerate() {
            *o = source[(i / w * r + dy) * wide + i % w * r + dx];
        }
    }
    out
}

/// The inverse of [`unshuffle`].
pub(super) fn shuffle(x: &Value, desc: TensorDesc, r: usize) -> Value {
    let mut out = Value::zeros(desc);
    let (w, narrow) = (desc.width as usize, x.desc.width as usize);
    for c in 0..desc.channels as usize {
        for i in 0..desc.pixels() as usize {
            let (y, at) = (i / w, i % w);
            let channel = c * r * r + y % r * r + at % r;
            out.plane_mut(c)[i] = x.plane(channel)[y / r * narrow + at / r];
        }
    }
    out
}
