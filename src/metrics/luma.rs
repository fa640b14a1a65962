//! Luma of 8-bit colours.

/// Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255 of 8-bit R, G, B, rounded half away from zero: 16 to 235, as
/// MATLAB's `rgb2ycbcr` gives it for `uint8` (ITU-R BT.601).
#[must_use]
pub fn luma(rgb: [u8; 3]) -> u8 {
    // In thousandths, so that ties are ties and not what floating point makes of them.
    const UNIT: u32 = 255 * 1000;
    let [r, g, b] = rgb.map(u32::from);
    let scaled = 65_481 * r + 128_553 * g + 24_966 * b;
    (16 + (scaled + UNIT / 2) / UNIT) as u8
}
