//! What the program's options do about an error of the library.

use crate::{Error, Remedy};

/// An error with the option that would help.
pub(super) fn advised(error: &Error) -> String {
    let advice = match error.remedy() {
        Some(Remedy::KeepDamaged) => ", or take what there is with --damaged keep",
        Some(Remedy::HalfPrecision) => ", or use --precision f16 unless that is in use",
        Some(Remedy::FullPrecision) => "; use --precision f32",
        Some(Remedy::MoreMemory) => "; allow more with --max-memory",
        Some(Remedy::SayFormat) => " (--format png)",
        Some(Remedy::SayExisting) => {
            "; --skip-existing leaves them and restores the rest, --overwrite replaces them"
        }
        Some(Remedy::DirectoriesBelow) => "; -r takes those too",
        Some(Remedy::KnownTensor) => "; `mprnet plan --tensors` lists the names",
        None => "",
    };
    format!("{error}{advice}")
}
