//! Bilinear resampling by two, align_corners false.

use super::Value;
use crate::graph::TensorDesc;

/// The mean of each 2x2.
pub(super) fn half(x: &Value, desc: TensorDesc) -> Value {
    let mut out = Value::zeros(desc);
    let (w, wide) = (desc.width as usize, x.desc.width as usize);
    for c in 0..desc.channels as usize {
        let source = x.plane(c);
        for (i, o) in out.plane_mut(c).iter_mut().enumerate() {
            let at = (i / w * 2) * wide + i % w * 2;
            *o = (source[at] + source[at + 1] + source[at + wide] + source[at + wide + 1]) / 4.0;
        }
    }
    out
}

/// x2: even pixels take 1/4 of the pixel before and 3/4 of their own, odd ones 3/4 and 1/4 of the next.
pub(super) fn double(x: &Value, desc: TensorDesc) -> Value {
    let mut out = Value::zeros(desc);
    let (w, narrow) = (desc.width as usize, x.desc.width as usize);
    let (ph, pw) = (desc.patch_height() as usize, desc.patch_width() as usize);
    for c in 0..desc.channels as usize {
        let source = x.plane(c);
        for (i, o) in out.plane_mut(c).iter_mut().enumerate() {
            let (near_y, far_y) = taps(i / w, ph);
            let (near_x, far_x) = taps(i % w, pw);
            let row = |y: usize| 0.75 * source[y * narrow + near_x] + 0.25 * source[y * narrow + far_x];
            *o = 0.75 * row(near_y) + 0.25 * row(far_y);
        }
    }
    out
}

/// The nearer and the farther source row (or column) of a result, clamped to its patch of `side` results.
fn taps(at: usize, side: usize) -> (usize, usize) {
    let (first, last) = (at / side * side / 2, (at / side + 1) * side / 2 - 1);
    let near = at / 2;
    let far = if at.is_multiple_of(2) { near.saturating_sub(1).max(first) } else { (near + 1).min(last) };
    (near, far)
}
