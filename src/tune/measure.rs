//! Variants measured on an adapter.

use std::time::Duration;

use web_time::Instant;

use super::{Judge, crop};
use crate::gpu::Device;
use crate::kernels::{Choices, ConvShape, Variant};
use crate::plan::Precision;
use crate::specimen::Specimen;
use crate::{Executor, ExecutorOptions, Result};

/// Runs before any is counted: the first compiles.
const WARM_UPS: usize = 2;
/// How long a GPU is kept busy before: its clock has fallen while kernels were compiled.
const SETTLING: Duration = Duration::from_millis(60);
/// Runs of which the median counts, where they do not take longer than `PATIENCE` in all.
const RUNS: usize = 9;
const LEAST_RUNS: usize = 3;
const PATIENCE: Duration = Duration::from_millis(500);

/// Runs convolutions on a device.
pub(super) struct Measuring<'a> {
    device: &'a Device,
    precision: Precision,
    /// The shape at hand, whole and as a crop.
    current: Option<(ConvShape, Specimen, Specimen)>,
}

impl<'a> Measuring<'a> {
    pub(super) fn new(device: &'a Device, precision: Precision) -> Self {
        Self { device, precision, current: None }
    }

    fn options(&self, variant: Variant) -> ExecutorOptions {
        let choices = Choices::Always(variant);
        ExecutorOptions { precision: self.precision, choices, ..ExecutorOptions::default() }
    }

    /// The shape as a specimen, and a crop of it.
    fn specimens(&mut self, shape: &ConvShape) -> Result<&(ConvShape, Specimen, Specimen)> {
        if self.current.as_ref().is_none_or(|(current, ..)| current != shape) {
            self.current = None;
        }
        match &mut self.current {
            Some(current) => Ok(current),
            empty => Ok(empty.insert((
                shape.clone(),
                Specimen::convolution(shape)?,
                Specimen::convolution(&crop(shape))?,
            ))),
        }
    }
}

impl Judge for Measuring<'_> {
    fn error(&mut self, shape: &ConvShape, variant: Variant) -> Result<f64> {
        let (device, options) = (self.device, self.options(variant));
        let (_, _, crop) = self.specimens(shape)?;
        crop.error(device, &options)
    }

    fn is_lost(&self) -> bool {
        self.device.lost().is_some()
    }

    fn seconds(&mut self, shape: &ConvShape, variant: Variant) -> Result<f64> {
        let (device, options) = (self.device, self.options(variant));
        let (_, whole, _) = self.specimens(shape)?;
        let mut executor = whole.executor(device, &options)?;
        let settling = if device.is_software() { Duration::ZERO } else { SETTLING };
        let started = Instant::now();
        let mut warm_ups = 0;
        while warm_ups < WARM_UPS || started.elapsed() < settling {
            executor.compute(device)?;
            warm_ups += 1;
        }
        let started = Instant::now();
        let mut runs = Vec::with_capacity(RUNS);
        while runs.len() < RUNS && (runs.len() < LEAST_RUNS || started.elapsed() < PATIENCE) {
            runs.push(seconds(&mut executor, device)?);
        }
        runs.sort_by(f64::total_cmp);
        Ok(runs[runs.len() / 2])
    }
}

/// Seconds of one run: of the adapter's clock, else of the host's.
fn seconds(executor: &mut Executor, device: &Device) -> Result<f64> {
    let started = Instant::now();
    let gpu = executor.compute(device)?;
    Ok(gpu.unwrap_or_else(|| started.elapsed().as_secs_f64()))
}
