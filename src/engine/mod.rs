//! Graphs at work: packed weights, compiled executors, the restorer that keeps one for each image size, and the
//! calibrator that measures a model for f16.

mod calibration;
mod cancel;
mod compile;
mod executor;
mod overflow;
mod pace;
mod profile;
mod record;
mod refine;
mod restoration;
mod restorer;
mod room;
mod run;
mod sized;
mod staging;
mod stream;
mod tiles;
mod timed;
mod times;
mod transfer;
mod weights;

pub use calibration::{CALIBRATION_SIDE, CalibrationPhoto, Calibrator, Deviation};
pub use cancel::Cancel;
pub use compile::{ExecutorOptions, Memory};
pub use executor::{Executor, Progress};
pub use profile::Span;
pub use restoration::{Restoration, Restored};
pub use restorer::{Captured, Restorer, RestorerOptions};
pub use run::Spent;
pub use times::{Clock, Interval};
pub use transfer::Values;
pub use weights::WeightStore;
