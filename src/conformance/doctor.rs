//! A short examination of every adapter of a machine.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::findings::{self, Finding, Severity};
use super::report::{AdapterReport, Outcome, Timing};
use super::{GoldenNetwork, SYSTEM, networks, timing};
use crate::gpu::{self, AdapterSummary, Device, DeviceOptions};
use crate::output::Output;
use crate::plan::Precision;
use crate::probe::{self, Ceiling};
use crate::tune::cache_folder;
use crate::{Error, Result};

/// Variables that decide which drivers and adapters are found, and how software adapters compile.
const VARIABLES: [&str; 9] = [
    "WGPU_BACKEND",
    "WGPU_ADAPTER_NAME",
    "WGPU_DX12_COMPILER",
    "VK_DRIVER_FILES",
    "VK_ICD_FILENAMES",
    "VK_LOADER_DRIVERS_SELECT",
    "LP_NATIVE_VECTOR_WIDTH",
    "MPRNET_CACHE",
    "NVIDIA_DRIVER_CAPABILITIES",
];
/// Where Vulkan's loader looks for drivers on Linux.
const MANIFESTS: [&str; 3] =
    ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];

/// What an examination found, fit for a report of a mistake: it names no person and no private path.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    /// The version of this library.
    pub mprnet: String,
    /// When, by ISO 8601 in UTC; for whoever examines to fill in.
    pub date: String,
    /// Where.
    pub machine: Machine,
    /// Every adapter, in the order that indices refer to.
    pub adapters: Vec<Examined>,
    /// What is off with the machine as a whole.
    pub findings: Vec<Finding>,
}

/// What matters of a machine besides its adapters.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Operating system and architecture that the program was built for.
    pub system: String,
    /// Threads that the processor runs at once.
    pub threads: usize,
    /// Variables that decide which adapters are found, where they are set.
    pub environment: BTreeMap<String, String>,
    /// Manifests of Vulkan drivers in the usual places; on Linux.
    pub vulkan_drivers: Option<usize>,
    /// GPUs' device files that this user may not open; on Linux.
    pub closed_nodes: Vec<String>,
    /// Whether NVIDIA's kernel driver is loaded; on Linux.
    pub nvidia: bool,
    /// The `dxcompiler.dll` that DX12 is given, in place of the compiler that is part of Windows.
    pub dxcompiler: Option<String>,
    /// Where choices and compiled kernels are kept.
    pub cache: Option<String>,
    /// Why nothing can be kept there.
    pub cache_unusable: Option<String>,
}

/// An adapter and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Examined {
    /// Its index, as `--device` takes it.
    pub index: usize,
    /// What it says of itself.
    pub adapter: AdapterReport,
    /// Whether it is the one that restores where none is asked for.
    pub chosen: bool,
    /// How it restores a photo of which the result is known.
    pub answers: Vec<KnownAnswer>,
    /// What it can do at most.
    pub ceilings: Vec<Ceiling>,
    /// Bytes of memory that can be had, where that can be found out without taking more than there is.
    pub memory: Option<u64>,
    /// How long a photo takes.
    pub timing: Option<Timing>,
    /// Why it could not be examined.
    pub failed: Option<String>,
    /// What is off with it.
    pub findings: Vec<Finding>,
}

/// A small network on a known photo.
#[derive(Clone, Debug, Serialize)]
pub struct KnownAnswer {
    /// The precision.
    pub precision: String,
    /// The residual against PyTorch's.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Seconds until its kernels were compiled, as far as the driver did not remember them.
    pub compiled: f64,
}

impl Diagnosis {
    /// Whether the adapter that restores where none is asked for does so right.
    #[must_use]
    pub fn restores(&self) -> bool {
        let right =
            |e: &Examined| e.failed.is_none() && !e.findings.iter().any(|f| f.severity == Severity::Error);
        self.adapters.iter().find(|e| e.chosen).is_some_and(right)
    }
}

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
    let machine = Machine::of_this();
    let findings = findings::of_machine(&machine, &adapters);
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

impl Machine {
    fn of_this() -> Self {
        let value = |name: &str| Some((name.to_owned(), shortened(&std::env::var(name).ok()?)));
        let linux = cfg!(target_os = "linux");
        let cache = cache_folder();
        let cache_unusable = match &cache {
            None => Some("there is no home directory".to_owned()),
            Some(folder) => unusable(folder).map(|reason| shortened(&reason)),
        };
        Self {
            system: SYSTEM.join(" "),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
            environment: VARIABLES.into_iter().filter_map(value).collect(),
            vulkan_drivers: linux
                .then(|| MANIFESTS.iter().map(|folder| names_in(folder, ".json").len()).sum()),
            closed_nodes: if linux { closed_nodes() } else { Vec::new() },
            nvidia: linux && Path::new("/dev/nvidiactl").exists(),
            dxcompiler: gpu::dxcompiler().map(|dll| shortened(&dll.display().to_string())),
            cache: cache.map(|folder| shortened(&folder.display().to_string())),
            cache_unusable,
        }
    }
}

/// Files of a folder that end like that; none where it cannot be read.
fn names_in(folder: &str, end: &str) -> Vec<String> {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(end))
        .collect()
}

fn closed_nodes() -> Vec<String> {
    let nodes = names_in("/dev/dri", "").into_iter().filter(|name| name.starts_with("renderD"));
    let paths = nodes.map(|name| format!("/dev/dri/{name}"));
    let closed = |path: &String| {
        let opened = std::fs::OpenOptions::new().read(true).write(true).open(path);
        opened.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    };
    paths.filter(closed).collect()
}

/// Why nothing can be written to a folder, which is made where it is missing.
fn unusable(folder: &Path) -> Option<String> {
    if let Err(error) = std::fs::create_dir_all(folder) {
        return Some(format!("cannot create {}: {error}", folder.display()));
    }
    Output::create(&folder.join("examined")).err().map(|error| error.to_string())
}

/// A text with the user's home directory left out.
fn shortened(text: &str) -> String {
    let home = std::env::var(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).unwrap_or_default();
    if home.len() > 1 { text.replace(&home, "~") } else { text.to_owned() }
}

#[cfg(test)]
pub(super) mod tests {
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

    #[test]
    fn a_folder_that_cannot_be_made() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(unusable(&folder.path().join("a/b")), None);
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(unusable(&file.join("below")).unwrap().contains("cannot create"));
    }
}
