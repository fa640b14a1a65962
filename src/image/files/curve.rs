//! What a file says of the curve that its samples are in.

use moxcms::{ColorProfile, ToneReprCurve};

use crate::image::light::Light;
use crate::image::metadata::Metadata;

/// How far from the straight line a curve may be.
const TOLERANCE: f32 = 0.01;

/// What the metadata say: in PNG `cICP` comes before a profile, that before `sRGB`, and that before `gAMA`.
pub(super) fn light_of(metadata: &Metadata) -> Light {
    let chunk = |kind: &[u8; 4]| {
        metadata.png_colors.iter().find(|color| color.kind == *kind).map(|color| color.content.as_slice())
    };
    let gamma = if chunk(b"sRGB").is_some() { None } else { chunk(b"gAMA") };
    let linear = match (chunk(b"cICP"), &metadata.icc, gamma) {
        // 8 is the straight line in ITU-T H.273, table 3.
        (Some(content), ..) => content.get(1) == Some(&8),
        (None, Some(profile), _) => is_linear(profile),
        // A hundred thousandth is the unit.
        (None, None, Some(content)) => content == 100_000u32.to_be_bytes(),
        (None, None, None) => false,
    };
    if linear { Light::Linear } else { Light::Encoded }
}

/// Whether a profile's curves are straight lines. One that cannot be read says nothing.
fn is_linear(profile: &[u8]) -> bool {
    let Ok(profile) = ColorProfile::new_from_slice(profile) else { return false };
    let straight = |curve: &ToneReprCurve| match curve {
        ToneReprCurve::Lut(table) => match table[..] {
            [] => true,
            // A single value is an exponent, in 256ths.
            [exponent] => (f32::from(exponent) / 256.0 - 1.0).abs() < TOLERANCE,
            [.., last] => {
                let step = 1.0 / (table.len() - 1) as f32;
                let off = |(at, &value): (usize, &u16)| (f32::from(value) / 65535.0 - at as f32 * step).abs();
                last > 0 && table.iter().enumerate().map(off).all(|off| off < TOLERANCE)
            }
        },
        // The exponent comes first; with 1 there, and no more, the line is straight (ICC.1:2022, 10.18).
        ToneReprCurve::Parametric(values) => match values[..] {
            [exponent] => (exponent - 1.0).abs() < TOLERANCE,
            [exponent, a, b, ..] => {
                [exponent - 1.0, a - 1.0, b].iter().all(|off| off.abs() < TOLERANCE) && values.len() == 3
            }
            _ => false,
        },
    };
    let curves = [&profile.red_trc, &profile.green_trc, &profile.blue_trc];
    let grey = profile.gray_trc.as_ref().is_some_and(straight);
    grey || curves.iter().all(|curve| curve.as_ref().is_some_and(straight))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::PngColor;

    #[test]
    fn chunks_of_png_in_their_order() {
        let chunk = |kind: &[u8; 4], content: &[u8]| PngColor { kind: *kind, content: content.to_vec() };
        let (line, srgb) = (chunk(b"gAMA", &100_000u32.to_be_bytes()), chunk(b"sRGB", &[0]));
        let (linear, p3) = (chunk(b"cICP", &[1, 8, 0, 1]), chunk(b"cICP", &[12, 13, 0, 1]));
        let of = |png_colors: &[&PngColor]| {
            let png_colors = png_colors.iter().map(|&color| color.clone()).collect();
            light_of(&Metadata { png_colors, ..Metadata::default() })
        };
        assert_eq!([of(&[&line]), of(&[&linear, &srgb])], [Light::Linear; 2]);
        assert_eq!([of(&[&line, &srgb]), of(&[&line, &p3])], [Light::Encoded; 2]);
    }

    #[test]
    fn straight_profiles_are_told_from_others() {
        let with = |profile: &ColorProfile| {
            light_of(&Metadata { icc: Some(profile.encode().unwrap()), ..Metadata::default() })
        };
        let srgb = ColorProfile::new_srgb();
        assert_eq!(with(&srgb), Light::Encoded);
        for curve in [
            ToneReprCurve::Lut(Vec::new()),
            ToneReprCurve::Lut(vec![256]),
            ToneReprCurve::Lut((0..=255u16).map(|v| v * 257).collect()),
            ToneReprCurve::Parametric(vec![1.0]),
        ] {
            let mut linear = srgb.clone();
            let trc = Some(curve);
            (linear.red_trc, linear.green_trc, linear.blue_trc) = (trc.clone(), trc.clone(), trc.clone());
            assert_eq!(with(&linear), Light::Linear, "{trc:?}");
        }
        assert_eq!(light_of(&Metadata { icc: Some(vec![1, 2, 3]), ..Metadata::default() }), Light::Encoded);
    }
}
