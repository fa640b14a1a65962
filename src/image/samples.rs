//! Samples of every depth, and the arithmetic that is the same for all.

use std::borrow::Cow;
use std::fmt;

/// Samples of one depth, interleaved where they have more than one channel.
#[derive(Clone, PartialEq)]
pub enum Samples {
    /// 8 bits a sample, 0 to 255.
    U8(Vec<u8>),
    /// 16 bits a sample, 0 to 65535.
    U16(Vec<u16>),
    /// Floats, 0 black and 1 white; what lies outside is clamped before it is restored.
    F32(Vec<f32>),
}

/// What a sample is stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// 8 bits.
    U8,
    /// 16 bits.
    U16,
    /// A 32-bit float.
    F32,
}

impl fmt::Display for Depth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Depth::U8 => "8-bit samples",
            Depth::U16 => "16-bit samples",
            Depth::F32 => "floats",
        })
    }
}

/// The samples, whatever their depth, under one name.
macro_rules! with_samples {
    ($samples:expr, $name:ident => $result:expr) => {
        match $samples {
            $crate::image::Samples::U8($name) => $result,
            $crate::image::Samples::U16($name) => $result,
            $crate::image::Samples::F32($name) => $result,
        }
    };
}

/// New samples of the same depth, made of the old ones under one name.
macro_rules! map_samples {
    ($samples:expr, $name:ident => $result:expr) => {
        match $samples {
            $crate::image::Samples::U8($name) => $crate::image::Samples::U8($result),
            $crate::image::Samples::U16($name) => $crate::image::Samples::U16($result),
            $crate::image::Samples::F32($name) => $crate::image::Samples::F32($result),
        }
    };
}

pub(super) use {map_samples, with_samples};

impl Samples {
    /// The number of samples (not of pixels, not of bytes).
    #[must_use]
    pub fn len(&self) -> usize {
        with_samples!(self, v => v.len())
    }

    /// Whether there is no sample at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a sample is stored as.
    #[must_use]
    pub fn depth(&self) -> Depth {
        match self {
            Samples::U8(_) => Depth::U8,
            Samples::U16(_) => Depth::U16,
            Samples::F32(_) => Depth::F32,
        }
    }

    /// The samples as they lie in memory.
    pub(super) fn as_bytes(&self) -> &[u8] {
        with_samples!(self, v => bytemuck::cast_slice(v))
    }

    /// The samples rounded to 8 bits, themselves where they have no more.
    pub(super) fn in_8_bits(&self) -> Cow<'_, [u8]> {
        match self {
            Samples::U8(v) => Cow::Borrowed(v),
            other => Cow::Owned(other.converted()),
        }
    }

    /// Whether nothing is to be seen.
    pub(crate) fn are_black(&self) -> bool {
        with_samples!(self, v => v.iter().all(|sample| sample.to_unit() <= 0.0))
    }

    /// Whether there may be nothing but noise: the mean of clipped noise as strong as any that is trained with is less
    /// than this.
    pub(crate) fn are_nearly_black(&self) -> bool {
        const MEAN: f64 = 32.0 / 255.0;
        let sum = with_samples!(self, v => v.iter().map(|sample| f64::from(sample.to_unit())).sum::<f64>());
        sum <= MEAN * self.len() as f64
    }

    /// The samples in another depth, rounded to the nearest where that has fewer values.
    pub(super) fn in_depth(&self, depth: Depth) -> Samples {
        match depth {
            Depth::U8 => Samples::U8(self.converted()),
            Depth::U16 => Samples::U16(self.converted()),
            Depth::F32 => Samples::F32(self.converted()),
        }
    }

    fn converted<T: Arithmetic>(&self) -> Vec<T> {
        with_samples!(self, v => v.iter().map(|sample| T::from_unit(sample.to_unit())).collect())
    }
}

/// Names depth and count only: a photo has tens of millions of samples.
impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Samples({} {})", self.len(), self.depth())
    }
}

/// A type of samples: `u8`, `u16` and `f32`, and no other.
pub trait Sample: Arithmetic {}

impl Sample for u8 {}
impl Sample for u16 {}
impl Sample for f32 {}

/// What the arithmetic needs to know of a sample's depth.
pub trait Arithmetic: Copy + Default + PartialEq {
    /// The value that stands for 1.0: white, or opaque.
    const ONE: Self;

    /// What it is stored as.
    const DEPTH: Depth;

    /// Samples of this type.
    fn samples(values: Vec<Self>) -> Samples;

    /// The values, where they are of this type; else an empty slice.
    fn slice(samples: &Samples) -> &[Self];

