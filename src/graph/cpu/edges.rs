//! Padding and cropping.

use super::Value;
use crate::graph::{TensorDesc, reflected};

/// The reflection of an image past its right and bottom edges.
pub(super) fn pad(x: &Value, desc: TensorDesc) -> Value {
    let [height, width] = [x.desc.height, x.desc.width];
    take(x, desc, |row, col| [reflected(row, height), reflected(col, width)])
}

/// The top left corner.
pub(super) fn crop(x: &Value, desc: TensorDesc) -> Value {
    take(x, desc, |row, col| [row, col])
}

fn take(x: &Value, desc: TensorDesc, from: impl Fn(u32, u32) -> [u32; 2]) -> Value {
    let mut out = Value::zeros(desc);
    let stride = x.desc.width as usize;
    for channel in 0..desc.channels as usize {
        let source = x.plane(channel);
        for (row, values) in (0..).zip(out.plane_mut(channel).chunks_exact_mut(desc.width as usize)) {
            for (col, value) in (0..).zip(values) {
                let [row, col] = from(row, col).map(|place| place as usize);
                *value = source[row * stride + col];
            }
        }
    }
    out
}
