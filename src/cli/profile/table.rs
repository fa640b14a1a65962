//! A profile in columns.

use crate::probe::Ceiling;

use super::NOTE;
use super::report::{Kind, Operator, Rates, Report};
use crate::cli::network::lines;
use crate::cli::units::{giga, percent, seconds, si};

/// Operators that are listed.
const TOP: usize = 20;

pub(super) fn render(report: &Report) -> String {
    let heading = report.heading().map(|(name, value)| format!("{name:<10}{value}"));
    let total = format!("{:<10}{} in {} operators", "time", seconds(report.seconds), report.operators.len());
    let kinds = [head("operators by kind", "count")].into_iter().chain(report.kinds.iter().map(kind));
    let longest = report.longest();
    let shown = &longest[..longest.len().min(TOP)];
    let title =
        if shown.len() < longest.len() { format!("longest {TOP} operators") } else { "operators".to_owned() };
    let operators = [head(&title, "result")].into_iter().chain(shown.iter().map(|o| operator(o)));
    let parts = [
        lines(heading.into_iter().chain([total])),
        lines(["what the adapter can do".to_owned()].into_iter().chain(report.ceilings.iter().map(ceiling))),
        lines(kinds),
        lines(operators),
        format!("{}\n", NOTE.join("\n")),
    ];
    parts.join("\n")
}

fn ceiling(ceiling: &Ceiling) -> String {
    let name = ceiling.resource.name();
    let measured = ceiling.measured.map_or("-".to_owned(), |rate| si(rate) + ceiling.unit);
    let vendor = ceiling.vendor.zip(ceiling.source).map_or(String::new(), |(figure, source)| {
        format!("; vendor {}{} ({source})", si(figure), ceiling.unit)
    });
    let note = ceiling.note.as_ref().map_or(String::new(), |note| format!("; {note}"));
    format!("  {name:<10}{measured:>14}{vendor}{note}")
}

fn head(name: &str, what: &str) -> String {
    let names = ["time", "share", "GFLOP/s", "direct", "GB/s", "of ceiling"];
    let columns = names.map(|name| format!("{name:>11}"));
    format!("{name:<52}{what:>14}{}  bound", columns.concat())
}

fn kind(kind: &Kind) -> String {
    row(kind.op, &kind.operators.to_string(), &kind.rates)
}

fn operator(operator: &Operator) -> String {
    let Operator { op, tensor, .. } = operator;
    row(&format!("{op:<12}{tensor}"), &operator.shape(), &operator.rates)
}

fn row(name: &str, what: &str, rates: &Rates) -> String {
    let cells = [
        seconds(rates.seconds),
        percent(Some(rates.share)),
        giga(rates.flops),
        giga(rates.direct_flops),
        giga(rates.bytes_per_second),
        percent(rates.of_ceiling),
    ];
    format!(
        "{name:<52}{what:>14}{}  {}",
        cells.map(|cell| format!("{cell:>11}")).concat(),
        rates.bound.unwrap_or("-")
    )
}
