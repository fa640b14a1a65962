//! The operators, unfused as the paper has them and fused as the passes make them.

/// Channels of an attention at most: its sums of one patch are held in workgroup memory.
pub const MAX_CHANNELS: u32 = 1024;

/// The window that stands for row (or column) `i` of a patch of `side` of them, where there are `windows`: the one with
/// `i` in its middle, and near the patch's edges the first or the last.
#[must_use]
pub fn nearest_window(i: u32, side: u32, windows: u32) -> u32 {
    i.saturating_sub((side - windows) / 2).min(windows - 1)
}

/// Index of a parameter tensor of a [`super::Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(pub usize);

/// Side of a convolution's kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KernelSize {
    /// 1x1, no padding.
    One,
    /// 3x3, zero padding of one pixel at patch borders.
    Three,
}

impl KernelSize {
    /// Taps per channel pair.
    #[must_use]
    pub fn taps(self) -> u64 {
        match self {
            Self::One => 1,
            Self::Three => 9,
        }
    }

    /// The kernel's side in pixels.
    #[must_use]
    pub fn side(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Three => 3,
        }
    }
}

/// What a convolution does with its sums before it stores them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Epilogue {
    /// Nothing.
    None,
    /// PReLU with this slope: v where v > 0, else slope * v.
    Prelu(f32),
    /// Adds the last input.
    Residual,
}

/// A convolution (cross-correlation, stride 1) over one source or the concatenation of two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv {
    /// Kernel side.
    pub kernel: KernelSize,
    /// Weights, `[out, in, side, side]` with the sources' channels in order.
    pub weight: ParamId,
    /// Bias, `[out]`.
    pub bias: Option<ParamId>,
    /// The sources are read at half size (mean of each 2x2, which is bilinear x0.5 with align_corners false).
    pub halve: bool,
    /// What follows the sum.
    pub epilogue: Epilogue,
    /// A second output: the result's sums per cell.
    pub pooled: bool,
}

impl Conv {
    /// A plain convolution.
    #[must_use]
    pub fn new(kernel: KernelSize, weight: ParamId, bias: Option<ParamId>) -> Self {
        Self { kernel, weight, bias, halve: false, epilogue: Epilogue::None, pooled: false }
    }

    /// A 1x1 convolution that nothing has been fused into.
    #[must_use]
    pub fn is_plain_1x1(&self) -> bool {
        self.kernel == KernelSize::One && !self.halve && self.epilogue == Epilogue::None && !self.pooled
    }
}

/// The two small layers of channel attention: sigmoid(W2 relu(W1 mean + b1) + b2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// `[hidden, channels, 1, 1]`.
    pub squeeze: ParamId,
    /// `[hidden]`.
    pub squeeze_bias: Option<ParamId>,
    /// `[channels, hidden, 1, 1]`.
    pub excite: ParamId,
    /// `[channels]`.
    pub excite_bias: Option<ParamId>,
    /// Pixels of one patch: what the sums are divided by.
    pub area: u64,
}

/// The axis that a mean is taken along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Axis {
    /// Over rows, from top to bottom.
    Rows,
    /// Over columns, from left to right.
    Columns,
}

/// Means of a window that slides along one axis of a patch and never leaves it: of `n` values there are `n - window +
/// 1` means, the first of the first window. Both axes one after the other, rows first, give the means of a box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoxMean {
    /// The axis.
    pub axis: Axis,
    /// Values of a mean, at most as many as a patch has along the axis.
    pub window: u32,
    /// PReLU with this slope follows.
    pub prelu: Option<f32>,
}

/// The supervised attention module in one operator; inputs x and image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sam {
    /// conv1, `[n, n, 1, 1]`: the features to gate.
    pub features: ParamId,
    /// Bias of conv1.
    pub features_bias: Option<ParamId>,
    /// conv2, `[3rr, n, 1, 1]`: the stage's residual image.
    pub image: ParamId,
    /// Bias of conv2.
    pub image_bias: Option<ParamId>,
    /// conv3, `[n, 3rr, 1, 1]`: the attention map, before its sigmoid.
    pub gate: ParamId,
    /// Bias of conv3.
    pub gate_bias: Option<ParamId>,
    /// A second output: the stage's image.
    pub emit_image: bool,
}

/// How pixels of the device's own images are stored: red, green, blue and alpha one after the other, in words of 32
/// bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PixelFormat {
    /// A byte each, 255 white: `rgba8unorm`.
    Unorm8,
    /// A 16-bit float each: `rgba16float`.
    Float16,
    /// A 32-bit float each: `rgba32float`.
    Float32,
}

