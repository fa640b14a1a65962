//! Whether an adapter computes what it should: single operators and every variant of a kernel against the CPU twin, whole
//! networks against the twin and against PyTorch's tensors, each with the same bytes whenever it is run.
//!
//! [`run`] makes a [`Report`] that can be kept and compared with those of other adapters; [`examine`] is the short form for
//! every adapter of a machine, with what else may be wrong there.

mod doctor;
mod findings;
mod golden;
mod kernels;
mod networks;
mod operators;
mod report;
mod specimen;
mod timing;

pub use doctor::{Diagnosis, Examined, KnownAnswer, Machine, examine};
pub use findings::{Finding, Severity};
pub use golden::{GoldenNetwork, MANIFEST};
pub use networks::{check as check_network, check_async as check_network_async, network_bound};
pub use report::{
    AdapterReport, KernelCheck, NetworkCheck, Outcome, REPORT_FORMAT, Report, TensorCheck, Timing,
};
pub use specimen::Specimen;

use crate::gpu::{Device, DeviceOptions, Storage};
use crate::kernels::Variant;
use crate::{Error, Result};

/// Relative L2 error of what is stored in f16, which rounds inputs, weights and results to 11 bits: 2^-12 each at most.
pub(crate) const HALF: f64 = 1e-3;

/// What the program was built for.
const SYSTEM: [&str; 2] = [std::env::consts::OS, std::env::consts::ARCH];

/// Relative L2 error that a variant's results may have, stored like that.
#[must_use]
pub fn bound(variant: Variant, storage: Storage) -> f64 {
    if storage == Storage::F32 { variant.bound() } else { variant.bound().max(HALF) }
}

/// Checks everything on an adapter: operators and variants, `networks`, and how long a photo takes. `progress` hears what
/// is checked next.
///
/// # Errors
/// As [`Device::new`]; what goes wrong with a check is that check's outcome.
pub fn run(
    options: &DeviceOptions,
    networks: &[GoldenNetwork],
    progress: &mut dyn FnMut(&str),
) -> Result<Report> {
    progress("how long a photo takes");
    // Where it fails, the networks below say why.
    let timing = timing::measure(options).ok();
    let device = Device::new(options)?;
    let adapter = device.adapter().ok_or(Error::NoAdapter)?.into();
    let (kernels, networks) = check(&device, networks, progress)?;
    Ok(Report {
        format: REPORT_FORMAT,
        mprnet: env!("CARGO_PKG_VERSION").to_owned(),
        date: String::new(),
        system: SYSTEM.join(" "),
        adapter,
        kernels,
        networks,
        timing,
    })
}

/// The checks of [`run`] that tell whether results are right, on a device of any origin.
///
/// # Errors
/// None but a mistake of the library; what goes wrong with a check is that check's outcome.
pub fn check(
    device: &Device,
    networks: &[GoldenNetwork],
    progress: &mut dyn FnMut(&str),
) -> Result<(Vec<KernelCheck>, Vec<NetworkCheck>)> {
    let kernels = kernels::check(device, progress)?;
    let mut checked = Vec::new();
    for network in networks {
        progress(&format!("network {}", network.name));
        checked.extend(check_network(device, network));
    }
    Ok((kernels, checked))
}

/// Relative L2 error ||a - b|| / ||b||; infinite where a value is not finite or something is missing.
pub(crate) fn relative_l2(actual: &[f32], expected: &[f64]) -> f64 {
    if actual.len() != expected.len() || actual.iter().any(|v| !v.is_finite()) {
        return f64::INFINITY;
    }
    let square = |v: f64| v * v;
    let error: f64 = actual.iter().zip(expected).map(|(&a, b)| square(f64::from(a) - b)).sum();
    let norm: f64 = expected.iter().map(|&b| square(b)).sum();
    match (error, norm) {
        (0.0, _) => 0.0,
        (_, norm) if norm > 0.0 => (error / norm).sqrt(),
        _ => f64::INFINITY,
    }
}
