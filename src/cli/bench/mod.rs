//! `mprnet bench`: how fast networks and kernels are on an adapter.

mod clock;
mod serve;
mod workload;

use std::path::PathBuf;

use clap::Args;
use mprnet::kernels::{Choices, Variant};

use super::session::DeviceArgs;
use super::{Failure, PrecisionArg};
use workload::Kind;

#[derive(Args)]
pub(super) struct BenchArgs {
    /// Storage of activations and weights
    #[arg(long, value_enum, value_delimiter = ',', default_value = "f32")]
    precision: Vec<PrecisionArg>,
    /// How 3x3 convolutions are computed: `auto`, or the name of a variant
    #[arg(long, value_delimiter = ',', default_value = "auto", value_parser = VariantArg::parse)]
    variant: Vec<VariantArg>,
    /// Weights, safetensors or PyTorch
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    serve: ServeArgs,
}

/// What a program that compares engines gives.
#[derive(Args)]
#[group(id = "served")]
struct ServeArgs {
    /// Answers {"cmd": "run"} on standard input with the seconds of one inference, line by line, until it ends
    #[arg(long, requires_all = ["workload", "input", "output"])]
    serve: bool,
    /// With --serve: what is computed
    #[arg(long, value_enum, requires = "serve")]
    workload: Option<Kind>,
    /// With --serve: a safetensors file of the input `x`, [1, channels, height, width], and of a convolution's or block's
    /// parameters
    #[arg(long, value_name = "IN.safetensors", requires = "serve")]
    input: Option<PathBuf>,
    /// With --serve: where the output `y` is written
    #[arg(long, value_name = "OUT.safetensors", requires = "serve")]
    output: Option<PathBuf>,
}

/// How the variant of a convolution is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum VariantArg {
    /// The one that this adapter is given.
    Auto,
    Named(Variant),
}

impl VariantArg {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        Variant::named(text).map(Self::Named).ok_or_else(|| {
            let known: Vec<&str> = Variant::ALL.iter().map(|v| v.name()).collect();
            format!("auto or one of {} is expected", known.join(", "))
        })
    }

    fn choices(self) -> Choices {
        match self {
            Self::Auto => Choices::Heuristic,
            Self::Named(variant) => Choices::Always(variant),
        }
    }
}

pub(super) fn run(args: &BenchArgs, quiet: bool) -> Result<(), Failure> {
    serve::run(args, quiet)
}
