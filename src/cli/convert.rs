//! `mprnet convert`: any checkpoint as a safetensors file that tells what it is.

use std::path::PathBuf;

use crate::checkpoint::{self, Checkpoint};
use crate::image::WriteOptions;
use crate::job::{self, Job};
use crate::model::{Export, Source, Task, Weights};
use crate::plan::Precision;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::{Failure, advise, dump, parse_task, say};

#[derive(Args)]
pub(super) struct ConvertArgs {
    /// Weights: safetensors or a PyTorch checkpoint (.pth, .pt)
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The file to write
    #[arg(value_name = "OUT.safetensors")]
    output: PathBuf,
    /// Stores values in 16 bits, at half the size
    #[arg(long)]
    f16: bool,
    /// What the model removes: derain, denoise or deblur; without it as IN has it
    #[arg(long, value_parser = parse_task)]
    task: Option<Task>,
    /// The terms of its use; without it as IN has them
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    license: Option<String>,
    /// What it is called; without it as IN has it, else by its configuration
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    title: Option<String>,
}

pub(super) fn run(args: &ConvertArgs, quiet: bool) -> Result<(), Failure> {
    dump::check_safetensors(&args.output)?;
    let job = Job::of_files(args.input.clone(), args.output.clone(), WriteOptions::default());
    job::check_distinct(&[job], &[], &[])?;
    dump::check(&args.output)?;
    let file = Checkpoint::open(&args.input)?;
    let weights = Weights::from_checkpoint(&file)?;
    // Whoever states the licence needs no guess at it.
    if args.license.is_none() {
        advise(&weights.provenance(), quiet);
    }
    let export = Export {
        precision: if args.f16 { Precision::F16 } else { Precision::F32 },
        task: args.task,
        license: args.license.clone(),
        title: args.title.clone(),
        peaks: None,
        source: Some(Source { sha256: checkpoint::sha256(&args.input)?, format: file.container().family() }),
    };
    dump::write_whole(&args.output, &weights.to_safetensors(&export)?)?;
    if !quiet {
        say(format_args!("{} -> {}", args.input.display(), args.output.display()));
    }
    Ok(())
}
