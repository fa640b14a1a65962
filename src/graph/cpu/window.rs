//! Means of sliding windows, and the map of them that pixels have.

use super::Value;
use crate::graph::{Axis, BoxMean, TensorDesc, nearest_window};

/// The mean of each window, summed anew: no sum slides here.
pub(super) fn means(x: &Value, op: &BoxMean, desc: TensorDesc) -> Value {
    let mut out = Value::zeros(desc);
    let (width, wide) = (desc.width as usize, x.desc.width as usize);
    // Values of one window lie this far apart.
    let stride = if op.axis == Axis::Rows { wide } else { 1 };
    for c in 0..desc.channels as usize {
        let source = x.plane(c);
        for (i, mean) in out.plane_mut(c).iter_mut().enumerate() {
            let (row, col) = (i / width, i % width);
            let row = first_of(row as u32, desc.patch_height(), x.desc.patch_height()) as usize;
            let col = first_of(col as u32, desc.patch_width(), x.desc.patch_width()) as usize;
            let window = source[row * wide + col..].iter().step_by(stride).take(op.window as usize);
            *mean = window.sum::<f64>() / f64::from(op.window);
        }
    }
    out
}

/// The first row (or column) of a window, in the tensor.
fn first_of(window: u32, windows: u32, side: u32) -> u32 {
    window / windows * side + window % windows
}

/// The map's value for each pixel.
pub(super) fn of_pixels(map: &Value, desc: TensorDesc) -> Value {
    let desc = TensorDesc { role: map.desc.role, ..desc };
    if (map.desc.height, map.desc.width) == (desc.height, desc.width) {
        return map.map(desc, |v| v);
    }
    let mut out = Value::zeros(desc);
    let place =
        |i: u32, side: u32, windows: u32| i / side * windows + nearest_window(i % side, side, windows);
    for c in 0..desc.channels as usize {
        let source = map.plane(c);
        for (i, value) in out.plane_mut(c).iter_mut().enumerate() {
            let (row, col) = (i as u32 / desc.width, i as u32 % desc.width);
            let row = place(row, desc.patch_height(), map.desc.patch_height());
            let col = place(col, desc.patch_width(), map.desc.patch_width());
            *value = source[(row * map.desc.width + col) as usize];
        }
    }
    out
}
