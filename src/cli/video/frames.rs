//! The work on a video's frames, as a pool does it.

use std::io::{BufWriter, ErrorKind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::image::Frame;
use crate::pool::{self, Member, Pool, PoolOptions};
use crate::video::{Converter, Header, Picture, Writer, keep_beyond};
use crate::{Cancel, Error, Restorer};
use indicatif::ProgressBar;

use super::{Decoded, Sink, WAITING};
use crate::cli::Failure;
use crate::cli::mishap::{Mishap, attempt};
use crate::cli::session::attempt_with_adapter;

/// How often somebody who waits for a frame looks whether one is still wanted.
const PATIENCE: Duration = Duration::from_millis(50);

/// What all threads of the pool share.
pub(super) struct Frames<'a> {
    pub(super) converter: &'a Converter,
    pub(super) origin: &'a str,
    pub(super) header: &'a Header,
    pub(super) sink: &'a Sink,
    pub(super) bar: &'a ProgressBar,
    /// Cancelled when no more frames are wanted.
    pub(super) cancel: Cancel,
}

impl Frames<'_> {
    /// Restores and writes all frames, and counts them; nothing where nobody reads them any more.
    ///
    /// A pipe whose reader has ended is no error: `... | ffplay -` is closed when one has seen enough. Rust has taken
    /// SIGPIPE out of the way, so that shows as an error of writing.
    pub(super) fn restore_all(
        &self,
        members: Vec<Member>,
        decoded: Receiver<Result<Decoded, Error>>,
    ) -> Result<Option<u64>, Failure> {
        match self.write_all(members, decoded) {
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::BrokenPipe => Ok(None),
            Err(error) => Err(error.into()),
            Ok(Ok(count)) => Ok(Some(count)),
            Ok(Err(mishap)) => Err(mishap.ended()),
        }
    }

    /// The same; an error is about writing.
    fn write_all(
        &self,
        members: Vec<Member>,
        decoded: Receiver<Result<Decoded, Error>>,
    ) -> Result<Result<u64, Mishap>, Error> {
        let name = self.sink.name();
        let unwritten = |source| Error::Io { action: "write to", path: name.clone(), source };
        let mut writer = Writer::new(BufWriter::new(self.sink.stream()), self.header).map_err(unwritten)?;
        let (mut count, mut failure) = (0, Ok(Ok(())));
        let options = PoolOptions { ordered: true, waiting: WAITING, ..PoolOptions::default() };
        let mut pool = Pool::new(members).with_options(options);
        let jobs = std::iter::from_fn(move || next(&decoded, &self.cancel)).map(Some).enumerate();
        let done = pool.run(self, jobs, &self.cancel, |_, saved| {
            // What comes after a failure is not written.
            if !matches!(failure, Ok(Ok(()))) {
                return;
            }
            failure = match saved {
                Ok(picture) => writer.write(&picture).map(|()| Ok(())).map_err(unwritten),
                Err(mishap) => Ok(Err(mishap)),
            };
            if matches!(failure, Ok(Ok(()))) {
                count += 1;
                self.bar.inc(1);
            } else {
                self.cancel.cancel();
            }
        });
        if let Err(mishap) = failure?.and(done) {
            return Ok(Err(mishap));
        }
        writer.finish().map_err(unwritten)?;
        Ok(Ok(count))
    }

    fn name(&self, number: usize) -> PathBuf {
        format!("frame {} of {}", number + 1, self.origin).into()
    }
}

/// The next frame, unless no more are wanted.
fn next(decoded: &Receiver<Result<Decoded, Error>>, cancel: &Cancel) -> Option<Result<Decoded, Error>> {
    loop {
        match decoded.recv_timeout(PATIENCE) {
            Ok(frame) => return Some(frame),
            Err(RecvTimeoutError::Timeout) if !cancel.is_cancelled() => {}
            Err(_) => return None,
        }
    }
}

impl pool::Work for Frames<'_> {
    /// A frame's number, and the frame until it is taken.
    type Job = (usize, Option<Result<Decoded, Error>>);
    type Photo = Decoded;
    type Restored = Frame;
    type Saved = Picture;
    type Error = Mishap;

    fn load(&self, (_, frame): &mut Self::Job) -> Result<Decoded, Mishap> {
        Ok(frame.take().unwrap_or(Err(Error::Cancelled))?)
    }

    fn restore(
        &self,
        restorer: &Restorer,
        (number, _): &Self::Job,
        (frame, _): &Decoded,
        cancel: &Cancel,
    ) -> Result<Frame, Mishap> {
        let name = self.name(*number);
        let about = |source| Error::Unrestored { path: name.clone(), source: Box::new(source) };
        attempt_with_adapter(&name, || restorer.photo(frame).cancelled_by(cancel).restore().map_err(about))
    }

    fn save(
        &self,
        (number, _): &Self::Job,
        (seen, parameters): Decoded,
        frame: Frame,
    ) -> Result<Picture, Mishap> {
        attempt(&self.name(*number), || self.converter.encode(&keep_beyond(&seen, &frame)?, &parameters))
    }

    fn over(&self) {
        self.cancel.cancel();
    }
}
