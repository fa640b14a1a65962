//! Errors as JavaScript's, whose names say of which kind they are.

use std::cell::RefCell;

use js_sys::Function;
use mprnet::Error;
use wasm_bindgen::prelude::*;

/// What exported functions give.
pub(crate) type Result<T> = std::result::Result<T, JsValue>;

thread_local! {
    static PANICKED: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Options of the program that the library's errors name, and what the package calls them.
const OPTIONS: [(&str, &str); 2] = [("--train-size", "trainSize"), ("--precision", "precision")];

/// An error of that name.
pub(crate) fn named(name: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    error.set_name(name);
    error.into()
}

/// An error of the library.
pub(crate) fn thrown(error: Error) -> JsValue {
    let text = match &error {
        Error::BudgetTooSmall { budget, least } => format!(
            "the photo takes at least {} MiB of the GPU's memory in bands, and {} are allowed; allow more, take a smaller photo, or the \
             mode tiled, which is approximate",
            least.div_ceil(1 << 20),
            budget >> 20
        ),
        other => OPTIONS
            .into_iter()
            .fold(other.to_string(), |text, (program, package)| text.replace(program, package)),
    };
    let name = match &error {
        Error::Cancelled => "AbortError",
        Error::NoAdapter | Error::UnknownDevice { .. } => "NoGpu",
        Error::OutOfMemory { .. }
        | Error::BudgetTooSmall { .. }
        | Error::TensorTooLarge { .. }
        | Error::TooManyWorkgroups { .. } => "TooLarge",
        Error::WeightsFile { .. } | Error::Weights { .. } => "Weights",
        Error::FrameShape { .. } | Error::Input(_) | Error::Size { .. } | Error::Mode(_) => "Input",
        _ => "Failed",
    };
    named(name, &text)
}

/// Hands what panics say to `told`.
pub(crate) fn tell_panics(told: Function) {
    PANICKED.set(Some(told));
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.to_string();
        PANICKED.with_borrow(|told| {
            if let Some(told) = told {
                let _ = told.call1(&JsValue::NULL, &text.into());
            }
        });
    }));
}
