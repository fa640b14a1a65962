//! Memory plans of the published networks, and the cutting of operators in general.

use std::ops::Range;

use mprnet::graph::{Graph, Patches, Role, TensorDesc, TensorId, passes};
use mprnet::model::{self, ImageFormat, Mode, ModelConfig, NetworkOptions, Stage, Weights};
use mprnet::plan::{
    Bound, Cut, CutLimits, Domain, Fragment, Layout, MemoryPlan, Precision, Reach, Window, cut, fragments,
    sliding_rows,
};
use proptest::prelude::*;

const MIB: u64 = 1 << 20;

/// A published network at a size, as it is executed.
pub fn published(config: ModelConfig, (height, width): (u32, u32)) -> Graph {
    let weights = Weights::seeded(config, 1);
    let format = ImageFormat::Words;
    let options =
        NetworkOptions { height, width, format, stage: Stage::Three, mode: Mode::Global, keep: vec![] };
    passes::optimize(model::build(&weights, &options).unwrap()).unwrap()
}

/// The steps at which each tensor holds what somebody still reads. The input is there before the first, an output
/// after the last.
fn lifetimes(graph: &Graph) -> Vec<(TensorId, Range<usize>)> {
    let end = graph.nodes().len() + 1;
    let span = |id: TensorId| {
        let first = graph.producer(id).or_else(|| graph.inputs().contains(&id).then_some(0))?;
        let reads = graph.nodes().iter().rposition(|n| n.inputs.contains(&id)).unwrap_or(first);
        Some((id, first..if graph.outputs().contains(&id) { end } else { reads + 1 }))
    };
    (0..graph.tensor_count()).filter_map(|i| span(TensorId(i))).collect()
}

/// Bytes of a fragment.
fn bytes(fragment: &Fragment, layout: &Layout) -> u64 {
    u64::from(fragment.rows.end - fragment.rows.start) * layout.row_bytes
}

/// Every fragment has room in its slot and has it for itself while it is alive; and the plan's own bound is what
/// is alive at the worst step.
fn check_plan(graph: &Graph, plan: &MemoryPlan, buffer_limit: u64) {
    assert!(plan.slot_sizes().iter().all(|&size| size <= buffer_limit));
    let mut live = vec![0; graph.nodes().len() + 1];
    let mut taken: Vec<Vec<TensorId>> = vec![Vec::new(); plan.slot_sizes().len() * live.len()];
    for (id, steps) in lifetimes(graph) {
        let placement = plan.placement(id).unwrap();
        live[steps.clone()].iter_mut().for_each(|sum| *sum += placement.layout.bytes());
        assert_eq!(placement.fragments.len(), placement.slots.len());
        for (fragment, &slot) in placement.fragments.iter().zip(&placement.slots) {
            let size = bytes(fragment, &placement.layout);
            assert!(size <= plan.slot_sizes()[slot], "{} has no room", graph.tensor(id).name);
            for step in steps.clone() {
                taken[step * plan.slot_sizes().len() + slot].push(id);
            }
        }
    }
    if let Some(tenants) = taken.iter().find(|t| t.len() > 1) {
        let names: Vec<_> = tenants.iter().map(|&t| &graph.tensor(t).name).collect();
        panic!("{names:?} are alive in one slot");
    }
    assert_eq!(plan.live_bound(), live.into_iter().max().unwrap());
}

fn check_network(name: &str, config: ModelConfig) {
    for size in [(720, 1280), (512, 512)] {
        let graph = published(config, size);
        for precision in [Precision::F32, Precision::F16] {
            for limit in [256 * MIB, 2048 * MIB, u64::MAX] {
                let plan = MemoryPlan::new(&graph, precision, limit, &[]).unwrap();
                check_plan(&graph, &plan, limit);
                let ratio = plan.bytes() as f64 / plan.live_bound() as f64;
                println!("{name} {size:?} {precision:?}, buffers of {} MiB: {ratio:.4}", limit / MIB);
                assert!(ratio <= 1.05, "{name} {size:?} {precision:?} {limit}: {ratio:.4} times the bound");
            }
        }
    }
}

#[test]
fn deraining_takes_hardly_more_than_is_alive() {
    check_network("derain", ModelConfig::DERAIN);
}

#[test]
fn denoising_takes_hardly_more_than_is_alive() {
    check_network("denoise", ModelConfig::DENOISE);
}

#[test]
fn deblurring_takes_hardly_more_than_is_alive() {
    check_network("deblur", ModelConfig::DEBLUR);
}

/// An operator as cutting sees it: its domain, and what it binds.
#[derive(Debug)]
struct Operator {
    domain: Domain,
    tensors: Vec<(TensorDesc, Reach, bool)>,
}

