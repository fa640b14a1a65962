//! Files besides photos: tensors for `--dump`, one each, as safetensors; weights; and reports.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use crate::image::FileFormat;
use crate::output::{self, Output};
use crate::{Captured, Error, Shown, Values, job};
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, TensorView};
use serde::Serialize;

use super::{Failure, print};

/// Finds out whether a file can be written here, before what goes into it is computed.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    Output::create(path).map(|_| ())
}

/// The same as [`check`] of a command's result, which is not to be written over what the command reads.
pub(super) fn check_result(read: &[&Path], file: Option<&Path>) -> Result<(), Failure> {
    let Some(file) = file.filter(|file| !is_standard(file)) else { return Ok(()) };
    job::check_distinct(&[], read, &[file])?;
    Ok(check(file)?)
}

/// Writes one tensor as `[1, channels, height, width]`.
pub(super) fn write(tensor: &Captured, path: &Path) -> Result<(), Error> {
    let (dtype, bytes): (Dtype, &[u8]) = match &tensor.values {
        Values::Words(words) => (Dtype::U32, bytemuck::cast_slice(words)),
        Values::Planar(values) => (Dtype::F32, bytemuck::cast_slice(values)),
    };
    let desc = &tensor.desc;
    let shape = [1, desc.channels, desc.height, desc.width].map(|side| side as usize).to_vec();
    let unfit = |e: SafeTensorError| failure(path, io::Error::other(e.to_string()));
    let view = TensorView::new(dtype, shape, bytes).map_err(unfit)?;
    let file =
        safetensors::serialize([(&tensor.name, view)], None::<HashMap<String, String>>).map_err(unfit)?;
    output::write(path, &file)
}

/// Gives a command's result to a file, or to standard output.
pub(super) fn deliver(text: io::Result<String>, file: Option<&Path>) -> Result<(), Error> {
    let file = file.filter(|file| !is_standard(file));
    let path = || file.map_or_else(|| "standard output".into(), Path::to_owned);
    let text = text.map_err(|source| Error::Io { action: "write", path: path(), source })?;
    match file {
        Some(file) => output::write(file, text.as_bytes()),
        None => print(&text),
    }
}

/// Whether a name stands for standard input or output.
pub(super) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Refuses a file under the name of something else, which may have been meant, and be replaced. What is written is called
/// `what`, and may have these extensions of those that say what a file is.
pub(super) fn check_name(option: &str, what: &str, own: &[&str], path: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let other = FileFormat::from_path(path).map(|_| "a photo").or_else(|| {
        let extension = extension(Some(path))?;
        let of = |(names, _): &&(&[&str], _)| names.contains(&extension.as_str());
        OTHERS.iter().find(of).map(|(_, kind)| *kind).filter(|_| !own.contains(&extension.as_str()))
    });
    other.map_or(Ok(()), |other| {
        let shown = Shown(path.display());
        Err(Failure::Usage(format!("{option} writes {what}, and {shown} is the name of {other}")))
    })
}

/// What files are called besides photos.
const OTHERS: [(&[&str], &str); 6] = [
    (&["mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg", "ts"], "another kind of video"),
    (&["safetensors", "pth", "pt", "ckpt"], "a file of weights"),
    (&["html", "htm"], "a web page"),
    (&["csv"], "comma-separated values"),
    (&["json"], "JSON"),
    (&["md", "txt"], "text"),
];

/// The extension of such a file, in small letters: it may say what is written.
pub(super) fn extension(file: Option<&Path>) -> Option<String> {
    Some(file?.extension()?.to_string_lossy().to_ascii_lowercase())
}

/// An object as JSON, a field a line.
pub(super) fn json(object: &impl Serialize) -> io::Result<String> {
    Ok(serde_json::to_string_pretty(object)? + "\n")
}

fn failure(path: &Path, source: io::Error) -> Error {
    Error::Io { action: "write", path: path.to_owned(), source }
}
