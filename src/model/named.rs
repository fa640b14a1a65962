//! Models by what users call them.

use std::path::Path;

use super::{Task, Weights};
use crate::Result;
use crate::checkpoint::Checkpoint;

/// The embedded model of that name (`derain`, `denoise` or `deblur`), where no file has it.
#[must_use]
pub fn embedded(model: &Path) -> Option<Task> {
    model.to_str().and_then(Task::named).filter(|_| !model.is_file())
}

/// The file, or the embedded model of that name where no file has it.
///
/// # Errors
/// As [`Checkpoint::open`].
pub fn open(model: &Path) -> Result<Checkpoint<'static>> {
    match embedded(model) {
        Some(task) => {
            Checkpoint::from_safetensors(Weights::embedded_file(task), &format!("the embedded {task} model"))
        }
        None => Checkpoint::open(model),
    }
}
