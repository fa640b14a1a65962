//! What stands for PyTorch's files in builds that do not read them.

use std::path::Path;

use super::{Checkpoint, Container};
use crate::{Error, Result};

/// A tensor of such a file: there is none.
#[derive(Clone, Debug)]
pub(super) enum Tensor {}

pub(super) fn open(_: &Path, origin: String, container: Container) -> Result<Checkpoint<'static>> {
    let reason = format!(
        "it is a checkpoint of {container}, which needs the library's feature torch-files; `mprnet convert` makes a \
         safetensors file of it"
    );
    Err(Error::WeightsFile { origin, reason })
}

pub(super) fn bytes(tensor: &Tensor, _: &str) -> Result<Vec<u8>> {
    match *tensor {}
}
