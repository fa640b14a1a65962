//! How near an image is to its target: PSNR and SSIM as the paper's tables have them.
//!
//! Deraining is judged on luma ([`Protocol::Y`]), denoising and deblurring on all colours ([`Protocol::Rgb`]). Both
//! compare 8-bit samples in the sRGB curve: those of linear light are encoded and deeper ones rounded first,
//! transparency is left out, and grey counts as three equal channels.
//!
//! SSIM (Wang et al. 2004) is what the authors' MATLAB scripts compute, and they call two functions. For luma it is
//! Wang's `ssim_index.m`, with windows wholly within the image. For colours it is MATLAB's own `ssim`, which takes an
//! image of three channels for a volume: its windows go through the channels, too, and are filled up past every border
//! with the nearest sample. On noise that differs from channel to channel this gives far higher values than the mean
//! of the channels' SSIM that other programs report. Their script for denoising compares floats before they are
//! rounded; here and for deblurring it is 8 bits.

mod luma;
mod similarity;

pub use luma::luma;

use crate::image::Frame;
use crate::model::Task;
use crate::{Error, Result};

/// Pixels a side of SSIM's window, and so the least that an image must have for [`Protocol::Y`].
pub const SSIM_WINDOW: u32 = 11;

/// The largest value of an 8-bit sample.
const PEAK: f64 = 255.0;

/// What of an image is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Both over red, green and blue together.
    Rgb,
    /// Both of [`luma`] alone.
    Y,
}

impl Protocol {
    /// The protocol that a task's tables have (Zamir et al. 2021, section 4).
    #[must_use]
    pub fn of(task: Task) -> Self {
        match task {
            Task::Derain => Self::Y,
            Task::Denoise | Task::Deblur => Self::Rgb,
        }
    }

    /// Its name: `rgb` or `y`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rgb => "rgb",
            Self::Y => "y",
        }
    }

    /// What is compared, plane by plane, `width * height` samples each.
    fn planes(self, frame: &Frame) -> Result<Planes> {
        let rgb = frame.encoded()?.to_rgb8();
        let (pixels, _) = rgb.as_chunks::<3>();
        Ok(match self {
            Self::Rgb => (0..3).map(|c| pixels.iter().map(|pixel| pixel[c]).collect()).collect(),
            Self::Y => vec![pixels.iter().map(|&pixel| luma(pixel)).collect()],
        })
    }

    /// The planes of an image and of its target, which are of one size.
    fn both(self, image: &Frame, target: &Frame) -> Result<[Planes; 2]> {
        image.check_size(target)?;
        Ok([self.planes(image)?, self.planes(target)?])
    }
}

/// Samples of `width * height` pixels each.
type Planes = Vec<Vec<u8>>;

/// How near an image is to its target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Peak signal-to-noise ratio in dB; infinite where nothing that is compared differs.
    pub psnr: f64,
    /// Structural similarity, -1 to 1, where 1 is equality.
    pub ssim: f64,
}

impl Score {
    /// The mean of decibels and the mean of similarities, as tables have them; `None` of no scores. One infinite
    /// PSNR makes the mean infinite.
    #[must_use]
    pub fn mean(scores: &[Self]) -> Option<Self> {
        let mean = |value: fn(&Self) -> f64| scores.iter().map(value).sum::<f64>() / scores.len() as f64;
        (!scores.is_empty()).then(|| Self { psnr: mean(|score| score.psnr), ssim: mean(|score| score.ssim) })
    }
}

/// PSNR and SSIM of an image against its target.
///
/// # Errors
/// [`Error::SizesDiffer`]; [`Error::TooSmallForSsim`] where a side is shorter than [`SSIM_WINDOW`], by
/// [`Protocol::Y`].
pub fn score(image: &Frame, target: &Frame, protocol: Protocol) -> Result<Score> {
    let both = protocol.both(image, target)?;
    Ok(Score { psnr: decibels(&both), ssim: similarity(&both, image, protocol)? })
}

/// Peak signal-to-noise ratio in dB: 10 log10(255^2 / mean squared difference), infinite where there is none.
///
/// # Errors
/// [`Error::SizesDiffer`].
pub fn psnr(image: &Frame, target: &Frame, protocol: Protocol) -> Result<f64> {
    Ok(decibels(&protocol.both(image, target)?))
}

fn decibels([a, b]: &[Planes; 2]) -> f64 {
    let squares = a.iter().flatten().zip(b.iter().flatten()).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2));
    let samples: usize = a.iter().map(Vec::len).sum();
    let mean = squares.sum::<u64>() as f64 / samples as f64;
    10.0 * (PEAK * PEAK / mean).log10()
}

/// Structural similarity (Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity",
/// 2004): Gaussian windows of 11 samples a side and sigma 1.5, K 0.01 and 0.03; of luma the mean over all windows
/// within the image, of colours over one at every sample of the volume that they are taken for.
///
/// # Errors
/// As [`score`].
pub fn ssim(image: &Frame, target: &Frame, protocol: Protocol) -> Result<f64> {
    similarity(&protocol.both(image, target)?, image, protocol)
}

fn similarity([a, b]: &[Planes; 2], image: &Frame, protocol: Protocol) -> Result<f64> {
    let (width, height) = (image.width(), image.height());
    match protocol {
        Protocol::Rgb => Ok(similarity::of_volume(a, b, width as usize)),
        Protocol::Y if width.min(height) < SSIM_WINDOW => Err(Error::TooSmallForSsim { width, height }),
        Protocol::Y => Ok(similarity::of_plane(&a[0], &b[0], width as usize)),
    }
}
