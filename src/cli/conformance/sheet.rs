//! Reports side by side: what was checked as rows, adapters as columns.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::conformance::{KernelCheck, NetworkCheck, Outcome, Report};

use crate::cli::devices;
use crate::cli::html::{cell, document, element, table};
use crate::cli::units::seconds;

/// A table under a heading.
struct Section {
    heading: &'static str,
    note: &'static str,
    /// Rows of cells, the first of which says what was checked.
    rows: Vec<Vec<String>>,
}

pub(super) fn markdown(reports: &[Report]) -> String {
    let mut text = "# Conformance of mprnet\n".to_owned();
    for section in sections(reports) {
        let _ = write!(text, "\n## {}\n\n", section.heading);
        if !section.note.is_empty() {
            let _ = write!(text, "{}\n\n", section.note);
        }
        let numbers: Vec<String> = (1..=reports.len()).map(|n| n.to_string()).collect();
        let _ = writeln!(text, "| | {} |", numbers.join(" | "));
        let _ = writeln!(text, "|---|{}", "---|".repeat(reports.len()));
        for row in &section.rows {
            let cells: Vec<String> =
                row.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
    let failures = failures(reports);
    if !failures.is_empty() {
        let _ = write!(text, "\n## What is wrong\n\n");
        failures.iter().for_each(|failure| {
            let _ = writeln!(text, "- {failure}");
        });
    }
    text
}

pub(super) fn page(reports: &[Report]) -> String {
    let title = "Conformance of mprnet";
    let mut body = element("h1", "", title) + "\n";
    for section in sections(reports) {
        body += &(element("h2", "", section.heading) + "\n");
        if !section.note.is_empty() {
            body += &(element("p", "note", section.note) + "\n");
        }
        let numbers: Vec<String> = (1..=reports.len()).map(|n| n.to_string()).collect();
        let head: Vec<(&str, &str)> =
            [("name", "")].into_iter().chain(numbers.iter().map(|n| ("name", n.as_str()))).collect();
        body +=
            &table(Some(&head), section.rows.iter().map(|row| row.iter().map(|c| cell("name", c)).collect()));
    }
    let failures = failures(reports);
    if !failures.is_empty() {
        body += &element("h2", "", "What is wrong");
        failures.iter().for_each(|failure| body += &(element("p", "", failure) + "\n"));
    }
    document(title, &body)
}

/// Every report's failures, with its number where there are several.
fn failures(reports: &[Report]) -> Vec<String> {
    let number = |i: usize| if reports.len() > 1 { format!("{}: ", i + 1) } else { String::new() };
    reports
        .iter()
        .enumerate()
        .flat_map(|(i, r)| r.failures().into_iter().map(move |f| (i, f)))
        .map(|(i, f)| number(i) + &f)
        .collect()
}

fn sections(reports: &[Report]) -> Vec<Section> {
    vec![
        Section { heading: "Adapters", note: "", rows: adapters(reports) },
        Section {
            heading: "Networks",
            note: "Relative L2 error of the residual (stage 3 minus photo) against PyTorch, of three runs with the same \
                bytes; then the largest error of any tensor against the CPU twin in f64.",
            rows: networks(reports),
        },
        Section {
            heading: "Operators",
            note: "Relative L2 error against the CPU twin in f64, of three runs with the same bytes; 3x3 convolutions \
                by the variant of the rule.",
            rows: operators(reports),
        },
        Section {
            heading: "Variants of the 3x3 convolution",
            note: "The largest error over all shapes.",
            rows: variants(reports),
        },
    ]
}

fn adapters(reports: &[Report]) -> Vec<Vec<String>> {
    let row = |name: &str, of: &dyn Fn(&Report) -> String| {
        [name.to_owned()].into_iter().chain(reports.iter().map(of)).collect::<Vec<_>>()
    };
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let timed = |r: &Report, of: fn(&crate::conformance::Timing) -> f64| {
        r.timing.as_ref().map_or("-".to_owned(), |timing| seconds(of(timing)))
    };
    vec![
        row("adapter", &|r| r.adapter.name.clone()),
        row("backend", &|r| r.adapter.backend.clone()),
        row("driver", &|r| r.adapter.driver.clone()),
        row("system", &|r| r.system.clone()),
        row("mprnet, date", &|r| format!("{}, {}", r.mprnet, r.date)),
        row("runs on the CPU", &|r| yes(r.adapter.software)),
        row("16-bit floats", &|r| yes(r.adapter.f16)),
        row("subgroups", &|r| devices::subgroups(&r.adapter)),
        row("matrices", &|r| devices::matrices(&r.adapter, "; ")),
        row("checks made, skipped, wrong", &|r| {
            let (made, skipped) = r.counts();
            format!("{made}, {skipped}, {}", r.failures().len())
        }),
        row("first result, 256x256", &|r| timed(r, |t| t.first)),
        row("further results", &|r| timed(r, |t| t.steady)),
    ]
}

/// What a report says of each thing that was checked: its name and the text of its cell.
type Column = Vec<(String, String)>;

/// Rows for everything that any report has, in the order of the first that has it.
fn side_by_side(columns: &[Column]) -> Vec<Vec<String>> {
    let mut seen = BTreeSet::new();
    let names = columns.iter().flatten().map(|(name, _)| name).filter(|name| seen.insert(*name));
    let found = |column: &Column, name: &String| {
        column.iter().find(|(own, _)| own == name).map_or("-".to_owned(), |(_, cell)| cell.clone())
    };
    let row = |name: &String| {
        [name.clone()].into_iter().chain(columns.iter().map(|column| found(column, name))).collect()
    };
    names.map(row).collect()
}

fn networks(reports: &[Report]) -> Vec<Vec<String>> {
    let told = |check: &NetworkCheck| {
        let fused = if check.fused { "fused" } else { "operator by operator" };
        let name =
            format!("{}, {}x{}, {}, {fused}", check.network, check.width, check.height, check.precision);
        let from_twin = |twin: Option<f64>| twin.unwrap_or(f64::INFINITY);
        let errors = check.tensors.iter().map(|tensor| tensor.twin);
        let worst = errors.max_by(|a, b| from_twin(*a).total_cmp(&from_twin(*b)));
        let worst = worst.map_or(String::new(), |worst| format!("; {}", error(worst)));
        let mark = if check.outcome.is_right() && !check.is_right() { " WRONG" } else { "" };
        (name, format!("{}{worst}{mark}", outcome(&check.outcome)))
    };
    let columns: Vec<Column> = reports.iter().map(|r| r.networks.iter().map(told).collect()).collect();
    side_by_side(&columns)
}

fn operators(reports: &[Report]) -> Vec<Vec<String>> {
    let told =
        |check: &KernelCheck| (format!("{}, {}", check.operator, check.precision), outcome(&check.outcome));
    let by_rule = |r: &Report| r.kernels.iter().filter(|check| check.variant.is_none()).map(told).collect();
    side_by_side(&reports.iter().map(by_rule).collect::<Vec<Column>>())
}

fn variants(reports: &[Report]) -> Vec<Vec<String>> {
    let column = |report: &Report| -> Column {
        let mut found: Vec<(String, &Outcome)> = Vec::new();
        for check in &report.kernels {
            let Some(variant) = &check.variant else { continue };
            let name = format!("{variant}, {}", check.precision);
            match found.iter_mut().find(|(own, _)| *own == name) {
                Some((_, worst)) if badness(&check.outcome) > badness(worst) => *worst = &check.outcome,
                Some(_) => {}
                None => found.push((name, &check.outcome)),
            }
        }
        found.into_iter().map(|(name, worst)| (name, outcome(worst))).collect()
    };
    side_by_side(&reports.iter().map(column).collect::<Vec<_>>())
}

/// What is worse is larger.
fn badness(outcome: &Outcome) -> f64 {
    match outcome {
        Outcome::Skipped { .. } => -1.0,
        Outcome::Measured { error: Some(error), repeats: true, .. } => *error,
        Outcome::Measured { .. } | Outcome::Failed { .. } => f64::INFINITY,
    }
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Measured { error: e, repeats, .. } => {
            let mark = match (outcome.is_right(), repeats) {
                (true, _) => "",
                (false, true) => " WRONG",
                (false, false) => " DIFFERS BETWEEN RUNS",
            };
            format!("{}{mark}", error(*e))
        }
        Outcome::Skipped { reason } => format!("skipped: {reason}"),
        Outcome::Failed { reason } => format!("FAILED: {reason}"),
    }
}

fn error(error: Option<f64>) -> String {
    error.map_or("not a number".to_owned(), |error| format!("{error:.1e}"))
}
