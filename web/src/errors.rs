//! Errors as JavaScript's, whose names say of which kind they are.

use std::cell::RefCell;

use js_sys::Function;
use mprnet::{Error, Remedy};
use wasm_bindgen::prelude::*;

/// What exported functions give.
pub(crate) type Result<T> = std::result::Result<T, JsValue>;

thread_local! {
    static PANICKED: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// An error of that name.
pub(crate) fn named(name: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    error.set_name(name);
    error.into()
}

/// An error of the library.
pub(crate) fn thrown(error: Error) -> JsValue {
    let advice = match error.remedy() {
        Some(Remedy::HalfPrecision) => ", or use the precision f16 unless that is in use",
        Some(Remedy::FullPrecision) => "; use the precision f32",
        None if matches!(error, Error::HostMemory { .. }) => ", or take the mode tiled, which is approximate",
        Some(Remedy::MoreMemory) => {
            "; allow more, take a smaller photo, or the mode tiled, which is approximate"
        }
        _ => "",
    };
    let name = match &error {
        Error::Cancelled => "AbortError",
        Error::NoAdapter | Error::UnknownDevice { .. } => "NoGpu",
        Error::OutOfMemory { .. }
        | Error::BudgetTooSmall { .. }
        | Error::HostMemory { .. }
        | Error::TensorTooLarge { .. }
        | Error::TooManyWorkgroups { .. } => "TooLarge",
        Error::WeightsFile { .. } | Error::Weights { .. } => "Weights",
        Error::FrameShape { .. } | Error::Input(_) | Error::Size { .. } | Error::Mode(_) => "Input",
        _ => "Failed",
    };
    named(name, &format!("{error}{advice}"))
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
