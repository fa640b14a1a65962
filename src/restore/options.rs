//! How to restore.

use crate::model::{Mode, Stage};
use crate::plan::Precision;
use crate::tune::Tuning;

/// How to restore.
#[derive(Clone, Copy, Debug)]
pub struct RestorerOptions {
    /// Storage of features and weights; arithmetic is f32 in all. What f16 cannot hold is restored in f32.
    pub precision: Precision,
    /// Which stage's image is the result. An earlier one skips the later work.
    pub stage: Stage,
    /// What the means of channel attention are taken over: the photo, windows around each pixel, or tiles that are
    /// restored apart.
    pub mode: Mode,
    /// How far the result goes from the photo to what the network makes of it, 0 to 1: the two are blended before
    /// anything is rounded. 0 gives the photo as it came.
    pub strength: f32,
    /// Whether the result is the mean of what the network makes of the photo in its eight symmetries, turned by
    /// quarters and mirrored, before anything is rounded: better by a little, in eight times the time.
    pub symmetries: bool,
    /// Bytes of the device's memory that photos may take, weights apart: tensors, scratch, uniforms, what moves rows,
    /// and what is kept for photos of other sizes and other networks of a chain. A photo that takes more is computed in
    /// bands of rows, between which tensors pass through the host: in more time, to the same bytes. None is as many as
    /// the device has. With a bound, photos of one size do not overlap: the next one is uploaded when this one is read
    /// back.
    pub max_memory: Option<u64>,
    /// Whether a photo whose numbers overflow is computed anew until the operator is found with which that begins,
    /// which the error then names ([`crate::Error::NotFinite`]). It takes the time of many photos, and memory.
    pub trace_overflow: bool,
    /// Whether the graph is rewritten into fewer operators. Only checks want it otherwise.
    pub passes: bool,
    /// Whether variants of kernels are measured on the adapter, when compiling for the first photo of a size. Off
    /// unless asked for: it takes seconds once, and writes to the user's cache directory. [`Tuning::for_adapter`] tells
    /// where it pays.
    pub tuning: Tuning,
}

impl Default for RestorerOptions {
    fn default() -> Self {
        Self {
            precision: Precision::F32,
            stage: Stage::Three,
            mode: Mode::Global,
            strength: 1.0,
            symmetries: false,
            max_memory: None,
            trace_overflow: false,
            passes: true,
            tuning: Tuning::Off,
        }
    }
}
