//! Colour where nothing shows. Editors leave black or green under full transparency; a network that sees it carries it
//! into the edges of what shows. So such pixels are filled from their visible neighbours beforehand, by averages at
//! ever coarser scales ("pull-push", Gortler et al., "The Lumigraph", SIGGRAPH 1996).

use super::samples::Arithmetic;

/// A picture of half the sides, a quarter and so on: sums of colours times their visibility, and of the visibility.
struct Level {
    width: usize,
    height: usize,
    pixels: Vec<[f32; 4]>,
}

/// Fills the colour of the pixels that do not show, where there are some that do. `rgb` has three samples a pixel and
/// `alpha` one.
pub(super) fn fill_hidden<T: Arithmetic>(rgb: &mut [T], alpha: &[T], width: usize) {
    let height = alpha.len() / width;
    let colors = rgb.as_chunks_mut::<3>().0;
    let fine = |x: usize, y: usize| {
        let (color, alpha) = (colors[y * width + x], alpha[y * width + x]);
        if alpha.is_hidden() {
            return [0.0; 4];
        }
        // Floats may be anything.
        let weight = f32::from_unit(alpha.to_unit());
        let [r, g, b] = color.map(|sample| f32::from_unit(sample.to_unit()) * weight);
        [r, g, b, weight]
    };
    let mut levels = vec![Level::halved(width, height, fine)];
    while let Some(last) = levels.last().filter(|level| level.pixels.len() > 1) {
        let next = Level::halved(last.width, last.height, |x, y| last.pixels[y * last.width + x]);
        levels.push(next);
    }
    // The coarsest level is a single pixel, the mean of all.
    let Some(mut coarse) = levels.pop().filter(|level| level.pixels[0][3] > 0.0) else { return };
    while let Some(mut level) = levels.pop() {
        for y in 0..level.height {
            for x in 0..level.width {
                let pixel = &mut level.pixels[y * level.width + x];
                if pixel[3] <= 0.0 {
                    *pixel = coarse.between(x, y);
                }
            }
        }
        coarse = level;
    }
    for (at, (color, alpha)) in colors.iter_mut().zip(alpha).enumerate() {
        if alpha.is_hidden() {
            let [r, g, b, _] = coarse.between(at % width, at / width);
            *color = [r, g, b].map(T::from_unit);
        }
    }
}

impl Level {
    /// Sums over two by two pixels.
    fn halved(width: usize, height: usize, fine: impl Fn(usize, usize) -> [f32; 4]) -> Self {
        let (across, down) = (width.div_ceil(2), height.div_ceil(2));
        let mut pixels = Vec::with_capacity(across * down);
        for y in 0..down {
            for x in 0..across {
                let mut sum = [0.0; 4];
                for (fx, fy) in [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(dx, dy)| (2 * x + dx, 2 * y + dy)) {
                    if fx < width && fy < height {
                        sum.iter_mut().zip(fine(fx, fy)).for_each(|(sum, value)| *sum += value);
                    }
                }
                pixels.push(sum);
            }
        }
        Self { width: across, height: down, pixels }
    }

    /// The colour at a pixel of twice the sides, between the four nearest, with a visibility of 1.
    fn between(&self, x: usize, y: usize) -> [f32; 4] {
        // A pixel lies a quarter of a coarse one from its centre, towards the neighbour on its own side.
        let near = |at: usize, side: usize| {
            let (own, other) =
                (at / 2, if at.is_multiple_of(2) { (at / 2).wrapping_sub(1) } else { at / 2 + 1 });
            [(own, 0.75), (if other < side { other } else { own }, 0.25)]
        };
        let mut sum = [0.0; 4];
        for (cy, down) in near(y, self.height) {
            for (cx, across) in near(x, self.width) {
                let pixel = self.pixels[cy * self.width + cx];
                let share = down * across / pixel[3].max(f32::MIN_POSITIVE);
                sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value * share);
            }
        }
        sum[3] = 1.0;
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_pixels_stay_and_hidden_ones_take_after_them() {
        let (width, height) = (37, 23);
        let inside = |at: usize| (at % width).abs_diff(12) + (at / width).abs_diff(9) < 8;
        let alpha: Vec<u8> = (0..width * height).map(|at| if inside(at) { 255 } else { 0 }).collect();
        let mut rgb: Vec<u8> =
            (0..width * height).flat_map(|at| if inside(at) { [200, 90, 30] } else { [0, 255, 0] }).collect();
        fill_hidden(&mut rgb, &alpha, width);
        assert!(rgb.as_chunks().0.iter().all(|pixel| *pixel == [200, 90, 30]));
    }

    #[test]
    fn the_nearest_colour_counts_most() {
        let mut rgb = vec![0u16; 64 * 3];
        let mut alpha = vec![0u16; 64];
        (rgb[0], alpha[0]) = (60_000, 65_535);
        (rgb[63 * 3], alpha[63]) = (10_000, 65_535);
        fill_hidden(&mut rgb, &alpha, 64);
        let red: Vec<u16> = rgb.iter().step_by(3).copied().collect();
        assert!(red[1] > 50_000 && red[62] < 20_000 && (30_000..40_000).contains(&red[32]), "{red:?}");
        assert!(red.windows(2).all(|pair| pair[0] >= pair[1]), "{red:?}");
    }

    #[test]
    fn what_hardly_shows_counts_as_little() {
        let mut rgb = [[1.0_f32; 3], [0.0; 3], [0.5; 3], [0.5; 3]].concat();
        fill_hidden(&mut rgb, &[1.0, 0.25, 0.0, 0.0], 4);
        assert!(rgb[6..].iter().all(|sample| (sample - 1.0 / 1.25).abs() < 1e-6), "{rgb:?}");
    }

    #[test]
    fn what_is_no_number_stays_where_it_is() {
        for hidden in [f32::NAN, f32::INFINITY, -1.0] {
            let mut rgb = vec![0.5, 0.5, 0.5, hidden, hidden, hidden];
            fill_hidden(&mut rgb, &[1.0, 0.0], 2);
            assert_eq!(rgb, [0.5; 6]);
            let mut rgb = vec![0.5; 6];
            fill_hidden(&mut rgb, &[1.0, hidden.min(0.0)], 2);
            assert_eq!(rgb, [0.5; 6]);
        }
    }

    #[test]
    fn where_nothing_shows_nothing_changes() {
        let mut rgb = vec![0.1f32, 0.2, 0.3];
        fill_hidden(&mut rgb, &[0.0], 1);
        assert_eq!(rgb, [0.1, 0.2, 0.3]);
    }
}
