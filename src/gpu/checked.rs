//! Errors of wgpu as values.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

use super::Device;
use crate::{Error, Result};

/// Why a kernel is not made.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) reason: String,
    /// Whether it lacked memory, of which there may be more the next time. Some drivers say so of kernels that they
    /// cannot compile, too.
    pub(super) for_now: bool,
}

/// What a browser has yet to tell of calls, and what they were for. wgpu's own backends tell at once.
pub(super) struct Untold {
    during: String,
    bytes: u64,
    error: Pin<Box<dyn Future<Output = Option<wgpu::Error>> + Send>>,
}

impl std::fmt::Debug for Untold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Untold").field("during", &self.during).finish_non_exhaustive()
    }
}

impl Device {
    /// Runs calls of wgpu and gives its errors as a text instead of leaving them to the device's handler.
    pub(crate) fn checked<T>(&self, calls: impl FnOnce() -> T) -> std::result::Result<T, String> {
        self.made(calls).map_err(|refused| refused.reason)
    }

    /// The same of calls that make a kernel.
    pub(super) fn made<T>(&self, calls: impl FnOnce() -> T) -> std::result::Result<T, Refused> {
        self.watched("preparing kernels", 0, calls).map_err(|error| Refused {
            for_now: matches!(error, wgpu::Error::OutOfMemory { .. }),
            reason: error.to_string(),
        })
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
        let during = during.into();
        self.watched(&during, bytes, calls).map_err(|error| self.told(error, during, bytes))
    }

    /// Unmaps a buffer that was read or written by the host, `during` something.
    ///
    /// # Errors
    /// [`Error::Gpu`] where the device is lost, which has destroyed the buffer.
    pub(crate) fn unmap(&self, buffer: &wgpu::Buffer, during: &'static str) -> Result<()> {
        self.checked_for(during, 0, || buffer.unmap())
    }

    /// Waits for what has yet to be told of earlier calls: nothing, but in browsers.
    ///
    /// # Errors
    /// As [`Self::checked_for`].
    pub(crate) async fn settle(&self) -> Result<()> {
        let untold = std::mem::take(&mut *self.untold.lock().unwrap_or_else(PoisonError::into_inner));
        for Untold { during, bytes, error } in untold {
            if let Some(error) = error.await {
                return Err(self.told(error, during.into(), bytes));
            }
        }
        Ok(())
    }

    fn watched<T>(
        &self,
        during: &str,
        bytes: u64,
        calls: impl FnOnce() -> T,
    ) -> std::result::Result<T, wgpu::Error> {
        let filters =
            [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation];
        let scopes = filters.map(|filter| self.wgpu().push_error_scope(filter));
        let value = calls();
        let mut errors = Vec::new();
        for scope in scopes.into_iter().rev() {
            let mut error: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(scope.pop());
            match error.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(error) => errors.extend(error),
                Poll::Pending => {
                    let untold = Untold { during: during.to_owned(), bytes, error };
                    self.untold.lock().unwrap_or_else(PoisonError::into_inner).push(untold);
                }
            }
        }
        cause(errors).map_or(Ok(value), Err)
    }

    fn told(&self, error: wgpu::Error, during: Cow<'static, str>, bytes: u64) -> Error {
        self.cause_of(match error {
            wgpu::Error::OutOfMemory { .. } => Error::OutOfMemory { during, bytes },
            other => Error::Gpu { during, reason: other.to_string() },
        })
    }

    /// What an error comes from: where the device was lost, whatever is done with it is told to be invalid, without
    /// kernels, or without memory.
    pub(crate) fn cause_of(&self, error: Error) -> Error {
        let Some(reason) = self.lost() else { return error };
        let during = match error {
            Error::Gpu { during, .. } | Error::OutOfMemory { during, .. } => during,
            Error::Shader { kernel, .. } => format!("building the kernel {kernel}").into(),
            other => return other,
        };
        Error::Gpu { during, reason: reason.to_owned() }
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
        let said = |errors| cause(errors).map(|error| error.to_string());
        assert_eq!(said(vec![]), None);
        assert_eq!(said(vec![validation(), internal()]), Some(internal().to_string()));
        assert_eq!(said(vec![internal(), validation()]), Some(internal().to_string()));
        assert_eq!(said(vec![validation(), internal(), memory()]), Some(memory().to_string()));
        assert_eq!(said(vec![validation()]), Some(validation().to_string()));
    }
}
