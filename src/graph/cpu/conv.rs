//! Convolution with f64 sums, one tap of one channel pair at a time over a patch.

use super::Value;
use crate::graph::{Param, TensorDesc};

/// Cross-correlation of the concatenated sources, stride 1, zero padding at patch borders.
pub(super) fn convolve(sources: &[&Value], weight: &Param, bias: Option<&[f32]>, desc: TensorDesc) -> Value {
    let mut out = Value::zeros(desc);
    let side = weight.shape[2];
    let channels = weight.shape[1];
    for o in 0..weight.shape[0] {
        let start = bias.map_or(0.0, |b| f64::from(b[o]));
        let plane = out.plane_mut(o);
        plane.fill(start);
        let mut taps = weight.data[o * channels * side * side..].chunks_exact(side * side);
        for source in sources {
            for i in 0..source.desc.channels as usize {
                let Some(kernel) = taps.next() else { return out };
                for (t, &w) in kernel.iter().enumerate() {
                    let (dy, dx) = ((t / side) as isize, (t % side) as isize);
                    let half = side as isize / 2;
                    add_tap(plane, source.plane(i), desc, (dy - half, dx - half), f64::from(w));
                }
            }
        }
    }
    out
}

/// Adds `w` times the plane shifted by (dy, dx), patch by patch.
fn add_tap(out: &mut [f64], x: &[f64], desc: TensorDesc, (dy, dx): (isize, isize), w: f64) {
    let (ph, pw) = (desc.patch_height() as isize, desc.patch_width() as isize);
    let width = desc.width as isize;
    for y in 0..desc.height as isize {
        let source_y = y + dy;
        if source_y.div_euclid(ph) != y / ph {
            continue;
        }
        for px in 0..desc.patches.cols as isize {
            let first = px * pw + (-dx).max(0);
            let last = (px + 1) * pw - dx.max(0);
            if first >= last {
                continue;
            }
            let row = |y: isize, x0: isize, x1: isize| (y * width + x0) as usize..(y * width + x1) as usize;
            let source = &x[row(source_y, first + dx, last + dx)];
            for (o, v) in out[row(y, first, last)].iter_mut().zip(source) {
                *o += w * v;
            }
        }
    }
}