    /// The value as a share of [`Arithmetic::ONE`].
    fn to_unit(self) -> f32;

    /// Whether nothing shows at this transparency.
    fn is_hidden(self) -> bool;

    /// The nearest sample, ties to even, of a value clamped to [0, 1]; NaN gives 0.
    fn from_unit(unit: f32) -> Self;

    /// 0.299 R + 0.587 G + 0.114 B, rounded; exactly the grey where the three are equal.
    fn luma(rgb: [Self; 3]) -> Self;

    /// This colour divided by `alpha`, both in units of their type's white: what it was before it was multiplied by it.
    fn unmultiplied(self, alpha: Self) -> Self;
}

/// An integer sample, by its type and that of its largest product with a thousand.
macro_rules! integer_sample {
    ($type:ty, $depth:ident) => {
        impl Arithmetic for $type {
            const ONE: Self = <$type>::MAX;
            const DEPTH: Depth = Depth::$depth;

            fn samples(values: Vec<Self>) -> Samples {
                Samples::$depth(values)
            }

            fn slice(samples: &Samples) -> &[Self] {
                if let Samples::$depth(values) = samples { values } else { &[] }
            }

            fn to_unit(self) -> f32 {
                f32::from(self) / f32::from(Self::MAX)
            }

            fn is_hidden(self) -> bool {
                self == 0
            }

            fn from_unit(unit: f32) -> Self {
                // From 2^23 on floats are whole numbers, so that the addition rounds; `round_ties_even` is a call on
                // processors before SSE4.1.
                (f32::from_unit(unit) * f32::from(Self::MAX) + 1.5 * 8_388_608.0).to_bits() as Self
            }

            fn luma([r, g, b]: [Self; 3]) -> Self {
                ((u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114 + 500) / 1000) as Self
            }

            fn unmultiplied(self, alpha: Self) -> Self {
                let (color, alpha, max) = (u32::from(self), u32::from(alpha), u32::from(Self::MAX));
                if alpha == 0 { self } else { ((color * max + alpha / 2) / alpha).min(max) as Self }
            }
        }
    };
}

integer_sample!(u8, U8);
integer_sample!(u16, U16);

impl Arithmetic for f32 {
    const ONE: f32 = 1.0;
    const DEPTH: Depth = Depth::F32;

    fn samples(values: Vec<f32>) -> Samples {
        Samples::F32(values)
    }

    fn slice(samples: &Samples) -> &[f32] {
        if let Samples::F32(values) = samples { values } else { &[] }
    }

    fn to_unit(self) -> f32 {
        self
    }

    fn is_hidden(self) -> bool {
        f32::from_unit(self) == 0.0
    }

    fn from_unit(unit: f32) -> f32 {
        // NaN is not greater than 0.
        if unit > 0.0 { unit.min(1.0) } else { 0.0 }
    }

    fn luma([r, g, b]: [f32; 3]) -> f32 {
        if r == g && g == b { r } else { 0.299 * r + 0.587 * g + 0.114 * b }
    }

    fn unmultiplied(self, alpha: f32) -> f32 {
        if alpha > 0.0 { self / alpha } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_round_to_the_nearest_of_eight() {
        for v in 0..=u16::MAX {
            // 65535 is 257 * 255, and no 16-bit value lies halfway between two 8-bit ones.
            let nearest = (v.saturating_add(128) / 257) as u8;
            assert_eq!(u8::from_unit(v.to_unit()), nearest, "{v}");
            assert_eq!(u16::from_unit(v.to_unit()), v);
        }
    }

    #[test]
    fn units_round_to_even_and_no_number_is_black() {
        let halfway = (0..=1020).map(|quarters| quarters as f32 / 1020.0);
        let odd =
            [f32::NAN, -f32::NAN, f32::from_bits(0x7fc0_0001), f32::INFINITY, f32::NEG_INFINITY, -0.0, 1e-40];
        for unit in halfway.chain((0..=1 << 20).map(|i| i as f32 / f32::from(i16::MAX))).chain(odd) {
            let rounded = |most: f32| (unit.clamp(0.0, 1.0) * most).round_ties_even();
            assert_eq!(u8::from_unit(unit), rounded(255.0) as u8, "{unit}");
            assert_eq!(u16::from_unit(unit), rounded(65535.0) as u16, "{unit}");
        }
    }

    #[test]
    fn grey_is_its_own_luma() {
        assert!((0..=u8::MAX).all(|v| u8::luma([v; 3]) == v));
        assert!((0..=u16::MAX).all(|v| u16::luma([v; 3]) == v));
        assert_eq!(f32::luma([0.3; 3]), 0.3);
    }
}
