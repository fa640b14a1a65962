//! Runs whose stages are timed one by one, by the best clock that there is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde::Serialize;
use web_time::Instant;

use super::record::Dispatch;
use crate::gpu::{Clock, Device, Stamps, Submitted};

/// A stretch of a run, in seconds from its first dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Interval {
    /// Its begin.
    pub start: f64,
    /// Its end, never before.
    pub end: f64,
}

/// What a stage of an operator took.
#[derive(Default)]
pub(super) struct Timed {
    pub(super) dispatches: usize,
    pub(super) workgroups: u64,
    pub(super) grid: [u32; 3],
    pub(super) intervals: Vec<Interval>,
}

impl Timed {
    pub(super) fn count(&mut self, dispatch: &Dispatch) {
        let groups = |grid: [u32; 3]| grid.into_iter().map(u64::from).product::<u64>();
        self.dispatches += 1;
        self.workgroups += groups(dispatch.workgroups);
        if groups(dispatch.workgroups) > groups(self.grid) {
            self.grid = dispatch.workgroups;
        }
    }
}

/// By operator and stage.
pub(super) type Stages = BTreeMap<(usize, usize), Timed>;

/// The times of a run's submissions.
pub(super) struct Recording {
    pub(super) clock: Clock,
    started: Instant,
    stages: Stages,
    /// What is submitted, in order.
    submitted: Vec<Times>,
}

/// The times of consecutive pieces, of which only a stage of an operator each is known before they are done.
struct Times {
    pieces: Vec<(usize, usize)>,
    source: Source,
}

enum Source {
    Stamps(Stamps),
    Host(Arc<OnceLock<Interval>>),
}

