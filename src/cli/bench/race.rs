//! Several things measured in turn: round by round, so that what slows the machine down for a while slows all of them.

use std::time::{Duration, Instant};

use crate::image::Frame;
use crate::{Error, Executor, Progress, Restorer, Values, gpu};

use super::Unmeasured;
use super::clock::{self, Sample};
use super::report::Cell;
use crate::cli::telling::with_bar;

/// Runs before the first that counts, that after compilation among them: the second finds how much one submission
/// holds.
const WARM_UPS: usize = 2;

/// How long a GPU is kept busy before the first round: the clock of one that was idle takes a while to rise.
const SETTLING: Duration = Duration::from_millis(500);

/// Something that is run.
pub(super) struct Runner<'a> {
    device: &'a gpu::Device,
    work: Work,
    /// Seconds from nothing to the first result.
    first: f64,
    samples: Vec<Sample>,
}

/// What became of something to be measured: its runner and what is known of it, or why there are none.
pub(super) type Outcome<'a, T> = Result<(Runner<'a>, T), Unmeasured>;

/// What a run does.
enum Work {
    /// A graph, with what every run uploads; without it, runs compute with what is on the device, and read nothing
    /// back.
    Graph { executor: Box<Executor>, inputs: Option<Vec<Values>> },
    /// A photo as users restore it.
    Photo { restorer: Box<Restorer>, photo: Frame },
}

impl<'a> Runner<'a> {
    /// Compiles something, and warms it up.
    pub(super) fn new(
        device: &'a gpu::Device,
        inputs: Option<Vec<Values>>,
        compile: impl FnOnce() -> Result<Executor, Error>,
    ) -> Result<Self, Error> {
        Self::warm(device, || Ok(Work::Graph { executor: Box::new(compile()?), inputs }))
    }

    /// Restores a photo, and has compiled and warmed up what for.
    pub(super) fn of_photo(device: &'a gpu::Device, restorer: Restorer, photo: Frame) -> Result<Self, Error> {
        Self::warm(device, || Ok(Work::Photo { restorer: Box::new(restorer), photo }))
    }

    fn warm(device: &'a gpu::Device, work: impl FnOnce() -> Result<Work, Error>) -> Result<Self, Error> {
        let mut made = None;
        let first = clock::time(|| {
            let mut runner = Self { device, work: work()?, first: 0.0, samples: Vec::new() };
            let gpu = runner.once()?;
            made = Some(runner);
            Ok::<_, Error>(gpu)
        })?;
        let mut runner = made.ok_or_else(|| Error::Input("nothing was compiled".to_owned()))?;
        runner.first = first.wall;
        for _ in 1..WARM_UPS {
            runner.once()?;
        }
        Ok(runner)
    }

    /// Runs it; gives the adapter's seconds.
    fn once(&mut self) -> Result<Option<f64>, Error> {
        match &mut self.work {
            Work::Graph { executor, inputs: Some(inputs) } => {
                executor.run_timed(self.device, inputs).map(|(_, seconds)| seconds)
            }
            Work::Graph { executor, inputs: None } => executor.compute(self.device),
            Work::Photo { restorer, photo } => restorer.restore(photo).map(|_| None),
        }
    }

    /// What it computes.
    fn results(&mut self) -> Result<Vec<Values>, Error> {
        match &mut self.work {
            Work::Graph { executor, inputs } => {
                executor.run(self.device, inputs.as_deref().unwrap_or_default(), &mut |_| ())
            }
            Work::Photo { restorer, photo } => Ok(vec![Values::Words(restorer.restore(photo)?.to_words()?)]),
        }
    }

    /// Bytes of the device that a graph takes, weights apart.
    pub(super) fn bytes(&self) -> Option<u64> {
        match &self.work {
            Work::Graph { executor, .. } => Some(executor.memory().device()),
            Work::Photo { .. } => None,
        }
    }

    /// Seconds of the median run: on the wall's clock where transfers count, else by the adapter's if it has one.
    pub(super) fn median(&self) -> Option<f64> {
        let of = |value: fn(&Sample) -> Option<f64>| -> Option<f64> {
            let known: Option<Vec<f64>> = self.samples.iter().map(value).collect();
            clock::spread(&known?).map(|spread| spread.median)
        };
        let in_place = matches!(self.work, Work::Graph { inputs: None, .. });
        let gpu = if in_place { of(|sample| sample.gpu) } else { None };
        gpu.filter(|&seconds| seconds > 0.0).or_else(|| of(|sample| Some(sample.wall)))
    }

    /// The columns of what was measured.
    pub(super) fn cells(&self) -> [(&'static str, Cell); 5] {
        let spread =
            |of: fn(&Sample) -> Option<f64>| Cell::spread(&self.samples.iter().map(of).collect::<Vec<_>>());
        [
            ("rounds", Cell::Count(self.samples.len() as u64)),
            ("first", Cell::Seconds(self.first)),
            ("wall", spread(|sample| Some(sample.wall))),
            ("cpu", spread(|sample| sample.cpu)),
            ("gpu", spread(|sample| sample.gpu)),
        ]
    }

    /// The same columns of what was not measured.
    pub(super) fn no_cells() -> [(&'static str, Cell); 5] {
        [
            ("rounds", Cell::Count(0)),
            ("first", Cell::None),
            ("wall", Cell::NoSpread),
            ("cpu", Cell::NoSpread),
            ("gpu", Cell::NoSpread),
        ]
    }
}

/// Runs all of them in turn, so many times; what fails on the way is measured no further, and the others are.
pub(super) fn run<T>(outcomes: &mut [Outcome<'_, T>], rounds: usize, quiet: bool) {
    let total = (rounds * outcomes.len()) as u64;
    with_bar("measuring".to_owned(), quiet, |progress| {
        // A single round measures nothing: it is for compilers' laboratories, whose GPUs are not there.
        if rounds > 1 {
            settle(outcomes);
        }
        let mut done = 0;
        for _ in 0..rounds {
            for outcome in outcomes.iter_mut() {
                attempt(outcome, |runner| {
                    let sample = clock::time(|| runner.once())?;
                    runner.samples.push(sample);
                    Ok(())
                });
                done += 1;
                progress(Progress { done, total });
            }
        }
    });
}

/// What each computes; none of what fails.
pub(super) fn results<T>(outcomes: &mut [Outcome<'_, T>]) -> Vec<Option<Vec<Values>>> {
    outcomes.iter_mut().map(|outcome| attempt(outcome, Runner::results)).collect()
}

/// Does something with a runner that is there; where that fails, it is there no more.
fn attempt<'a, T, R>(
    outcome: &mut Outcome<'a, T>,
    work: impl FnOnce(&mut Runner<'a>) -> Result<R, Error>,
) -> Option<R> {
    let (runner, _) = outcome.as_mut().ok()?;
    work(runner).map_err(|error| *outcome = Err(error.into())).ok()
}

/// Runs all of them in turn until the GPU has been busy for a while. A CPU needs none of that.
fn settle<T>(outcomes: &mut [Outcome<'_, T>]) {
    let started = Instant::now();
    while started.elapsed() < SETTLING {
        let mut idle = true;
        let is_gpu = |outcome: &&mut Outcome<'_, T>| {
            outcome.as_ref().is_ok_and(|(runner, _)| !runner.device.is_software())
        };
        for outcome in outcomes.iter_mut().filter(is_gpu) {
            idle &= attempt(outcome, Runner::once).is_none();
        }
        if idle {
            break;
        }
    }
}
