//! Everything that a profile tells, whatever it is written as.

use std::collections::BTreeMap;

use crate::Span;
use crate::gpu::AdapterSummary;
use crate::gpu::Clock;
use crate::plan::Precision;
use crate::probe::{Ceiling, Demand, Resource, Roof};
use serde::Serialize;

use crate::cli::date;

/// A profile; the fields' names are those of the JSON, and stay.
#[derive(Serialize)]
pub(super) struct Report {
    /// The version of this program.
    pub(super) mprnet: &'static str,
    /// UTC.
    pub(super) date: String,
    pub(super) adapter: Adapter,
    /// The file, or what else the weights came from.
    pub(super) model: String,
    pub(super) configuration: String,
    pub(super) precision: &'static str,
    /// The photo.
    pub(super) width: u32,
    pub(super) height: u32,
    /// The photo that this is one tile of, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tile_of: Option<(u32, u32)>,
    /// Bands of rows of all groups of operators, if the photo was restored in bands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bands: Option<usize>,
    /// Runs of which this is the fastest; 0 where nothing was run.
    pub(super) runs: u32,
    /// What times were read from.
    pub(super) clock: Clock,
    /// Of all operators.
    pub(super) seconds: f64,
    pub(super) ceilings: Vec<Ceiling>,
    /// By kind of operator, longest first.
    pub(super) kinds: Vec<Kind>,
    /// In order of execution.
    pub(super) operators: Vec<Operator>,
    /// Stages of operators, in order of execution.
    pub(super) spans: Vec<Stage>,
}

#[derive(Serialize)]
pub(super) struct Adapter {
    pub(super) name: String,
    pub(super) backend: String,
    pub(super) driver: String,
}

/// What is profiled.
pub(super) struct Subject {
    pub(super) model: String,
    pub(super) configuration: String,
    pub(super) precision: Precision,
    pub(super) size: (u32, u32),
    /// The photo of which this is a part, or all.
    pub(super) whole: (u32, u32),
    pub(super) bands: Option<usize>,
    pub(super) runs: u32,
}

/// All operators of a kind.
#[derive(Serialize)]
pub(super) struct Kind {
    pub(super) op: &'static str,
    /// How many there are.
    pub(super) operators: usize,
    #[serde(flatten)]
    pub(super) totals: Totals,
    #[serde(flatten)]
    pub(super) rates: Rates,
}

#[derive(Serialize)]
pub(super) struct Operator {
    pub(super) node: usize,
    pub(super) op: &'static str,
    pub(super) tensor: String,
    /// `[channels, height, width]`.
    pub(super) inputs: Vec<[u32; 3]>,
    pub(super) outputs: Vec<[u32; 3]>,
    #[serde(flatten)]
    pub(super) totals: Totals,
    #[serde(flatten)]
    pub(super) rates: Rates,
}

#[derive(Serialize)]
pub(super) struct Stage {
    #[serde(flatten)]
    pub(super) span: Span,
    #[serde(flatten)]
    pub(super) rates: Rates,
}

/// Sums over spans.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Totals {
    pub(super) dispatches: usize,
    /// Multiply-adds of sums as they are defined.
    pub(super) multiply_adds: u64,
    /// Multiply-adds that were executed for them.
    pub(super) executed: u64,
    /// Of tensors and weights, each counted once.
    pub(super) bytes: u64,
    /// Of scratch memory between stages.
    pub(super) scratch_bytes: u64,
}

/// What spans took, and how that compares with what the adapter can do.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Rates {
    pub(super) seconds: f64,
    /// Of the time of all operators.
    pub(super) share: f64,
    /// Floating-point operations executed, two for a multiply-add.
    pub(super) flops: f64,
    /// The same, had every sum been computed as it is defined.
    pub(super) direct_flops: f64,
    /// Scratch memory included.
    pub(super) bytes_per_second: f64,
    /// Floating-point operations executed for each byte, without scratch memory.
    pub(super) intensity: f64,
    /// The ceiling that bounds most of the work; none where it is not known.
    pub(super) bound: Option<&'static str>,
    /// The least time that the ceilings allow, of the time taken.
    pub(super) of_ceiling: Option<f64>,
}

impl Totals {
    fn of(spans: &[&Span]) -> Self {
        spans.iter().fold(Self::default(), |sum, span| Self {
            dispatches: sum.dispatches + span.dispatches,
            multiply_adds: sum.multiply_adds + span.multiply_adds,
            executed: sum.executed + span.executed,
            bytes: sum.bytes + span.bytes,
            scratch_bytes: sum.scratch_bytes + span.scratch_bytes,
        })
    }
}

/// A quotient, or nothing of nothing: a clock may be too coarse for an operator.
fn per(amount: f64, of: f64) -> f64 {
    if of > 0.0 { amount / of } else { 0.0 }
}

