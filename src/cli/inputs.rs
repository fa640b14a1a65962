//! Which photos are restored, and where to.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use crate::image::WriteOptions;
use crate::job::{Existing, Jobs, Place, Request};
use crate::pool::PoolOptions;
use clap::Args;

use super::{Failure, dump, patterns};

/// Photos, and what they become.
#[derive(Args)]
pub(super) struct InputArgs {
    /// Photos to restore, directories of photos, or - for standard input
    #[arg(value_name = "IN", required_unless_present_any = ["named", "y4m"])]
    inputs: Vec<PathBuf>,
    /// The same as IN, for callers of realesrgan-ncnn-vulkan
    #[arg(short = 'i', long = "input", value_name = "IN")]
    named: Vec<PathBuf>,
    /// Required: the restored photo; for several photos or a directory, the output directory, which is created if missing; or -
    /// for standard output
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Includes subdirectories, and writes the same tree
    #[arg(short, long)]
    pub(super) recursive: bool,
    /// Text to add to file names in the output directory, before the extension
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    suffix: String,
    #[command(flatten)]
    existing: ExistingArgs,
    /// Numbers of threads that read and that write photos; PROC is accepted for compatibility and ignored
    #[arg(short = 'j', value_name = "LOAD:PROC:SAVE", value_parser = parse_threads, default_value = "1:2:2")]
    threads: Threads,
    /// Prints what would be written, and does nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// What becomes of outputs that are there already.
#[derive(Args)]
struct ExistingArgs {
    /// Skips photos whose outputs already exist
    #[arg(long, conflicts_with = "overwrite")]
    skip_existing: bool,
    /// Replaces existing files in the output directory; a single named output is always replaced
    #[arg(long)]
    overwrite: bool,
}

impl ExistingArgs {
    fn existing(&self) -> Existing {
        match (self.skip_existing, self.overwrite) {
            (true, _) => Existing::Skip,
            (false, true) => Existing::Replace,
            (false, false) => Existing::Refuse,
        }
    }
}

/// Threads that read photos, and that write them.
#[derive(Clone, Copy)]
struct Threads([usize; 2]);

/// PROC may be a list, of one number for each GPU.
fn parse_threads(text: &str) -> Result<Threads, String> {
    let count = |text: &str| text.parse::<u8>().ok().filter(|&count| count > 0).map(usize::from);
    let parsed = || {
        let [load, proc, save] = text.split(':').collect::<Vec<_>>()[..] else { return None };
        proc.split(',').all(|text| count(text).is_some()).then_some(())?;
        Some(Threads([count(load)?, count(save)?]))
    };
    parsed().ok_or_else(|| "LOAD:PROC:SAVE is expected, such as 1:2:2, each from 1 to 255".to_owned())
}

impl InputArgs {
    /// What is to be done; nothing has been written or changed yet.
    pub(super) fn plan(
        &self,
        write: WriteOptions,
        also_read: Vec<&Path>,
        also_written: Vec<&Path>,
    ) -> Result<Jobs, Failure> {
        let inputs = patterns::expand(&[self.inputs.as_slice(), &self.named].concat())?;
        let request = Request {
            inputs,
            output: &self.output,
            recursive: self.recursive,
            suffix: &self.suffix,
            existing: self.existing.existing(),
            write,
            also_read,
            also_written,
        };
        let jobs = request.plan()?;
        if !self.dry_run
            && io::stdout().is_terminal()
            && jobs.jobs.iter().any(|job| job.output == Place::Output)
        {
            let text =
                "standard output is a terminal, which shows no photos; redirect it to a file or a program";
            return Err(Failure::Usage(text.to_owned()));
        }
        Ok(jobs)
    }

    /// How photos are shared among threads. They are told of in the order of their names.
    pub(super) fn pool(&self) -> PoolOptions {
        let Threads([loaders, savers]) = self.threads;
        PoolOptions { loaders, savers, ordered: true, ..PoolOptions::default() }
    }

    /// Where they go.
    pub(super) fn output(&self) -> &Path {
        &self.output
    }

    /// Whether what is in an output directory already is an error.
    pub(super) fn refuses_existing(&self) -> bool {
        matches!(self.existing.existing(), Existing::Refuse)
    }

    /// Whether photos go to standard output.
    pub(super) fn to_stream(&self) -> bool {
        dump::is_standard(&self.output)
    }
}
