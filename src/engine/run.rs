//! Running a compiled graph: inputs are staged, a few submissions compute, the last of them brings the outputs back.
//!
//! Up to [`AHEAD`] submissions are under way, so that the adapter does not wait for who waits for it. Whoever runs
//! several photos stages the next one's inputs meanwhile, and hands the executor on before the last submission is done.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use web_time::Instant;

use super::pace::Pace;
use super::staging::{Outputs, Staged, Uploading};
use super::stream::{Moving, OnHost};
use super::surface::Ends;
use super::watch::Watch;
use super::{Cancel, Executor, Progress, Values, failed};
use crate::gpu::{Device, Lap, Submitted};
use crate::{Error, Result};

/// Submissions under way at once.
const AHEAD: usize = 2;

/// Dispatches that are submitted together.
pub(super) struct Slice {
    pub(super) range: Range<usize>,
    work: u64,
    /// What is cut short tells of the driver's fixed costs rather than of the adapter.
    cut_short: bool,
    pace: Arc<Mutex<Pace>>,
}

impl Slice {
    /// Takes the time that it took into account.
    pub(super) fn observe(&self, took: Duration) {
        if !self.cut_short {
            self.pace.lock().unwrap_or_else(PoisonError::into_inner).observe(self.work, took);
        }
    }
}

/// What a submission does.
enum Doing {
    /// So much work, timed by the device where it can be.
    Work(u64, Option<Lap>),
    /// It moves rows.
    Moving(Moving),
}

/// Submissions of a run that are under way, oldest first, and how far it has come.
pub(super) struct UnderWay {
    submissions: VecDeque<(Submitted, Doing)>,
    done: u64,
    total: u64,
    /// The host's part of what is computed in bands, and the rows that have arrived for it.
    on_host: Option<OnHost>,
    arrived: Vec<Moving>,
}

impl UnderWay {
    /// Waits until at most `left` that compute are under way, and nothing before them.
    pub(super) async fn settle<P: FnMut(Progress) + ?Sized>(
        &mut self,
        device: &Device,
        left: usize,
        watch: &mut Watch<'_, P>,
    ) -> Result<()> {
        let computing = |it: &&(Submitted, Doing)| matches!(it.1, Doing::Work(..));
        let mut more = self.submissions.iter().filter(computing).count().saturating_sub(left);
        while more > 0 || self.submissions.front().is_some_and(|it| !computing(&it)) {
            let Some((submitted, doing)) = self.submissions.pop_front() else { break };
            let took = submitted.await.map_err(failed)?;
            match doing {
                Doing::Moving(rows) => {
                    watch.spent.gpu += took;
                    self.arrived.push(rows);
                }
                Doing::Work(work, lap) => {
                    watch.spent.gpu += lap.and_then(|lap| lap.took(device)).unwrap_or(took);
                    more -= 1;
                    self.done += work;
                    (watch.progress)(Progress { done: self.done.min(self.total), total: self.total });
                }
            }
        }
        Ok(())
    }
}

/// Where a run's outputs are to be had.
enum Results {
    Device(Outputs),
    Host(Vec<Values>),
}

/// A run of which all is submitted.
pub(crate) struct Computed {
    under_way: UnderWay,
    results: Results,
}

impl Computed {
    /// Waits for its end, and gives the outputs in order.
    pub(crate) async fn values<P: FnMut(Progress) + ?Sized>(
        mut self,
        device: &Device,
        watch: &mut Watch<'_, P>,
    ) -> Result<Vec<Values>> {
        self.under_way.settle(device, 0, watch).await?;
        device.settle().await?;
        let start = Instant::now();
        let values = match self.results {
            Results::Device(outputs) => {
                outputs.take(device).map_err(|reason| device.cause_of(failed(reason)))
            }
            Results::Host(values) => Ok(values),
        };
        watch.spent.download += start.elapsed();
        values
    }
}

impl Executor {
    /// As [`Self::run_async`], for who wants to know more, or to end it.
    pub(crate) async fn run_watched<P: FnMut(Progress) + ?Sized>(
        &mut self,
        device: &Device,
        inputs: &[Values],
        watch: &mut Watch<'_, P>,
    ) -> Result<Vec<Values>> {
        let staged = self.transfers.stage(device, inputs)?;
        self.compute_staged(device, staged, None, watch).await?.values(device, watch).await
    }

