//! The decoded image: colour samples, an optional transparency plane and what must survive a round
//! trip through the network.

use std::borrow::Cow;
use std::sync::Arc;

use super::light::Light;
use super::metadata::Metadata;
use super::samples::{Arithmetic, Depth, Sample, Samples, with_samples};
use crate::error::{Error, Result};

/// The most pixels that an image may have in a file, a strip or a video: 2^28, that is 268 megapixels or 16,384 x
/// 16,384. Fuzzers, which claim large sizes in small files all the time, get less.
pub const MAX_PIXELS: u64 = if cfg!(fuzzing) { 1 << 22 } else { 1 << 28 };

/// An image in memory: RGB samples row by row, and beside them what the network does not touch.
///
/// The colour is always three interleaved channels (R, G, B); a grey image is expanded and
/// remembered as grey, so that it is written as grey again. Sides are at least one pixel. The
/// transparency plane, where there is one, has one sample a pixel at the depth of the colour.
///
/// Cloning copies the colour samples; the transparency plane and the metadata are shared.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    width: u32,
    height: u32,
    samples: Samples,
    alpha: Option<Arc<Samples>>,
    grey: bool,
    light: Light,
    metadata: Arc<Metadata>,
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

    /// A frame from interleaved RGB in floats, `width * height * 3` samples, 0 black and 1 white.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where a side is zero or the count does not fit.
    pub fn from_rgb32f(width: u32, height: u32, rgb: Vec<f32>) -> Result<Frame> {
        Frame::new(width, height, Samples::F32(rgb))
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

    /// A grey frame from luma in floats, `width * height` samples; the frame holds each three times.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where a side is zero or the count does not fit.
    pub fn from_grey32f(width: u32, height: u32, grey: &[f32]) -> Result<Frame> {
        Frame::from_rgb32f(width, height, expand_grey(grey)).map(Frame::marked_grey)
    }

    pub(super) fn new(width: u32, height: u32, samples: Samples) -> Result<Frame> {
        check_count("colour", width, height, 3, samples.len())?;
        Ok(Frame {
            width,
            height,
            samples,
            alpha: None,
            grey: false,
            light: Light::default(),
            metadata: Arc::default(),
        })
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

    /// The same frame with a transparency plane in floats, `width * height` samples, 1 opaque.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where the count does not fit or the colour is not in floats.
    pub fn with_alpha32f(self, alpha: Vec<f32>) -> Result<Frame> {
        self.with_alpha(Samples::F32(alpha))
    }

    pub(super) fn with_alpha(mut self, alpha: Samples) -> Result<Frame> {
        check_count("transparency", self.width, self.height, 1, alpha.len())?;
        self.check_depth(&alpha)?;
        self.alpha = Some(Arc::new(alpha));
        Ok(self)
    }

    /// The same frame with this metadata, which the file formats carry along where they can.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Frame {
        self.metadata = Arc::new(metadata);
        self
    }

    /// The same samples, said to be encoded or linear: nothing is converted, but a [`Restorer`](crate::Restorer) shows
    /// the network linear ones in the sRGB curve.
    #[must_use]
    pub fn with_light(mut self, light: Light) -> Frame {
        self.light = light;
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

    /// The colour: `width * height * 3` samples, R, G, B interleaved, row by row. Of a [grey](Self::is_grey) frame that
    /// was restored the three may differ a little, and their luma is what files and [`Self::to_rgb8`] have.
    #[must_use]
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// The transparency plane, `width * height` samples at the depth of the colour.
    #[must_use]
    pub fn alpha(&self) -> Option<&Samples> {
        self.alpha.as_deref()
    }

    /// Whether anything shows through: a channel for transparency may say of every pixel that nothing does.
    #[must_use]
    pub fn is_transparent(&self) -> bool {
        fn any<T: Sample>(alpha: &[T]) -> bool {
            alpha.iter().any(|&opacity| opacity != T::ONE)
        }
        self.alpha().is_some_and(|alpha| with_samples!(alpha, v => any(v)))
    }

    /// The same without a channel for transparency.
    pub(crate) fn opaque(self) -> Self {
        Self { alpha: None, ..self }
    }

    /// Whether the image came as grey and is to be written as grey.
    #[must_use]
    pub fn is_grey(&self) -> bool {
        self.grey
    }

    /// What the samples are proportional to: as the file's colour profile says, where it has one.
    #[must_use]
    pub fn light(&self) -> Light {
        self.light
    }

    /// What the file said of the picture besides its pixels.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// A frame with these colour samples and everything else (transparency, metadata, grey) as
    /// it is here.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where count or depth differ from this frame's.
    pub fn with_samples(&self, samples: Samples) -> Result<Frame> {
        check_count("colour", self.width, self.height, 3, samples.len())?;
        self.check_depth(&samples)?;
        Ok(Frame { samples, alpha: self.alpha.clone(), metadata: self.metadata.clone(), ..*self })
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
    /// Deeper samples are rounded to the nearest of 8 bits. Transparency is left out. Of a grey frame the luma stands
    /// in all three channels, as in a file that has no grey.
    #[must_use]
    pub fn to_rgb8(&self) -> Vec<u8> {
        let mut rgb = self.samples.in_8_bits().into_owned();
        if self.grey {
            rgb.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| *pixel = [u8::luma(*pixel); 3]);
        }
        rgb
    }

    /// The frame in samples of another kind, itself where they are of this kind already.
    pub(super) fn in_depth(&self, depth: Depth) -> Cow<'_, Frame> {
        if self.samples.depth() == depth {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Frame {
            samples: self.samples.in_depth(depth),
            alpha: self.alpha().map(|alpha| Arc::new(alpha.in_depth(depth))),
            metadata: self.metadata.clone(),
            ..*self
        })
    }

    fn check_depth(&self, other: &Samples) -> Result<()> {
        let (own, other) = (self.samples.depth(), other.depth());
        if own == other {
            return Ok(());
        }
        Err(Error::FrameShape { reason: format!("the frame has {own}, and the new samples are {other}") })
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
