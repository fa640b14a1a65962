//! How near an image is to its target: PSNR and SSIM as the paper's tables have them.
//!
//! Deraining is judged on luma ([`Protocol::Y`]), denoising and deblurring on all colours ([`Protocol::Rgb`]). Both
//! compare 8-bit samples: 16-bit frames are rounded first, transparency is left out, and grey counts as three equal
//! channels. SSIM is that of Wang et al. (2004) as their `ssim_index.m` computes it, with windows wholly within the
//! image: the function of the authors' script for deraining. MATLAB's own `ssim`, which their script for deblurring
//! calls, fills up windows that reach past the border and so gives other values.

mod luma;
mod similarity;

pub use luma::luma;

use crate::image::Frame;
use crate::model::Task;
use crate::{Error, Result};

/// Pixels a side of SSIM's window, and so the least that an image must have.
pub const SSIM_WINDOW: u32 = 11;

/// The largest value of an 8-bit sample.
const PEAK: f64 = 255.0;

/// What of an image is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// PSNR over red, green and blue together, SSIM of each, averaged.
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
    fn planes(self, frame: &Frame) -> Vec<Vec<u8>> {
        let rgb = frame.to_rgb8();
        let (pixels, _) = rgb.as_chunks::<3>();
        match self {
            Self::Rgb => (0..3).map(|c| pixels.iter().map(|pixel| pixel[c]).collect()).collect(),
            Self::Y => vec![pixels.iter().map(|&pixel| luma(pixel)).collect()],
        }
    }
}

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
/// [`Error::SizesDiffer`]; [`Error::TooSmallForSsim`] where a side is shorter than [`SSIM_WINDOW`].
pub fn score(image: &Frame, target: &Frame, protocol: Protocol) -> Result<Score> {
    Ok(Score { psnr: psnr(image, target, protocol)?, ssim: ssim(image, target, protocol)? })
}

/// Peak signal-to-noise ratio in dB: 10 log10(255^2 / mean squared difference), infinite where there is none.
///
/// # Errors
/// [`Error::SizesDiffer`].
pub fn psnr(image: &Frame, target: &Frame, protocol: Protocol) -> Result<f64> {
    image.check_size(target)?;
    let (images, targets) = (protocol.planes(image).concat(), protocol.planes(target).concat());
    let squares = images.iter().zip(&targets).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2));
    let mean = squares.sum::<u64>() as f64 / images.len() as f64;
    Ok(10.0 * (PEAK * PEAK / mean).log10())
}

/// Structural similarity (Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity",
/// 2004): 11 x 11 Gaussian windows of sigma 1.5, K 0.01 and 0.03, the mean over all windows within the image.
///
/// # Errors
/// As [`score`].
pub fn ssim(image: &Frame, target: &Frame, protocol: Protocol) -> Result<f64> {
    image.check_size(target)?;
    let (width, height) = (image.width(), image.height());
    if width.min(height) < SSIM_WINDOW {
        return Err(Error::TooSmallForSsim { width, height });
    }
    let planes = protocol.planes(image);
    let targets = protocol.planes(target);
    let of_planes = planes.iter().zip(&targets).map(|(a, b)| similarity::mean(a, b, width as usize));
    Ok(of_planes.sum::<f64>() / planes.len() as f64)
}
