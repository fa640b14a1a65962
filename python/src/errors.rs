//! Errors of the library as exceptions of Python, by what is to be done about them.

use mprnet::{Error, Remedy, caught};
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

/// An error with the argument that would help.
fn told(error: &Error) -> String {
    let advice = match error.remedy() {
        Some(Remedy::HalfPrecision) => ", or use precision=\"f16\" unless that is in use",
        Some(Remedy::FullPrecision) => "; use precision=\"f32\"",
        Some(Remedy::MoreMemory) => "; allow more with max_memory",
        // There is no way here to take a part of a file, and files and outputs are the caller's.
        _ => "",
    };
    format!("{error}{advice}")
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

/// The argument of that name: PyO3 would have a `TypeError` or an `OverflowError`, without the name.
///
/// # Errors
/// `BadInput` where it is not what is expected.
pub fn given<'a, 'py, T: FromPyObject<'a, 'py>>(
    name: &str,
    expected: &str,
    argument: &'a Bound<'py, PyAny>,
) -> PyResult<T> {
    let other = |_| bad_input(format!("{name} is {argument:?}, and {expected} is expected"));
    argument.extract().map_err(other)
}

/// The argument of that name as a whole number.
///
/// # Errors
/// `BadInput` where it is none, or is negative or too large.
pub fn whole(name: &str, argument: &Bound<'_, PyAny>) -> PyResult<u32> {
    given(name, &format!("a whole number from 0 to {}", u32::MAX), argument)
}

/// Does work of the library while other threads of Python run.
pub fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> mprnet::Result<T> + Send) -> PyResult<T> {
    py.detach(|| caught(work)).map_err(|error| exception(&error))
}
