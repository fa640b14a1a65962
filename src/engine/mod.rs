//! Graphs at work: packed weights, compiled executors, and their runs.

mod cancel;
mod compile;
mod executor;
mod pace;
mod profile;
mod record;
mod room;
mod run;
mod staging;
mod stream;
mod surface;
mod timed;
mod times;
mod transfer;
mod uniforms;
mod watch;
mod weights;

pub use cancel::Cancel;
pub(crate) use compile::Place;
pub use compile::{ExecutorOptions, Memory};
pub use executor::{Executor, Progress};
pub use profile::Span;
pub(crate) use run::Computed;
pub(crate) use staging::{Staged, Transfers};
pub use surface::PixelBuffer;
pub(crate) use surface::{Ends, Surface};
pub use times::Interval;
pub use transfer::Values;
pub use watch::Spent;
pub(crate) use watch::Watch;
pub use weights::WeightStore;

use crate::Error;

/// What runs call themselves in errors.
const RUNNING: &str = "running the network";

fn failed(reason: String) -> Error {
    Error::Gpu { during: RUNNING.into(), reason }
}
