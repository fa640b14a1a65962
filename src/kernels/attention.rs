//! The two small layers of channel attention.

use super::{BindingIndex, Context, Grid, Packed, Packing, Scalars, Stage};
use crate::gpu::{KernelSpec, Storage};
use crate::graph::{Attention, Graph};
use crate::plan::{Domain, Reach};

pub(super) fn lower(cx: &Context<'_>, attention: &Attention) -> Stage {
    let gates = cx.graph.desc(cx.dst());
    let squeeze = cx.graph.param(attention.squeeze);
    let op = *attention;
    let params = [Some(op.squeeze), op.squeeze_bias, Some(op.excite), op.excite_bias];
    let packing = Packing {
        params: params.into_iter().flatten().collect(),
        sources: Vec::new(),
        form: ("plain", 0),
        storage: Storage::F32,
        pack: Box::new(move |graph| pack(graph, &op)),
    };
    Stage {
        spec: KernelSpec::new("attention", &["sigmoid"])
            .stored("weight", Storage::F32)
            .constant("AHEAD", cx.target.loads_ahead()),
        domain: Domain::Once,
        bindings: Vec::new(),
        packing: Some(packing),
        grid: Grid::Fixed([gates.width, gates.height, 1]),
        scalars: Scalars {
            hidden: squeeze.shape[0] as u32,
            scalar: attention.area as f32,
            ..Scalars::default()
        },
    }
    .bind(BindingIndex::Dst, cx.dst(), Reach::Whole)
    .bind(BindingIndex::X, cx.x(), Reach::Whole)
}

/// W1 by rows of quads, then W2 as [quads][hidden] of four outputs; b2, then b1.
fn pack(graph: &Graph, op: &Attention) -> Packed {
    let (squeeze, excite) = (graph.param(op.squeeze), graph.param(op.excite));
    let (hidden, channels) = (squeeze.shape[0], squeeze.shape[1]);
    let padded = channels.next_multiple_of(4);
    let mut weights = Vec::with_capacity(2 * hidden * padded);
    for row in squeeze.data.chunks_exact(channels) {
        weights.extend_from_slice(row);
        weights.resize(weights.len().next_multiple_of(4), 0.0);
    }
    for quad in 0..padded / 4 {
        for h in 0..hidden {
            let output = |i: usize| if i < channels { excite.data[i * hidden + h] } else { 0.0 };
            weights.extend((4 * quad..4 * quad + 4).map(output));
        }
    }
    let mut bias = vec![0.0; padded + hidden.next_multiple_of(4)];
    for (id, at) in [(op.excite_bias, 0), (op.squeeze_bias, padded)] {
        if let Some(values) = id.map(|id| &graph.param(id).data) {
            bias[at..at + values.len()].copy_from_slice(values);
        }
    }
    Packed { weights, bias }
}
