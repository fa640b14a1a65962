//! Single kernels: every variant of one, checked against the CPU twin and timed.

use crate::gpu::{self, Device};
use crate::graph::cost;
use crate::kernels::{Choices, ConvShape, Target, Variant};
use crate::plan::{Layout, Precision};
use crate::specimen::{self, Specimen};
use crate::{Error, ExecutorOptions};
use clap::ValueEnum;
use serde_json::{Value, json};

use super::race::{self, Runner};
use super::report::{Cell, Row};
use super::{BenchArgs, Measured, Unmeasured, VariantArg};
use crate::cli::{Failure, report};

/// Sides of the crop that the twin computes: whole cells and parts of some.
const CROP: u32 = 27;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum KernelArg {
    /// A 3x3 convolution with biases and PReLU, with as many output as input channels
    Conv3x3,
    /// A 1x1 convolution with biases
    Conv1x1,
    /// gate * r + x, the end of channel attention
    Gate,
    /// Sums per cell of 8x8 pixels, the start of channel attention
    PoolCells,
}

impl KernelArg {
    fn name(self) -> &'static str {
        match self {
            Self::Conv3x3 => "conv3x3",
            Self::Conv1x1 => "conv1x1",
            Self::Gate => "gate",
            Self::PoolCells => "pool_cells",
        }
    }

    pub(super) fn specimen(self, channels: u32, size: [u32; 2]) -> Result<Specimen, Error> {
        match self {
            Self::Conv3x3 => Specimen::convolution(&convolution(channels, size)),
            Self::Conv1x1 => Specimen::pointwise(channels, size),
            Self::Gate => Specimen::gate(channels, size),
            Self::PoolCells => Specimen::pool_cells(channels, size),
        }
    }

    /// Whether it has variants.
    pub(super) fn varies(self) -> bool {
        matches!(self, Self::Conv3x3)
    }

    /// The variants to be measured.
    fn variants(self, args: &BenchArgs) -> Vec<VariantArg> {
        if self.varies() {
            VariantArg::expand(&args.variant, VariantArg::All)
        } else {
            vec![VariantArg::Auto]
        }
    }
}

/// Refuses what no buffer of the device holds, before anything is measured.
pub(super) fn check_sizes(device: &Device, args: &BenchArgs) -> Result<(), Failure> {
    let limit = device.wgpu().limits().max_buffer_size;
    for &channels in args.channels() {
        for &(width, height) in &args.size {
            let factors = [channels, width, height, size_of::<f32>() as u32];
            let bytes = factors.map(u128::from).iter().product::<u128>();
            if bytes > u128::from(limit) {
                return Err(Failure::Usage(format!(
                    "{channels} channels of {width}x{height} pixels take {} MiB, and a buffer of the device holds {}",
                    bytes >> 20,
                    limit >> 20
                )));
            }
        }
    }
    Ok(())
}

fn convolution(channels: u32, size: [u32; 2]) -> ConvShape {
    let (inputs, patches) = (vec![channels], [1, 1]);
    ConvShape { inputs, outputs: channels, size, patches, epilogue: "prelu", pooled: false }
}

/// A kernel at one size and precision.
pub(super) struct Subject<'a> {
    pub(super) device: &'a gpu::Device,
    pub(super) kernel: KernelArg,
    pub(super) channels: u32,
    pub(super) size: (u32, u32),
    pub(super) precision: Precision,
    pub(super) variant: VariantArg,
    /// What it is called in its row.
    pub(super) name: String,
}

/// With a subject's relative L2 error.
pub(super) type Outcome<'a> = race::Outcome<'a, f64>;

pub(super) fn run(args: &BenchArgs, kernel: KernelArg, quiet: bool) -> Measured {
    let device = args.device.open(quiet)?;
    let mut rows = Vec::new();
    let mut worst = None;
    check_sizes(&device, args)?;
    for &channels in args.channels() {
        for &size in &args.size {
            for precision in args.precision.iter().map(|p| p.precision()) {
                let subject = |variant: VariantArg| Subject {
                    device: &device,
                    kernel,
                    channels,
                    size,
                    precision,
                    variant,
                    name: variant.name().to_owned(),
                };
                let subjects: Vec<_> = kernel.variants(args).into_iter().map(subject).collect();
                if args.rounds == 0 {
                    for subject in &subjects {
                        rows.push(subject.outline()?);
                    }
                    continue;
                }
                let outcomes = subjects.iter().map(Subject::prepare).collect();
                let (measured, code) = measure(&subjects, outcomes, usize::from(args.rounds), quiet)?;
                rows.extend(measured);
                worst = worst.max(code);
            }
        }
    }
    Ok((rows, worst))
}

