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
        // Of what is made without memory nothing can be used: where both are reported, that is the cause.
        let cause = errors.iter().position(|error| matches!(error, wgpu::Error::OutOfMemory { .. }));
        match errors.into_iter().nth(cause.unwrap_or(0)) {
            Some(error) => Err(error),
            None => Ok(value),
        }
    }
}
