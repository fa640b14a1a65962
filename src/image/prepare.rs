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
                let samples = self.samples().through(|light| light::encode(f32::from_unit(light)));
                Frame::new(self.width(), self.height(), Samples::F32(samples)).map(Cow::Owned)
            }
        }
    }

    /// The photo as networks know them: [encoded](Self::encoded), and without colours that do not show. Where that
    /// takes a new frame, there is nothing in it but the colours.
    pub(crate) fn prepared(&self) -> Result<Cow<'_, Frame>> {
        let encoded = self.encoded()?;
        let Some(alpha) = self.alpha().filter(|alpha| alpha.hides()) else { return Ok(encoded) };
        let (mut samples, width) = (encoded.samples().clone(), self.width() as usize);
        match (&mut samples, &alpha.in_depth(encoded.samples().depth())) {
            (Samples::U8(rgb), Samples::U8(alpha)) => fill_hidden(rgb, alpha, width),
            (Samples::U16(rgb), Samples::U16(alpha)) => fill_hidden(rgb, alpha, width),
            (Samples::F32(rgb), Samples::F32(alpha)) => fill_hidden(rgb, alpha, width),
            _ => {}
        }
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
        match (self, own, alpha) {
            (Samples::U8(new), Samples::U8(own), Samples::U8(alpha)) => keep_hidden(new, own, alpha),
            (Samples::U16(new), Samples::U16(own), Samples::U16(alpha)) => keep_hidden(new, own, alpha),
            (Samples::F32(new), Samples::F32(own), Samples::F32(alpha)) => keep_hidden(new, own, alpha),
            _ => {}
        }
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