impl Recording {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, started: Instant::now(), stages: BTreeMap::new(), submitted: Vec::new() }
    }

    /// Submits dispatches, an interval for each run of dispatches of one stage of one operator, and has `then` hear how
    /// long all of them took.
    pub(super) fn submit(
        &mut self,
        device: &Device,
        dispatches: &[Dispatch],
        then: impl FnOnce(Duration) + Send + 'static,
    ) -> std::result::Result<Submitted, String> {
        let pieces: Vec<&[Dispatch]> =
            dispatches.chunk_by(|a, b| (a.node, a.stage) == (b.node, b.stage)).collect();
        for piece in &pieces {
            let timed = self.stages.entry((piece[0].node, piece[0].stage)).or_default();
            piece.iter().for_each(|dispatch| timed.count(dispatch));
        }
        let most = if self.clock == Clock::Wall { 1 } else { Stamps::MOST / 2 };
        let chunks = pieces.chunks(most);
        let (mut then, mut last, count) = (Some(then), Submitted::done(), chunks.len());
        let sum = Arc::new(Mutex::new(Duration::ZERO));
        for (at, pieces) in chunks.enumerate() {
            let (then, sum) = (then.take_if(|_| at + 1 == count), Arc::clone(&sum));
            let told = move |took| {
                let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                *sum += took;
                then.into_iter().for_each(|then| then(*sum));
            };
            last = match self.clock {
                Clock::Wall => self.submit_alone(device, pieces[0], told)?,
                _ => self.submit_stamped(device, pieces, told),
            };
        }
        Ok(last)
    }

    fn submit_alone(
        &mut self,
        device: &Device,
        piece: &[Dispatch],
        then: impl FnOnce(Duration) + Send + 'static,
    ) -> std::result::Result<Submitted, String> {
        let mut encoder = device.wgpu().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            piece.iter().for_each(|dispatch| dispatch.record(&mut pass));
        }
        let interval = Arc::new(OnceLock::new());
        let (told, started) = (Arc::clone(&interval), self.started);
        let submitted = device.submit(encoder, move |took| {
            let end = started.elapsed();
            let start = end.saturating_sub(took);
            let _ = told.set(Interval { start: start.as_secs_f64(), end: end.as_secs_f64() });
            then(took);
        });
        self.note(&[piece], Source::Host(interval));
        // Several that are done at once would be told apart by nothing. Browsers tell of each.
        if cfg!(not(target_family = "wasm")) {
            submitted.clone().wait()?;
        }
        Ok(submitted)
    }

    fn submit_stamped(
        &mut self,
        device: &Device,
        pieces: &[&[Dispatch]],
        then: impl FnOnce(Duration) + Send + 'static,
    ) -> Submitted {
        let within = self.clock == Clock::Timestamps;
        let stamps = Stamps::new(device, if within { pieces.len() + 1 } else { 2 * pieces.len() });
        let mut encoder = device.wgpu().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let record = if within { record_within } else { record_around };
        record(&mut encoder, &stamps, pieces);
        let submitted = stamps.submit(device, encoder, then);
        self.note(pieces, Source::Stamps(stamps));
        submitted
    }

    fn note(&mut self, pieces: &[&[Dispatch]], source: Source) {
        let pieces = pieces.iter().map(|piece| (piece[0].node, piece[0].stage)).collect();
        self.submitted.push(Times { pieces, source });
    }

    /// What every stage took, once all is done.
    pub(super) fn read(mut self, device: &Device) -> std::result::Result<Stages, String> {
        let (period, mut first) = (Stamps::tick(device), None);
        for Times { pieces, source } in std::mem::take(&mut self.submitted) {
            let intervals = match source {
                Source::Host(interval) => {
                    vec![*interval.get().ok_or("the driver does not say when it is done")?]
                }
                Source::Stamps(stamps) => {
                    let ticks = stamps.read(device)?;
                    let first = *first.get_or_insert(ticks[0]);
                    self.intervals(&ticks, first, period)?
                }
            };
            for (piece, interval) in pieces.into_iter().zip(intervals) {
                self.stages.entry(piece).or_default().intervals.push(interval);
            }
        }
        Ok(self.stages)
    }

    /// The intervals between timestamps, in seconds from the first of the run.
    fn intervals(
        &self,
        ticks: &[u64],
        first: u64,
        period: f64,
    ) -> std::result::Result<Vec<Interval>, String> {
        let seconds = |tick: u64| tick.checked_sub(first).map(|ticks| ticks as f64 * period);
        let interval = |[start, end]: [u64; 2]| {
            let ends = seconds(start).zip(seconds(end)).filter(|(start, end)| start <= end);
            let (start, end) = ends.ok_or("the adapter's clock went backwards; measure again")?;
            Ok(Interval { start, end })
        };
        self.ends(ticks).into_iter().map(interval).collect()
    }

    /// Timestamps at both ends of each interval: neighbours share theirs within a pass.
    fn ends(&self, ticks: &[u64]) -> Vec<[u64; 2]> {
        let ends = |pair: &[u64]| [pair[0], pair[1]];
        match self.clock {
            Clock::Timestamps => ticks.windows(2).map(ends).collect(),
            _ => ticks.chunks_exact(2).map(ends).collect(),
        }
    }
}

/// Records all in one pass, a timestamp before the first and one after each.
fn record_within(encoder: &mut wgpu::CommandEncoder, stamps: &Stamps, pieces: &[&[Dispatch]]) {
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    pass.write_timestamp(stamps.set(), 0);
    for (i, piece) in pieces.iter().enumerate() {
        piece.iter().for_each(|dispatch| dispatch.record(&mut pass));
        pass.write_timestamp(stamps.set(), i as u32 + 1);
    }
}

/// Records a pass for each, with a timestamp at either end.
fn record_around(encoder: &mut wgpu::CommandEncoder, stamps: &Stamps, pieces: &[&[Dispatch]]) {
    for (i, piece) in pieces.iter().enumerate() {
        let mut pass = stamps.pass(encoder, 2 * i as u32);
        piece.iter().for_each(|dispatch| dispatch.record(&mut pass));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_timestamps_within_a_pass_alone() {
        let ends = |clock| Recording::new(clock).ends(&[1, 2, 4, 8]);
        assert_eq!(ends(Clock::Timestamps), [[1, 2], [2, 4], [4, 8]]);
        assert_eq!(ends(Clock::PassTimestamps), [[1, 2], [4, 8]]);
    }
}
