//! SSIM of planes, row by row.

use super::{PEAK, SSIM_WINDOW};

const WINDOW: usize = SSIM_WINDOW as usize;
/// Pixels of a window on either side of the one in its middle.
const REACH: usize = WINDOW / 2;
const SIGMA: f64 = 1.5;
const C1: f64 = (0.01 * PEAK) * (0.01 * PEAK);
const C2: f64 = (0.03 * PEAK) * (0.03 * PEAK);

/// Sums along a row, or across several, of a, b, a a, b b and a b.
type Moments = [Vec<f64>; 5];

/// The mean of SSIM over all windows within a plane of this width; both sides are at least those of a window.
pub(super) fn of_plane(a: &[u8], b: &[u8], width: usize) -> f64 {
    let mut windows = Windows::new();
    a.chunks_exact(width).zip(b.chunks_exact(width)).for_each(|(a, b)| windows.push(&products(a, b)));
    windows.mean()
}

/// The mean of SSIM over all samples of a volume, whose slices are planes of this width: a window goes through slices
/// as it goes through rows, and what it lacks beyond a side is the sample nearest to it.
pub(super) fn of_volume(a: &[Vec<u8>], b: &[Vec<u8>], width: usize) -> f64 {
    let (depth, height) = (a.len(), a[0].len() / width);
    let shares = shares(depth);
    let mut slices: Vec<Windows> = (0..depth).map(|_| Windows::new()).collect();
    for y in 0..height + 2 * REACH {
        let from = y.saturating_sub(REACH).min(height - 1) * width;
        let row = |plane: &[u8]| replicated(&plane[from..][..width]);
        let products: Vec<Moments> = a.iter().zip(b).map(|(a, b)| products(&row(a), &row(b))).collect();
        for (slice, shares) in slices.iter_mut().zip(&shares) {
            slice.push(&weighted(&products, shares));
        }
    }
    slices.iter().map(Windows::mean).sum::<f64>() / depth as f64
}

/// How much each slice counts in the window of each.
fn shares(depth: usize) -> Vec<Vec<f64>> {
    let of = |slice: usize| {
        let mut shares = vec![0.0; depth];
        for (i, tap) in taps().into_iter().enumerate() {
            shares[(slice + i).saturating_sub(REACH).min(depth - 1)] += tap;
        }
        shares
    };
    (0..depth).map(of).collect()
}

/// A row with its ends repeated on either side.
fn replicated(row: &[u8]) -> Vec<u8> {
    let (first, last) = (row[0], row[row.len() - 1]);
    [&[first; REACH], row, &[last; REACH]].concat()
}

fn weighted(products: &[Moments], shares: &[f64]) -> Moments {
    std::array::from_fn(|moment| {
        let mut sums = vec![0.0; products[0][moment].len()];
        products.iter().zip(shares).for_each(|(product, &share)| add(&mut sums, share, &product[moment]));
        sums
    })
}

/// The windows of a plane whose rows come one by one.
struct Windows {
    taps: [f64; WINDOW],
    /// The last rows, each weighted along itself; row y is at y modulo their number.
    rows: [Moments; WINDOW],
    pushed: usize,
    sum: f64,
    count: usize,
}

impl Windows {
    fn new() -> Self {
        Self { taps: taps(), rows: Default::default(), pushed: 0, sum: 0.0, count: 0 }
    }

    fn push(&mut self, products: &Moments) {
        self.rows[self.pushed % WINDOW] = along(products, &self.taps);
        self.pushed += 1;
        if self.pushed >= WINDOW {
            let moments = across(&self.rows, self.pushed % WINDOW, &self.taps);
            self.sum += sum_of_windows(&moments);
            self.count += moments[0].len();
        }
    }

    fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }
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
