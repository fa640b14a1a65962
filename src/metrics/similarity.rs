//! SSIM of single planes, row by row.

use super::{PEAK, SSIM_WINDOW};

const WINDOW: usize = SSIM_WINDOW as usize;
const SIGMA: f64 = 1.5;
const C1: f64 = (0.01 * PEAK) * (0.01 * PEAK);
const C2: f64 = (0.03 * PEAK) * (0.03 * PEAK);

/// Sums along a row, or across several, of a, b, a a, b b and a b.
type Moments = [Vec<f64>; 5];

/// The mean of SSIM over all windows of two planes of this width; both sides are at least those of a window.
pub(super) fn mean(a: &[u8], b: &[u8], width: usize) -> f64 {
    let taps = taps();
    // The last rows, each weighted along itself; row y is at y modulo their number.
    let mut rows: [Moments; WINDOW] = Default::default();
    let (mut sum, mut windows) = (0.0, 0);
    for (y, (a, b)) in a.chunks_exact(width).zip(b.chunks_exact(width)).enumerate() {
        rows[y % WINDOW] = along(&products(a, b), &taps);
        if y + 1 >= WINDOW {
            let moments = across(&rows, (y + 1) % WINDOW, &taps);
            sum += sum_of_windows(&moments);
            windows += moments[0].len();
        }
    }
    sum / windows as f64
}

/// The window is the outer product of these with themselves.
fn taps() -> [f64; WINDOW] {
    let gaussian: [f64; WINDOW] = std::array::from_fn(|i| {
        let offset = i as f64 - (WINDOW / 2) as f64;
        (-offset * offset / (2.0 * SIGMA * SIGMA)).exp()
    });
    let sum: f64 = gaussian.iter().sum();
    gaussian.map(|value| value / sum)
}

fn products(a: &[u8], b: &[u8]) -> Moments {
    let of = |value: fn(f64, f64) -> f64| {
        a.iter().zip(b).map(|(&a, &b)| value(f64::from(a), f64::from(b))).collect()
    };
    [of(|a, _| a), of(|_, b| b), of(|a, _| a * a), of(|_, b| b * b), of(|a, b| a * b)]
}

fn along(row: &Moments, taps: &[f64; WINDOW]) -> Moments {
    row.each_ref().map(|values| {
        let mut sums = vec![0.0; values.len() + 1 - WINDOW];
        taps.iter().enumerate().for_each(|(i, &tap)| add(&mut sums, tap, &values[i..]));
        sums
    })
}

/// The rows from `first` on, in a circle, weighted and added up.
fn across(rows: &[Moments; WINDOW], first: usize, taps: &[f64; WINDOW]) -> Moments {
    std::array::from_fn(|moment| {
        let mut sums = vec![0.0; rows[first][moment].len()];
        for (i, &tap) in taps.iter().enumerate() {
            add(&mut sums, tap, &rows[(first + i) % WINDOW][moment]);
        }
        sums
    })
}

fn add(sums: &mut [f64], tap: f64, values: &[f64]) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += tap * value);
}

fn sum_of_windows([a, b, aa, bb, ab]: &Moments) -> f64 {
    let similarity = |x: usize| {
        let (mean_a, mean_b) = (a[x], b[x]);
        let variances = aa[x] - mean_a * mean_a + (bb[x] - mean_b * mean_b);
        let covariance = ab[x] - mean_a * mean_b;
        let luminance = (2.0 * mean_a * mean_b + C1) / (mean_a * mean_a + mean_b * mean_b + C1);
        luminance * (2.0 * covariance + C2) / (variances + C2)
    };
    (0..a.len()).map(similarity).sum()
}
