//! What is off on a machine, and what to do about it.

use super::diagnosis::{Examined, Finding, Severity};
use super::machine::Machine;
use super::report::Outcome;
use crate::gpu::mesa_version;
use crate::plan::Precision;

/// Seconds of a submission after which drivers give up on it: 2 by default on Windows, some more elsewhere.
const WATCHDOG: f64 = 2.0;
/// Bytes of memory for tensors below which photos of usual sizes do not fit.
const LITTLE_MEMORY: u64 = 1 << 30;

/// Drivers that brought cooperative matrices which are used: the driver's name, and the first release of Mesa.
const MATRIX_DRIVERS: [(&str, [u32; 2]); 2] = [("radv", [23, 3]), ("Intel open-source Mesa driver", [24, 0])];

fn finding(severity: Severity, what: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding { severity, what: what.into(), advice: advice.into() }
}

/// What is off with the machine as a whole, which has adapters, software ones and others, of which maybe one alone was
/// examined.
pub(super) fn of_machine(machine: &Machine, software: &[bool], examined: &[Examined]) -> Vec<Finding> {
    let mut found = Vec::new();
    let hardware = software.contains(&false);
    if software.is_empty() {
        found.push(no_adapter(machine));
    }
    if !hardware {
        found.extend(hidden_gpu(machine));
    }
    if let Some(backends) = machine.environment.get("WGPU_BACKEND").filter(|_| !hardware) {
        let advice = "unset it, so that every adapter is looked for";
        found.push(finding(
            Severity::Warning,
            format!("WGPU_BACKEND={backends} hides other adapters"),
            advice,
        ));
    }
    let dx12 = examined.iter().any(|a| a.chosen && a.adapter.backend == wgpu::Backend::Dx12.to_string());
    if dx12 && machine.dxcompiler.is_none() {
        let what = "DX12 compiles by FXC, which takes seconds at every start and knows no 16-bit floats";
        let advice = "put dxcompiler.dll 1.8.2502 or newer beside the program";
        found.push(finding(Severity::Note, what, advice));
    }
    if let Some(reason) = &machine.cache_unusable {
        let what = format!("nothing is remembered between starts: {reason}");
        let advice = "set MPRNET_CACHE to a folder that can be written; until then every start compiles and measures anew";
        found.push(finding(Severity::Warning, what, advice));
    }
    found
}

fn no_adapter(machine: &Machine) -> Finding {
    let advice = match machine.system.split(' ').next() {
        Some("linux") if machine.vulkan_drivers == Some(0) => {
            "no Vulkan driver is installed: install mesa-vulkan-drivers (AMD, Intel, and any CPU), or NVIDIA's driver"
        }
        Some("linux") => {
            "Vulkan drivers are installed and none of them finds a GPU; `vulkaninfo --summary` (vulkan-tools) says more"
        }
        Some("windows") => "install the newest driver from the maker of the GPU",
        _ => "install the newest system update: it brings the GPU's driver",
    };
    finding(Severity::Error, "no adapter can be used", advice)
}

/// Why a GPU that is there may not be seen.
fn hidden_gpu(machine: &Machine) -> Option<Finding> {
    if !machine.system.starts_with("linux") {
        return None;
    }
    if let Some(node) = machine.closed_nodes.first() {
        let advice = "add the user to the group that owns it (usually render: `sudo usermod -aG render $USER`) and log in again";
        return Some(finding(
            Severity::Warning,
            format!("{node} is a GPU that this user may not open"),
            advice,
        ));
    }
    if machine.nvidia {
        let advice = "install the Vulkan part of the driver (libnvidia-gl of the same version); in a container, \
            NVIDIA_DRIVER_CAPABILITIES=all";
        return Some(finding(
            Severity::Warning,
            "an NVIDIA GPU is there, and its Vulkan driver is not",
            advice,
        ));
    }
    let advice =
        "in a container pass the GPU on (`--device /dev/dri`, or `--gpus all`); else install its driver";
    Some(finding(Severity::Note, "no GPU is visible to this program", advice))
}

/// What is off with an adapter.
pub(super) fn of_adapter(examined: &Examined) -> Vec<Finding> {
    let mut found = answers(examined);
    let adapter = &examined.adapter;
    if examined.chosen && adapter.software {
        let advice = "results are the same, and slow; a GPU's driver changes that";
        found.push(finding(Severity::Warning, "shaders run on the CPU", advice));
    }
    if !adapter.software && !adapter.f16 {
        let advice = "--precision f16 saves memory and no time; a newer driver may have them";
        found.push(finding(Severity::Note, "shaders have no 16-bit floats", advice));
    }
    if adapter.matrices.is_empty() && !adapter.software {
        found.extend(old_for_matrices(&adapter.driver));
    }
    if examined.memory.is_some_and(|memory| memory < LITTLE_MEMORY) {
        let advice = "restore large photos in parts, or with --precision f16, which halves what they take";
        found.push(finding(Severity::Warning, "less than 1 GiB of memory can be had", advice));
    }
    if let Some(timing) = examined.timing.filter(|timing| timing.submission > WATCHDOG) {
        let what = format!("a submission took {:.1} s, and drivers may end those of 2 s", timing.submission);
        let advice = "close what else uses the adapter; on Windows a larger TdrDelay helps";
        found.push(finding(Severity::Warning, what, advice));
    }
    found
}

