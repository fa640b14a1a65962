//! What a tensor is: channels, sides, patch grid and role. Nothing here knows how it is stored.

/// Rows of a pooling cell, and of the row windows that kernels are given: results are summed per cell of
/// 8x8 pixels counted from the top left of a patch, so that no sum depends on how the work was cut.
pub const CELL: u32 = 8;

/// Means of windows that slide along an axis for which one window is summed anew, counted from a patch's edge; more of
/// them are fewer additions and more error. A sum thus does not depend on how the work was cut either.
pub const MEANS_PER_RUN: u32 = 128;

/// The row (or column) of an image with `side` of them that stands at place `i` of the padded one.
///
/// Reflection without repeating the edge, with period `2 * (side - 1)`, as numpy's `pad(mode="reflect")` does it: a pad
/// longer than the side goes back and forth. A side of one pixel repeats that pixel.
#[must_use]
pub fn reflected(i: u32, side: u32) -> u32 {
    if side <= 1 {
        return 0;
    }
    let (place, period) = (u64::from(i), 2 * (u64::from(side) - 1));
    let phase = place % period;
    phase.min(period - phase) as u32
}

/// A grid of patches that an operator treats as separate images (rows x columns).
///
/// MPRNet's first stage sees quarters (2x2), its second halves (2x1); convolutions see zeros past a patch's
/// border, bilinear taps clamp at it, and pooling is per patch. The tensor itself stays whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Patches {
    /// Patches from top to bottom.
    pub rows: u32,
    /// Patches from left to right.
    pub cols: u32,
}

impl Patches {
    /// The whole image as one patch.
    pub const WHOLE: Self = Self { rows: 1, cols: 1 };
    /// Top and bottom halves.
    pub const HALVES: Self = Self { rows: 2, cols: 1 };
    /// Four quarters.
    pub const QUARTERS: Self = Self { rows: 2, cols: 2 };
}

/// What a tensor is for; it decides how the tensor is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// 8-bit pixels, one 32-bit word each: red in the lowest byte, then green, blue and 255.
    Words,
    /// An image in [0, 1] or its pixel-unshuffled form; always stored in f32, so that f16 costs no 8-bit levels.
    Image,
    /// Activations, stored at the precision asked for.
    Feature,
    /// Pooled sums and attention gates, always f32 (a sum over a photo passes f16's range).
    Pooled,
}

/// Shape, patch grid and role of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TensorDesc {
    /// Channels.
    pub channels: u32,
    /// Rows (of pixels, or of cells for pooled sums).
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// The patch grid that the producing operator respects.
    pub patches: Patches,
    /// What the tensor is for.
    pub role: Role,
}

impl TensorDesc {
    /// Rows of one patch.
    #[must_use]
    pub fn patch_height(&self) -> u32 {
        self.height / self.patches.rows
    }

    /// Columns of one patch.
    #[must_use]
    pub fn patch_width(&self) -> u32 {
        self.width / self.patches.cols
    }

    /// Cells from top to bottom of one patch; the last may be shorter than [`CELL`] rows.
    #[must_use]
    pub fn cell_rows(&self) -> u32 {
        self.patch_height().div_ceil(CELL)
    }

    /// Cells from left to right of one patch; the last may be narrower than [`CELL`] columns.
    #[must_use]
    pub fn cell_cols(&self) -> u32 {
        self.patch_width().div_ceil(CELL)
    }

    /// Elements: channels x height x width.
    #[must_use]
    pub fn elements(&self) -> u64 {
        u64::from(self.channels) * u64::from(self.height) * u64::from(self.width)
    }

    /// Pixels: height x width.
    #[must_use]
    pub fn pixels(&self) -> u64 {
        u64::from(self.height) * u64::from(self.width)
    }

    /// The shape of this tensor's sums per cell.
    #[must_use]
    pub fn cells(&self) -> Self {
        Self {
            height: self.cell_rows() * self.patches.rows,
            width: self.cell_cols() * self.patches.cols,
            role: Role::Pooled,
            ..*self
        }
    }
}

/// `CxHxW`: channels, rows, columns.
impl std::fmt::Display for TensorDesc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}
