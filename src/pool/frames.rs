//! A pool's work on photos in memory.

use super::{Pool, Work};
use crate::image::Frame;
use crate::{Cancel, Error, Restorer, Result};

struct Frames;

impl Work for Frames {
    /// A number, and the photo until it is taken.
    type Job = (usize, Option<Result<Frame>>);
    type Photo = Frame;
    type Restored = Frame;
    type Saved = Frame;
    type Error = Error;

    fn load(&self, (_, photo): &mut Self::Job) -> Result<Frame> {
        photo.take().unwrap_or_else(|| Err(Error::Input("the photo was taken before".to_owned())))
    }

    fn restore(&self, restorer: &Restorer, _: &Self::Job, photo: &Frame, cancel: &Cancel) -> Result<Frame> {
        restorer.photo(photo).cancelled_by(cancel).restore()
    }

    fn save(&self, _: &Self::Job, _: Frame, restored: Frame) -> Result<Frame> {
        Ok(restored)
    }
}

impl Pool {
    /// Restores photos, and hands each over with its place in their order, counted from 0; those that could not be read
    /// too. The iterator is asked for the next photo on a thread of the pool, when there is room for it; this returns
    /// only after it has answered, also where it was cancelled or no device is left. For an iterator that may have to
    /// wait for others until then, there are [`Pool::run`] and [`Work::over`].
    ///
    /// # Errors
    /// As [`Pool::run`].
    ///
    /// # Panics
    /// Where `photos` or `deliver` do.
    pub fn restore<I>(
        &mut self,
        photos: I,
        cancel: &Cancel,
        mut deliver: impl FnMut(usize, Result<Frame>),
    ) -> Result<()>
    where
        I: IntoIterator<Item = Result<Frame>>,
        I::IntoIter: Send,
    {
        let jobs = photos.into_iter().map(Some).enumerate();
        self.run(&Frames, jobs, cancel, |(number, _), restored| deliver(number, restored))
    }
}