/// What the known answers say.
fn answers(examined: &Examined) -> Vec<Finding> {
    let mut found = Vec::new();
    for answer in examined.answers.iter().filter(|answer| !answer.outcome.is_right()) {
        let what = match &answer.outcome {
            Outcome::Failed { reason } => format!("{} fails: {reason}", answer.precision),
            _ => format!("results in {} are wrong", answer.precision),
        };
        let half = answer.precision == Precision::F16.name();
        let (severity, advice) = if half {
            (Severity::Warning, "keep to f32, which is the default; please report it with this text")
        } else {
            let advice =
                "update the driver, or choose another adapter by --device; please report it with this text";
            (if examined.chosen { Severity::Error } else { Severity::Warning }, advice)
        };
        found.push(finding(severity, what, advice));
    }
    if let Some(reason) = &examined.failed {
        let severity = if examined.chosen { Severity::Error } else { Severity::Warning };
        let advice = "update the driver, or choose another adapter by --device";
        found.push(finding(severity, format!("it cannot be opened: {reason}"), advice));
    }
    found
}

/// A driver from before cooperative matrices.
fn old_for_matrices(driver: &str) -> Option<Finding> {
    let (_, [major, minor]) = MATRIX_DRIVERS.into_iter().find(|(name, _)| driver.contains(name))?;
    (mesa_version(driver)? < [major, minor]).then(|| {
        let what =
            format!("the driver is older than Mesa {major}.{minor}, which brought matrix units to shaders");
        finding(Severity::Note, what, "update it: on RDNA 3 and Arc they compute f16 faster")
    })
}

#[cfg(test)]
mod tests {
    use super::super::doctor::tests::{adapter, machine};
    use super::*;

    /// Of a machine all of whose adapters were examined.
    fn of_all(machine: &Machine, adapters: &[Examined]) -> Vec<Finding> {
        let software: Vec<bool> = adapters.iter().map(|a| a.adapter.software).collect();
        of_machine(machine, &software, adapters)
    }

    fn told(found: &[Finding]) -> String {
        let line = |f: &Finding| format!("{:?}: {}; {}", f.severity, f.what, f.advice);
        found.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn nothing_is_off_where_a_gpu_restores_right() {
        let gpu = adapter(false);
        assert_eq!(told(&of_adapter(&gpu)), "");
        assert_eq!(told(&of_all(&machine(), &[gpu])), "");
    }

    #[test]
    fn a_machine_without_adapters() {
        let none = Machine { vulkan_drivers: Some(0), ..machine() };
        assert!(told(&of_all(&none, &[])).contains("install mesa-vulkan-drivers"));
        let some = Machine { vulkan_drivers: Some(2), ..machine() };
        assert!(told(&of_all(&some, &[])).contains("vulkaninfo"));
        let windows = Machine { system: "windows x86_64".to_owned(), ..machine() };
        assert!(told(&of_all(&windows, &[])).contains("maker of the GPU"));
    }

    /// `--device` examines one; the others are there all the same.
    #[test]
    fn a_gpu_that_is_not_examined() {
        let named =
            Machine { environment: [("WGPU_BACKEND".to_owned(), "vulkan".to_owned())].into(), ..machine() };
        assert_eq!(told(&of_machine(&named, &[false, true], &[adapter(true)])), "");
    }

    #[test]
    fn a_gpu_that_is_not_seen() {
        let software = [adapter(true)];
        let closed = Machine { closed_nodes: vec!["/dev/dri/renderD128".to_owned()], ..machine() };
        assert!(told(&of_all(&closed, &software)).contains("usermod -aG render"));
        let nvidia = Machine { nvidia: true, ..machine() };
        assert!(told(&of_all(&nvidia, &software)).contains("libnvidia-gl"));
        assert!(told(&of_all(&machine(), &software)).contains("--device /dev/dri"));
        let named =
            Machine { environment: [("WGPU_BACKEND".to_owned(), "gl".to_owned())].into(), ..machine() };
        assert!(told(&of_all(&named, &software)).contains("WGPU_BACKEND=gl hides"));
        let mut dx12 = adapter(false);
        dx12.adapter.backend = wgpu::Backend::Dx12.to_string();
        assert!(told(&of_all(&machine(), std::slice::from_ref(&dx12))).contains("beside the program"));
        let with = Machine { dxcompiler: Some("dxcompiler.dll".to_owned()), ..machine() };
        assert_eq!(told(&of_all(&with, &[dx12])), "");
        let homeless = Machine { cache_unusable: Some("no HOME".to_owned()), ..machine() };
        assert!(told(&of_all(&homeless, &[adapter(false)])).contains("MPRNET_CACHE"));
    }

    #[test]
    fn an_adapter_that_errs() {
        let mut wrong = adapter(false);
        wrong.answers[0].outcome = Outcome::Measured { error: Some(0.1), bound: 1e-5, repeats: true };
        let found = of_adapter(&wrong);
        assert!(found[0].severity == Severity::Error && found[0].what.contains("results in f32 are wrong"));
        wrong.chosen = false;
        assert_eq!(of_adapter(&wrong)[0].severity, Severity::Warning);
        let mut half = adapter(false);
        half.answers[1].outcome = Outcome::Failed { reason: "no such type".to_owned() };
        let found = of_adapter(&half);
        assert!(found[0].severity == Severity::Warning && found[0].advice.contains("keep to f32"));
        let mut closed = adapter(false);
        closed.failed = Some("the driver refused".to_owned());
        assert!(told(&of_adapter(&closed)).contains("cannot be opened: the driver refused"));
    }

    #[test]
    fn drivers_from_before_matrices() {
        let old = |driver| old_for_matrices(driver).is_some();
        assert!(old("radv Mesa 23.2.1-1ubuntu3"));
        assert!(!old("radv Mesa 23.3.0"));
        assert!(old("Intel open-source Mesa driver Mesa 23.1.4"));
        assert!(!old("llvmpipe Mesa 22.3.6 (LLVM 15.0.6)") && !old("radv"));
        // There they are not used.
        assert!(!old("NVIDIA 535.183.01"));
    }
}