/// Rows of subjects of one shape, measured in turn, and the worst exit code of what went wrong with them.
pub(super) fn measure(
    subjects: &[Subject<'_>],
    mut outcomes: Vec<Outcome<'_>>,
    rounds: usize,
    quiet: bool,
) -> Result<(Vec<Row>, Option<u8>), Failure> {
    race::run(&mut outcomes, rounds, quiet);
    let first = outcomes.iter().find_map(|o| o.as_ref().ok()?.0.median());
    let mut rows = Vec::new();
    let mut worst = None;
    for (subject, outcome) in subjects.iter().zip(&outcomes) {
        rows.push(subject.row(outcome, first)?);
        worst = worst.max(subject.verdict(outcome));
    }
    Ok((rows, worst))
}

impl<'a> Subject<'a> {
    /// Compiles it and compares it with the twin.
    pub(super) fn prepare(&self) -> Outcome<'a> {
        self.variant.check(&Target::of(self.device, self.precision))?;
        let choices = self.variant.choices().unwrap_or_default();
        let options = ExecutorOptions { precision: self.precision, choices, ..ExecutorOptions::default() };
        let (width, height) = self.size;
        let whole = self.kernel.specimen(self.channels, [height, width])?;
        let runner = Runner::new(self.device, None, || whole.executor(self.device, &options))?;
        let crop = self.kernel.specimen(self.channels, [height.min(CROP), width.min(CROP)])?;
        Ok((runner, crop.error(self.device, &options)?))
    }

    /// The error that it may have.
    fn bound(&self) -> f64 {
        let used = match self.variant {
            VariantArg::Named(variant) => variant,
            // Other kernels are direct sums.
            _ if self.kernel != KernelArg::Conv3x3 => Variant::Block,
            _ => {
                let shape = convolution(self.channels, [self.size.1, self.size.0]);
                Choices::Rule.variant(&shape, &Target::of(self.device, self.precision))
            }
        };
        specimen::bound(used, self.device.storage(self.precision))
    }

    /// What it is, on what.
    fn named(&self) -> Row {
        let (width, height) = self.size;
        let text = |text: &str| Cell::Text(text.to_owned());
        let mut row: Row = vec![
            ("kernel", text(self.kernel.name())),
            ("channels", Cell::Count(u64::from(self.channels))),
            ("size", Cell::Text(format!("{width}x{height}"))),
            ("precision", text(self.precision.name())),
            ("variant", text(&self.name)),
        ];
        row.extend(super::adapter(self.device));
        row
    }

    /// What would be executed, compiled and not run: the spans that `profile` has, without times.
    fn outline(&self) -> Result<Row, Error> {
        let compiled = || -> Result<_, Unmeasured> {
            self.variant.check(&Target::of(self.device, self.precision))?;
            let slice = Some(u64::MAX);
            let choices = self.variant.choices().unwrap_or_default();
            let options = ExecutorOptions { precision: self.precision, choices, slice, ..Default::default() };
            let (width, height) = self.size;
            let whole = self.kernel.specimen(self.channels, [height, width])?;
            Ok(whole.executor(self.device, &options)?.outline())
        };
        let (stages, verdict) = match compiled() {
            Ok(spans) => (json!(spans), "not run".to_owned()),
            Err(Unmeasured::Failed(error)) => return Err(error),
            Err(reason) => (Value::Null, format!("not used: {reason}")),
        };
        let mut row = self.named();
        row.extend([("stages", Cell::Data(stages)), ("verdict", Cell::Text(verdict))]);
        Ok(row)
    }

    fn row(&self, outcome: &Outcome<'_>, first: Option<f64>) -> Result<Row, Error> {
        let mut row = self.named();
        let known = outcome.as_ref().ok();
        row.extend(known.map_or_else(Runner::no_cells, |(runner, _)| runner.cells()));
        let seconds = known.and_then(|(runner, _)| runner.median());
        let (operations, bytes) = self.cost()?;
        let rate = |amount: f64| seconds.filter(|_| amount > 0.0).map(|seconds| amount / seconds * 1e-9);
        row.push(("gflops_direct", Cell::number(rate(operations), 1)));
        row.push(("gb_per_s", Cell::number(rate(bytes), 1)));
        row.push(("speedup", Cell::number(first.zip(seconds).map(|(first, own)| first / own), 2)));
        row.push(("error", known.map_or(Cell::None, |(_, error)| Cell::Error(*error))));
        row.push(("bound", Cell::Error(self.bound())));
        let verdict = match outcome {
            Ok((_, error)) if self.right(*error) => "right".to_owned(),
            Ok(_) => "WRONG".to_owned(),
            Err(reason @ Unmeasured::Refused(_)) => format!("not used: {reason}"),
            Err(Unmeasured::Failed(error)) => format!("failed: {error}"),
        };
        row.push(("verdict", Cell::Text(verdict)));
        Ok(row)
    }

    /// Whether an error is within the bound.
    fn right(&self, error: f64) -> bool {
        error <= self.bound()
    }

    /// Operations of a direct computation, and bytes read and written.
    fn cost(&self) -> Result<(f64, f64), Error> {
        let specimen = self.kernel.specimen(self.channels, [self.size.1, self.size.0])?;
        let (graph, node) = (specimen.graph(), &specimen.graph().nodes()[0]);
        let bytes = cost::bytes(node, |id| Layout::of(&graph.desc(id), self.precision).bytes());
        Ok((2.0 * cost::multiply_adds(graph, node) as f64, bytes as f64))
    }

    /// Says what is wrong; its exit code. That a variant is none for this adapter is not wrong.
    fn verdict(&self, outcome: &Outcome<'_>) -> Option<u8> {
        match outcome {
            Ok((_, error)) if self.right(*error) => None,
            Ok((_, error)) => {
                let (kernel, name, bound) = (self.kernel.name(), &self.name, self.bound());
                report(&format_args!(
                    "{kernel} {name} gives wrong results at {} channels: relative L2 error {error:.1e}, more than {bound:.0e}",
                    self.channels
                ));
                Some(1)
            }
            Err(reason) => reason.tell(),
        }
    }
}
