//! How far a run over photos has come, for people and for programs.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::time::Instant;

use crate::job::Job;
use crate::{Progress, Shown};
use clap::{Args, ValueEnum};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::mishap::Mishap;
use super::say;

/// All bars: what is said meanwhile goes above them.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Share of a photo by which it has to come along before the time that is left can be told.
const LEAST_MADE: f64 = 0.02;

#[derive(Args)]
pub(super) struct ProgressArgs {
    /// How progress is shown on standard error
    #[arg(long, value_enum, default_value = "auto", value_name = "HOW")]
    progress: ProgressArg,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProgressArg {
    /// A bar if standard error is a terminal, unless --quiet
    Auto,
    /// A bar if standard error is a terminal, even with --quiet
    Bar,
    /// Lines of JSON, for other programs
    Json,
    /// None
    None,
}

/// Tells how a run over photos comes along.
pub(super) struct Telling {
    bars: bool,
    json: bool,
    /// Whether what was done is told in words.
    words: bool,
    /// Photos that have been restored, or could not be.
    done: AtomicUsize,
    total: usize,
    began: Instant,
    /// When the first photo was seen to come along, and how far it was: what came before, such as compiling, says
    /// nothing of the time that is left.
    moving: OnceLock<(Instant, f64)>,
    /// Over all photos, where there are several.
    overall: Option<ProgressBar>,
}

/// A line for programs.
#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    output: &'a str,
    done: usize,
    total: usize,
    fraction: f64,
    seconds_left: Option<f64>,
    result: Option<&'a str>,
    error: Option<&'a str>,
}

impl Telling {
    pub(super) fn new(args: &ProgressArgs, quiet: bool, total: usize) -> Self {
        let bars = match args.progress {
            ProgressArg::Auto => !quiet,
            ProgressArg::Bar => true,
            ProgressArg::Json | ProgressArg::None => false,
        };
        let json = args.progress == ProgressArg::Json;
        let style = ProgressStyle::with_template("{pos}/{len} {wide_bar} {eta}");
        let overall = (bars && total > 1).then(|| added(ProgressBar::new(total as u64), style.ok()));
        Self {
            bars,
            json,
            words: !quiet && !json,
            done: AtomicUsize::new(0),
            total,
            began: Instant::now(),
            moving: OnceLock::new(),
            overall,
        }
    }

    /// Does the work on a photo, telling how far it has come.
    pub(super) fn during<T>(&self, job: &Job, work: impl FnOnce(&mut dyn FnMut(Progress)) -> T) -> T {
        let title = job.input.path().display().to_string();
        with_bar(title, !self.bars, |progress| {
            work(&mut |how_far| {
                progress(how_far);
                self.line(job, how_far.done as f64 / how_far.total.max(1) as f64, None, None);
            })
        })
    }

    /// Tells what has become of a photo.
    pub(super) fn ended(&self, job: &Job, mishap: Option<&Mishap>) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(bar) = &self.overall {
            bar.set_position(done as u64);
        }
        let result = if mishap.is_some() { "failed" } else { "written" };
        let fraction = if mishap.is_some() { 0.0 } else { 1.0 };
        self.line(job, fraction, Some(result), mishap.map(|mishap| mishap.text.as_str()));
        match mishap {
            // Programs have been told.
            _ if self.json => {}
            Some(mishap) => mishap.report(),
            None if self.words => {
                say(format_args!("{} -> {}", job.input.path().display(), job.output.path().display()));
            }
            None => {}
        }
    }

    /// Tells that a photo is left alone.
    pub(super) fn skipped(&self, job: &Job) {
        self.line(job, 0.0, Some("skipped"), None);
    }

    /// Whether what was done is told in words.
    pub(super) fn in_words(&self) -> bool {
        self.words
    }

    pub(super) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// How long all photos will take, as far as that can be told when so many are done.
    fn seconds_left(&self, so_far: f64) -> Option<f64> {
        if so_far <= 0.0 {
            return None;
        }
        let (since, before) = self.moving.get_or_init(|| (Instant::now(), so_far));
        let made = so_far - before;
        let left = (self.total as f64 - so_far).max(0.0);
        (made >= LEAST_MADE || left == 0.0)
            .then(|| since.elapsed().as_secs_f64() * left / made.max(LEAST_MADE))
    }

    /// Writes a line for programs, if they are who is told; `fraction` is of this photo.
    fn line(&self, job: &Job, fraction: f64, result: Option<&str>, error: Option<&str>) {
        if !self.json {
            return;
        }
        let [file, output] = [&job.input, &job.output].map(|place| place.path().to_string_lossy());
        let (done, total) = (self.done.load(Ordering::Relaxed), self.total);
        // A photo that has ended is among those done.
        let so_far = done as f64 + if result.is_none() { fraction } else { 0.0 };
        let seconds_left = self.seconds_left(so_far);
        let line = Line { file: &file, output: &output, done, total, fraction, seconds_left, result, error };
        if let Ok(line) = serde_json::to_string(&line) {
            say_exactly(&line);
        }
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        if let Some(bar) = &self.overall {
            bar.finish_and_clear();
        }
    }
}

/// Writes a line to standard error, with names as they are unless a terminal is there.
pub(super) fn say_exactly(line: &str) {
    if io::stderr().is_terminal() {
        line.lines().for_each(say);
    } else {
        let _ = writeln!(io::stderr(), "{line}");
    }
}

/// Does the work on a photo under a bar that shows how far it has come.
pub(super) fn with_bar<T>(title: String, quiet: bool, work: impl FnOnce(&mut dyn FnMut(Progress)) -> T) -> T {
    // Nothing is drawn before the first progress: what is said while kernels are prepared has a line of its own.
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta}");
    let bar = added(bar.with_message(Shown(title).to_string()), style.ok());
    let done = work(&mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    done
}

fn added(bar: ProgressBar, style: Option<ProgressStyle>) -> ProgressBar {
    let bar = bar.with_style(style.unwrap_or_else(ProgressStyle::default_bar));
    if bar.is_hidden() { bar } else { BARS.add(bar) }
}

/// Says something above the bars.
pub(super) fn above(say: impl FnOnce()) {
    BARS.suspend(say);
}

/// Takes all bars away, for good.
pub(super) fn clear() {
    let _ = BARS.clear();
    BARS.set_draw_target(ProgressDrawTarget::hidden());
}
