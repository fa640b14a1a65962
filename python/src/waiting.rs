//! Waiting for the library in such a way that Ctrl-C is heard.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use mprnet::{Cancel, Error, caught};
use pyo3::prelude::*;

use crate::errors::exception;

/// How long Python is left alone between two looks at whether there was a signal.
const PATIENCE: Duration = Duration::from_millis(50);

/// Does work on another thread, while those of Python run. An exception that a signal raises, as Ctrl-C does, calls
/// `cancel` and comes once the work has ended; Python handles signals on its main thread alone, which is why that must
/// not do the work itself.
#[allow(
    clippy::unnecessary_mut_passed,
    clippy::needless_borrow,
    reason = "a receiver may go to another thread, and a shared reference to one may not"
)]
pub fn wait<T: Send>(
    py: Python<'_>,
    cancel: &Cancel,
    work: impl FnOnce() -> mprnet::Result<T> + Send,
) -> PyResult<T> {
    thread::scope(|scope| {
        let (done, mut news) = mpsc::channel();
        scope.spawn(move || {
            let _ = done.send(caught(work));
        });
        loop {
            // Borrowed for this thread alone: a receiver is for one at a time.
            match py.detach(|| (&mut news).recv_timeout(PATIENCE)) {
                Ok(done) => return done.map_err(|error| exception(&error)),
                Err(RecvTimeoutError::Disconnected) => return Err(exception(&Error::Cancelled)),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Err(signal) = py.check_signals() {
                cancel.cancel();
                // The work may have a word for Python's logging before it ends.
                py.detach(|| (&mut news).recv()).ok();
                return Err(signal);
            }
        }
    })
}
