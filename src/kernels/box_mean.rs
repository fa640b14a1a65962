//! Means of windows that slide along one axis of a patch.
//!
//! Means go in runs of [`MEANS_PER_RUN`], counted from the patch's edge: a lane sums the first window of a run, and
//! from each window to the next adds what comes in less what goes out. So a mean is the same to the bit wherever the
//! rows that are computed together begin and end: a window of rows that begins within a run begins with the run's first
//! sum, and stores nothing until its own first row. It reads up to `MEANS_PER_RUN - 1` rows more for that. The sum of
//! the row before is all that goes from one row to the next: a band might be handed it instead; shaders/FINDINGS.md has
//! the figures.
//!
//! Precision: the first sum takes its values by cells of eight, and so `8 + window / 8` additions, each of which errs
//! by 2^-24 of the sum at most; every further mean of the run is one addition away, of a difference of two values. The
//! division errs by 2.5 units. So no mean is off by more than
//! `(8 + window / 8 + (MEANS_PER_RUN - 1) * (1 + 2 / window) + 3) * 2^-24` of the largest magnitude that its run has
//! read: 1.1e-5 for windows of 384, along each axis, whatever the photo's size. Roundings go either way: tests hold the
//! kernel to a quarter of that at 3000 rows, and lavapipe gives 1.0e-6.

use super::{BindingIndex, Context, Grid, Scalars, Stage};
use crate::gpu::KernelSpec;
use crate::graph::{Axis, BoxMean, MEANS_PER_RUN};
use crate::plan::Reach;

pub(super) fn lower(cx: &Context<'_>, mean: &BoxMean) -> Stage {
    let (x, dst) = (cx.graph.desc(cx.x()), cx.graph.desc(cx.dst()));
    let quads = cx.quads(cx.dst());
    let (axis, reach, grid) = match mean.axis {
        Axis::Rows => {
            let means = dst.patch_height();
            let lanes = dst.width.saturating_mul(quads);
            let reach = Reach::Sliding { means, window: mean.window };
            ("axis_rows", reach, Grid::Runs { lanes, means })
        }
        Axis::Columns => {
            let runs = dst.patch_width().div_ceil(MEANS_PER_RUN) * x.patches.cols;
            ("axis_columns", Reach::Same, Grid::Eights { lanes: runs.saturating_mul(quads) })
        }
    };
    let epilogue = if mean.prelu.is_some() { "epilogue_prelu" } else { "epilogue_none" };
    Stage {
        spec: KernelSpec::new("box_mean", &[axis, epilogue])
            .stored("in", cx.stored(cx.x()))
            .stored("out", cx.stored(cx.dst()))
            .constant("AHEAD", cx.target.loads_ahead())
            .constant("RUN", MEANS_PER_RUN),
        domain: cx.cells(),
        bindings: Vec::new(),
        packing: None,
        grid,
        scalars: Scalars { scalar: mean.prelu.unwrap_or(0.0), ..Scalars::default() },
    }
    .bind(BindingIndex::Dst, cx.dst(), Reach::Same)
    .bind(BindingIndex::X, cx.x(), reach)
}
