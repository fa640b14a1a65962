//! The decoded image: colour samples, an optional transparency plane and what must survive a round
//! trip through the network.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};

/// Samples of one depth, interleaved where they have more than one channel.
#[derive(Clone, PartialEq, Eq)]
pub enum Samples {
    /// 8 bits a sample, 0 to 255.
    U8(Vec<u8>),
    /// 16 bits a sample, 0 to 65535.
    U16(Vec<u16>),
}

impl Samples {
    /// The number of samples (not of pixels, not of bytes).
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Samples::U8(v) => v.len(),
            Samples::U16(v) => v.len(),
        }
    }

    /// Whether there is no sample at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The depth in bits: 8 or 16.
    #[must_use]
    pub fn bits(&self) -> u32 {
        match self {
            Samples::U8(_) => 8,
            Samples::U16(_) => 16,
        }
    }

    /// The samples rounded to 8 bits, themselves where they have no more.
    fn in_8_bits(&self) -> Cow<'_, [u8]> {
        match self {
            Samples::U8(v) => Cow::Borrowed(v),
            // 65535 is 257 * 255, and no 16-bit value lies halfway between two 8-bit ones.
            Samples::U16(v) => v.iter().map(|&sample| u8::of(sample.saturating_add(128) / 257)).collect(),
        }
    }
}

/// Names depth and count only: a photo has tens of millions of samples.
impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Samples({} x {} bits)", self.len(), self.bits())
    }
}

/// An image in memory: RGB samples row by row, and beside them what the network does not touch.
///
/// The colour is always three interleaved channels (R, G, B); a grey image is expanded and
/// remembered as grey, so that it is written as grey again. Sides are at least one pixel. The
/// transparency plane, where there is one, has one sample a pixel at the depth of the colour.
///
/// Cloning copies the colour samples; the transparency plane and the ICC profile are shared.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    width: u32,
    height: u32,
    samples: Samples,
    alpha: Option<Arc<Samples>>,
    grey: bool,
    icc: Option<Arc<[u8]>>,
}

impl Frame {
    /// A frame from 8-bit interleaved RGB, `width * height * 3` samples.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where a side is zero or the count does not fit.
    pub fn from_rgb8(width: u32, height: u32, rgb: Vec<u8>) -> Result<Frame> {
        Frame::new(width, height, Samples::U8(rgb))
    }

    /// A frame from 16-bit interleaved RGB, `width * height * 3` samples.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where a side is zero or the count does not fit.
    pub fn from_rgb16(width: u32, height: u32, rgb: Vec<u16>) -> Result<Frame> {
        Frame::new(width, height, Samples::U16(rgb))
    }

    /// A grey frame from 8-bit luma, `width * height` samples; the frame holds each three times.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where a side is zero or the count does not fit.
    pub fn from_grey8(width: u32, height: u32, grey: &[u8]) -> Result<Frame> {
        Frame::from_rgb8(width, height, expand_grey(grey)).map(Frame::marked_grey)
    }

    /// A grey frame from 16-bit luma, `width * height` samples; the frame holds each three times.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where a side is zero or the count does not fit.
    pub fn from_grey16(width: u32, height: u32, grey: &[u16]) -> Result<Frame> {
        Frame::from_rgb16(width, height, expand_grey(grey)).map(Frame::marked_grey)
    }

    fn new(width: u32, height: u32, samples: Samples) -> Result<Frame> {
        check_count("colour", width, height, 3, samples.len())?;
        Ok(Frame { width, height, samples, alpha: None, grey: false, icc: None })
    }

    fn marked_grey(mut self) -> Frame {
        self.grey = true;
        self
    }

    /// The same frame with an 8-bit transparency plane, `width * height` samples, 255 opaque.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where the count does not fit or the colour is not 8 bits deep.
    pub fn with_alpha8(self, alpha: Vec<u8>) -> Result<Frame> {
        self.with_alpha(Samples::U8(alpha))
    }

    /// The same frame with a 16-bit transparency plane, `width * height` samples, 65535 opaque.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where the count does not fit or the colour is not 16 bits deep.
    pub fn with_alpha16(self, alpha: Vec<u16>) -> Result<Frame> {
        self.with_alpha(Samples::U16(alpha))
    }

    fn with_alpha(mut self, alpha: Samples) -> Result<Frame> {
        check_count("transparency", self.width, self.height, 1, alpha.len())?;
        self.check_depth(&alpha)?;
        self.alpha = Some(Arc::new(alpha));
        Ok(self)
    }

    /// The same frame with an embedded ICC colour profile, which the file formats carry along.
    #[must_use]
    pub fn with_icc_profile(mut self, profile: Vec<u8>) -> Frame {
        self.icc = Some(profile.into());
        self
    }

    /// Width in pixels, at least 1.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The colour: `width * height * 3` samples, R, G, B interleaved, row by row.
    #[must_use]
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// The transparency plane, `width * height` samples at the depth of the colour.
    #[must_use]
    pub fn alpha(&self) -> Option<&Samples> {
        self.alpha.as_deref()
    }

