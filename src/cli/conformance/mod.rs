//! `mprnet conformance`: whether an adapter computes what it should, as a report that can be compared.

mod sheet;

use std::path::{Path, PathBuf};

use crate::Error;
use crate::conformance::{self, GoldenNetwork, Only, REPORT_FORMAT, Report};
use clap::{Args, ValueEnum};

use super::session::{DeviceArgs, spinner};
use super::{Failure, date, dump, reading, say};

/// A larger file is no report.
const MOST_MIB: u64 = 64;

#[derive(Args)]
pub(super) struct ConformanceArgs {
    /// JSON reports to put side by side; without any, the adapter is checked
    #[arg(value_name = "REPORT", conflicts_with_all = ["device", "golden", "only"])]
    reports: Vec<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
    /// A directory whose networks.json lists networks with PyTorch's tensors, such as golden/ in the source tree;
    /// default: two small networks in this program
    #[arg(long, value_name = "DIR")]
    golden: Option<PathBuf>,
    /// Checks only what has TEXT in its name (operators with their shapes, variants, networks); may be repeated
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Writes the report to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Format of the report; default: by the extension of --output, else Markdown
    #[arg(long, value_enum)]
    format: Option<Format>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One object with every error, for later comparison
    Json,
    /// Tables in Markdown
    Md,
    /// A web page
    Html,
}

impl ConformanceArgs {
    fn format(&self) -> Format {
        self.format.unwrap_or_else(|| match dump::extension(self.output.as_deref()).as_deref() {
            Some("json") => Format::Json,
            Some("html" | "htm") => Format::Html,
            _ => Format::Md,
        })
    }
}

pub(super) fn run(args: &ConformanceArgs, quiet: bool) -> Result<(), Failure> {
    let read: Vec<&Path> = args.reports.iter().map(PathBuf::as_path).collect();
    dump::check_result(&read, args.output.as_deref())?;
    let own = ["html", "htm", "json", "md", "txt"];
    dump::check_name("-o", "a table, a web page or JSON", &own, args.output.as_deref())?;
    if !args.reports.is_empty() {
        return compare(args);
    }
    let report = check(args, quiet)?;
    write(args, std::slice::from_ref(&report))?;
    let failures = report.failures();
    if failures.is_empty() {
        return Ok(());
    }
    failures.iter().for_each(|failure| say(format_args!("wrong: {failure}")));
    Err(Failure::Reported(1))
}

fn check(args: &ConformanceArgs, quiet: bool) -> Result<Report, Failure> {
    let networks = args.golden.as_deref().map_or_else(GoldenNetwork::embedded, GoldenNetwork::read_all)?;
    let shown = spinner(quiet);
    let only = Only::named(args.only.clone());
    let mut report = conformance::run(&args.device.options(), &networks, &only, &mut |what| {
        shown.set_message(format!("checking {what}"));
        shown.tick();
    })?;
    shown.finish_and_clear();
    if report.kernels.is_empty() && report.networks.is_empty() {
        return Err(Failure::Usage(format!(
            "nothing that is checked has {} in its name; names are as in a report, such as conv3x3 or tiny",
            args.only.join(" or ")
        )));
    }
    report.date = date::now();
    Ok(report)
}

fn compare(args: &ConformanceArgs) -> Result<(), Failure> {
    if args.format() == Format::Json {
        return Err(Failure::Usage(
            "reports are put side by side as md or html; name one of them by --format".into(),
        ));
    }
    let reports = args.reports.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    write(args, &reports)
}

fn read(path: &Path) -> Result<Report, Error> {
    let broken = |reason: String| Error::Report { path: path.to_owned(), reason };
    let bytes = reading::bytes(path, MOST_MIB, "report")?;
    let report: Report = serde_json::from_slice(&bytes)
        .map_err(|e| broken(format!("{e}; `mprnet conformance -o FILE.json` writes such reports")))?;
    if report.format != REPORT_FORMAT {
        return Err(broken(format!(
            "its form is {} and this version of mprnet reads form {REPORT_FORMAT}; check anew",
            report.format
        )));
    }
    Ok(report)
}

fn write(args: &ConformanceArgs, reports: &[Report]) -> Result<(), Failure> {
    let text = match args.format() {
        Format::Json => dump::json(&reports[0]),
        Format::Md => Ok(sheet::markdown(reports)),
        Format::Html => Ok(sheet::page(reports)),
    };
    Ok(dump::deliver(text, args.output.as_deref())?)
}
