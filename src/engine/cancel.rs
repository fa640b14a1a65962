//! A word from outside that ends a run early.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use event_listener::Event;

use crate::{Error, Result};

/// Ends runs early, from any thread. A run that waits for its turn hears it at once; later it looks at it before each
/// of its submissions. It then fails with [`Error::Cancelled`]; what it runs on is as good as before. That is four
/// times a second or more once its kernels are there: compiling and measuring them for the first photo of a size is
/// not interrupted. A clone is the same word.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Word>);

#[derive(Debug, Default)]
struct Word {
    said: AtomicBool,
    /// Whoever waits for something else meanwhile.
    heard: Event,
}

impl Cancel {
    /// One that nobody has called yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends what was told to look at this, for good.
    pub fn cancel(&self) {
        self.0.said.store(true, Ordering::SeqCst);
        self.0.heard.notify(usize::MAX);
    }

    /// Whether somebody has.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.said.load(Ordering::SeqCst)
    }

    /// # Errors
    /// [`Error::Cancelled`] once somebody has.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// What something gives that has to be waited for.
    ///
    /// # Errors
    /// [`Error::Cancelled`] once somebody has.
    pub(crate) async fn unless<T>(&self, something: impl Future<Output = T>) -> Result<T> {
        let mut something = pin!(something);
        let mut heard = pin!(self.0.heard.listen());
        poll_fn(|context| {
            if self.is_cancelled() {
                return Poll::Ready(Err(Error::Cancelled));
            }
            if let Poll::Ready(value) = something.as_mut().poll(context) {
                return Poll::Ready(Ok(value));
            }
            heard.as_mut().poll(context).map(|()| Err(Error::Cancelled))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_hears_it() {
        let cancel = Cancel::new();
        let forever = std::thread::spawn({
            let cancel = cancel.clone();
            move || pollster::block_on(cancel.unless(std::future::pending::<()>()))
        });
        assert_eq!(pollster::block_on(cancel.unless(async { 7 })).unwrap(), 7);
        cancel.cancel();
        assert!(matches!(forever.join().unwrap(), Err(Error::Cancelled)));
        assert!(matches!(pollster::block_on(cancel.unless(async { 7 })), Err(Error::Cancelled)));
    }
}