    /// Whether the image came as grey and is to be written as grey.
    #[must_use]
    pub fn is_grey(&self) -> bool {
        self.grey
    }

    /// The ICC colour profile embedded in the file the frame came from.
    #[must_use]
    pub fn icc_profile(&self) -> Option<&[u8]> {
        self.icc.as_deref()
    }

    /// A frame with these colour samples and everything else (transparency, ICC profile, grey) as
    /// it is here.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where count or depth differ from this frame's.
    pub fn with_samples(&self, samples: Samples) -> Result<Frame> {
        check_count("colour", self.width, self.height, 3, samples.len())?;
        self.check_depth(&samples)?;
        Ok(Frame { samples, alpha: self.alpha.clone(), icc: self.icc.clone(), ..*self })
    }

    /// Finds out whether a target can be compared with this picture, pixel by pixel.
    ///
    /// # Errors
    /// [`Error::SizesDiffer`].
    pub fn check_size(&self, target: &Self) -> Result<()> {
        let (width, height) = (self.width, self.height);
        let (target_width, target_height) = (target.width, target.height);
        if (width, height) == (target_width, target_height) {
            return Ok(());
        }
        Err(Error::SizesDiffer { width, height, target_width, target_height })
    }

    /// The picture as 8-bit RGB: `width * height * 3` samples, R, G, B interleaved, row by row.
    ///
    /// 16-bit samples are rounded to the nearest of 8 bits (`v / 257`). Transparency is left out. Of a grey
    /// frame the luma stands in all three channels, as in a file that has no grey.
    #[must_use]
    pub fn to_rgb8(&self) -> Vec<u8> {
        let mut rgb = self.samples.in_8_bits().into_owned();
        if self.grey {
            rgb.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| *pixel = [luma(pixel); 3]);
        }
        rgb
    }

    /// The frame rounded to 8 bits, itself where it has no more.
    pub(super) fn in_8_bits(&self) -> Cow<'_, Frame> {
        if self.samples.bits() == 8 {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Frame {
            samples: Samples::U8(self.samples.in_8_bits().into_owned()),
            alpha: self.alpha().map(|alpha| Arc::new(Samples::U8(alpha.in_8_bits().into_owned()))),
            icc: self.icc.clone(),
            ..*self
        })
    }

    fn check_depth(&self, other: &Samples) -> Result<()> {
        if self.samples.bits() == other.bits() {
            return Ok(());
        }
        Err(Error::FrameShape {
            reason: format!(
                "the frame is {} bits deep, the new samples are {}",
                self.samples.bits(),
                other.bits()
            ),
        })
    }
}

fn check_count(what: &str, width: u32, height: u32, channels: u32, found: usize) -> Result<()> {
    let wanted = u128::from(width) * u128::from(height) * u128::from(channels);
    if wanted == 0 {
        return Err(Error::FrameShape {
            reason: format!("an image of {width} x {height} pixels has no pixel"),
        });
    }
    if wanted == found as u128 {
        return Ok(());
    }
    Err(Error::FrameShape {
        reason: format!("{width} x {height} pixels need {wanted} {what} samples, {found} were given"),
    })
}

fn expand_grey<T: Copy>(grey: &[T]) -> Vec<T> {
    grey.iter().flat_map(|&g| [g; 3]).collect()
}

/// 0.299 R + 0.587 G + 0.114 B, rounded; exactly the grey where the three are equal.
pub(super) fn luma<T: Sample>(&[r, g, b]: &[T; 3]) -> T {
    let weighted = |sample: T, weight: u32| u32::from(sample.value()) * weight;
    let sum = weighted(r, 299) + weighted(g, 587) + weighted(b, 114) + 500;
    T::of(u16::try_from(sum / 1000).unwrap_or(T::MAX))
}

/// What the arithmetic needs to know of a sample's depth.
pub(super) trait Sample: Copy + Default {
    /// The largest value, which stands for 1.0.
    const MAX: u16;

    /// The value as an integer.
    fn value(self) -> u16;

    /// The sample of this value; values above [`Sample::MAX`] do not occur.
    fn of(value: u16) -> Self;

    /// The value in [0, 1].
    fn to_unit(self) -> f32 {
        f32::from(self.value()) / f32::from(Self::MAX)
    }

    /// The nearest sample, ties to even, of a value clamped to [0, 1]; NaN gives 0.
    fn from_unit(unit: f32) -> Self {
        // The cast is exact after the clamp, and it turns NaN, which clamp lets through, into 0.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let value = (unit.clamp(0.0, 1.0) * f32::from(Self::MAX)).round_ties_even() as u16;
        Self::of(value)
    }
}

impl Sample for u8 {
    const MAX: u16 = 255;

    fn value(self) -> u16 {
        u16::from(self)
    }

    #[allow(clippy::cast_possible_truncation)]
    fn of(value: u16) -> u8 {
        value as u8
    }
}

impl Sample for u16 {
    const MAX: u16 = u16::MAX;

    fn value(self) -> u16 {
        self
    }

    fn of(value: u16) -> u16 {
        value
    }
}
