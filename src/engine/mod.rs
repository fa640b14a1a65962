//! Graphs at work: packed weights, compiled executors, the restorer that keeps one for each image size, and the
//! calibrator that measures a model for f16.

mod calibration;
mod cancel;
mod compile;
mod executor;
mod on_device;
mod overflow;
mod pace;
mod profile;
mod range;
mod record;
mod refine;
mod relay;
mod restoration;
mod restorer;
mod room;
mod run;
mod sized;
mod staging;
mod stream;
mod surface;
mod tiles;
mod timed;
mod times;
mod transfer;
mod uniforms;
mod watch;
mod weights;

pub use calibration::{CALIBRATION_SIDE, CalibrationPhoto, Calibrator, Deviation};
pub use cancel::Cancel;
pub use compile::{ExecutorOptions, Memory};
pub use executor::{Executor, Progress};
pub use profile::Span;
pub use restoration::{Restoration, Restored};
pub use restorer::{Captured, Restorer, RestorerOptions};
pub use surface::PixelBuffer;
pub use times::{Clock, Interval};
pub use transfer::Values;
pub use watch::Spent;
pub use weights::WeightStore;
