//! Whether an adapter computes what it should: single operators and every variant of a kernel against the CPU twin,
//! whole networks against the twin and against PyTorch's tensors, each with the same bytes whenever it is run.
//!
//! [`run`] makes a [`Report`] that can be kept and compared with those of other adapters; [`examine`] is the short form
//! for every adapter of a machine, with what else may be wrong there.

mod diagnosis;
mod doctor;
mod findings;
mod golden;
mod kernels;
mod machine;
mod networks;
mod operators;
mod report;
mod timing;

pub use diagnosis::{Diagnosis, Examined, Finding, KnownAnswer, Severity};
pub use doctor::examine;
pub use golden::{GoldenNetwork, MANIFEST};
pub use machine::Machine;
pub use networks::{check as check_network, check_async as check_network_async, network_bound};
pub use report::{
    AdapterReport, KernelCheck, NetworkCheck, Outcome, REPORT_FORMAT, Report, TensorCheck, Timing,
};

use crate::Result;
use crate::gpu::{Device, DeviceOptions};

/// What the program was built for.
const SYSTEM: [&str; 2] = [std::env::consts::OS, std::env::consts::ARCH];

/// Checks an adapter: operators and variants, `networks`, and, with [`Only::everything`], how long a photo takes.
/// `progress` hears what is checked next.
///
/// # Errors
/// As [`Device::new`]; what goes wrong with a check is that check's outcome.
pub fn run(
    options: &DeviceOptions,
    networks: &[GoldenNetwork],
    only: &Only,
    progress: &mut dyn FnMut(&str),
) -> Result<Report> {
    let timing = if only.is_everything() {
        progress("how long a photo takes");
        // Where it fails, the networks below say why.
        timing::measure(options).ok()
    } else {
        None
    };
    let device = Device::new(options)?;
    let adapter = device.adapter().into();
    let (kernels, networks) = check(&device, networks, only, progress)?;
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

/// What of all that can be checked: what has one of some texts in its name, which is that of an operator with its shape,
/// of a variant, or of a network.
#[derive(Clone, Debug, Default)]
pub struct Only(Vec<String>);

impl Only {
    /// All of it.
    #[must_use]
    pub fn everything() -> Self {
        Self::default()
    }

    /// What has one of these in its name; all of it if there are none.
    #[must_use]
    pub fn named(texts: Vec<String>) -> Self {
        Self(texts)
    }

    fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, name: &str) -> bool {
        self.is_everything() || self.0.iter().any(|text| name.contains(text))
    }
}

/// The checks of [`run`] that tell whether results are right, on a device of any origin.
///
/// # Errors
/// None but a mistake of the library; what goes wrong with a check is that check's outcome.
pub fn check(
    device: &Device,
    networks: &[GoldenNetwork],
    only: &Only,
    progress: &mut dyn FnMut(&str),
) -> Result<(Vec<KernelCheck>, Vec<NetworkCheck>)> {
    let kernels = kernels::check(device, only, progress)?;
    let mut checked = Vec::new();
    for network in networks.iter().filter(|network| only.has(&network.name)) {
        progress(&format!("network {}", network.name));
        checked.extend(check_network(device, network));
    }
    Ok((kernels, checked))
}
