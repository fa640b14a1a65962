//! Errors of the library as exceptions of Python, by what is to be done about them.

use mprnet::{Error, caught};
use pyo3::prelude::*;

mod classes {
    pyo3::import_exception!(mprnet._errors, Error);
    pyo3::import_exception!(mprnet._errors, BadInput);
    pyo3::import_exception!(mprnet._errors, BadFile);
    pyo3::import_exception!(mprnet._errors, BadModel);
    pyo3::import_exception!(mprnet._errors, NoDevice);
    pyo3::import_exception!(mprnet._errors, DeviceError);
    pyo3::import_exception!(mprnet._errors, OutOfMemory);
}

/// Options that the program's errors advise, and what they are here.
const OPTIONS: [(&str, &str); 3] = [
    ("--max-memory", "max_memory"),
    ("--train-size", "train_size"),
    ("--precision f16", "precision=\"f16\""),
];

/// The program's sentence for an error, without options that only its command line has.
fn told(error: &Error) -> String {
    match error {
        // There is no way here to take a part of a file.
        Error::ImageCutShort { path, reason, salvageable: true } => {
            told(&Error::ImageCutShort { path: path.clone(), reason: reason.clone(), salvageable: false })
        }
        Error::ImageDamaged { path, reason, salvageable: true } => {
            told(&Error::ImageDamaged { path: path.clone(), reason: reason.clone(), salvageable: false })
        }
        // Others may quote names of files, in which nothing is to be replaced.
        Error::BudgetTooSmall { .. }
        | Error::Mode(_)
        | Error::OutOfMemory { .. }
        | Error::TensorTooLarge { .. } => {
            OPTIONS.iter().fold(error.to_string(), |text, (theirs, ours)| text.replace(theirs, ours))
        }
        _ => error.to_string(),
    }
}

/// What an error becomes, with the sentence that the program has for it.
pub fn exception(error: &Error) -> PyErr {
    let text = told(error);
    match error {
        Error::Unrestored { source, .. } | Error::Unscored { source, .. } => {
            let kind = exception(source);
            Python::attach(|py| PyErr::from_type(kind.get_type(py), text))
        }
        Error::FrameShape { .. }
        | Error::Input(_)
        | Error::Jobs { .. }
        | Error::Size { .. }
        | Error::SizesDiffer { .. }
        | Error::Mode(_)
        | Error::TooSmallForSsim { .. } => bad_input(text),
        Error::Io { .. }
        | Error::Unwritable { .. }
        | Error::ImageUnsupported { .. }
        | Error::ImageCutShort { .. }
        | Error::ImageDecoder { .. }
        | Error::ImageDamaged { .. }
        | Error::ImageTooLarge { .. } => classes::BadFile::new_err(text),
        Error::WeightsFile { .. }
        | Error::Weights { .. }
        | Error::MissingKey { .. }
        | Error::UnknownKey { .. }
        | Error::Misshapen { .. }
        | Error::Values { .. }
        | Error::TooWide { .. }
        | Error::TooManyParameters { .. }
        | Error::NotFinite(_) => classes::BadModel::new_err(text),
        Error::NoAdapter | Error::UnknownDevice { .. } => classes::NoDevice::new_err(text),
        Error::Gpu { .. } | Error::Shader { .. } => classes::DeviceError::new_err(text),
        Error::OutOfMemory { .. }
        | Error::BudgetTooSmall { .. }
        | Error::TensorTooLarge { .. }
        | Error::TooManyWorkgroups { .. } => classes::OutOfMemory::new_err(text),
        _ => classes::Error::new_err(text),
    }
}

/// An array or argument that cannot be used.
pub fn bad_input(text: String) -> PyErr {
    classes::BadInput::new_err(text)
}

/// The argument of that name as a whole number: PyO3 would have an `OverflowError`, without the name.
///
/// # Errors
/// `BadInput` where it is none, or is negative or too large.
pub fn whole(name: &str, given: &Bound<'_, PyAny>) -> PyResult<u32> {
    given.extract().map_err(|_| {
        bad_input(format!("{name} is {given:?}, and a whole number from 0 to {} is expected", u32::MAX))
    })
}

/// Does work of the library while other threads of Python run.
pub fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> mprnet::Result<T> + Send) -> PyResult<T> {
    py.detach(|| caught(work)).map_err(|error| exception(&error))
}
