//! Algebra of 1x1 convolutions: they commute with bilinear resampling (whose taps sum to one) and with means, and
//! chains and sums of them are one matrix. Products are formed in f64 and rounded once.

use super::concat::convolve_concat;
use super::{Rewrite, Uses};
use crate::Result;
use crate::graph::{
    Axis, BoxMean, Conv, Graph, KernelSize, Node, Op, Param, ParamId, TensorDesc, TensorId, cost,
};

/// Sources that one convolution kernel reads at most.
const MAX_SOURCES: usize = 2;

/// One step of whichever rule matches at this node.
pub(super) fn simplify(graph: &mut Graph, uses: &Uses, index: usize) -> Result<Option<Rewrite>> {
    match graph.nodes[index].op {
        Op::Conv(conv) if conv.is_plain_1x1() => {
            if let Some(found) = before_upsample(graph, uses, index, conv)? {
                return Ok(Some(found));
            }
            if let Some(found) = before_means(graph, uses, index, conv)? {
                return Ok(Some(found));
            }
            // A convolution moved before an upsampling may stand behind a concatenation now.
            Ok(convolve_concat(graph, uses, index).or_else(|| chain(graph, uses, index, conv)))
        }
        Op::Add => match sum_of_pointwise(graph, uses, index) {
            None => sum_of_upsampled(graph, uses, index),
            found => Ok(found),
        },
        _ => Ok(None),
    }
}

/// `conv(up(x))` is `up(conv(x))`: a quarter of the multiply-adds.
fn before_upsample(graph: &mut Graph, uses: &Uses, index: usize, conv: Conv) -> Result<Option<Rewrite>> {
    let node = graph.nodes[index].clone();
    let (&[source], out) = (&node.inputs[..], node.outputs[0]) else { return Ok(None) };
    let Some(up) = uses.sole(graph, source) else { return Ok(None) };
    let plain = graph.nodes[up].op == Op::Upsample { residual: false };
    if !plain || graph.desc(source).patches != graph.desc(out).patches {
        return Ok(None);
    }
    let low = graph.nodes[up].inputs[0];
    let name = format!("{}@half", graph.tensor(out).name);
    let first = graph.make(&name, Op::Conv(conv), &[low], graph.desc(low).patches)?;
    let second = Node { inputs: first.outputs.clone(), outputs: node.outputs, ..graph.nodes[up].clone() };
    Ok(Some(Rewrite { remove: vec![up, index], insert: vec![first, second] }))
}

/// `conv(mean(x))` is `mean(conv(x))`: means of fewer channels, where the convolution leaves fewer and that is less
/// work. Of large windows there are fewer means than pixels, which the convolution then takes more multiply-adds for.
fn before_means(graph: &mut Graph, uses: &Uses, index: usize, conv: Conv) -> Result<Option<Rewrite>> {
    let node = graph.nodes[index].clone();
    let (&[source], out) = (&node.inputs[..], node.outputs[0]) else { return Ok(None) };
    let plain = |tensor: TensorId, axis: Axis| {
        let at = uses.sole(graph, tensor)?;
        match graph.nodes[at].op {
            Op::BoxMean(BoxMean { axis: along, prelu: None, .. }) if along == axis => Some(at),
            _ => None,
        }
    };
    let Some(columns) = plain(source, Axis::Columns) else { return Ok(None) };
    let Some(rows) = plain(graph.nodes[columns].inputs[0], Axis::Rows) else { return Ok(None) };
    let x = graph.nodes[rows].inputs[0];
    let patches = graph.desc(source).patches;
    let alike = [x, out].iter().all(|&t| graph.desc(t).patches == patches);
    if !alike || !fewer_means_are_less_work(graph, conv, [rows, columns, index]) {
        return Ok(None);
    }
    let name = &graph.tensor(out).name.clone();
    let pixels = graph.make(&format!("{name}@pixels"), Op::Conv(conv), &[x], patches)?;
    let half = graph.make(&format!("{name}@rows"), graph.nodes[rows].op, &pixels.outputs, patches)?;
    let whole = Node { inputs: half.outputs.clone(), outputs: node.outputs, ..graph.nodes[columns].clone() };
    Ok(Some(Rewrite { remove: vec![rows, columns, index], insert: vec![pixels, half, whole] }))
}

