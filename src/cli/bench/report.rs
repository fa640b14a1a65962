//! Rows of measurements as a table in Markdown, as CSV or as JSON.

use std::io;
use std::path::Path;

use clap::ValueEnum;
use serde_json::{Map, Value, json};

use super::clock::{Spread, spread};
use crate::cli::dump;

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Format {
    /// A table in Markdown, seconds with their unit
    Md,
    /// One line per row; seconds and plain numbers
    Csv,
    /// An array of objects; seconds and plain numbers
    Json,
}

impl Format {
    /// What the extension of a file says.
    pub(super) fn of(path: Option<&Path>) -> Self {
        match dump::extension(path).as_deref() {
            Some("csv") => Self::Csv,
            Some("json") => Self::Json,
            _ => Self::Md,
        }
    }
}

/// One value of a row.
#[derive(Clone)]
pub(super) enum Cell {
    Text(String),
    Count(u64),
    /// A number, and its digits behind the point in the table.
    Number(f64, usize),
    /// A relative error.
    Error(f64),
    /// Seconds.
    Seconds(f64),
    /// The median of several measurements, in seconds, and its spread.
    Spread(Spread),
    /// What programs read: the JSON alone has it.
    Data(Value),
    /// What is unknown, or does not apply.
    None,
    /// A spread that is unknown: three columns of the CSV.
    NoSpread,
}

/// Values by the names of their columns, which are the same for every row of a report.
pub(super) type Row = Vec<(&'static str, Cell)>;

impl Cell {
    pub(super) fn spread(samples: &[Option<f64>]) -> Self {
        let known: Option<Vec<f64>> = samples.iter().copied().collect();
        known.as_deref().and_then(spread).map_or(Self::NoSpread, Self::Spread)
    }

    pub(super) fn number(value: Option<f64>, digits: usize) -> Self {
        value.map_or(Self::None, |value| Self::Number(value, digits))
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Number(value, digits) => format!("{value:.digits$}"),
            Self::Error(error) => format!("{error:.1e}"),
            Self::Seconds(seconds) => duration(*seconds),
            Self::Spread(Spread { median, min, max }) => {
                format!("{} ({} .. {})", duration(*median), duration(*min), duration(*max))
            }
            Self::Data(_) | Self::None | Self::NoSpread => String::new(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Count(count) => json!(count),
            Self::Number(value, _) | Self::Error(value) | Self::Seconds(value) => json!(value),
            Self::Spread(Spread { median, min, max }) => json!({"median": median, "min": min, "max": max}),
            Self::Data(value) => value.clone(),
            Self::None | Self::NoSpread => Value::Null,
        }
    }

    /// Fields of the CSV, each with what is added to the column's name.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let three = |values: [String; 3]| ["", "_min", "_max"].into_iter().zip(values).collect();
        match self {
            Self::Number(value, _) | Self::Error(value) | Self::Seconds(value) => {
                vec![("", value.to_string())]
            }
            Self::Spread(Spread { median, min, max }) => three([median, min, max].map(f64::to_string)),
            Self::NoSpread => three(Default::default()),
            other => vec![("", other.shown())],
        }
    }
}

/// Seconds with a unit, to three digits or more.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s >= 100.0 => format!("{s:.0} s"),
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 0.1 => format!("{:.0} ms", s * 1e3),
        s if s >= 1e-3 => format!("{:.2} ms", s * 1e3),
        s => format!("{:.1} us", s * 1e6),
    }
}

pub(super) fn render(rows: &[Row], format: Format) -> io::Result<String> {
    match format {
        Format::Md => Ok(table(rows)),
        Format::Csv => csv(rows),
        Format::Json => {
            let object = |row: &Row| -> Map<String, Value> {
                row.iter().map(|(name, cell)| ((*name).to_owned(), cell.json())).collect()
            };
            let objects: Vec<_> = rows.iter().map(object).collect();
            Ok(serde_json::to_string_pretty(&objects)? + "\n")
        }
    }
}

fn table(rows: &[Row]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let names: Vec<String> = first.iter().map(|(name, _)| name.replace('_', " ")).collect();
    let texts = rows.iter().map(|row| row.iter().map(|(_, cell)| cell.shown().replace('|', "/")).collect());
    let lines: Vec<Vec<String>> = std::iter::once(names).chain(texts).collect();
    let widths: Vec<usize> = (0..first.len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0).max(3))
        .collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, &width)| format!(" {cell:<width$} "));
        format!("|{}|\n", padded.collect::<Vec<_>>().join("|"))
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    let (head, body) = lines.split_at(1);
    let body: String = body.iter().map(line).collect();
    format!("{}|{}|\n{body}", line(&head[0]), rule.join("|"))
}

fn csv(rows: &[Row]) -> io::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (i, row) in rows.iter().enumerate() {
        let fields = || row.iter().flat_map(|(name, cell)| cell.fields().into_iter().map(move |f| (name, f)));
        if i == 0 {
            writer.write_record(fields().map(|(name, (more, _))| format!("{name}{more}")))?;
        }
        writer.write_record(fields().map(|(_, (_, text))| text))?;
    }
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    String::from_utf8(bytes).map_err(io::Error::other)
}