    /// Submits a whole run, while the pipelines that are missing are made in the order of their first use; between
    /// images of the device, where there are `ends`.
    pub(crate) async fn compute_staged<P: FnMut(Progress) + ?Sized>(
        &mut self,
        device: &Device,
        staged: Staged,
        ends: Option<&Ends<'_>>,
        watch: &mut Watch<'_, P>,
    ) -> Result<Computed> {
        if let (Some(_), Some(bands)) = (ends, self.bands()) {
            return Err(in_bands(bands));
        }
        let made = self.dispatches.len() == self.planned.len();
        let specs = self.compiled.specs().filter(|_| !made);
        let ahead = device.pipelines().ahead(device, specs);
        if self.stream.is_some() {
            let on_host = OnHost::new(&self.compiled, staged.into_values())?;
            let submit = |executor: &Executor, slice: Slice| Ok(executor.submit(device, slice));
            let under_way = self.drive(device, Some(on_host), watch, submit).await;
            ahead.finish();
            let mut under_way = under_way?;
            self.receive_all(device, &mut under_way, watch).await?;
            watch.spent.moved_bytes += OnHost::moved(&self.compiled);
            let results = Results::Host(under_way.on_host.take().map_or_else(Vec::new, OnHost::into_outputs));
            return Ok(Computed { under_way, results });
        }
        watch.spent.moved_bytes += self.transfers.bytes();
        let (mut staged, mut outputs) = (Some(staged), None);
        let submit = |executor: &Executor, slice: Slice| {
            let mut commands = commands(device);
            let slots = &executor.compiled.slots;
            let uploading = staged.take().map(|staged| {
                ends.iter().for_each(|ends| executor.transfers.record_from(ends, slots, &mut commands));
                staged.record(slots, &mut commands)
            });
            let lap = executor.record(device, slice.range.clone(), &mut commands);
            if slice.range.end == executor.planned.len() {
                ends.iter().for_each(|ends| executor.transfers.record_to(ends, slots, &mut commands));
                outputs = Some(executor.transfers.record_outputs(device, slots, &mut commands));
            }
            let submitted = device.submit(commands, move |took| {
                slice.observe(took);
                uploading.into_iter().for_each(Uploading::done);
            });
            Ok((submitted, lap))
        };
        let under_way = self.drive(device, None, watch, submit).await;
        ahead.finish();
        let outputs = outputs.ok_or_else(|| failed("the graph computes nothing".to_owned()));
        Ok(Computed { under_way: under_way?, results: Results::Device(outputs?) })
    }

    /// Hands the dispatches to `submit`, as many at a time as a submission may hold.
    pub(super) async fn drive<P, S>(
        &mut self,
        device: &Device,
        mut on_host: Option<OnHost>,
        watch: &mut Watch<'_, P>,
        mut submit: S,
    ) -> Result<UnderWay>
    where
        P: FnMut(Progress) + ?Sized,
        S: FnMut(&Executor, Slice) -> std::result::Result<(Submitted, Option<Lap>), String>,
    {
        let total = self.planned.iter().map(|p| p.work).sum();
        on_host.iter_mut().for_each(|host| host.stored = 0);
        let (submissions, arrived) = (VecDeque::new(), Vec::new());
        let mut under_way = UnderWay { submissions, done: 0, total, on_host, arrived };
        let mut next = 0;
        while next < self.planned.len() {
            under_way.settle(device, AHEAD - 1, watch).await?;
            self.receive(device, &mut under_way)?;
            watch.cancel.check()?;
            next = self.adapt(device, next)?;
            self.begin_band(device, next, &mut under_way, watch).await?;
            let whole = self.slice(next);
            let end = self.ready(device, next, whole);
            if self.dispatches.len() < end {
                self.make(device, end)?;
                // Kernels that a browser has refused are not to be used.
                device.settle().await?;
            }
            self.write_uniforms(device, next)?;
            let work = self.dispatches[next..end].iter().map(|d| d.work).sum();
            let pace = Arc::clone(&self.pace);
            let slice = Slice { range: next..end, work, cut_short: end < whole, pace };
            let (submitted, lap) = self.running(device, || submit(self, slice))?.map_err(failed)?;
            under_way.submissions.push_back((submitted, Doing::Work(work, lap)));
            next = end;
            self.end_band(device, next, &mut under_way)?;
        }
        Ok(under_way)
    }

    /// Moves the rows that a band needs to the device, where one begins with the next dispatch.
    async fn begin_band<P: FnMut(Progress) + ?Sized>(
        &self,
        device: &Device,
        next: usize,
        under_way: &mut UnderWay,
        watch: &mut Watch<'_, P>,
    ) -> Result<()> {
        let band = self.planned[next].band;
        let Some(stream) = self.stream.as_ref().filter(|_| next == 0 || self.planned[next - 1].band != band)
        else {
            return Ok(());
        };
        let stored = |under_way: &UnderWay| under_way.on_host.as_ref().map_or(0, |host| host.stored);
        if stored(under_way) < self.compiled.plan.schedule.bands[band].after {
            self.receive_all(device, under_way, watch).await?;
        }
        let Some(host) = &mut under_way.on_host else { return Ok(()) };
        let start = Instant::now();
        let moved = stream.load(device, &self.compiled, host, band)?;
        watch.spent.upload += start.elapsed();
        under_way.submissions.extend(moved.map(|(submitted, rows)| (submitted, Doing::Moving(rows))));
        Ok(())
    }

