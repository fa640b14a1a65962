//! Panics, which are mistakes of this crate or of what it is made of, as errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::Error;

/// Does work; a panic becomes an error. What `work` has changed before may be left half changed.
///
/// # Errors
/// Those of `work`; [`Error::Panicked`].
pub fn caught<T, E: From<Error>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Err(Error::Panicked(text.unwrap_or_else(|| "no message".to_owned())).into())
    })
}
