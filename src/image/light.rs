//! Whether samples stand for light itself or for its encoding. Networks are trained on photos in the sRGB curve (IEC
//! 61966-2-1); samples in linear light are taken to it before and back afterwards.

/// What samples are proportional to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Light {
    /// Brightness as it is seen, about: the sRGB curve, or another like it.
    #[default]
    Encoded,
    /// Light, as sensors and renderers count it.
    Linear,
}

/// Linear light in the sRGB curve.
pub(super) fn encode(light: f32) -> f32 {
    if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

/// The light of a value in the sRGB curve.
pub(super) fn decode(value: f32) -> f32 {
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_and_its_inverse() {
        for value in (0..=65535u16).step_by(7).map(|v| f32::from(v) / 65535.0) {
            assert!((decode(encode(value)) - value).abs() < 1e-6, "{value}");
        }
        // The value of middle grey, 18% of the light.
        assert!((encode(0.18) - 0.4614).abs() < 1e-4);
    }
}
