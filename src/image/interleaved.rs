//! Frames from pixels whose channels lie side by side, and back: in files, and in the memory of other programs.

use std::borrow::Cow;

use super::frame::Frame;
use super::samples::{Arithmetic, Sample, Samples, map_samples};
use crate::{Error, Result};

/// The channels of a pixel, in the order in which they lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// One for all colours.
    Grey,
    /// Grey and transparency.
    GreyAlpha,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, transparency.
    Rgba,
    /// Blue, green, red.
    Bgr,
    /// Blue, green, red, transparency.
    Bgra,
}

impl Channels {
    /// How many there are.
    #[must_use]
    pub fn count(self) -> usize {
        self.places().len()
    }

    /// Where grey or red, green and blue, and then transparency lie.
    fn places(self) -> &'static [usize] {
        match self {
            Self::Grey => &[0],
            Self::GreyAlpha => &[0, 1],
            Self::Rgb => &[0, 1, 2],
            Self::Rgba => &[0, 1, 2, 3],
            Self::Bgr => &[2, 1, 0],
            Self::Bgra => &[2, 1, 0, 3],
        }
    }
}

/// How an image lies in a slice. Strides are counted in samples, not in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What a pixel consists of.
    pub channels: Channels,
    /// From a pixel to the next: at least the channels.
    pub pixel_stride: usize,
    /// From a row to the next: at least the pixels of one.
    pub row_stride: usize,
}

impl Pixels {
    /// Pixels without gaps.
    #[must_use]
    pub fn packed(width: u32, height: u32, channels: Channels) -> Self {
        let pixel_stride = channels.count();
        Self { width, height, channels, pixel_stride, row_stride: width as usize * pixel_stride }
    }

    /// Whether samples lie as in [`Frame::from_interleaved`], so that they can be moved as a whole.
    fn is_packed(&self) -> bool {
        *self == Self::packed(self.width, self.height, self.channels) && self.channels.places().is_sorted()
    }

    /// Where each pixel begins in a slice of that many samples.
    fn places(&self, samples: usize) -> Result<impl Iterator<Item = usize> + use<>> {
        let Self { width, height, channels, pixel_stride, row_stride } = *self;
        let wrong = |reason: String| Err(Error::FrameShape { reason });
        if width == 0 || height == 0 {
            return wrong(format!("an image of {width} x {height} pixels has no pixel"));
        }
        let row = u128::from(width - 1) * pixel_stride as u128 + channels.count() as u128;
        if pixel_stride < channels.count() || (row_stride as u128) < row {
            return wrong(format!(
                "rows of {width} pixels of {} samples do not fit strides of {pixel_stride} and {row_stride} samples",
                channels.count()
            ));
        }
        let needed = u128::from(height - 1) * row_stride as u128 + row;
        if needed > samples as u128 {
            return wrong(format!("{width} x {height} pixels take {needed} samples, {samples} were given"));
        }
        let row = move |y| (0..width as usize).map(move |x| y * row_stride + x * pixel_stride);
        Ok((0..height as usize).flat_map(row))
    }
}

impl Frame {
    /// A frame from a slice of `u8`, `u16` or `f32`, of which 255, 65535 and 1 are white. Only what lies where `pixels`
    /// says is read.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where the slice is too short, a stride too small or a side zero.
    pub fn from_slice<T: Sample>(samples: &[T], pixels: &Pixels) -> Result<Frame> {
        let (places, channels) = (pixels.places(samples.len())?, pixels.channels.places());
        let read = if pixels.is_packed() {
            samples[..pixels.row_stride * pixels.height as usize].to_vec()
        } else {
            places.flat_map(|at| channels.iter().map(move |channel| samples[at + channel])).collect()
        };
        Frame::from_interleaved(pixels.width, pixels.height, channels.len(), T::samples(read))
    }

