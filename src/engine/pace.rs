//! How much work a submission may hold, so that none trips a driver's watchdog and long runs show progress.

use std::time::Duration;

/// How long a submission may run.
const SLICE: Duration = Duration::from_millis(250);
/// Work of the first submission, before any has been measured: well within the slice on any adapter.
const FIRST: u64 = 500_000_000;
/// Work of one dispatch before any has been measured: cutting for the slowest adapter would make thousands of
/// dispatches that faster ones have no use for.
const FIRST_CUT: u64 = 8 * FIRST;

/// The adapter's speed as measured so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    rate: Option<f64>,
    fixed: Option<u64>,
}

impl Pace {
    /// A pace that always gives the same budget.
    pub(super) fn fixed(budget: u64) -> Self {
        Self { rate: None, fixed: Some(budget) }
    }

    /// Work that one submission may hold.
    pub(super) fn budget(&self) -> u64 {
        let measured = || self.rate.map_or(FIRST, |rate| (rate * SLICE.as_secs_f64()) as u64);
        self.fixed.unwrap_or_else(|| measured().max(FIRST / 10))
    }

    /// Work that one dispatch may hold.
    pub(super) fn cut(&self) -> u64 {
        if self.fixed.is_none() && self.rate.is_none() { FIRST_CUT } else { self.budget() }
    }

    /// Takes a measured submission into account. Speed-ups count in full, since the first submissions include
    /// compilation on some drivers; slow-downs by half.
    pub(super) fn observe(&mut self, work: u64, elapsed: Duration) {
        let measured = work as f64 / elapsed.as_secs_f64().max(1e-6);
        let smoothed = |rate: f64| if measured > rate { measured } else { 0.5 * (rate + measured) };
        self.rate = Some(self.rate.map_or(measured, smoothed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_follow_what_was_measured() {
        let mut pace = Pace::default();
        assert_eq!((pace.budget(), pace.cut()), (FIRST, FIRST_CUT));
        pace.observe(4_000_000_000, Duration::from_secs(1));
        assert_eq!((pace.budget(), pace.cut()), (1_000_000_000, 1_000_000_000));
        pace.observe(2_000_000_000, Duration::from_secs(1));
        assert_eq!(pace.budget(), 750_000_000);
        pace.observe(1, Duration::from_secs(100));
        assert!(pace.budget() >= FIRST / 10);
        assert_eq!([1, 7_000_000_000].map(|budget| Pace::fixed(budget).budget()), [1, 7_000_000_000]);
    }
}