impl PixelFormat {
    /// Words of a pixel.
    #[must_use]
    pub fn words(self) -> u32 {
        match self {
            Self::Unorm8 => 1,
            Self::Float16 => 2,
            Self::Float32 => 4,
        }
    }

    /// Words of a row of so many pixels, padded to 256 bytes, as copies from and to textures have them.
    #[must_use]
    pub fn row(self, width: u32) -> u32 {
        width.saturating_mul(self.words()).saturating_add(63) / 64 * 64
    }
}

/// One operator. Inputs are tensors, parameters belong to the operator.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// 8-bit words to an image in [0, 1]: v / 255.
    Unpack,
    /// An image to 8-bit words: clamp to [0, 1], times 255, round half to even.
    Pack,
    /// Pixels to an image: clamped to [0, 1]; not-a-number becomes 0. Alpha is not read.
    ReadPixels {
        /// How they are stored.
        format: PixelFormat,
        /// Columns of the result; rows may be longer, of which the rest is not read.
        width: u32,
    },
    /// An image to pixels, clamped to [0, 1]; not-a-number becomes 0. Inputs: the image, and the pixels that it was
    /// made of, from which alpha is taken, and what a row has past the image.
    WritePixels {
        /// How they are stored.
        format: PixelFormat,
        /// How far the colours go from those of the second input to the image, 0 to 1.
        strength: f32,
    },
    /// An image padded on the right and at the bottom by its reflection, as [`super::reflected`] has it.
    Pad {
        /// Rows of the result.
        height: u32,
        /// Columns of the result.
        width: u32,
        /// The input is 8-bit words, which are unpacked.
        unpack: bool,
    },
    /// The top left corner of an image.
    Crop {
        /// Rows of the result.
        height: u32,
        /// Columns of the result.
        width: u32,
        /// The result is packed into 8-bit words.
        pack: bool,
    },
    /// Space to depth: channel `c*r*r + dy*r + dx` from pixel (dy, dx) of each r x r.
    PixelUnshuffle {
        /// The factor r.
        factor: u32,
    },
    /// Depth to space, the inverse.
    PixelShuffle {
        /// The factor r.
        factor: u32,
    },
    /// Concatenation of two tensors by channel.
    Concat,
    /// A convolution.
    Conv(Conv),
    /// v where v > 0, else slope * v.
    Prelu {
        /// The slope.
        slope: f32,
    },
    /// Sum of two tensors.
    Add,
    /// Bilinear x0.5, align_corners false: the mean of each 2x2.
    Downsample,
    /// Bilinear x2, align_corners false: taps 1/4 and 3/4, clamped at patch borders.
    Upsample {
        /// The second input is added to the result.
        residual: bool,
    },
    /// Sums per cell of 8x8 pixels of a patch.
    PoolCells,
    /// Sums of the cells of one row of a patch.
    PoolRows,
    /// Gates of channel attention from the sums of [`Op::PoolRows`].
    Attention(Attention),
    /// gate * r + x; inputs r, x, gates.
    Gate,
    /// Means of windows along one axis.
    BoxMean(BoxMean),
    /// a * sigmoid(m) + x; inputs a, m, x. Of m a patch may have fewer rows or columns than of a: it is then of the
    /// windows of [`Op::BoxMean`], and a pixel takes the one around it, or the nearest to it ([`nearest_window`]).
    SigmoidGate,
    /// SAM fused.
    Sam(Sam),
}

impl Op {
    /// The operator's name in listings.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unpack => "unpack",
            Self::Pack => "pack",
            Self::ReadPixels { .. } => "read_pixels",
            Self::WritePixels { .. } => "write_pixels",
            Self::Pad { .. } => "pad",
            Self::Crop { .. } => "crop",
            Self::PixelUnshuffle { .. } => "pixel_unshuffle",
            Self::PixelShuffle { .. } => "pixel_shuffle",
            Self::Concat => "concat",
            Self::Conv(Conv { kernel: KernelSize::Three, .. }) => "conv3x3",
            Self::Conv(_) => "conv1x1",
            Self::Prelu { .. } => "prelu",
            Self::Add => "add",
            Self::Downsample => "downsample",
            Self::Upsample { .. } => "upsample",
            Self::PoolCells => "pool_cells",
            Self::PoolRows => "pool_rows",
            Self::Attention(_) => "attention",
            Self::Gate => "gate",
            Self::BoxMean(_) => "box_mean",
            Self::SigmoidGate => "sigmoid_gate",
            Self::Sam(_) => "sam",
        }
    }
}
