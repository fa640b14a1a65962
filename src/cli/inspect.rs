//! `mprnet inspect`: what a model is, and what it takes to run it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::checkpoint::{self, Checkpoint};
use crate::graph::Graph;
use crate::model::{Arithmetic, Mode, Stage, Task, Weights};
use crate::plan::{MemoryPlan, Precision};
use crate::{Error, Shown};
use clap::Args;
use serde::Serialize;

use super::network::{BUFFER_MIB, Forms, build, lines, mib, packed_weights, parse_size, row};
use super::session::{embedded, open_model};
use super::{Failure, advise, print, say};

/// Characters of a metadata value that are shown in text; some files carry pictures there.
const SHOWN: usize = 200;

#[derive(Args)]
pub(super) struct InspectArgs {
    /// Weights: safetensors or a PyTorch checkpoint; or derain, denoise or deblur, which ship in this program
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The photo's size, for arithmetic and memory
    #[arg(long, value_name = "WxH", default_value = "256x256", value_parser = parse_size)]
    size: (u32, u32),
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

/// Everything that is told; the fields' names are those of the JSON, and stay.
#[derive(Serialize)]
struct Report {
    /// The file, or what else the weights came from.
    model: String,
    /// `safetensors`, `PyTorch (zip)` or `PyTorch (legacy)`.
    format: String,
    /// Of the whole file.
    bytes: u64,
    /// Of the whole file, in hexadecimal.
    sha256: String,
    /// Element types as stored: `F32`, `F16`, ...
    dtypes: BTreeSet<String>,
    /// `derain`, `denoise`, `deblur` or null.
    task: Option<&'static str>,
    /// The task is what the published network of this shape does; the file does not tell.
    task_presumed: bool,
    license: Option<String>,
    /// What to mind when using the model, or null.
    notice: Option<String>,
    configuration: Configuration,
    parameters: usize,
    /// The largest magnitude of a feature on the photos that it was calibrated with for f16, or null.
    largest_feature: Option<f32>,
    /// What the file says of itself.
    metadata: BTreeMap<String, String>,
    /// The photo.
    size: Size,
    multiply_adds: MultiplyAdds,
    /// By how tensors and weights are stored.
    memory: Memory,
}

#[derive(Serialize)]
struct Configuration {
    n_feat: u32,
    scale_unetfeats: u32,
    scale_orsnetfeats: u32,
    num_cab: u32,
    reduction: u32,
    pixel_shuffle: u32,
}

#[derive(Serialize)]
struct Size {
    width: u32,
    height: u32,
}

/// Multiply-adds of convolutions.
#[derive(Serialize)]
struct MultiplyAdds {
    /// By the paper, operator by operator.
    as_defined: Counts,
    /// After rewrites.
    as_executed: Counts,
}

#[derive(Serialize)]
struct Counts {
    total: u64,
    /// Of stages 1, 2 and 3.
    stages: [u64; 3],
    /// By kind of operator.
    kinds: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Memory {
    f32: Needs,
    f16: Needs,
}

/// Bytes on the device.
#[derive(Serialize)]
struct Needs {
    /// Buffers that tensors share.
    slots: usize,
    /// Of all slots.
    slot_bytes: u64,
    /// Alive at the worst step, which no plan can undercut.
    live_bytes: u64,
    /// Of weights and biases, as kernels read them.
    weight_bytes: u64,
}

pub(super) fn run(args: &InspectArgs, quiet: bool) -> Result<(), Failure> {
    let file = open_model(&args.model)?;
    let (bytes, sha256) = if let Some(task) = embedded(&args.model) {
        let bytes = Weights::embedded_file(task);
        (bytes.len() as u64, checkpoint::sha256_of([bytes]))
    } else {
        let path = &args.model;
        let io = |source| Error::Io { action: "read", path: path.clone(), source };
        (std::fs::metadata(path).map_err(io)?.len(), checkpoint::sha256(path)?)
    };
    let report = Report::of(&file, bytes, sha256, args, quiet)?;
    let text = if args.json { report.json()? } else { report.text() };
    Ok(print(&text)?)
}

impl Report {
    fn of(
        file: &Checkpoint<'_>,
        bytes: u64,
        sha256: String,
        args: &InspectArgs,
        quiet: bool,
    ) -> Result<Self, Error> {
        let weights = Weights::from_checkpoint(file)?;
        let provenance = weights.provenance();
        advise(&provenance, quiet);
        let peaks = weights.feature_peaks().unwrap_or_else(|error| {
            if !quiet {
                say(format_args!("note: {error}"));
            }
            None
        });
        let (width, height) = args.size;
        let forms = Forms::of(build(&weights, args.size, Stage::Three, Mode::Global)?)?;
        let needs = |precision| Needs::of(&forms.executed, precision);
        let config = weights.config();
        Ok(Self {
            model: file.origin().to_owned(),
            format: file.container().to_string(),
            bytes,
            sha256,
            dtypes: file.dtypes(),
            task: provenance.task.map(Task::name),
            task_presumed: provenance.presumed,
            notice: provenance.notice(),
            license: provenance.license,
            configuration: Configuration {
                n_feat: config.n_feat,
                scale_unetfeats: config.scale_unetfeats,
                scale_orsnetfeats: config.scale_orsnetfeats,
                num_cab: config.num_cab,
                reduction: config.reduction,
                pixel_shuffle: config.shuffle,
            },
            parameters: weights.parameter_count(),
            largest_feature: peaks.and_then(|peaks| Some(peaks.largest()?.1)),
            metadata: weights.metadata().clone(),
            size: Size { width, height },
            multiply_adds: MultiplyAdds {
                as_defined: Counts::of(&forms.defined),
                as_executed: Counts::of(&forms.executed),
            },
            memory: Memory { f32: needs(Precision::F32)?, f16: needs(Precision::F16)? },
        })
    }