/// Whether means along rows, along columns, and the convolution of them are more work than the convolution and means of
/// its results, as [`cost::work`] counts.
fn fewer_means_are_less_work(graph: &Graph, conv: Conv, [rows, columns, index]: [usize; 3]) -> bool {
    let before: u64 = [rows, columns, index].iter().map(|&at| cost::work(graph, &graph.nodes[at])).sum();
    let at = |node: usize| graph.desc(graph.nodes[node].outputs[0]);
    let (x, out) = (graph.desc(graph.nodes[rows].inputs[0]), at(index).channels);
    let narrow = |desc: TensorDesc| TensorDesc { channels: out, ..desc }.elements();
    let products = x.pixels() * graph.param(conv.weight).data.len() as u64;
    let moved = x.elements() + 2 * narrow(x) + 2 * narrow(at(rows)) + narrow(at(columns));
    cost::work_of(products, moved) < before
}

/// `outer(inner(x))` is one 1x1, where that costs no more.
fn chain(graph: &mut Graph, uses: &Uses, index: usize, outer: Conv) -> Option<Rewrite> {
    let node = graph.nodes[index].clone();
    for (slot, &source) in node.inputs.iter().enumerate() {
        let Some((at, inner)) = uses.sole_plain_1x1(graph, source) else { continue };
        let inner_inputs = graph.nodes[at].inputs.clone();
        let (rows, mid) = (graph.param(outer.weight).shape[0], graph.param(inner.weight).shape[0]);
        let cols = graph.param(inner.weight).shape[1];
        let cheaper = rows * cols <= rows * mid + mid * cols;
        let mut inputs = node.inputs.clone();
        inputs.splice(slot..=slot, inner_inputs);
        if !cheaper || !readable(graph, &inputs) {
            continue;
        }
        let before: usize = node.inputs[..slot].iter().map(|&t| graph.desc(t).channels as usize).sum();
        let merged = compose(graph, outer, inner, before);
        let fused = Node { op: Op::Conv(merged), inputs, outputs: node.outputs };
        return Some(Rewrite { remove: vec![at, index], insert: vec![fused] });
    }
    None
}

/// `conv(a) + conv(b)` is one 1x1 over both.
fn sum_of_pointwise(graph: &mut Graph, uses: &Uses, index: usize) -> Option<Rewrite> {
    let node = graph.nodes[index].clone();
    let (a_at, a) = uses.sole_plain_1x1(graph, node.inputs[0])?;
    let (b_at, b) = uses.sole_plain_1x1(graph, node.inputs[1])?;
    let inputs: Vec<TensorId> =
        graph.nodes[a_at].inputs.iter().chain(&graph.nodes[b_at].inputs).copied().collect();
    if !readable(graph, &inputs) {
        return None;
    }
    let (wa, wb) = (graph.param(a.weight).clone(), graph.param(b.weight).clone());
    let (rows, ca, cb) = (wa.shape[0], wa.shape[1], wb.shape[1]);
    let data = (0..rows)
        .flat_map(|r| wa.data[r * ca..(r + 1) * ca].iter().chain(&wb.data[r * cb..(r + 1) * cb]).copied())
        .collect();
    let name = format!("[{}, {}]", wa.name, wb.name);
    let weight = graph.add_param(Param { name, shape: vec![rows, ca + cb, 1, 1], data });
    let bias = sum_of_biases(graph, a.bias, b.bias);
    let conv = Conv::new(KernelSize::One, weight, bias);
    let fused = Node { op: Op::Conv(conv), inputs, outputs: node.outputs };
    Some(Rewrite { remove: vec![a_at, b_at, index], insert: vec![fused] })
}

/// Whether one kernel can read all of these: few enough, and stored alike.
fn readable(graph: &Graph, sources: &[TensorId]) -> bool {
    let role = |t: TensorId| graph.desc(t).role;
    sources.len() <= MAX_SOURCES && sources.iter().all(|&t| role(t) == role(sources[0]))
}

