//! A tensor larger than the largest buffer lives in several, each with rows of its own and a margin of its
//! neighbours' rows. Whoever writes the tensor writes the margins too, by computing those rows once for each
//! buffer, so that every window of rows that is read lies within one of them: no copies, no second binding.

use std::ops::Range;

use super::{Domain, Layout};
use crate::graph::{CELL, Role, TensorDesc};

/// Rows of a neighbour that a fragment repeats at least: half of what a row of cells, 8 pixels high, reads at most,
/// since whatever reaches past the margin on one side of a border begins within the other's. Features are read at twice
/// the size (16 rows) or with a row around (10), images at up to four times the size (32).
fn margin(role: Role) -> u32 {
    match role {
        // Written and read row of cells by row of cells, a row each.
        Role::Pooled => 0,
        Role::Feature => 8,
        Role::Image | Role::Words => 16,
    }
}

/// A buffer's share of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The rows it holds: whole rows of cells.
    pub rows: Range<u32>,
    /// The rows that are read from here when the tensor is taken to the host.
    pub own: Range<u32>,
}

/// The fragments of a tensor whose buffers may hold `capacity` bytes; one where it fits. `reach` is how many rows a
/// reader takes at once at least, where that is more than two margins. None where not even the margins fit.
#[must_use]
pub fn fragments(desc: &TensorDesc, layout: &Layout, capacity: u64, reach: u32) -> Option<Vec<Fragment>> {
    let rows = layout.rows;
    if layout.bytes() <= capacity {
        return Some(vec![Fragment { rows: 0..rows, own: 0..rows }]);
    }
    let margin = margin(desc.role).max(reach.div_ceil(2));
    let (domain, slack) = match desc.role {
        Role::Pooled => (Domain::Rows(*desc), 0),
        _ => (Domain::Cells(*desc), CELL - 1),
    };
    let fitting = u32::try_from(capacity / layout.row_bytes.max(1)).unwrap_or(u32::MAX);
    // A buffer that is mostly margins would multiply memory and work.
    let own = fitting.checked_sub(2 * (margin + slack)).filter(|&own| own >= (2 * margin).max(1))?;
    let count = rows.div_ceil(own);
    // Equal shares: the last is no remnant, and the buffers suit the same slots.
    let share = rows.div_ceil(count);
    let fragment = |i: u32| {
        let own = (i * share).min(rows)..((i + 1) * share).min(rows);
        let (first, last) = (own.start.saturating_sub(margin), (own.end + margin).min(rows));
        let cell_rows = domain.cell_row_of(first)..domain.cell_row_of(last - 1) + 1;
        Fragment { rows: domain.rows(&cell_rows), own }
    };
    Some((0..count).map(fragment).filter(|f| !f.own.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Patches;
    use crate::plan::Precision;

    #[test]
    fn fragments_cover_every_row_once_and_stay_within_capacity() {
        for (channels, height, width, capacity) in [(128, 720, 1280, 256 << 20), (4, 1004, 640, 1 << 20)] {
            for patches in [Patches::WHOLE, Patches::QUARTERS] {
                let desc = TensorDesc { channels, height, width, patches, role: Role::Feature };
                let layout = Layout::of(&desc, Precision::F32);
                let parts = fragments(&desc, &layout, capacity, 0).unwrap();
                let owned: Vec<u32> = parts.iter().flat_map(|f| f.own.clone()).collect();
                assert_eq!(owned, (0..height).collect::<Vec<_>>());
                assert!(parts.len() > 1);
                let held: u64 = parts.iter().map(|f| u64::from(f.rows.end - f.rows.start)).sum();
                assert!(held * 10 <= u64::from(height) * 15, "{held} rows are held of {height}");
                for f in &parts {
                    assert!(u64::from(f.rows.end - f.rows.start) * layout.row_bytes <= capacity);
                    assert!(f.rows.start <= f.own.start && f.own.end <= f.rows.end);
                }
            }
        }
    }

    #[test]
    fn a_row_too_long_for_its_margins_has_no_fragments() {
        let desc = TensorDesc {
            channels: 4,
            height: 1000,
            width: 1 << 16,
            patches: Patches::WHOLE,
            role: Role::Feature,
        };
        let layout = Layout::of(&desc, Precision::F32);
        assert_eq!(layout.row_bytes, 1 << 20);
        // Two margins and what rounding to rows of cells adds to them, and twice a margin of its own: 2 * (8 + 7) + 16
        // rows.
        assert_eq!(fragments(&desc, &layout, 45 << 20, 0), None);
        assert!(fragments(&desc, &layout, 46 << 20, 0).is_some());
    }
}
