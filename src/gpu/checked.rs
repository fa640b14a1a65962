//! Errors of wgpu as values.

use std::borrow::Cow;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

use super::Device;
use super::scopes::{self, Told};
use crate::{Error, Result};

/// Why a kernel is not made.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) reason: String,
    /// Whether it lacked memory, of which there may be more the next time. Some drivers say so of kernels that they
    /// cannot compile, too.
    pub(super) for_now: bool,
}

impl Refused {
    fn by(error: &wgpu::Error) -> Self {
        Self { for_now: matches!(error, wgpu::Error::OutOfMemory { .. }), reason: error.to_string() }
    }
}

/// What a browser has yet to tell of calls, and what they were for. wgpu's own backends tell at once.
pub(super) struct Untold {
    about: About,
    error: Told,
}

/// What calls are for.
#[derive(Clone, Debug)]
enum About {
    /// They need so many bytes of the device.
    Doing(Cow<'static, str>, u64),
    Kernel(String),
}

impl std::fmt::Debug for Untold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Untold").field("about", &self.about).finish_non_exhaustive()
    }
}

impl Device {
    /// Runs calls of wgpu and gives its errors as a text instead of leaving them to the device's handler.
    pub(crate) fn checked<T>(&self, calls: impl FnOnce() -> T) -> std::result::Result<T, String> {
        let about = About::Doing("preparing kernels".into(), 0);
        self.watched(&about, calls).map_err(|error| error.to_string())
    }

    /// The same of calls that make a kernel.
    pub(super) fn made<T>(&self, kernel: &str, calls: impl FnOnce() -> T) -> std::result::Result<T, Refused> {
        self.watched(&About::Kernel(kernel.to_owned()), calls).map_err(|error| Refused::by(&error))
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
        let about = About::Doing(during.into(), bytes);
        self.watched(&about, calls).map_err(|error| self.told(error, about))
    }

    /// Unmaps a buffer that was read or written by the host, `during` something.
    ///
    /// # Errors
    /// [`Error::Gpu`] where the device is lost, which has destroyed the buffer.
    pub(crate) fn unmap(&self, buffer: &wgpu::Buffer, during: &'static str) -> Result<()> {
        self.checked_for(during, 0, || buffer.unmap())
    }

    /// Why there is nothing to write to in a buffer of so many bytes that was to be mapped. Browsers have yet to tell,
    /// and what they map is memory of their own, of which there may be too little.
    pub(crate) fn not_mapped(&self, during: impl Into<Cow<'static, str>>, bytes: u64) -> Error {
        self.cause_of(Error::OutOfMemory { during: during.into(), bytes })
    }

    /// Waits for what has yet to be told of earlier calls: nothing, but in browsers.
    ///
    /// # Errors
    /// As [`Self::checked_for`]; [`Error::Shader`] where a kernel was not made, which nobody gets any more.
    pub(crate) async fn settle(&self) -> Result<()> {
        let untold = std::mem::take(&mut *self.untold.lock().unwrap_or_else(PoisonError::into_inner));
        let mut first = None;
        for Untold { about, error } in untold {
            let Some(error) = error.await else { continue };
            if let About::Kernel(kernel) = &about {
                self.pipelines().refuse(kernel, &Refused::by(&error));
            }
            first.get_or_insert(self.told(error, about));
        }
        first.map_or(Ok(()), Err)
    }

    fn watched<T>(&self, about: &About, calls: impl FnOnce() -> T) -> std::result::Result<T, wgpu::Error> {
        let (value, told) = scopes::around(self.wgpu(), calls);
        let mut errors = Vec::new();
        for mut error in told {
            match error.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(error) => errors.extend(error),
                Poll::Pending => {
                    let untold = Untold { about: about.clone(), error };
                    self.untold.lock().unwrap_or_else(PoisonError::into_inner).push(untold);
                }
            }
        }
        cause(errors).map_or(Ok(value), Err)
    }

    fn told(&self, error: wgpu::Error, about: About) -> Error {
        self.cause_of(match (error, about) {
            (error, About::Kernel(kernel)) => Error::Shader { kernel, reason: error.to_string() },
            (wgpu::Error::OutOfMemory { .. }, About::Doing(during, bytes)) => {
                Error::OutOfMemory { during, bytes }
            }
            (other, About::Doing(during, _)) => Error::Gpu { during, reason: other.to_string() },
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