    /// Writes the frame to a slice of `u8`, `u16` or `f32`, in that depth and with the channels that `pixels` names:
    /// grey is the luma of colours, and opaque is what has no transparency. What lies between pixels stays as it is.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where the slice is too short, a stride too small or `pixels` of another size.
    pub fn write_to_slice<T: Sample>(&self, samples: &mut [T], pixels: &Pixels) -> Result<()> {
        if (pixels.width, pixels.height) != (self.width(), self.height()) {
            let (own, other) = ((self.width(), self.height()), (pixels.width, pixels.height));
            let reason = format!(
                "the frame has {} x {} pixels, and there is room for {} x {}",
                own.0, own.1, other.0, other.1
            );
            return Err(Error::FrameShape { reason });
        }
        let frame = self.in_depth(T::DEPTH);
        let rgb = T::slice(frame.samples()).as_chunks::<3>().0;
        let alpha = frame.alpha().map(T::slice);
        let (places, channels) = (pixels.places(samples.len())?, pixels.channels.places());
        if pixels.is_packed() {
            let (count, own) = frame.interleaved(channels.len() < 3);
            if count == channels.len() {
                let own = T::slice(&own);
                samples[..own.len()].copy_from_slice(own);
                return Ok(());
            }
        }
        for (i, (at, &color)) in places.zip(rgb).enumerate() {
            let opacity = alpha.map_or(T::ONE, |alpha| alpha[i]);
            let grey = T::luma(color);
            let [r, g, b] = if self.is_grey() { [grey; 3] } else { color };
            let values =
                if channels.len() < 3 { [grey, opacity, opacity, opacity] } else { [r, g, b, opacity] };
            channels.iter().zip(values).for_each(|(channel, value)| samples[at + channel] = value);
        }
        Ok(())
    }

    /// A frame from packed samples of 1 channel (grey), 2 (and transparency), 3 (RGB) or 4 (and transparency).
    pub(super) fn from_interleaved(
        width: u32,
        height: u32,
        channels: usize,
        samples: Samples,
    ) -> Result<Frame> {
        let (colors, alpha) = match channels {
            2 | 4 => split_alpha(samples, channels),
            _ => (samples, None),
        };
        let frame = match (colors, channels) {
            (Samples::U8(v), 1 | 2) => Frame::from_grey8(width, height, &v),
            (Samples::U16(v), 1 | 2) => Frame::from_grey16(width, height, &v),
            (Samples::F32(v), 1 | 2) => Frame::from_grey32f(width, height, &v),
            (colors, _) => Frame::new(width, height, colors),
        }?;
        alpha.into_iter().try_fold(frame, Frame::with_alpha)
    }

    /// The channels, as [`Self::from_interleaved`] counts them, and packed samples of a frame; of a grey one with one
    /// channel for all colours, or with three.
    pub(super) fn interleaved(&self, grey_in_one: bool) -> (usize, Cow<'_, Samples>) {
        let grey = self.is_grey();
        let one = grey && grey_in_one;
        let channels = if one { 1 } else { 3 } + usize::from(self.alpha().is_some());
        if !grey && self.alpha().is_none() {
            return (channels, Cow::Borrowed(self.samples()));
        }
        let alpha = self.alpha();
        let samples =
            map_samples!(self.samples(), rgb => interleave(rgb, alpha.map(Arithmetic::slice), grey, one));
        (channels, Cow::Owned(samples))
    }

    /// The luma of each pixel.
    pub(super) fn luma(&self) -> Samples {
        map_samples!(self.samples(), rgb => interleave(rgb, None, true, true))
    }
}

/// Takes the transparency, the last of the channels, out of the samples.
fn split_alpha(samples: Samples, channels: usize) -> (Samples, Option<Samples>) {
    let alpha = map_samples!(&samples, v => v.iter().skip(channels - 1).step_by(channels).copied().collect());
    (map_samples!(samples, v => without_last(v, channels)), Some(alpha))
}

/// Takes the last of `channels` channels out of the samples, in place.
fn without_last<T: Copy>(mut samples: Vec<T>, channels: usize) -> Vec<T> {
    let pixels = samples.len() / channels;
    let colors = channels - 1;
    for i in 1..pixels {
        samples.copy_within(i * channels..i * channels + colors, i * colors);
    }
    samples.truncate(pixels * colors);
    samples.shrink_to_fit();
    samples
}

/// Colour, or its luma in one channel or in three, with the transparency behind each pixel.
fn interleave<T: Sample>(rgb: &[T], alpha: Option<&[T]>, grey: bool, one: bool) -> Vec<T> {
    let pixels = rgb.as_chunks::<3>().0;
    let per_pixel = if one { 1 } else { 3 } + usize::from(alpha.is_some());
    let mut out = Vec::with_capacity(pixels.len() * per_pixel);
    for (i, pixel) in pixels.iter().enumerate() {
        match (grey, one) {
            (true, true) => out.push(T::luma(*pixel)),
            (true, false) => out.extend_from_slice(&[T::luma(*pixel); 3]),
            (false, _) => out.extend_from_slice(pixel),
        }
        if let Some(alpha) = alpha {
            out.push(alpha[i]);
        }
    }
    out
}