    /// Moves the rows that a band has computed to the host, where it ended before the next dispatch.
    fn end_band(&self, device: &Device, next: usize, under_way: &mut UnderWay) -> Result<()> {
        let Some(stream) = &self.stream else { return Ok(()) };
        let band = self.planned[next - 1].band;
        if self.planned.get(next).is_none_or(|p| p.band != band) {
            let moved = stream.store(device, &self.compiled, band)?;
            under_way.submissions.extend(moved.map(|(submitted, rows)| (submitted, Doing::Moving(rows))));
        }
        Ok(())
    }

    /// Takes the rows that have arrived.
    fn receive(&self, device: &Device, under_way: &mut UnderWay) -> Result<()> {
        let UnderWay { on_host: Some(host), arrived, .. } = under_way else { return Ok(()) };
        let Some(stream) = &self.stream else { return Ok(()) };
        arrived.drain(..).try_for_each(|rows| stream.arrived(device, &self.compiled, host, rows))
    }

    /// Waits for all rows that are on their way.
    async fn receive_all<P: FnMut(Progress) + ?Sized>(
        &self,
        device: &Device,
        under_way: &mut UnderWay,
        watch: &mut Watch<'_, P>,
    ) -> Result<()> {
        under_way.settle(device, 0, watch).await?;
        self.receive(device, under_way)
    }

    /// As [`Self::drive`], waiting until all is done.
    pub(super) async fn drive_to_the_end(
        &mut self,
        device: &Device,
        mut submit: impl FnMut(&Executor, Slice) -> std::result::Result<Submitted, String>,
    ) -> Result<()> {
        let submit =
            |executor: &Executor, slice: Slice| submit(executor, slice).map(|submitted| (submitted, None));
        let (mut nobody, cancel) = (|_| (), Cancel::new());
        let mut watch = Watch::new(&mut nobody, &cancel);
        let loaded = self.on_host().take();
        let mut under_way = self.drive(device, loaded, &mut watch, submit).await?;
        self.receive_all(device, &mut under_way, &mut watch).await?;
        *self.on_host() = under_way.on_host;
        Ok(())
    }

    pub(super) fn on_host(&self) -> MutexGuard<'_, Option<OnHost>> {
        self.on_host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts inputs on the device, as [`Self::run`] does first.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn load(&self, device: &Device, inputs: &[Values]) -> Result<()> {
        let staged = self.transfers.stage(device, inputs)?;
        if self.stream.is_some() {
            *self.on_host() = Some(OnHost::new(&self.compiled, staged.into_values())?);
            return Ok(());
        }
        self.running(device, || {
            let mut commands = commands(device);
            let uploading = staged.record(&self.compiled.slots, &mut commands);
            device.submit(commands, move |_| uploading.done());
        })
    }

    /// The outputs of what was computed last.
    pub(super) fn results(&self, device: &Device) -> Result<Vec<Values>> {
        if let Some(host) = self.on_host().take() {
            return Ok(host.into_outputs());
        }
        let (submitted, outputs) = self.running(device, || {
            let mut commands = commands(device);
            let outputs = self.transfers.record_outputs(device, &self.compiled.slots, &mut commands);
            (device.submit(commands, |_| ()), outputs)
        })?;
        submitted.wait().and_then(|()| outputs.take(device)).map_err(|reason| device.cause_of(failed(reason)))
    }

    /// Submits dispatches, and takes the time that they take into account.
    pub(super) fn submit(&self, device: &Device, slice: Slice) -> (Submitted, Option<Lap>) {
        let mut commands = commands(device);
        let lap = self.record(device, slice.range.clone(), &mut commands);
        (device.submit(commands, move |took| slice.observe(took)), lap)
    }

    /// Adds dispatches to commands, in one pass, which is timed where it can be.
    fn record(
        &self,
        device: &Device,
        range: Range<usize>,
        commands: &mut wgpu::CommandEncoder,
    ) -> Option<Lap> {
        let lap = Lap::new(device);
        let untimed = wgpu::ComputePassDescriptor::default();
        {
            let mut pass = match &lap {
                Some(lap) => lap.pass(commands),
                None => commands.begin_compute_pass(&untimed),
            };
            self.dispatches[range].iter().for_each(|dispatch| dispatch.record(&mut pass));
        }
        lap.iter().for_each(|lap| lap.end(commands));
        lap
    }
}

fn in_bands(bands: usize) -> Error {
    Error::Input(format!(
        "images on the device are restored whole, but this one needs {bands} bands to fit the memory limit, and bands pass \
         through the host; restore it from host memory, or restore smaller parts"
    ))
}

fn commands(device: &Device) -> wgpu::CommandEncoder {
    device.wgpu().create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
}
