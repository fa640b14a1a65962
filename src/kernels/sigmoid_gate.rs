//! SAM's last step standing alone, and channel attention by a map: a * sigmoid(m) + x.

use super::{BindingIndex, Context, Grid, Stage};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>) -> Stage {
    let [a, map, x] = [0, 1, 2].map(|i| cx.node.inputs[i]);
    let two = cx.quads(cx.dst()).is_multiple_of(2) && cx.halves(&[a, map, x, cx.dst()]);
    let mut stage = cx.by_quads("sigmoid_gate", two, Some(x), Reach::Same);
    stage.spec.parts.push("sigmoid".to_owned());
    let lanes = cx.quads(cx.dst()) / if two { 2 } else { 1 };
    let lanes = stage.domain.columns().saturating_mul(lanes);
    let side = cx.graph.desc(cx.dst()).patch_height();
    let windows = cx.graph.desc(map).height / cx.graph.desc(cx.dst()).patches.rows;
    Stage { grid: Grid::Flat { lanes, depth: 1 }, ..stage }.bind(
        BindingIndex::X2,
        map,
        Reach::Nearest { side, windows },
    )
}
