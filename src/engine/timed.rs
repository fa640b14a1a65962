//! Runs whose time on the adapter is told, by its own clock.

use std::ops::Range;

use web_time::Instant;

use super::{Executor, Values};
use crate::Result;
use crate::gpu::{Clock, Device, Stamps, Submitted};

impl Executor {
    /// As [`Executor::run`], and gives the seconds that the adapter computed, transfers apart; None where it has no
    /// clock that can be read.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub fn run_timed(&mut self, device: &Device, inputs: &[Values]) -> Result<(Vec<Values>, Option<f64>)> {
        self.load(device, inputs)?;
        let seconds = self.compute(device)?;
        Ok((self.results(device)?, seconds))
    }

    /// Computes with what is on the device, waits for the end, and gives the adapter's seconds as [`Self::run_timed`]
    /// does. A graph of one operator computes the same as often as it is asked to after one [`Executor::load`]; in a
    /// larger one, intermediate results may lie where its inputs were.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub fn compute(&mut self, device: &Device) -> Result<Option<f64>> {
        let (timed, mut seconds) = (Clock::of(device) != Clock::Wall, 0.0);
        pollster::block_on(self.drive_to_the_end(device, |executor, slice| {
            if !timed {
                return Ok(executor.submit(device, slice).0);
            }
            let start = Instant::now();
            seconds += executor.submit_timed(device, slice.range.clone())?;
            slice.observe(start.elapsed());
            Ok(Submitted::done())
        }))?;
        Ok(timed.then_some(seconds))
    }

    /// Submits dispatches and waits for them, between two timestamps, whose distance it gives in seconds.
    fn submit_timed(&self, device: &Device, range: Range<usize>) -> std::result::Result<f64, String> {
        let stamps = Stamps::new(device, 2);
        let mut encoder = device.wgpu().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = stamps.pass(&mut encoder, 0);
            self.dispatches[range].iter().for_each(|dispatch| dispatch.record(&mut pass));
        }
        let ticks = stamps.wait(device, encoder)?;
        let passed =
            ticks[1].checked_sub(ticks[0]).ok_or("the adapter's clock went backwards; measure again")?;
        Ok(passed as f64 * Stamps::tick(device))
    }
}
