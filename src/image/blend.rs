//! Several results for one photo become one, in floats: they are rounded to the photo's samples afterwards, once.

use super::frame::Frame;
use super::samples::{Arithmetic, Depth, Samples};
use crate::error::{Error, Result};

/// What stands for white in sums: eight of it fit, and parts of it are finer than floats are near white. The sum of
/// whole numbers does not depend on their order, so that what is symmetric has a symmetric mean, to the bit.
const ONE: f32 = (1 << 28) as f32;

/// The mean of up to eight frames of one size.
pub(crate) struct Mean {
    sums: Vec<u32>,
    frames: u32,
}

impl Mean {
    pub(crate) fn new() -> Self {
        Self { sums: Vec::new(), frames: 0 }
    }

    /// Takes a frame into account.
    pub(crate) fn add(&mut self, frame: &Frame) -> Result<()> {
        let units = frame.floats()?;
        self.sums.resize(units.len(), 0);
        self.frames += 1;
        for (sum, unit) in self.sums.iter_mut().zip(units) {
            *sum += (f32::from_unit(*unit) * ONE).round() as u32;
        }
        Ok(())
    }

    /// The mean, in a frame of this size.
    pub(crate) fn frame(self, width: u32, height: u32) -> Result<Frame> {
        let one = f64::from(ONE) * f64::from(self.frames);
        Frame::from_rgb32f(
            width,
            height,
            self.sums.iter().map(|&sum| (f64::from(sum) / one) as f32).collect(),
        )
    }
}

impl Frame {
    /// The colours of the frame as floats in [0, 1].
    pub(crate) fn in_floats(&self) -> Result<Frame> {
        let mut samples = self.samples().in_depth(Depth::F32);
        if let Samples::F32(units) = &mut samples {
            units.iter_mut().for_each(|unit| *unit = f32::from_unit(*unit));
        }
        Frame::new(self.width(), self.height(), samples)
    }

    /// What lies between this frame of floats and what became of it: `strength` of the way, from 0 to 1.
    pub(crate) fn blended(&self, restored: Frame, strength: f32) -> Result<Frame> {
        if strength == 1.0 {
            return Ok(restored);
        }
        let pairs = self.floats()?.iter().zip(restored.floats()?);
        let units = pairs.map(|(unit, restored)| unit + strength * (restored - unit)).collect();
        Frame::from_rgb32f(self.width(), self.height(), units)
    }

    /// The samples of a photo in floats.
    pub(crate) fn floats(&self) -> Result<&[f32]> {
        match self.samples() {
            Samples::F32(units) => Ok(units),
            other => {
                let reason = format!("floats are expected, and these are {}", other.depth());
                Err(Error::FrameShape { reason })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_do_not_depend_on_the_order() {
        let units: Vec<f32> = (0..8).map(|i| 0.1 + 0.77_f32.powi(i) / 3.0).collect();
        let mean = |order: &mut dyn Iterator<Item = f32>| {
            let mut mean = Mean::new();
            order.for_each(|unit| mean.add(&Frame::from_rgb32f(1, 1, vec![unit; 3]).unwrap()).unwrap());
            mean.frame(1, 1).unwrap()
        };
        let forth = mean(&mut units.iter().copied());
        assert_eq!(forth, mean(&mut units.iter().rev().copied()));
        let exact = units.iter().map(|&unit| f64::from(unit)).sum::<f64>() / 8.0;
        let Samples::F32(found) = forth.samples() else { panic!("floats") };
        assert!((f64::from(found[0]) - exact).abs() < 1e-8, "{found:?} {exact}");
        let white = mean(&mut [1.0; 8].into_iter());
        assert_eq!(white.samples(), &Samples::F32(vec![1.0; 3]));
    }
}
