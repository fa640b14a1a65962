//! A short examination of every adapter of a machine.

use super::diagnosis::{Diagnosis, Examined, KnownAnswer};
use super::machine::{Machine, shortened};
use super::report::Outcome;
use super::{GoldenNetwork, findings, networks, timing};
use crate::gpu::{self, AdapterSummary, Device, DeviceOptions};
use crate::plan::Precision;
use crate::probe;
use crate::{Error, Result};

/// Examines every adapter, or the one that is asked for; `progress` hears which is next.
///
/// # Errors
/// [`Error::UnknownDevice`] where the one that is asked for is not there; everything else is in the diagnosis.
pub fn examine(options: &DeviceOptions, progress: &mut dyn FnMut(&str)) -> Result<Diagnosis> {
    let found = gpu::adapters();
    let chosen = match gpu::chosen(&found, options) {
        Err(Error::NoAdapter) => None,
        found => Some(found?),
    };
    let mut adapters = Vec::new();
    for (index, summary) in found.iter().enumerate() {
        if options.device.is_none() || chosen == Some(index) {
            progress(&summary.name);
            let own = DeviceOptions { device: Some(index.to_string()), ..options.clone() };
            adapters.push(examine_one(index, summary, chosen == Some(index), &own));
        }
    }
    let (machine, software) =
        (Machine::of_this(), found.iter().map(AdapterSummary::is_software).collect::<Vec<_>>());
    let findings = findings::of_machine(&machine, &software, &adapters);
    Ok(Diagnosis {
        mprnet: env!("CARGO_PKG_VERSION").to_owned(),
        date: String::new(),
        machine,
        adapters,
        findings,
    })
}

fn examine_one(index: usize, summary: &AdapterSummary, chosen: bool, options: &DeviceOptions) -> Examined {
    let mut examined = Examined {
        index,
        adapter: summary.into(),
        chosen,
        answers: Vec::new(),
        ceilings: Vec::new(),
        memory: None,
        timing: None,
        failed: None,
        findings: Vec::new(),
    };
    examined.failed = examined.fill(options).err().map(|error| shortened(&error.to_string()));
    examined.findings = findings::of_adapter(&examined);
    examined
}

impl Examined {
    fn fill(&mut self, options: &DeviceOptions) -> Result<()> {
        let device = Device::new(options)?;
        let networks = GoldenNetwork::embedded()?;
        for precision in [Precision::F32, Precision::F16] {
            let (outcome, compiled) = networks::answer(&device, &networks[0], precision);
            let precision = precision.name().to_owned();
            self.answers.push(KnownAnswer { precision, outcome, compiled });
        }
        if self.answers.iter().any(|answer| matches!(answer.outcome, Outcome::Measured { .. })) {
            self.ceilings = probe::ceilings(&device)?;
            self.timing = Some(timing::measure(options)?);
        }
        drop(device);
        self.memory = probe::memory(&Device::new(options)?);
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::super::diagnosis::{Finding, Severity};
    use super::super::report::AdapterReport;
    use super::*;

    /// An adapter with which nothing is wrong.
    pub(in super::super) fn adapter(software: bool) -> Examined {
        let right = Outcome::Measured { error: Some(1e-7), bound: 1e-5, repeats: true };
        let answer = |precision: Precision| KnownAnswer {
            precision: precision.name().to_owned(),
            outcome: right.clone(),
            compiled: 0.1,
        };
        Examined {
            index: 0,
            adapter: AdapterReport {
                name: "Voodoo 2".to_owned(),
                backend: "vulkan".to_owned(),
                driver: "3dfx 3.02".to_owned(),
                software,
                f16: true,
                subgroups: None,
                matrices: Vec::new(),
                kind: "DiscreteGpu".to_owned(),
                buffer: 1 << 31,
                binding: 1 << 27,
                lanes: 256,
                workgroup_memory: 16 << 10,
                workgroups: 65_535,
            },
            chosen: true,
            answers: vec![answer(Precision::F32), answer(Precision::F16)],
            ceilings: Vec::new(),
            memory: Some(8 << 30),
            timing: None,
            failed: None,
            findings: Vec::new(),
        }
    }

    pub(in super::super) fn machine() -> Machine {
        Machine {
            system: "linux x86_64".to_owned(),
            threads: 8,
            environment: BTreeMap::new(),
            vulkan_drivers: Some(1),
            closed_nodes: Vec::new(),
            nvidia: false,
            dxcompiler: None,
            cache: None,
            cache_unusable: None,
        }
    }

    #[test]
    fn what_the_chosen_adapter_does_decides() {
        let diagnosis = |adapters| Diagnosis {
            mprnet: String::new(),
            date: String::new(),
            machine: machine(),
            adapters,
            findings: Vec::new(),
        };
        assert!(diagnosis(vec![adapter(false)]).restores());
        assert!(!diagnosis(Vec::new()).restores());
        let error = Finding { severity: Severity::Error, what: String::new(), advice: String::new() };
        let wrong = Examined { findings: vec![error], ..adapter(false) };
        let other = Examined { chosen: false, ..adapter(true) };
        assert!(!diagnosis(vec![wrong.clone(), other]).restores());
        assert!(diagnosis(vec![adapter(false), Examined { chosen: false, ..wrong }]).restores());
    }
}
