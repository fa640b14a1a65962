//! `mprnet convert`: any checkpoint as a safetensors file that tells what it is.

use std::path::PathBuf;

use crate::job;
use crate::model::{Export, Task};
use crate::plan::Precision;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::{Failure, advise, parse_task, say};

#[derive(Args)]
pub(super) struct ConvertArgs {
    /// Weights file: safetensors or PyTorch (.pth, .pt)
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The file to write
    #[arg(value_name = "OUT.safetensors")]
    output: PathBuf,
    /// Stores values as 16-bit floats, at half the size
    #[arg(long)]
    f16: bool,
    /// The model's task: derain, denoise or deblur; default: as stated in IN
    #[arg(long, value_parser = parse_task)]
    task: Option<Task>,
    /// The model's licence; default: as stated in IN
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    license: Option<String>,
    /// The model's title; default: as stated in IN, else made from its configuration
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    title: Option<String>,
}

pub(super) fn run(args: &ConvertArgs, quiet: bool) -> Result<(), Failure> {
    let export = Export {
        precision: if args.f16 { Precision::F16 } else { Precision::F32 },
        task: args.task,
        license: args.license.clone(),
        title: args.title.clone(),
        ..Export::default()
    };
    let weights = job::convert(&args.input, &args.output, export)?;
    // Whoever states the licence needs no guess at it.
    if args.license.is_none() {
        advise(&weights.provenance(), quiet);
    }
    if !quiet {
        say(format_args!("{} -> {}", args.input.display(), args.output.display()));
    }
    Ok(())
}
