//! The library's front: a restorer, which keeps an executor for each size of photo, and the calibrator, which measures
//! a model for f16.

mod cache;
mod calibration;
mod on_device;
mod overflow;
mod range;
mod refine;
mod relay;
mod restoration;
mod restorer;
mod sized;
mod tiles;
mod turn;

pub use calibration::{CALIBRATION_SIDE, CalibrationPhoto, Calibrator, Deviation};
pub use restoration::{Restoration, Restored};
pub use restorer::{Captured, Restorer, RestorerOptions};
