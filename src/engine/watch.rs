//! Who watches a run, and what it takes.

use std::time::Duration;

use super::Cancel;

/// Where the time of a photo's restoration went, and what memory it took. What is spent on waiting for one's turn is in
/// none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spent {
    /// Writing the photo to where the device takes it from.
    pub upload: Duration,
    /// The device's work: its passes by its own clock, where that can be read, else by the host's; what moves rows of
    /// bands by the host's.
    pub gpu: Duration,
    /// Reading the result.
    pub download: Duration,
    /// Bytes that moved between the host and the device, weights apart.
    pub moved_bytes: u64,
    /// Bytes on the device: tensors, weights, and what moves photos.
    pub device_bytes: u64,
}

impl Spent {
    /// Takes a part of the work into account, after which another takes its memory.
    pub(crate) fn add(&mut self, part: Self) {
        self.upload += part.upload;
        self.gpu += part.gpu;
        self.download += part.download;
        self.moved_bytes += part.moved_bytes;
        self.device_bytes = self.device_bytes.max(part.device_bytes);
    }
}

/// Who is told how far a run has come, who may end it, and what it has taken.
pub(crate) struct Watch<'a, P: ?Sized> {
    pub(crate) progress: &'a mut P,
    pub(crate) cancel: &'a Cancel,
    pub(crate) spent: Spent,
}

impl<'a, P: ?Sized> Watch<'a, P> {
    pub(crate) fn new(progress: &'a mut P, cancel: &'a Cancel) -> Self {
        Self { progress, cancel, spent: Spent::default() }
    }
}
