//! What can be said of a photo's restoration before it is begun.

use super::run::Watch;
use super::{Cancel, Captured, Progress, Restorer};
use crate::Result;
use crate::image::Frame;

/// A photo to be restored, and how: made by [`Restorer::photo`], and begun by one of its last four methods.
///
/// ```
/// use mprnet::{Cancel, Error, Restorer, RestorerOptions, gpu, image::Frame, model::{Task, Weights}};
///
/// # fn main() -> mprnet::Result<()> {
/// let device = gpu::Device::new(&gpu::DeviceOptions::default())?;
/// let restorer = Restorer::new(Weights::embedded(Task::Denoise)?, device, RestorerOptions::default());
/// let noisy = Frame::from_rgb8(24, 16, vec![90; 24 * 16 * 3])?;
/// let button = Cancel::new();
/// let mut percent = 0;
/// let clean = restorer.photo(&noisy).cancelled_by(&button).progress(|p| percent = 100 * p.done / p.total).restore()?;
/// assert_eq!((clean.width(), clean.height()), (24, 16));
/// button.cancel();
/// assert!(matches!(restorer.photo(&noisy).cancelled_by(&button).restore(), Err(Error::Cancelled)));
/// # Ok(())
/// # }
/// ```
///
/// The asynchronous methods work on any executor: who waits is woken by a thread of the device. Dropping their future ends
/// the restoration as [`Cancel`] does. They compute on the thread that polls them: reading pixels and writing them, and
/// the compilation for a new size.
#[must_use = "it is not begun yet"]
pub struct Restoration<'a, P = fn(Progress)> {
    restorer: &'a Restorer,
    photo: &'a Frame,
    progress: P,
    cancel: Option<&'a Cancel>,
}

impl<'a> Restoration<'a> {
    pub(super) fn new(restorer: &'a Restorer, photo: &'a Frame) -> Self {
        Self { restorer, photo, progress: |_| (), cancel: None }
    }
}

impl<'a, P: FnMut(Progress)> Restoration<'a, P> {
    /// Tells how far it has come, about four times a second.
    pub fn progress<Q: FnMut(Progress)>(self, progress: Q) -> Restoration<'a, Q> {
        let Self { restorer, photo, cancel, .. } = self;
        Restoration { restorer, photo, progress, cancel }
    }

    /// Lets somebody end it.
    pub fn cancelled_by(self, cancel: &'a Cancel) -> Self {
        Self { cancel: Some(cancel), ..self }
    }

    /// Restores the photo; this thread waits.
    ///
    /// # Errors
    /// As [`Restorer::restore`], and [`crate::Error::Cancelled`].
    pub fn restore(self) -> Result<Frame> {
        pollster::block_on(self.restore_async())
    }

    /// Restores the photo.
    ///
    /// # Errors
    /// As [`Self::restore`].
    pub async fn restore_async(self) -> Result<Frame> {
        Ok(self.capture_async(&[]).await?.0)
    }

    /// Restores the photo, and gives the named tensors of the network besides; this thread waits.
    ///
    /// # Errors
    /// [`crate::Error::UnknownTensor`]; otherwise as [`Self::restore`].
    pub fn capture(self, names: &[String]) -> Result<(Frame, Vec<Captured>)> {
        pollster::block_on(self.capture_async(names))
    }

    /// Restores the photo, and gives the named tensors of the network besides.
    ///
    /// # Errors
    /// As [`Self::capture`].
    pub async fn capture_async(mut self, names: &[String]) -> Result<(Frame, Vec<Captured>)> {
        let (nobody, progress) = (Cancel::new(), &mut self.progress);
        let mut watch = Watch { progress, cancel: self.cancel.unwrap_or(&nobody) };
        self.restorer.run(self.photo, names, &mut watch).await
    }
}
