//! What can be said of a photo's restoration before it is begun.

use std::fmt;

use super::refine::{Asked, Refined};
use super::{Captured, Restorer};
use crate::Result;
use crate::engine::{Cancel, Progress, Spent, Watch};
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
/// The asynchronous methods work on any executor: who waits is woken by a thread of the device. Dropping their future
/// ends the restoration as [`Cancel`] does. What the host has to do is done where they are polled: pixels are read and
/// written, and for the first photo of a size the network is planned, kernels are measured
/// ([`RestorerOptions::tuning`](crate::RestorerOptions::tuning)), and those that the driver has yet to compile are
/// waited for, which may take seconds. Where a poll must not take that long, restore a small photo on another thread
/// first, or all of them there.
#[must_use = "it is not begun yet"]
pub struct Restoration<'a, P = fn(Progress)> {
    restorer: &'a Restorer,
    photo: &'a Frame,
    names: &'a [String],
    stages: bool,
    strength: f32,
    progress: P,
    cancel: Option<&'a Cancel>,
}

/// A restored photo, and what else was asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Restored {
    /// The photo.
    pub frame: Frame,
    /// The photo as it would be with the first stage as the last, and as with the second; none without
    /// [`Restoration::keep_stages`].
    pub stages: Vec<Frame>,
    /// The tensors of [`Restoration::keep`].
    pub tensors: Vec<Captured>,
    /// Where the time went.
    pub spent: Spent,
}

impl<P> fmt::Debug for Restoration<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { restorer, names, stages, strength, .. } = self;
        let mut shown = f.debug_struct("Restoration");
        shown.field("restorer", restorer).field("names", names).field("stages", stages);
        shown.field("strength", strength).finish_non_exhaustive()
    }
}

impl<'a> Restoration<'a> {
    pub(super) fn new(restorer: &'a Restorer, photo: &'a Frame) -> Self {
        let strength = restorer.model.options.strength;
        Self { restorer, photo, names: &[], stages: false, strength, progress: |_| (), cancel: None }
    }
}

impl<'a, P: FnMut(Progress)> Restoration<'a, P> {
    /// Tells how far it has come, whenever the device has done a piece of the work: a few times a second for a large
    /// photo, once or more for a small one or a tile. It begins anew where f16 turns out too narrow, or a chain goes on
    /// through the host.
    ///
    /// `progress` is called on the thread that waits or polls, in this photo's turn: no other photo is begun until it
    /// returns, and one that it restores itself with the same restorer would never be.
    pub fn progress<Q: FnMut(Progress)>(self, progress: Q) -> Restoration<'a, Q> {
        let Self { restorer, photo, names, stages, strength, cancel, .. } = self;
        Restoration { restorer, photo, names, stages, strength, progress, cancel }
    }

    /// Lets somebody end it.
    pub fn cancelled_by(self, cancel: &'a Cancel) -> Self {
        Self { cancel: Some(cancel), ..self }
    }

    /// Restores this photo as far as told, instead of by
    /// [`RestorerOptions::strength`](crate::RestorerOptions::strength).
    pub fn strength(self, strength: f32) -> Self {
        Self { strength, ..self }
    }

    /// Gives the images of the first stage and of the second besides, made into photos as the result is.
    pub fn keep_stages(self) -> Self {
        Self { stages: true, ..self }
    }

    /// Gives the named tensors of the network besides, of the last one where several follow one another. Passes keep
    /// them.
    pub fn keep(self, names: &'a [String]) -> Self {
        Self { names, ..self }
    }

    /// Restores the photo; this thread waits.
    ///
    /// # Errors
    /// As [`Restorer::restore`]; [`crate::Error::Cancelled`].
    pub fn restore(self) -> Result<Frame> {
        Ok(self.run()?.frame)
    }

    /// Restores the photo.
    ///
    /// # Errors
    /// As [`Self::restore`].
    pub async fn restore_async(self) -> Result<Frame> {
        Ok(self.run_async().await?.frame)
    }

    /// Restores the photo, and tells all there is to tell; this thread waits.
    ///
    /// # Errors
    /// As [`Self::restore`]; [`crate::Error::UnknownTensor`], and [`crate::Error::Input`] for tensors of a photo in
    /// several tiles.
    pub fn run(self) -> Result<Restored> {
        pollster::block_on(self.run_async())
    }

    /// Restores the photo, and tells all there is to tell.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_async(mut self) -> Result<Restored> {
        let nobody = Cancel::new();
        let mut watch = Watch::new(&mut self.progress, self.cancel.unwrap_or(&nobody));
        let asked = Asked { names: self.names, stages: self.stages, strength: self.strength };
        let refined = self.restorer.run(self.photo, &asked, &mut watch).await?;
        let Refined { frame, stages, tensors } = refined;
        Ok(Restored { frame, stages, tensors, spent: watch.spent })
    }
}
