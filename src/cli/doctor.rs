//! `mprnet doctor`.

use crate::conformance::{Diagnosis, Examined, Finding, KnownAnswer, Machine, Outcome, Severity, examine};
use crate::probe::Ceiling;
use clap::Args;

use super::network::lines;
use super::session::{DeviceArgs, spinner};
use super::units::{seconds, si};
use super::{Failure, date, devices, dump};

#[derive(Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    device: DeviceArgs,
    /// Prints everything as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &DoctorArgs, quiet: bool) -> Result<(), Failure> {
    let shown = spinner(quiet);
    let mut diagnosis = examine(&args.device.options(), &mut |adapter| {
        shown.set_message(format!("examining {adapter}"));
        shown.tick();
    })?;
    shown.finish_and_clear();
    diagnosis.date = date::now();
    dump::deliver(if args.json { dump::json(&diagnosis) } else { Ok(told(&diagnosis)) }, None)?;
    if diagnosis.restores() { Ok(()) } else { Err(Failure::Reported(3)) }
}

fn told(diagnosis: &Diagnosis) -> String {
    let adapters = diagnosis.adapters.iter().map(|examined| lines(adapter(examined)));
    let parts: Vec<String> =
        [lines(machine(diagnosis))].into_iter().chain(adapters).chain([verdict(diagnosis)]).collect();
    parts.join("\n")
}

fn machine(diagnosis: &Diagnosis) -> Vec<String> {
    let Machine { system, threads, environment, vulkan_drivers, dxcompiler, cache, .. } = &diagnosis.machine;
    let mut told =
        vec![format!("mprnet {}, {}, {system}, {threads} threads", diagnosis.mprnet, diagnosis.date)];
    told.extend(vulkan_drivers.map(|count| format!("Vulkan drivers installed: {count}")));
    told.extend(dxcompiler.as_ref().map(|dll| format!("DX12 compiles by {dll}")));
    told.extend(cache.as_ref().map(|folder| format!("kept between starts in {folder}")));
    told.extend(environment.iter().map(|(name, value)| format!("{name}={value}")));
    told.extend(diagnosis.findings.iter().map(finding));
    told
}

fn adapter(examined: &Examined) -> Vec<String> {
    let mut told = devices::describe(examined.index, &examined.adapter);
    told.extend(examined.answers.iter().map(answer));
    told.extend(examined.timing.map(|timing| {
        format!(
            "   a photo of {}x{}: first result after {}, further ones {}, longest submission {}",
            timing.width,
            timing.height,
            seconds(timing.first),
            seconds(timing.steady),
            seconds(timing.submission)
        )
    }));
    told.extend(ceilings(&examined.ceilings));
    told.push(match examined.memory {
        Some(bytes) => format!("   available memory: {:.1} GiB", bytes as f64 / 2_f64.powi(30)),
        None => "   available memory: not reported by this driver".to_owned(),
    });
    told.extend(examined.findings.iter().map(|f| format!("   {}", finding(f))));
    told
}

fn answer(answer: &KnownAnswer) -> String {
    let KnownAnswer { precision, outcome, compiled } = answer;
    let result = match outcome {
        Outcome::Measured { error, bound, repeats } => {
            let right = if outcome.is_right() { "right" } else { "WRONG" };
            let error = error.map_or("not a number".to_owned(), |error| format!("{error:.1e}"));
            let again = if *repeats { "" } else { ", and a second run gave different bytes" };
            format!("{right}, relative L2 error {error} (at most {bound:.0e}){again}")
        }
        Outcome::Skipped { reason } | Outcome::Failed { reason } => reason.clone(),
    };
    format!("   known answer in {precision}: {result}; compiled in {}", seconds(*compiled))
}

fn ceilings(ceilings: &[Ceiling]) -> Option<String> {
    let rate = |c: &Ceiling| Some(format!("{} {}{}", c.resource.name(), si(c.measured?), c.unit));
    let rates: Vec<String> = ceilings.iter().filter_map(rate).collect();
    (!rates.is_empty()).then(|| format!("   reaches {}", rates.join(", ")))
}

fn finding(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    format!("{severity}: {}; {}", finding.what, finding.advice)
}

fn verdict(diagnosis: &Diagnosis) -> String {
    let chosen = diagnosis.adapters.iter().find(|examined| examined.chosen);
    match chosen {
        Some(examined) if diagnosis.restores() => {
            format!("Photos are restored correctly on {}.\n", examined.adapter.name)
        }
        Some(examined) => format!("Photos are not restored correctly on {}.\n", examined.adapter.name),
        None => "Photos cannot be restored here.\n".to_owned(),
    }
}