impl Rates {
    fn of(spans: &[&Span], roof: &Roof, all: f64) -> Self {
        let totals = Totals::of(spans);
        let seconds = spans.iter().map(|span| span.seconds()).sum();
        let flops = 2.0 * totals.executed as f64;
        let least = least_times(spans, roof);
        let bounding = least.iter().flatten().max_by(|a, b| a.1.total_cmp(b.1));
        Self {
            seconds,
            share: per(seconds, all),
            flops: per(flops, seconds),
            direct_flops: per(2.0 * totals.multiply_adds as f64, seconds),
            bytes_per_second: per((totals.bytes + totals.scratch_bytes) as f64, seconds),
            intensity: per(flops, totals.bytes as f64),
            bound: bounding.map(|(resource, _)| resource.name()),
            of_ceiling: least.as_ref().map(|least| per(least.values().sum(), seconds)),
        }
    }
}

/// The least time that spans could take, by what bounds each; none where a ceiling is not known.
fn least_times(spans: &[&Span], roof: &Roof) -> Option<BTreeMap<Resource, f64>> {
    let mut least = BTreeMap::new();
    for span in spans {
        let demand = Demand { multiply_adds: span.executed, matrices: span.matrices, bytes: span.bytes };
        let limit = roof.limit(demand)?;
        *least.entry(limit.resource).or_insert(0.0) += limit.seconds;
    }
    Some(least)
}

impl Report {
    pub(super) fn new(
        adapter: &AdapterSummary,
        subject: Subject,
        spans: Vec<Span>,
        ceilings: Vec<Ceiling>,
    ) -> Self {
        let roof = Roof::new(&ceilings);
        let all: f64 = spans.iter().map(Span::seconds).sum();
        let operators: Vec<&[Span]> = spans.chunk_by(|a, b| a.node == b.node).collect();
        let operators = operators.into_iter().map(|stages| Operator::of(stages, &roof, all)).collect();
        Self {
            mprnet: env!("CARGO_PKG_VERSION"),
            date: date::now(),
            adapter: Adapter {
                name: adapter.name.clone(),
                backend: adapter.backend.to_string(),
                driver: adapter.driver.clone(),
            },
            model: subject.model,
            configuration: subject.configuration,
            precision: subject.precision.name(),
            width: subject.size.0,
            height: subject.size.1,
            tile_of: Some(subject.whole).filter(|whole| *whole != subject.size),
            bands: subject.bands,
            runs: subject.runs,
            clock: spans.first().map_or(Clock::Wall, |span| span.clock),
            seconds: all,
            kinds: kinds(&spans, &roof, all),
            ceilings,
            operators,
            spans: spans.into_iter().map(|span| Stage::of(span, &roof, all)).collect(),
        }
    }

    /// Operators, longest first.
    pub(super) fn longest(&self) -> Vec<&Operator> {
        let mut operators: Vec<&Operator> = self.operators.iter().collect();
        operators.sort_by(|a, b| b.rates.seconds.total_cmp(&a.rates.seconds));
        operators
    }

    /// What was profiled on what, a line each.
    pub(super) fn heading(&self) -> [(&'static str, String); 5] {
        let Adapter { name, backend, driver } = &self.adapter;
        let clock = match self.clock {
            Clock::Timestamps => "the adapter's, between operators of one pass",
            Clock::PassTimestamps => "the adapter's, around a pass for each stage",
            Clock::Wall => "the host's, around a submission for each stage: submitting and waiting included",
        };
        let Self { width, height, precision, .. } = self;
        let measured = match self.runs {
            0 => {
                format!("{} by mprnet {}: nothing, this is what a run would execute", self.date, self.mprnet)
            }
            runs => format!("{} by mprnet {}; the fastest of {runs} runs", self.date, self.mprnet),
        };
        let tile = self.tile_of.map(|(width, height)| format!("; one tile of {width}x{height}"));
        let bands = self.bands.map(|bands| format!("; in {bands} bands, whose transfers do not count"));
        let parts = [tile, bands].map(Option::unwrap_or_default).concat();
        [
            ("model", format!("{} ({})", self.model, self.configuration)),
            ("photo", format!("{width}x{height}, {precision}{parts}")),
            ("adapter", format!("{name}, {backend}, driver {driver}")),
            ("measured", measured),
            ("clock", clock.to_owned()),
        ]
    }
}

impl Operator {
    fn of(stages: &[Span], roof: &Roof, all: f64) -> Self {
        let (first, spans) = (&stages[0], stages.iter().collect::<Vec<_>>());
        Self {
            node: first.node,
            op: first.op,
            tensor: first.tensor.clone(),
            inputs: first.inputs.clone(),
            outputs: first.outputs.clone(),
            totals: Totals::of(&spans),
            rates: Rates::of(&spans, roof, all),
        }
    }

