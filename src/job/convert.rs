//! A checkpoint that becomes a safetensors file.

use std::path::Path;

use super::{Job, check_distinct};
use crate::checkpoint::{self, Checkpoint};
use crate::image::WriteOptions;
use crate::model::{Export, Source, Weights};
use crate::output::{self, Output};
use crate::{Error, Result, Shown};

/// Writes the weights of a file, safetensors or PyTorch's, as a safetensors file that tells what it is, and gives them.
/// [`Export::source`] becomes the file's digest and format. What processes that were killed have left beside the output
/// goes ([`output::remove_leftovers`]).
///
/// # Errors
/// [`Error::Jobs`] where the output has another extension or is the input; [`Error::Io`], [`Error::WeightsFile`] or
/// [`Error::Weights`] where the input is no model; [`Error::Values`] where values are past the range of f16;
/// [`Error::Unwritable`].
pub fn convert(input: &Path, output: &Path, export: Export) -> Result<Weights> {
    check_safetensors(output)?;
    let job = Job::of_files(input.to_owned(), output.to_owned(), WriteOptions::default());
    check_distinct(&[job], &[], &[])?;
    let _removed = output::remove_leftovers(output::directory(output));
    drop(Output::create(output)?);
    let file = Checkpoint::open(input)?;
    let weights = Weights::from_checkpoint(&file)?;
    let source = Source { sha256: checkpoint::sha256(input)?, format: file.container().family() };
    output::write(output, &weights.to_safetensors(&Export { source: Some(source), ..export })?)?;
    Ok(weights)
}

/// Refuses a file of weights under a name that says otherwise.
///
/// # Errors
/// [`Error::Jobs`].
pub fn check_safetensors(output: &Path) -> Result<()> {
    if output.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors")) {
        return Ok(());
    }
    let reason = format!("{} must end in .safetensors, which is what is written", Shown(output.display()));
    Err(Error::Jobs { reason, remedy: None })
}
