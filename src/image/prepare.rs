//! What the network sees in place of a photo, and the way back from its result.

use std::borrow::Cow;

use super::alpha::fill_hidden;
use super::frame::Frame;
use super::light::{self, Light};
use super::samples::{Arithmetic, Depth, Samples, with_samples};
use crate::error::Result;

impl Frame {
    /// The photo as it is seen: in the sRGB curve. Where that takes a new frame, there is nothing in it but the colours.
    pub(crate) fn encoded(&self) -> Result<Cow<'_, Frame>> {
        match self.light() {
            Light::Encoded => Ok(Cow::Borrowed(self)),
            Light::Linear => {
                let (width, height, curve) =
                    (self.width(), self.height(), |light| light::encode(f32::from_unit(light)));
                let encoded = if self.is_grey() {
                    // Of light, as in a file: the mean of colours in the curve is another.
                    Frame::from_grey32f(width, height, &self.luma().through(curve))
                } else {
                    Frame::from_rgb32f(width, height, self.samples().through(curve))
                };
                encoded.map(Cow::Owned)
            }
        }
    }

    /// The photo as networks know them: [encoded](Self::encoded), and without colours that do not show. Where that
    /// takes a new frame, there is nothing in it but the colours.
    pub(crate) fn prepared(&self) -> Result<Cow<'_, Frame>> {
        let encoded = self.encoded()?;
        let Some(alpha) = self.alpha().filter(|alpha| alpha.hides()) else { return Ok(encoded) };
        let (mut samples, width) = (encoded.samples().clone(), self.width() as usize);
        let alpha = alpha.in_depth(samples.depth());
        with_samples!(&mut samples, rgb => fill_hidden(rgb, Arithmetic::slice(&alpha), width));
        Frame::new(self.width(), self.height(), samples).map(Cow::Owned)
    }

    /// This photo with what was made of its [prepared](Self::prepared) self, in floats or in as many bits: its own
    /// light and depth, and its own colours where they do not show.
    pub(crate) fn with_restored(&self, restored: &Frame) -> Result<Frame> {
        let depth = self.samples().depth();
        let mut samples = match self.light() {
            Light::Encoded => restored.samples().in_depth(depth),
            Light::Linear => Samples::F32(restored.samples().through(light::decode)).in_depth(depth),
        };
        if let Some(alpha) = self.alpha() {
            samples.keep_hidden(self.samples(), alpha);
        }
        self.with_samples(samples)
    }
}

impl Samples {
    /// Whether, as a transparency plane, it keeps some colours from showing.
    fn hides(&self) -> bool {
        with_samples!(self, v => v.iter().any(|alpha| alpha.is_hidden()))
    }

    /// The samples as shares of white, each through a curve.
    fn through(&self, curve: impl Fn(f32) -> f32) -> Vec<f32> {
        let Samples::F32(mut units) = self.in_depth(Depth::F32) else { return Vec::new() };
        units.iter_mut().for_each(|unit| *unit = curve(*unit));
        units
    }

    /// Puts colours back where the transparency is full.
    fn keep_hidden(&mut self, own: &Samples, alpha: &Samples) {
        with_samples!(self, new => keep_hidden(new, Arithmetic::slice(own), Arithmetic::slice(alpha)));
    }
}

fn keep_hidden<T: Arithmetic>(new: &mut [T], own: &[T], alpha: &[T]) {
    let pixels = new.as_chunks_mut::<3>().0.iter_mut().zip(own.as_chunks::<3>().0);
    for ((new, own), alpha) in pixels.zip(alpha) {
        if alpha.is_hidden() {
            *new = *own;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opaque_photos_are_seen_as_they_are() {
        let photo = Frame::from_rgb8(1, 1, vec![1, 2, 3]).unwrap();
        assert!(matches!(photo.prepared().unwrap(), Cow::Borrowed(_)));
        let opaque = photo.with_alpha8(vec![255]).unwrap();
        assert!(matches!(opaque.prepared().unwrap(), Cow::Borrowed(_)));
    }

    #[test]
    fn linear_light_comes_back_at_every_depth() {
        let deep: Vec<u16> = (0..=65_535u16).step_by(257).collect();
        let photos = [
            Frame::from_rgb8(85, 1, (0..=254).collect()).unwrap(),
            Frame::from_rgb16(1, 85, deep[..255].to_vec()).unwrap(),
            Frame::from_rgb32f(85, 1, (0..255u8).map(|v| f32::from(v) / 255.0).collect()).unwrap(),
        ];
        for photo in photos.map(|photo| photo.with_light(Light::Linear)) {
            let seen = photo.prepared().unwrap();
            assert_eq!(seen.samples().depth(), Depth::F32);
            let back = photo.with_restored(&seen).unwrap();
            let (Samples::F32(a), Samples::F32(b)) =
                (back.samples().in_depth(Depth::F32), photo.samples().in_depth(Depth::F32))
            else {
                panic!()
            };
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6), "{:?}", photo.samples().depth());
        }
    }

    /// As when it is read back from a file: the luma is of light.
    #[test]
    fn grey_light_is_seen_as_grey() {
        let grey = Frame::from_grey32f(1, 1, &[0.5]).unwrap().with_light(Light::Linear);
        let restored = grey.with_samples(Samples::F32(vec![0.2, 0.4, 0.9])).unwrap();
        let light = 0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.9;
        let seen = (255.0 * light::encode(light)).round() as u8;
        assert_eq!(restored.encoded().unwrap().to_rgb8(), [seen; 3]);
    }

    #[test]
    fn hidden_colours_are_replaced_and_put_back() {
        let photo =
            Frame::from_rgb8(2, 1, vec![200, 100, 50, 0, 255, 0]).unwrap().with_alpha8(vec![255, 0]).unwrap();
        let seen = photo.prepared().unwrap();
        assert_eq!(seen.samples(), &Samples::U8(vec![200, 100, 50, 200, 100, 50]));
        let restored = seen.with_samples(Samples::U8(vec![201, 101, 51, 9, 9, 9])).unwrap();
        let back = photo.with_restored(&restored).unwrap();
        assert_eq!(back.samples(), &Samples::U8(vec![201, 101, 51, 0, 255, 0]));
    }
}
