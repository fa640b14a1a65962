//! `mprnet inspect`: what a model is, and what it takes to run it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::inspect::{Counts, Memory, ModelReport, MultiplyAdds, Needs};
use crate::{Error, Shown};
use clap::Args;

use super::network::{lines, mib, parse_size, row};
use super::{Failure, dump, print, say};

/// Characters of a metadata value that are shown in text; some files carry pictures there.
const SHOWN: usize = 200;

#[derive(Args)]
pub(super) struct InspectArgs {
    /// Weights file (safetensors or PyTorch), or derain, denoise or deblur for the models in this program
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Size of the photo for which arithmetic and memory are given
    #[arg(long, value_name = "WxH", default_value = "256x256", value_parser = parse_size)]
    size: (u32, u32),
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &InspectArgs, quiet: bool) -> Result<(), Failure> {
    let report = ModelReport::of(&args.model, args.size)?;
    if !quiet {
        let unread = report.unread_features.as_ref();
        report.notice.iter().chain(unread).for_each(|note| say(format_args!("note: {note}")));
    }
    let text = if args.json { json(&report)? } else { Told(&report).text() };
    Ok(print(&text)?)
}

fn json(report: &ModelReport) -> Result<String, Error> {
    let unwritten = |source| Error::Io { action: "write to", path: "standard output".into(), source };
    dump::json(report).map_err(unwritten)
}

/// A report as text.
struct Told<'a>(&'a ModelReport);

impl Told<'_> {
    fn text(&self) -> String {
        [self.file(), self.arithmetic(), self.needs(), self.said()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn file(&self) -> String {
        let c = &self.0.configuration;
        let task = match self.0.task {
            Some(task) if self.0.task_presumed => format!("{task}, by its shapes; the file does not say"),
            task => task.unwrap_or("not stated").to_owned(),
        };
        let dtypes: Vec<&str> = self.0.dtypes.iter().map(String::as_str).collect();
        let calibrated = match self.0.largest_feature {
            Some(largest) => format!("calibrated; features reach {largest}"),
            None => "not calibrated; features are measured on the first photo".to_owned(),
        };
        let rows = [
            ("model", Shown(&self.0.model).to_string()),
            ("format", format!("{}, {}", self.0.format, dtypes.join(", "))),
            ("size", format!("{} bytes", self.0.bytes)),
            ("sha256", self.0.sha256.clone()),
            ("task", task),
            ("licence", self.0.license.as_deref().map_or("not stated".to_owned(), shown)),
            (
                "configuration",
                format!(
                    "n_feat {}, scale_unetfeats {}, scale_orsnetfeats {}, num_cab {}, reduction {}, pixel shuffle {}",
                    c.n_feat, c.scale_unetfeats, c.scale_orsnetfeats, c.num_cab, c.reduction, c.pixel_shuffle
                ),
            ),
            ("parameters", self.0.parameters.to_string()),
            ("f16", calibrated),
        ];
        lines(rows.map(|(name, value)| format!("{name:<15}{value}")))
    }

    fn arithmetic(&self) -> String {
        let MultiplyAdds { as_defined: defined, as_executed: executed } = &self.0.multiply_adds;
        let giga = |count: u64| format!("{:.1}", count as f64 * 1e-9);
        let title = format!("multiply-adds at {}x{}, G", self.0.size.width, self.0.size.height);
        let mut table = vec![row(&title, &"as defined", &"after passes")];
        let mut both = |name: &str, a: u64, b: u64| table.push(row(name, &giga(a), &giga(b)));
        for (stage, (&a, &b)) in defined.stages.iter().zip(&executed.stages).enumerate() {
            both(&format!("stage {}", stage + 1), a, b);
        }
        let of = |counts: &Counts, kind: &str| counts.kinds.get(kind).copied().unwrap_or(0);
        for kind in defined.kinds.keys().chain(executed.kinds.keys()).collect::<BTreeSet<_>>() {
            both(kind, of(defined, kind), of(executed, kind));
        }
        both("all", defined.total, executed.total);
        lines(table)
    }

    fn needs(&self) -> String {
        let Memory { f32: wide, f16: narrow } = &self.0.memory;
        let title = format!("memory at {}x{}, MiB", self.0.size.width, self.0.size.height);
        let both = |name: &str, of: &dyn Fn(&Needs) -> String| row(name, &of(wide), &of(narrow));
        lines([
            row(&title, &"f32", &"f16"),
            both("slots", &|n| n.slots.to_string()),
            both("tensors in slots", &|n| mib(n.slot_bytes)),
            both("peak of live tensors", &|n| mib(n.live_bytes)),
            both("weights, packed", &|n| mib(n.weight_bytes)),
        ])
    }

    fn said(&self) -> String {
        lines(self.0.metadata.iter().map(|(key, value)| format!("{}: {}", shown(key), shown(value))))
    }
}

/// Text of a file for a terminal: one line of bearable length, and nothing that steers the terminal.
fn shown(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = plain.take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        short += "...";
    }
    short
}
