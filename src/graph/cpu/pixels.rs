//! 8-bit words, and pixel shuffle.

use super::Value;
use crate::graph::TensorDesc;

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
