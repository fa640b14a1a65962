//! Planes of chroma in the size of luma, and back.
//!
//! Up, values between two samples lie on a straight line, from wherever the samples were taken. Down, the filter is the
//! one that undoes just that: together they are the low-pass halves of the biorthogonal spline wavelets 2.2 (samples at
//! every second place, also known as LeGall 5/3) and 3.1 (samples between two places) of Cohen, Daubechies and
//! Feauveau, "Biorthogonal bases of compactly supported wavelets", 1992. So chroma that a network leaves alone comes
//! back as it was. Averages of two or three samples would blur it: of ffmpeg's `testsrc2` in 4:2:0, its colours clamped
//! to those of screens, they leave 40 dB, and these filters 48.

/// What a sample is the sum of: samples by place, and how much of each.
type Taps<const N: usize> = [(usize, f32); N];

/// Changes the size of a plane along one side: each place's sum, once for all lines.
#[derive(Clone, Debug)]
pub(super) struct Side {
    up: Vec<Taps<2>>,
    down: Vec<Taps<5>>,
}

impl Side {
    /// For a side of `luma` samples, at least one, with half as many of chroma: each at the place of the first of its
    /// two (`sited`), or between them.
    pub(super) fn new(luma: usize, sited: bool) -> Self {
        let (places, halves) = (luma as isize, luma.div_ceil(2) as isize);
        let within = |i: isize, count: isize| i.clamp(0, count - 1) as usize;
        // Past the ends lies what lies before them, mirrored so that the filters meet what the others have made.
        let mirrored = |i: isize| {
            let (first, last) = if sited { (0, 2 * (places - 1)) } else { (-1, 2 * places - 1) };
            within(if i < 0 { first - i } else { i.min(last - i) }, places)
        };
        let up = |i: isize| {
            let (own, odd) = (i / 2, i % 2);
            let (next, share) = match (sited, odd) {
                (true, 0) => (own, 0.0),
                (true, _) => (own + 1, 0.5),
                (false, 0) => (own - 1, 0.25),
                (false, _) => (own + 1, 0.25),
            };
            [(within(own, halves), 1.0 - share), (within(next, halves), share)]
        };
        let weights =
            if sited { [-0.125, 0.25, 0.75, 0.25, -0.125] } else { [0.0, -0.25, 0.75, 0.75, -0.25] };
        let down = |i: isize| {
            let tap = |k: usize| (mirrored(2 * i + k as isize - 2), weights[k]);
            std::array::from_fn(tap)
        };
        Self { up: (0..places).map(up).collect(), down: (0..halves).map(down).collect() }
    }

    /// Lines of a plane that is `width` wide, in the number of luma.
    pub(super) fn rows_up(&self, plane: &[f32], width: usize) -> Vec<f32> {
        rows(plane, width, &self.up)
    }

    pub(super) fn rows_down(&self, plane: &[f32], width: usize) -> Vec<f32> {
        rows(plane, width, &self.down)
    }

    /// A plane of lines of half the width, in the width of luma.
    pub(super) fn columns_up(&self, plane: &[f32]) -> Vec<f32> {
        columns(plane, self.down.len(), &self.up)
    }

    pub(super) fn columns_down(&self, plane: &[f32]) -> Vec<f32> {
        columns(plane, self.up.len(), &self.down)
    }
}

fn rows<const N: usize>(plane: &[f32], width: usize, taps: &[Taps<N>]) -> Vec<f32> {
    let mut out = vec![0.0; taps.len() * width];
    for (line, taps) in out.chunks_exact_mut(width).zip(taps) {
        for &(row, share) in taps.iter().filter(|(_, share)| *share != 0.0) {
            let from = &plane[row * width..][..width];
            line.iter_mut().zip(from).for_each(|(sum, value)| *sum += share * value);
        }
    }
    out
}

fn columns<const N: usize>(plane: &[f32], width: usize, taps: &[Taps<N>]) -> Vec<f32> {
    let sum = |line: &[f32], taps: &Taps<N>| taps.iter().map(|&(column, share)| share * line[column]).sum();
    plane.chunks_exact(width).flat_map(|line| taps.iter().map(move |taps| sum(line, taps))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that follow no pattern, between -0.5 and 0.5.
    fn values(count: usize) -> Vec<f32> {
        (0..count).map(|i| (i * i * 37 % 101) as f32 / 100.0 - 0.5).collect()
    }

    #[test]
    fn a_slope_stays_a_slope_where_its_samples_were_taken() {
        for (sited, first) in [(true, 0.0), (false, 0.5)] {
            let chroma: Vec<f32> = (0..8).map(|i| first + 2.0 * i as f32).collect();
            let luma = Side::new(16, sited).columns_up(&chroma);
            // At the ends the line has nowhere to go.
            for (i, &value) in luma.iter().enumerate().take(15).skip(1) {
                assert_eq!(value, i as f32, "sited: {sited}");
            }
        }
    }

    #[test]
    fn what_goes_up_comes_down() {
        for (luma, sited) in (1..24).flat_map(|luma| [(luma, true), (luma, false)]) {
            let (side, chroma) = (Side::new(luma, sited), values(luma.div_ceil(2)));
            for back in
                [side.columns_down(&side.columns_up(&chroma)), side.rows_down(&side.rows_up(&chroma, 1), 1)]
            {
                let apart = chroma.iter().zip(&back).map(|(a, b)| (a - b).abs());
                assert!(
                    apart.fold(0.0, f32::max) < 1e-6,
                    "{luma}, sited: {sited}: {chroma:?} became {back:?}"
                );
            }
        }
    }

    #[test]
    fn rows_are_as_columns() {
        for sited in [true, false] {
            let (side, plane) = (Side::new(9, sited), values(5 * 3));
            let turned = |plane: &[f32], width: usize| -> Vec<f32> {
                (0..plane.len())
                    .map(|i| plane[i % (plane.len() / width) * width + i / (plane.len() / width)])
                    .collect()
            };
            // Five lines of three, and three of five.
            let up = side.rows_up(&plane, 3);
            assert_eq!(up, turned(&side.columns_up(&turned(&plane, 3)), 9));
            let down = side.rows_down(&up, 3);
            assert_eq!(down, turned(&side.columns_down(&turned(&up, 3)), 5));
        }
    }
}