const GRIDS: [Patches; 3] = [Patches::WHOLE, Patches::HALVES, Patches::QUARTERS];

fn sums(desc: TensorDesc) -> TensorDesc {
    TensorDesc { height: desc.cell_rows() * desc.patches.rows, ..desc.cells() }
}

fn as_image(desc: TensorDesc) -> TensorDesc {
    TensorDesc { role: Role::Image, ..desc }
}

/// One of the kinds of operators that there are, on some shape. `sides` are those of a patch of the smallest
/// tensor, in pixels; what is read may have been written on another patch grid.
fn operator(kind: usize, channels: (u32, u32), sides: (u32, u32), grids: (usize, usize)) -> Operator {
    let (own, other) = (GRIDS[grids.0], GRIDS[grids.1]);
    // Divisible by every grid, so that the sources' may differ.
    let (height, width) = (2 * sides.0, 2 * sides.1);
    let desc = |channels: u32, times: u32, patches: Patches| TensorDesc {
        channels,
        height: height * times,
        width: width * times,
        patches,
        role: Role::Feature,
    };
    let (dst, x) = (desc(channels.0, 1, own), desc(channels.1, 1, other));
    let image = as_image(desc(3, 1, own));
    let cells = |dst: TensorDesc, rest: Vec<_>| Operator {
        domain: Domain::Cells(dst),
        tensors: std::iter::once((dst, Reach::Same, true)).chain(rest).collect(),
    };
    // A photo of fewer rows than its padded form.
    let photo = |desc: TensorDesc| TensorDesc {
        height: height.saturating_sub(channels.1 % 32).max(1),
        patches: Patches::WHOLE,
        ..desc
    };
    match kind {
        0 => cells(dst, vec![(x, Reach::Same, false), (desc(channels.0, 1, other), Reach::Same, false)]),
        1 => cells(dst, vec![(x, Reach::Around, false), (sums(dst), Reach::CellRows, true)]),
        2 => cells(dst, vec![(desc(channels.1, 2, other), Reach::Times(2), false)]),
        3 => cells(as_image(dst), vec![(as_image(desc(channels.1, 4, other)), Reach::Times(4), false)]),
        4 => cells(desc(channels.0, 2, own), vec![(x, Reach::HalfAround, false)]),
        5 => cells(as_image(desc(channels.0, 4, own)), vec![(as_image(x), Reach::Over(4), false)]),
        6 => {
            cells(dst, vec![(x, Reach::Same, false), (image, Reach::Same, false), (image, Reach::Same, true)])
        }
        7 => {
            let gates = TensorDesc { height: own.rows, width: own.cols, role: Role::Pooled, ..dst };
            cells(dst, vec![(x, Reach::Same, false), (gates, Reach::Whole, false)])
        }
        8 => {
            let domain = Domain::Cells(TensorDesc { patches: own, ..x });
            let pooled = sums(TensorDesc { patches: own, ..x });
            Operator { domain, tensors: vec![(pooled, Reach::CellRows, true), (x, Reach::Same, false)] }
        }
        9 => cells(dst, vec![(photo(dst), Reach::Reflected, false)]),
        11 => {
            // Windows of a third of a patch slide down; and pixels take the nearest of them.
            let window = 1 + sides.0 / 3;
            let means = (desc(1, 1, own).patch_height() - window) + 1;
            let slid = TensorDesc { height: means * own.rows, ..dst };
            cells(slid, vec![(desc(channels.0, 1, own), Reach::Sliding { means, window }, false)])
        }
        12 => {
            let (side, windows) = (dst.patch_height(), 1 + channels.1 % dst.patch_height());
            let map = TensorDesc { height: windows * own.rows, ..dst };
            cells(dst, vec![(map, Reach::Nearest { side, windows }, false)])
        }
        10 => cells(photo(dst), vec![(desc(channels.0, 1, other), Reach::Same, false)]),
        _ => {
            let (from, to) = (sums(dst), TensorDesc { width: own.cols, ..sums(dst) });
            Operator {
                domain: Domain::Rows(to),
                tensors: vec![(to, Reach::Same, true), (from, Reach::Same, false)],
            }
        }
    }
}

/// Where a window's rows lie in a fragment, if they do: bytes from its start to the end of what is bound, beginning
/// where a binding may begin.
fn binding(b: &Bound<'_>, fragment: &Fragment, window: &Window, limits: &CutLimits) -> Option<u64> {
    let rows = b.reach.rows(window, b.layout.rows);
    if rows.start < fragment.rows.start || rows.end > fragment.rows.end {
        return None;
    }
    let at = |row: u32| u64::from(row - fragment.rows.start) * b.layout.row_bytes;
    Some(at(rows.end) - at(rows.start) / limits.alignment * limits.alignment)
}

