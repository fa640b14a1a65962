//! Scores as a table, as CSV or as JSON.

use std::io;
use std::path::Path;

use crate::Shown;
use crate::metrics::{Protocol, Score};
use crate::model::Task;
use crate::plan::Precision;
use clap::ValueEnum;
use serde::{Serialize, Serializer};

use crate::cli::dump;

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Format {
    /// A table for people
    Table,
    /// One line per image, and one for the means
    Csv,
    /// One object; an infinite PSNR is the string "inf"
    Json,
}

impl Format {
    /// What the extension of a file says.
    pub(super) fn of(path: Option<&Path>) -> Self {
        match dump::extension(path).as_deref() {
            Some("csv") => Self::Csv,
            Some("json") => Self::Json,
            _ => Self::Table,
        }
    }
}

/// All that is told of an evaluation.
pub(super) struct Report {
    pub(super) task: Task,
    /// The file, or "embedded".
    pub(super) model: String,
    pub(super) protocol: Protocol,
    pub(super) precision: Precision,
    /// What means were taken over.
    pub(super) mode: String,
    pub(super) rows: Vec<Row>,
    pub(super) failed: Vec<Failed>,
}

/// An image's scores.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Of the input.
    pub(super) before: Score,
    /// Of the restored photo.
    pub(super) after: Score,
}

/// An image without scores.
#[derive(Serialize)]
pub(super) struct Failed {
    pub(super) name: String,
    pub(super) reason: String,
}

/// Scores of the input and of the restored photo, and how much higher those are.
#[derive(Serialize)]
struct Figures {
    input: Measured,
    output: Measured,
    gain: Measured,
}

#[derive(Clone, Copy, Serialize)]
struct Measured {
    #[serde(serialize_with = "decibels")]
    psnr: f64,
    ssim: f64,
}

/// JSON has no infinity, and the gain from one infinity to another is unknown.
fn decibels<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_infinite() { serializer.collect_str(value) } else { serializer.serialize_f64(*value) }
}

impl Figures {
    fn new(before: Score, after: Score) -> Self {
        let measured = |score: Score| Measured { psnr: score.psnr, ssim: score.ssim };
        let gain = Measured { psnr: after.psnr - before.psnr, ssim: after.ssim - before.ssim };
        Self { input: measured(before), output: measured(after), gain }
    }
}

#[derive(Serialize)]
struct Image<'a> {
    name: &'a str,
    width: u32,
    height: u32,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Serialize)]
struct Document<'a> {
    task: &'static str,
    model: &'a str,
    protocol: &'static str,
    precision: &'static str,
    mode: &'a str,
    images: Vec<Image<'a>>,
    mean: Option<Figures>,
    failed: &'a [Failed],
}

impl<'a> Image<'a> {
    fn of(row: &'a Row) -> Self {
        let figures = Figures::new(row.before, row.after);
        Self { name: &row.name, width: row.width, height: row.height, figures }
    }
}

impl Report {
    pub(super) fn render(&self, format: Format) -> io::Result<String> {
        match format {
            Format::Table => Ok(self.table()),
            Format::Csv => self.csv(),
            Format::Json => self.json(),
        }
    }

    fn mean(&self) -> Option<Figures> {
        let mean = |of: fn(&Row) -> Score| Score::mean(&self.rows.iter().map(of).collect::<Vec<_>>());
        Some(Figures::new(mean(|row| row.before)?, mean(|row| row.after)?))
    }

    fn table(&self) -> String {
        let mean = match self.failed.len() {
            0 => "mean".to_owned(),
            count => format!("mean of {} of {}", self.rows.len(), self.rows.len() + count),
        };
        let size = |row: &Row| format!("{}x{}", row.width, row.height);
        let row = |row: &Row| (Shown(&row.name).to_string(), size(row), Figures::new(row.before, row.after));
        let lines: Vec<_> = self
            .rows
            .iter()
            .map(row)
            .chain(self.mean().map(|figures| (mean, String::new(), figures)))
            .collect();
        let width = |cell: fn(&(String, String, Figures)) -> &str, least: usize| {
            lines.iter().map(|line| cell(line).chars().count()).max().unwrap_or(0).max(least)
        };
        let (names, sizes) = (width(|line| &line.0, 5), width(|line| &line.1, 4));
        let (task, model, protocol) = (self.task, &self.model, self.protocol.name());
        let origin = format!(
            "task {task}, model {model}, protocol {protocol}, precision {}, mode {}\n",
            self.precision.name(),
            self.mode
        );
        let columns =
            ["PSNR", "restored", "gain", "SSIM", "restored", "gain"].map(|name| format!("{name:>10}"));
        let header = format!("{:<names$}  {:>sizes$}{}", "image", "size", columns.concat());
        let line = |(name, size, figures): &(String, String, Figures)| {
            format!("{name:<names$}  {size:>sizes$}{}", cells(figures).concat())
        };
        [origin, header].into_iter().chain(lines.iter().map(line)).map(|line| line + "\n").collect()
    }

    fn csv(&self) -> io::Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let scores = ["input_psnr", "input_ssim", "output_psnr", "output_ssim", "gain_psnr", "gain_ssim"];
        writer.write_record(["image", "width", "height"].into_iter().chain(scores).chain(["failed"]))?;
        let mut line = |name: &str, sides: [String; 2], figures: &Figures| {
            let [width, height] = sides;
            let figures = [figures.input, figures.output, figures.gain];
            let numbers =
                figures.into_iter().flat_map(|measured| [number(measured.psnr, 4), number(measured.ssim, 6)]);
            let cells = [name.to_owned(), width, height].into_iter().chain(numbers);
            writer.write_record(cells.chain([String::new()]))
        };
        for row in &self.rows {
            let sides = [row.width, row.height].map(|side| side.to_string());
            line(&row.name, sides, &Figures::new(row.before, row.after))?;
        }
        if let Some(mean) = self.mean() {
            line("mean", [String::new(), String::new()], &mean)?;
        }
        for Failed { name, reason } in &self.failed {
            let cells = std::iter::once(name.as_str()).chain([""; 8]).chain([reason.as_str()]);
            writer.write_record(cells)?;
        }
        let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }

    fn json(&self) -> io::Result<String> {
        let document = Document {
            task: self.task.name(),
            model: &self.model,
            protocol: self.protocol.name(),
            precision: self.precision.name(),
            mode: &self.mode,
            images: self.rows.iter().map(Image::of).collect(),
            mean: self.mean(),
            failed: &self.failed,
        };
        Ok(serde_json::to_string_pretty(&document)? + "\n")
    }
}

fn cells(figures: &Figures) -> [String; 6] {
    let Figures { input, output, gain } = figures;
    let decibels = |value: f64, sign| signed(value, 2, sign);
    let ssim = |value: f64, sign| signed(value, 4, sign);
    [
        decibels(input.psnr, false),
        decibels(output.psnr, false),
        decibels(gain.psnr, true),
        ssim(input.ssim, false),
        ssim(output.ssim, false),
        ssim(gain.ssim, true),
    ]
}

/// A cell of the table.
fn signed(value: f64, digits: usize, sign: bool) -> String {
    match (value.is_nan(), sign) {
        (true, _) => format!("{:>10}", "-"),
        (false, true) => format!("{value:>+10.digits$}"),
        (false, false) => format!("{value:>10.digits$}"),
    }
}

/// A field of the CSV; what is unknown is empty.
fn number(value: f64, digits: usize) -> String {
    if value.is_nan() { String::new() } else { format!("{value:.digits$}") }
}