/// `up(a) + up(b)` is `up(a + b)`.
fn sum_of_upsampled(graph: &mut Graph, uses: &Uses, index: usize) -> Result<Option<Rewrite>> {
    let node = graph.nodes[index].clone();
    let plain = |t: TensorId| {
        let at = uses.sole(graph, t)?;
        let same = graph.desc(t).patches == graph.desc(node.outputs[0]).patches;
        (same && graph.nodes[at].op == Op::Upsample { residual: false }).then_some(at)
    };
    let (Some(a), Some(b)) = (plain(node.inputs[0]), plain(node.inputs[1])) else { return Ok(None) };
    let (low_a, low_b) = (graph.nodes[a].inputs[0], graph.nodes[b].inputs[0]);
    let name = format!("{}@half", graph.tensor(node.outputs[0]).name);
    let sum = graph.make(&name, Op::Add, &[low_a, low_b], graph.desc(node.outputs[0]).patches)?;
    let up = Node { inputs: sum.outputs.clone(), outputs: node.outputs, ..graph.nodes[a].clone() };
    Ok(Some(Rewrite { remove: vec![a, b, index], insert: vec![sum, up] }))
}

/// `conv(down(x))` reads x and averages while loading.
pub(super) fn fuse_downsample(graph: &mut Graph, uses: &Uses, index: usize) -> Option<Rewrite> {
    let node = &graph.nodes[index];
    let (Op::Conv(conv), [source]) = (&node.op, &node.inputs[..]) else { return None };
    if !conv.is_plain_1x1() {
        return None;
    }
    let down = uses.sole(graph, *source).filter(|&i| graph.nodes[i].op == Op::Downsample)?;
    let op = Op::Conv(Conv { halve: true, ..*conv });
    let fused = Node { op, inputs: graph.nodes[down].inputs.clone(), outputs: node.outputs.clone() };
    Some(Rewrite { remove: vec![down, index], insert: vec![fused] })
}

/// `outer` with its columns from `before` on, as many as `inner` has rows, multiplied by `inner`.
fn compose(graph: &mut Graph, outer: Conv, inner: Conv, before: usize) -> Conv {
    let (wo, wi) = (graph.param(outer.weight).clone(), graph.param(inner.weight).clone());
    let (rows, width, mid, cols) = (wo.shape[0], wo.shape[1], wi.shape[0], wi.shape[1]);
    let dot = |row: &[f32], column: &dyn Fn(usize) -> f32| -> f64 {
        row.iter().enumerate().map(|(m, &w)| f64::from(w) * f64::from(column(m))).sum()
    };
    let mut data = Vec::with_capacity(rows * (width - mid + cols));
    for row in wo.data.chunks_exact(width) {
        let (head, rest) = row.split_at(before);
        let (replaced, tail) = rest.split_at(mid);
        data.extend_from_slice(head);
        data.extend((0..cols).map(|c| dot(replaced, &|m| wi.data[m * cols + c]) as f32));
        data.extend_from_slice(tail);
    }
    let name = format!("{} * {}", wo.name, wi.name);
    let weight =
        graph.add_param(Param { name, shape: vec![rows, width - mid + cols, 1, 1], data: data.into() });
    let carried = inner.bias.map(|bias| {
        let inner_bias = graph.param(bias).clone();
        let of_row = |row: &[f32]| dot(&row[before..before + mid], &|m| inner_bias.data[m]) as f32;
        let data = wo.data.chunks_exact(width).map(of_row).collect();
        graph.add_param(Param { name: format!("{} * {}", wo.name, inner_bias.name), shape: vec![rows], data })
    });
    let bias = sum_of_biases(graph, outer.bias, carried);
    Conv::new(KernelSize::One, weight, bias)
}

fn sum_of_biases(graph: &mut Graph, a: Option<ParamId>, b: Option<ParamId>) -> Option<ParamId> {
    let (Some(a), Some(b)) = (a, b) else { return a.or(b) };
    let (a, b) = (graph.param(a).clone(), graph.param(b).clone());
    let data = a.data.iter().zip(b.data.iter()).map(|(x, y)| x + y).collect();
    Some(graph.add_param(Param { name: format!("{} + {}", a.name, b.name), shape: a.shape, data }))
}
