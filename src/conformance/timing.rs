//! How long a photo takes.

use web_time::Instant;

use super::report::Timing;
use crate::gpu::{Device, DeviceOptions};
use crate::image::Frame;
use crate::model::{Task, Weights};
use crate::{Restorer, RestorerOptions, Result};

/// Sides of the photo: a software adapter takes about a second.
const SIDE: u32 = 256;
/// Results after the first, of which the median is told.
const MORE: usize = 5;

/// Restores with the embedded denoiser on a device that nothing has been compiled on. What the driver itself remembers
/// of earlier starts makes the first result faster.
pub(super) fn measure(options: &DeviceOptions) -> Result<Timing> {
    let device = Device::new(options)?;
    let restorer = Restorer::new(Weights::embedded(Task::Denoise)?, device, RestorerOptions::default());
    // Any photo takes the same time. This one has every value.
    let samples = (0..3 * SIDE * SIDE).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
    let photo = Frame::from_rgb8(SIDE, SIDE, samples.collect())?;
    let started = Instant::now();
    restorer.restore(&photo)?;
    let first = started.elapsed().as_secs_f64();
    let mut runs = Vec::with_capacity(MORE);
    let mut submission = 0.0_f64;
    for _ in 0..MORE {
        let started = Instant::now();
        let mut last = started;
        restorer.restore_with_progress(&photo, &mut |_| {
            submission = submission.max(last.elapsed().as_secs_f64());
            last = Instant::now();
        })?;
        runs.push(started.elapsed().as_secs_f64());
    }
    runs.sort_by(f64::total_cmp);
    Ok(Timing { width: SIDE, height: SIDE, first, steady: runs[runs.len() / 2], submission })
}
