//! A profile as a page.

use crate::probe::Ceiling;

use super::report::{Rates, Report};
use super::{NOTE, plot};
use crate::cli::html::{cell, document, escape, table};
use crate::cli::units::{giga, percent, seconds, si};

pub(super) fn render(report: &Report) -> String {
    let title = format!("mprnet profile: {}x{}, {}", report.width, report.height, report.adapter.name);
    let parts = [
        format!("<h1>{}</h1>\n{}", escape(&title), heading(report)),
        format!("<h2>What the adapter can do</h2>\n{}", ceilings(report)),
        format!("<h2>Roofline</h2>\n{}", plot::roofline(report)),
        format!("<h2>Kinds of operators</h2>\n{}", kinds(report)),
        format!("<h2>Operators, longest first</h2>\n{}", operators(report)),
    ];
    document(&title, &parts.concat())
}

fn heading(report: &Report) -> String {
    let time = ("time", format!("{} in {} operators", seconds(report.seconds), report.operators.len()));
    let rows = report.heading().into_iter().chain([time]);
    table(None, rows.map(|(name, value)| cell("name", name) + &cell("name", &value)))
}

fn ceilings(report: &Report) -> String {
    let rate = |rate: Option<f64>, ceiling: &Ceiling| rate.map_or("-".to_owned(), |r| si(r) + ceiling.unit);
    let row = |ceiling: &Ceiling| {
        let source = ceiling.source.unwrap_or_default();
        let note = ceiling.note.as_deref().unwrap_or_default();
        [
            cell("name", ceiling.resource.name()),
            cell("", &rate(ceiling.measured, ceiling)),
            cell("", &rate(ceiling.vendor, ceiling)),
            cell("", &rate(ceiling.used, ceiling)),
            cell("name", [source, note].map(str::trim).join(" ").trim()),
        ]
        .concat()
    };
    let head = [("name", ""), ("", "measured"), ("", "vendor"), ("", "used"), ("name", "")];
    table(Some(&head), report.ceilings.iter().map(row))
}

const RATES: [(&str, &str); 8] = [
    ("", "time"),
    ("", "share"),
    ("name", ""),
    ("", "GFLOP/s"),
    ("", "direct"),
    ("", "GB/s"),
    ("", "of ceiling"),
    ("name", "bound"),
];

/// Cells of rates; `longest` is the share that fills the bar.
fn rates(rates: &Rates, longest: f64) -> String {
    let width = if longest > 0.0 { 12.0 * rates.share / longest } else { 0.0 };
    [
        cell("", &seconds(rates.seconds)),
        cell("", &percent(Some(rates.share))),
        format!("<td class=\"bar\"><span style=\"width: {width:.2}em\"></span></td>"),
        cell("", &giga(rates.flops)),
        cell("", &giga(rates.direct_flops)),
        cell("", &giga(rates.bytes_per_second)),
        cell("", &percent(rates.of_ceiling)),
        cell("name", rates.bound.unwrap_or("-")),
    ]
    .concat()
}

fn kinds(report: &Report) -> String {
    let longest = report.kinds.first().map_or(0.0, |kind| kind.rates.share);
    let row = |kind: &super::report::Kind| {
        cell("name", kind.op) + &cell("", &kind.operators.to_string()) + &rates(&kind.rates, longest)
    };
    let head = [&[("name", "kind"), ("", "count")][..], &RATES].concat();
    table(Some(&head), report.kinds.iter().map(row)) + &format!("<p class=\"note\">{}</p>\n", NOTE.join(" "))
}

fn operators(report: &Report) -> String {
    let longest = report.longest();
    let most = longest.first().map_or(0.0, |operator| operator.rates.share);
    let row = |operator: &&super::report::Operator| {
        let names = [("", operator.node.to_string()), ("name", operator.op.to_owned())];
        let names = names.into_iter().chain([("name", operator.tensor.clone()), ("", operator.shape())]);
        names.map(|(class, text)| cell(class, &text)).collect::<String>() + &rates(&operator.rates, most)
    };
    let head = [&[("", "#"), ("name", "kind"), ("name", "tensor"), ("", "result")][..], &RATES].concat();
    table(Some(&head), longest.iter().map(row))
}
