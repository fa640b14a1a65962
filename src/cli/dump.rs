//! Files besides photos: tensors for `--dump`, one each, as safetensors; and reports.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use mprnet::output::Output;
use mprnet::{Captured, Error, Values};
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, TensorView};

/// Finds out whether a file can be written here, before what goes into it is computed.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    create(path).map(|_| ())
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
    write_whole(path, &file)
}

/// Writes a file, to a temporary one that is then renamed.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let output = create(path)?;
    output.file().write_all(bytes).and_then(|()| output.commit()).map_err(|source| failure(path, source))
}

fn failure(path: &Path, source: io::Error) -> Error {
    Error::Io { action: "write", path: path.to_owned(), source }
}

/// The file to write, at the path behind links.
fn create(path: &Path) -> Result<Output, Error> {
    let target = match fs::metadata(path) {
        // Renaming would replace a device such as /dev/null by a file.
        Ok(metadata) if !metadata.is_file() => {
            return Err(failure(path, io::Error::other("it is no ordinary file; choose another name")));
        }
        Ok(_) => path.canonicalize().map_err(|source| failure(path, source))?,
        Err(_) => path.to_owned(),
    };
    Output::create(&target).map_err(|error| match error {
        Error::Io { source, .. } => failure(path, source),
        other => other,
    })
}
