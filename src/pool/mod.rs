//! Several restorers at work on many photos: while devices compute, the next photos are loaded and the last ones saved.
//!
//! A photo goes through three steps, [`Work::load`], [`Work::restore`] and [`Work::save`], each on threads of its own,
//! and is handed over at the end on the thread that called [`Pool::run`]. Whichever device is free takes the next
//! photo. Every device has two photos at a time: one that it computes, and one that is written to where it takes it
//! from, or whose result is read. No more photos are in memory than there are threads for them and
//! [`PoolOptions::waiting`] more.
//!
//! A device that fails is given up, and its photo goes to another. The last one is opened anew, and its photo tried
//! once more; where that fails too, the next photos are each tried once, until one is restored. A device that lacks
//! memory for a photo goes on with the next one.

mod frames;
mod line;
mod member;
mod workers;

pub use member::Member;

use crate::{Cancel, Error, Restorer};
use line::Line;

/// What is done to each photo. A panic in one of its steps is an [`Error::Panicked`] of that photo.
///
/// [`Pool::restore`] is this for frames in memory.
pub trait Work: Sync {
    /// What names a photo: its path, its number.
    type Job: Send;
    /// A photo that is loaded.
    type Photo: Send;
    /// What becomes of it on a device.
    type Restored: Send;
    /// What is left to hand over when it is saved.
    type Saved: Send;
    /// Why there is no result for a photo: this crate's [`Error`], unless there is more to say.
    type Error: Fault;

    /// Reads a photo.
    ///
    /// # Errors
    /// Whatever ends the work on this photo, and no other.
    fn load(&self, job: &mut Self::Job) -> Result<Self::Photo, Self::Error>;

    /// Restores a photo; again on another device, where one fails. Whoever calls [`Cancel::cancel`] wants it to end
    /// early.
    ///
    /// # Errors
    /// As [`Self::load`].
    fn restore(
        &self,
        restorer: &Restorer,
        job: &Self::Job,
        photo: &Self::Photo,
        cancel: &Cancel,
    ) -> Result<Self::Restored, Self::Error>;

    /// Writes a photo, or prepares that.
    ///
    /// # Errors
    /// As [`Self::load`].
    fn save(
        &self,
        job: &Self::Job,
        photo: Self::Photo,
        restored: Self::Restored,
    ) -> Result<Self::Saved, Self::Error>;

    /// Told when nothing is handed over any more: all is done, or no device is left. Whoever keeps the iterator of jobs
    /// waiting for the next one is to let it end.
    fn over(&self) {}
}

/// Why there is no result for a photo, what that says of its device, and who is told of that.
pub trait Fault: Send + From<Error> {
    /// What it says of the device, where it comes from [`Work::restore`].
    fn blame(&self) -> Blame;

    /// Called when the only device has failed by it and is opened anew, to try the photo once more.
    fn tries_again(&self, device: &str) {
        tracing::warn!("{device} has failed; reopening it to try the photo once more");
    }

    /// Called when a device is given up for good by it, while others go on.
    fn gives_up(&self, device: &str) {
        tracing::warn!("{device} has failed and is not used any more");
    }
}

impl Fault for Error {
    fn blame(&self) -> Blame {
        Blame::of(self)
    }
}

/// What an error says of the device that it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Blame {
    /// Nothing: the photo cannot be restored.
    Photo,
    /// It is to be opened anew.
    Renew,
    /// It has less memory left than is needed, as it may not have when it is opened anew, nor another.
    Memory,
    /// It has failed.
    Device,
}

impl Blame {
    /// What an error of this crate says.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        match error {
            Error::Unrestored { source, .. } => Self::of(source),
            Error::Gpu { .. } => Self::Device,
            // What has panicked may have left it half changed.
            Error::Panicked(_) => Self::Renew,
            Error::OutOfMemory { .. } => Self::Memory,
            _ => Self::Photo,
        }
    }

    /// Whether the photo may be restored by the same device, opened anew.
    fn may_pass(self) -> bool {
        matches!(self, Self::Memory | Self::Device)
    }
}

/// How a pool works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// Threads that load photos; at least one.
    pub loaders: usize,
    /// Threads that save them; at least one.
    pub savers: usize,
    /// Whether photos are handed over in the order of their jobs, as streams need it, rather than as they are done.
    pub ordered: bool,
    /// Photos that may wait between two steps, or for one before them in order.
    pub waiting: usize,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self { loaders: 1, savers: 1, ordered: false, waiting: 2 }
    }
}

/// Devices that share photos.
///
/// ```
/// use mprnet::pool::{Pool, Member};
/// use mprnet::{Cancel, Restorer, RestorerOptions, gpu, image::Frame, model::{Task, Weights}};
///
/// # fn main() -> mprnet::Result<()> {
/// let open = || {
///     let device = gpu::Device::new(&gpu::DeviceOptions::default())?;
///     Ok(Restorer::new(Weights::embedded(Task::Denoise)?, device, RestorerOptions::default()))
/// };
/// let mut pool = Pool::new(vec![Member::new("the first adapter", open)]);
/// let photos = (1..4_u8).map(|shade| Frame::from_rgb8(16, 8, vec![50 * shade; 16 * 8 * 3]));
/// let mut clean = Vec::new();
/// pool.restore(photos, &Cancel::new(), |_, restored| clean.extend(restored))?;
/// assert_eq!(clean.len(), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Pool {
    members: Vec<Member>,
    options: PoolOptions,
}

impl Pool {
    /// A pool of these devices, of which none is opened before a photo needs it.
    #[must_use]
    pub fn new(members: Vec<Member>) -> Self {
        Self { members, options: PoolOptions::default() }
    }

    /// The same, working in another way.
    #[must_use]
    pub fn with_options(self, options: PoolOptions) -> Self {
        Self { options, ..self }
    }

    /// Does work on photos, and hands each of them over with its outcome. A photo that fails stops no other.
    ///
    /// Once cancelled, no further job is begun, and those under way are handed over, many with [`Error::Cancelled`].
    /// Whoever cancels and keeps the iterator of jobs waiting for the next one lets it end, too.
    ///
    /// A device that was given up is tried again in the next run.
    ///
    /// # Errors
    /// Why no device can be opened, or none is left that works: without one no photo can be restored. Photos that are
    /// restored by then are saved and handed over, with [`PoolOptions::ordered`] up to the first that is missing; other
    /// jobs that were begun are dropped.
    ///
    /// # Panics
    /// Where `jobs` or `deliver` do, once all other threads are done.
    pub fn run<W: Work>(
        &mut self,
        work: &W,
        jobs: impl Iterator<Item = W::Job> + Send,
        cancel: &Cancel,
        deliver: impl FnMut(W::Job, Result<W::Saved, W::Error>),
    ) -> Result<(), W::Error> {
        let [loaders, savers] = [self.options.loaders, self.options.savers].map(|threads| threads.max(1));
        self.members.iter_mut().for_each(Member::renew);
        let drivers = member::PHOTOS * self.members.len();
        let places = (loaders + drivers + savers).saturating_add(self.options.waiting);
        let line = Line::new(places, self.options.ordered);
        workers::run(work, &self.members, [loaders, savers], jobs, &line, cancel, deliver)
    }
}
