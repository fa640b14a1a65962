//! What one run takes: on the wall's clock, of the process's CPUs, and of the GPU.

use std::time::Instant;

use serde::Serialize;

/// Seconds of one run.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Sample {
    /// From the inputs in host memory to the outputs in host memory.
    pub(super) wall: f64,
    /// Of all threads of the process, those of a software adapter among them; None where the system does not tell.
    pub(super) cpu: Option<f64>,
    /// Of the device's own clock; None where it has none.
    pub(super) gpu: Option<f64>,
}

/// Measures what `work` takes, which gives the seconds of the GPU.
pub(super) fn time<E>(work: impl FnOnce() -> Result<Option<f64>, E>) -> Result<Sample, E> {
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let gpu = work()?;
    let wall = wall.elapsed().as_secs_f64();
    let cpu = cpu.zip(cpu_seconds()).map(|(before, after)| after - before);
    Ok(Sample { wall, cpu, gpu })
}

/// CPU seconds of the process so far.
#[cfg(any(unix, windows))]
fn cpu_seconds() -> Option<f64> {
    Some(cpu_time::ProcessTime::try_now().ok()?.as_duration().as_secs_f64())
}

#[cfg(not(any(unix, windows)))]
fn cpu_seconds() -> Option<f64> {
    None
}

/// The median of several measurements, and their range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

/// None of no measurements.
pub(super) fn spread(values: &[f64]) -> Option<Spread> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (&min, &max) = (sorted.first()?, sorted.last()?);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    };
    Some(Spread { median, min, max })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the machine's clocks can tell apart, work that goes on until the CPU's has moved ends.
    #[test]
    #[cfg(any(unix, windows))]
    fn work_takes_seconds_of_the_cpu() {
        let start = cpu_seconds().unwrap();
        while cpu_seconds().unwrap() <= start {
            std::hint::spin_loop();
        }
    }
}
