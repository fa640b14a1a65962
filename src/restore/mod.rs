//! The library's front: a restorer, which keeps an executor for each size of photo, and the calibrator, which measures
//! a model for f16.

mod cache;
mod calibration;
mod on_device;
mod options;
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
pub use options::RestorerOptions;
pub use restoration::{Restoration, Restored};
pub use restorer::{Captured, Restorer};

/// Weights of a small network, for tests of what is done with any.
#[cfg(test)]
fn narrow() -> crate::model::Weights {
    use crate::model::{ModelConfig, Weights};
    let sizes = ModelConfig {
        n_feat: 8,
        scale_unetfeats: 4,
        scale_orsnetfeats: 4,
        num_cab: 1,
        ..ModelConfig::DERAIN
    };
    Weights::seeded(sizes, 1)
}
