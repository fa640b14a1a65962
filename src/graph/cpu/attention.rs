//! Channel attention: sums, the two small layers, and the gate.

use super::Value;
use crate::graph::{Attention, CELL, Graph, TensorDesc};

/// 1 / (1 + e^-v).
pub(super) fn sigmoid(v: f64) -> f64 {
    1.0 / (1.0 + (-v).exp())
}

/// Sums per cell of a patch.
pub(super) fn pool_cells(x: &Value, desc: TensorDesc) -> Value {
    let mut out = Value::zeros(desc);
    let TensorDesc { width, .. } = x.desc;
    let shape = TensorDesc { patches: desc.patches, ..x.desc };
    let cell_of = |at: u32, side: u32, cells: u32| at / side * cells + at % side / CELL;
    for c in 0..desc.channels as usize {
        let sums = out.plane_mut(c);
        for (i, v) in x.plane(c).iter().enumerate() {
            let (y, at) = (i as u32 / width, i as u32 % width);
            let cell_y = cell_of(y, shape.patch_height(), shape.cell_rows());
            let cell_x = cell_of(at, shape.patch_width(), shape.cell_cols());
            sums[(cell_y * desc.width + cell_x) as usize] += v;
        }
    }
    out
}

/// Sums of the cells of one row of each patch.
pub(super) fn pool_rows(x: &Value, desc: TensorDesc) -> Value {
    let mut out = Value::zeros(desc);
    let cells = x.desc.width / desc.width;
    for c in 0..desc.channels as usize {
        for (row, sums) in x.plane(c).chunks_exact(cells as usize).zip(out.plane_mut(c)) {
            *sums = row.iter().sum();
        }
    }
    out
}

/// sigmoid(W2 relu(W1 mean + b1) + b2) for each patch.
pub(super) fn gates(graph: &Graph, op: &Attention, x: &Value, desc: TensorDesc) -> Value {
    let mut out = Value::zeros(desc);
    let channels = desc.channels as usize;
    let rows = (x.desc.height / desc.height) as usize;
    let layer = |v: &[f64], weight, bias| -> Vec<f64> {
        let matrix = graph.param(weight);
        let bias = super::bias(graph, bias);
        let dot = |(row, w): (usize, &[f32])| {
            let sum: f64 = w.iter().zip(v).map(|(&w, &v)| f64::from(w) * v).sum();
            sum + bias.map_or(0.0, |b| f64::from(b[row]))
        };
        matrix.data.chunks_exact(v.len()).enumerate().map(dot).collect()
    };
    let patches = desc.pixels() as usize;
    for patch in 0..patches {
        let (py, px) = (patch / desc.width as usize, patch % desc.width as usize);
        let sum_of = |c: usize| -> f64 {
            (0..rows).map(|r| x.plane(c)[(py * rows + r) * desc.width as usize + px]).sum()
        };
        let mean: Vec<f64> = (0..channels).map(|c| sum_of(c) / op.area as f64).collect();
        let squeezed = layer(&mean, op.squeeze, op.squeeze_bias);
        let hidden: Vec<f64> = squeezed.iter().map(|v| v.max(0.0)).collect();
        for (c, v) in layer(&hidden, op.excite, op.excite_bias).into_iter().enumerate() {
            out.data[c * patches + patch] = sigmoid(v);
        }
    }
    out
}

/// gate * r + x, the gate of the patch that a pixel lies in.
pub(super) fn gate(r: &Value, x: &Value, gates: &Value, desc: TensorDesc) -> Value {
    let mut out = Value::zeros(desc);
    let (ph, pw) = (desc.height / gates.desc.height, desc.width / gates.desc.width);
    for c in 0..desc.channels as usize {
        let (r, x, gates) = (r.plane(c), x.plane(c), gates.plane(c));
        let columns = desc.width / pw;
        for (i, o) in out.plane_mut(c).iter_mut().enumerate() {
            let (y, at) = (i as u32 / desc.width, i as u32 % desc.width);
            *o = gates[(y / ph * columns + at / pw) as usize] * r[i] + x[i];
        }
    }
    out
}