    fn json(&self) -> Result<String, Error> {
        let unwritten = |e: serde_json::Error| Error::Io {
            action: "write to",
            path: "standard output".into(),
            source: e.into(),
        };
        serde_json::to_string_pretty(self).map(|text| text + "\n").map_err(unwritten)
    }

    fn text(&self) -> String {
        [self.file(), self.arithmetic(), self.needs(), self.said()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn file(&self) -> String {
        let c = &self.configuration;
        let task = match self.task {
            Some(task) if self.task_presumed => format!("{task}, by its shapes; the file does not say"),
            task => task.unwrap_or("not stated").to_owned(),
        };
        let dtypes: Vec<&str> = self.dtypes.iter().map(String::as_str).collect();
        let calibrated = match self.largest_feature {
            Some(largest) => format!("calibrated; features reach {largest}"),
            None => "not calibrated; features are measured on the first photo".to_owned(),
        };
        let rows = [
            ("model", Shown(&self.model).to_string()),
            ("format", format!("{}, {}", self.format, dtypes.join(", "))),
            ("size", format!("{} bytes", self.bytes)),
            ("sha256", self.sha256.clone()),
            ("task", task),
            ("licence", self.license.as_deref().map_or("not stated".to_owned(), shown)),
            (
                "configuration",
                format!(
                    "n_feat {}, scale_unetfeats {}, scale_orsnetfeats {}, num_cab {}, reduction {}, pixel shuffle {}",
                    c.n_feat, c.scale_unetfeats, c.scale_orsnetfeats, c.num_cab, c.reduction, c.pixel_shuffle
                ),
            ),
            ("parameters", self.parameters.to_string()),
            ("f16", calibrated),
        ];
        lines(rows.map(|(name, value)| format!("{name:<15}{value}")))
    }

    fn arithmetic(&self) -> String {
        let MultiplyAdds { as_defined: defined, as_executed: executed } = &self.multiply_adds;
        let giga = |count: u64| format!("{:.1}", count as f64 * 1e-9);
        let title = format!("multiply-adds at {}x{}, G", self.size.width, self.size.height);
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
        let Memory { f32: wide, f16: narrow } = &self.memory;
        let title = format!("memory at {}x{}, MiB", self.size.width, self.size.height);
        let both = |name: &str, of: &dyn Fn(&Needs) -> String| row(name, &of(wide), &of(narrow));
        lines([
            row(&title, &"f32", &"f16"),
            both("slots", &|n| n.slots.to_string()),
            both("tensors in slots", &|n| mib(n.slot_bytes)),
            both("alive at the worst step", &|n| mib(n.live_bytes)),
            both("weights, packed", &|n| mib(n.weight_bytes)),
        ])
    }

    fn said(&self) -> String {
        lines(self.metadata.iter().map(|(key, value)| format!("{}: {}", shown(key), shown(value))))
    }
}

impl Counts {
    fn of(graph: &Graph) -> Self {
        let counted = Arithmetic::of(graph);
        Self { total: counted.total(), stages: counted.stages, kinds: counted.kinds }
    }
}

impl Needs {
    fn of(graph: &Graph, precision: Precision) -> Result<Self, Error> {
        let plan = MemoryPlan::new(graph, precision, BUFFER_MIB << 20, &[])?;
        Ok(Self {
            slots: plan.slot_sizes().len(),
            slot_bytes: plan.bytes(),
            live_bytes: plan.live_bound(),
            weight_bytes: packed_weights(graph, precision),
        })
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
