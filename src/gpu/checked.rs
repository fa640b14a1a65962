//! Errors of wgpu as values.

use std::borrow::Cow;

use super::Device;
use crate::{Error, Result};

impl Device {
    /// Runs calls of wgpu and gives its errors as a text instead of leaving them to the device's handler.
    pub(crate) fn checked<T>(&self, calls: impl FnOnce() -> T) -> std::result::Result<T, String> {
        self.watched(calls).map_err(|error| error.to_string())
    }

    /// Runs calls of wgpu, `during` which so many bytes are needed on the device.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] where there are fewer, [`Error::Gpu`] with whatever else wgpu reports.
    pub(crate) fn checked_for<T>(
        &self,
        during: impl Into<Cow<'static, str>>,
        bytes: u64,
        calls: impl FnOnce() -> T,
    ) -> Result<T> {
        self.watched(calls).map_err(|error| match error {
            wgpu::Error::OutOfMemory { .. } => Error::OutOfMemory { during: during.into(), bytes },
            other => Error::Gpu { during: during.into(), reason: other.to_string() },
        })
    }

    fn watched<T>(&self, calls: impl FnOnce() -> T) -> std::result::Result<T, wgpu::Error> {
        let filters =
            [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation];
        let scopes = filters.map(|filter| self.wgpu().push_error_scope(filter));
        let value = calls();
        let mut errors = Vec::new();
        for scope in scopes.into_iter().rev() {
            errors.extend(pollster::block_on(scope.pop()));
        }
        cause(errors).map_or(Ok(value), Err)
    }
}

/// The one of several errors that the others follow from. What is made without memory, or of what the driver does not
/// compile, cannot be used, and every call that does use it is told to be invalid.
fn cause(errors: Vec<wgpu::Error>) -> Option<wgpu::Error> {
    errors.into_iter().min_by_key(|error| match error {
        wgpu::Error::OutOfMemory { .. } => 0,
        wgpu::Error::Internal { .. } => 1,
        wgpu::Error::Validation { .. } => 2,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_told_and_not_what_follows() {
        let source = || "a source".into();
        let memory = || wgpu::Error::OutOfMemory { source: source() };
        let internal = || wgpu::Error::Internal { source: source(), description: "X3003".to_owned() };
        let validation =
            || wgpu::Error::Validation { source: source(), description: "label is invalid".to_owned() };
        let told = |errors| cause(errors).map(|error| error.to_string());
        assert_eq!(told(vec![]), None);
        assert_eq!(told(vec![validation(), internal()]), Some(internal().to_string()));
        assert_eq!(told(vec![internal(), validation()]), Some(internal().to_string()));
        assert_eq!(told(vec![validation(), internal(), memory()]), Some(memory().to_string()));
        assert_eq!(told(vec![validation()]), Some(validation().to_string()));
    }
}