fn check_cuts(domain: &Domain, bound: &[Bound<'_>], limits: &CutLimits, cuts: &[Cut]) {
    for Cut { window, fragments } in cuts {
        assert_eq!(window.rows, domain.rows(&window.cell_rows));
        let count = window.cell_rows.end - window.cell_rows.start;
        assert!((1..=limits.cell_rows).contains(&count) && window.cell_rows.end <= domain.cell_rows());
        assert!(count == 1 || window.rows.end - window.rows.start <= limits.rows);
        assert_eq!(fragments.len(), bound.len());
        for (b, &at) in bound.iter().zip(fragments) {
            let bytes = binding(b, &b.fragments[at], window, limits).expect("it lies in the fragment");
            assert!(bytes <= limits.binding_bytes);
        }
    }
    for (i, b) in bound.iter().enumerate().filter(|(_, b)| b.written) {
        for (at, fragment) in b.fragments.iter().enumerate() {
            let mut written = vec![false; b.layout.rows as usize];
            for Cut { window, .. } in cuts.iter().filter(|c| c.fragments[i] == at) {
                let rows = b.reach.rows(window, b.layout.rows);
                written[rows.start as usize..rows.end as usize].fill(true);
            }
            let rows = fragment.rows.start as usize..fragment.rows.end as usize;
            assert!(written[rows].iter().all(|&w| w), "fragment {at} of tensor {i} is not written in full");
        }
    }
}

/// Of which tensors not even one row of cells can be bound, wherever it lies.
fn unbindable(domain: &Domain, bound: &[Bound<'_>], limits: &CutLimits) -> Vec<usize> {
    let too_long = |b: &Bound<'_>| {
        (0..domain.cell_rows()).any(|cell_row| {
            let window =
                Window { cell_rows: cell_row..cell_row + 1, rows: domain.rows(&(cell_row..cell_row + 1)) };
            let mut holding = b.fragments.iter().filter_map(|f| binding(b, f, &window, limits)).peekable();
            assert!(holding.peek().is_some(), "no fragment of {b:?} holds {window:?}");
            holding.any(|bytes| bytes > limits.binding_bytes)
        })
    };
    (0..bound.len()).filter(|&i| too_long(&bound[i])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_cover_what_is_written(
        kind in 0..14_usize,
        channels in (1..70_u32, 1..70_u32),
        sides in (1..300_u32, 1..9_u32),
        grids in (0..3_usize, 0..3_usize),
        precision in prop_oneof![Just(Precision::F32), Just(Precision::F16)],
        rows_of_a_buffer in 78..600_u64,
        binding in prop_oneof![1 => Just(u64::MAX), 4 => 1..200_u64],
        (alignment, rows, cell_rows) in (2..9_u32, 8..200_u32, prop_oneof![Just(u32::MAX), 1..20_u32]),
    ) {
        let operator = operator(kind, channels, sides, grids);
        let layouts: Vec<Layout> = operator.tensors.iter().map(|(d, ..)| Layout::of(d, precision)).collect();
        let widest = layouts.iter().map(|l| l.row_bytes).max().unwrap();
        // Sums have an eighth of the rows, and are cut without margins.
        let capacity = |desc: &TensorDesc, layout: &Layout| match desc.role {
            Role::Pooled => rows_of_a_buffer / 6 * layout.row_bytes,
            _ => rows_of_a_buffer * widest,
        };
        let mut parts = Vec::new();
        for ((desc, reach, _), layout) in operator.tensors.iter().zip(&layouts) {
            let reached = if let Reach::Sliding { window, .. } = reach { sliding_rows(*window) } else { 0 };
            // What slides is read by many rows at once, and not cut smaller.
            let capacity = capacity(desc, layout).max(u64::from(reached) * 3 * layout.row_bytes);
            let pieces = fragments(desc, layout, capacity, reached).expect("the margins fit");
            prop_assert!(pieces.iter().all(|f| bytes(f, layout) <= capacity));
            parts.push(pieces);
        }
        let bound: Vec<Bound<'_>> = operator.tensors.iter().zip(&layouts).zip(&parts)
            .map(|((&(_, reach, written), &layout), fragments)| Bound { reach, layout, fragments, written })
            .collect();
        let limits = CutLimits {
            binding_bytes: binding.saturating_mul(widest),
            alignment: 1 << alignment,
            rows,
            cell_rows,
        };
        let impossible = unbindable(&operator.domain, &bound, &limits);
        match cut(&operator.domain, &(0..operator.domain.cell_rows()), &bound, &limits) {
            Ok(cuts) => check_cuts(&operator.domain, &bound, &limits, &cuts),
            Err(tensor) => prop_assert!(impossible.contains(&tensor), "{tensor} could be bound"),
        }
        prop_assert!(binding < u64::MAX || impossible.is_empty());
    }
}