    /// `16x64x64`, of the first result.
    pub(super) fn shape(&self) -> String {
        self.outputs.first().map_or(String::new(), |[c, h, w]| format!("{c}x{h}x{w}"))
    }
}

impl Stage {
    fn of(span: Span, roof: &Roof, all: f64) -> Self {
        let rates = Rates::of(&[&span], roof, all);
        Self { span, rates }
    }
}

fn kinds(spans: &[Span], roof: &Roof, all: f64) -> Vec<Kind> {
    let mut by_kind: BTreeMap<&'static str, Vec<&Span>> = BTreeMap::new();
    spans.iter().for_each(|span| by_kind.entry(span.op).or_default().push(span));
    let kind = |(op, spans): (&'static str, Vec<&Span>)| Kind {
        op,
        operators: spans.iter().filter(|span| span.stage == 0).count(),
        totals: Totals::of(&spans),
        rates: Rates::of(&spans, roof, all),
    };
    let mut kinds: Vec<Kind> = by_kind.into_iter().map(kind).collect();
    kinds.sort_by(|a, b| b.rates.seconds.total_cmp(&a.rates.seconds));
    kinds
}

#[cfg(test)]
mod tests {
    use crate::Interval;
    use crate::gpu::Device;

    use super::*;

    fn span(node: usize, stage: usize, multiply_adds: u64, bytes: u64, seconds: f64) -> Span {
        Span {
            node,
            op: "conv3x3",
            tensor: format!("t{node}"),
            stage,
            kernel: "k".to_owned(),
            inputs: vec![[1, 2, 3]],
            outputs: vec![[1, 2, 3]],
            multiply_adds: 4 * multiply_adds,
            executed: multiply_adds,
            matrices: false,
            bytes,
            scratch_bytes: 10 * bytes,
            clock: Clock::Timestamps,
            dispatches: 2,
            workgroups: 6,
            grid: [3, 1, 1],
            intervals: vec![Interval { start: 1.0, end: 1.0 + seconds }],
        }
    }

    fn ceiling(resource: Resource, used: f64) -> Ceiling {
        let (vendor, source, note) = (None, None, None);
        Ceiling {
            resource,
            unit: resource.unit(),
            measured: Some(used),
            vendor,
            source,
            used: Some(used),
            note,
        }
    }

    fn report(spans: Vec<Span>, ceilings: Vec<Ceiling>) -> Report {
        let (model, configuration) = (String::new(), String::new());
        let subject = Subject {
            model,
            configuration,
            precision: Precision::F32,
            size: (3, 2),
            whole: (30, 20),
            bands: Some(4),
            runs: 1,
        };
        let device = Device::noop(wgpu::Limits::default(), wgpu::Features::empty()).unwrap();
        Report::new(device.adapter(), subject, spans, ceilings)
    }

    #[test]
    fn rates_are_held_against_what_bounds_each_stage() {
        let ceilings = vec![ceiling(Resource::F32, 1000.0), ceiling(Resource::Memory, 100.0)];
        // A transform of 200 bytes: 2 s at least. Products of 2 x 4000: 8 s at least.
        let spans = vec![span(0, 0, 0, 200, 4.0), span(0, 1, 4000, 100, 16.0), span(1, 0, 0, 100, 5.0)];
        let report = report(spans, ceilings);
        assert_eq!(
            report.heading()[1].1,
            "3x2, f32; one tile of 30x20; in 4 bands, whose transfers do not count"
        );
        let operator = &report.operators[0];
        assert_eq!((report.operators.len(), report.seconds, operator.totals.dispatches), (2, 25.0, 4));
        assert_eq!((operator.rates.seconds, operator.rates.share), (20.0, 0.8));
        assert_eq!((operator.rates.flops, operator.rates.direct_flops), (400.0, 1600.0));
        assert_eq!((operator.rates.bytes_per_second, operator.rates.intensity), (165.0, 8000.0 / 300.0));
        assert_eq!((operator.rates.bound, operator.rates.of_ceiling), (Some("f32"), Some(0.5)));
        assert_eq!(
            (report.operators[1].rates.bound, report.operators[1].rates.of_ceiling),
            (Some("memory"), Some(0.2))
        );
        assert_eq!((report.kinds[0].operators, report.kinds[0].rates.of_ceiling), (2, Some(11.0 / 25.0)));
        assert_eq!(report.longest()[0].node, 0);
    }

    #[test]
    fn without_ceilings_or_time_there_are_no_quotients() {
        let report = report(vec![span(0, 0, 5, 5, 0.0)], vec![ceiling(Resource::F32, 1000.0)]);
        let rates = report.operators[0].rates;
        assert_eq!((rates.share, rates.flops, rates.bytes_per_second), (0.0, 0.0, 0.0));
        assert_eq!((rates.bound, rates.of_ceiling), (None, None));
    }
}
