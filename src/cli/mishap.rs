//! What ends the work on one photo, and no more than that; panics are mistakes of this program or of what it is made
//! of, and among that.

use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::panics::message;
use crate::pool::{Blame, Fault};
use crate::{Error, Shown};

use super::advice::advised;
use super::{Failure, exit_code, note, one_line, report};

/// Where the last panic was, on whichever thread: what a panic carries does not tell.
static PLACE: Mutex<String> = Mutex::new(String::new());

/// Keeps panics from writing their own traces: whoever catches one says what is to be said.
pub(super) fn hush_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, ToString::to_string);
        tracing::debug!("panic at {place}: {}", message(info.payload()));
        *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }));
}

/// Does work; a panic on this thread, or on one that hands its panics on, becomes a text. What `work` has changed
/// before is not to be used after it.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{}, at {place}", one_line(message(payload.as_ref())))
    })
}

/// Why there is no result for a photo.
pub(super) struct Mishap {
    /// What the user is told.
    pub(super) text: String,
    pub(super) code: u8,
    /// Whether the device may be lost, or what runs on it half changed.
    pub(super) blame: Blame,
}

impl From<Error> for Mishap {
    fn from(error: Error) -> Self {
        Self { text: advised(&error), code: exit_code(&error), blame: Blame::of(&error) }
    }
}

impl Fault for Mishap {
    fn blame(&self) -> Blame {
        self.blame
    }

    fn tries_again(&self, adapter: &str) {
        note(format_args!("{}; reopening {adapter} to try once more", self.text));
    }

    fn gives_up(&self, adapter: &str) {
        note(format_args!("{adapter} is not used any more: {}", self.text));
    }
}

impl Mishap {
    /// Tells the user.
    pub(super) fn report(&self) {
        report(&self.text);
    }

    /// Tells the user why there is nothing more.
    pub(super) fn ended(&self) -> Failure {
        self.report();
        Failure::Reported(self.code)
    }
}

/// Does work on a photo.
pub(super) fn attempt<T>(path: &Path, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Mishap> {
    match caught(work) {
        Ok(done) => Ok(done?),
        Err(panic) => {
            let path = Shown(path.display());
            let text = format!(
                "cannot restore {path}: the program failed on it ({panic}); this is a bug in mprnet, please \
                 report it"
            );
            Err(Mishap { text, code: 1, blame: Blame::Renew })
        }
    }
}

/// Panics on a thread of its own, as pipelines are made on, if `MPRNET_INJECT_PANIC` names `part`, so that the tests of
/// the program see what comes of it. No release does.
pub(super) fn inject_panic(part: impl AsRef<std::ffi::OsStr>) {
    if cfg!(debug_assertions)
        && std::env::var_os("MPRNET_INJECT_PANIC").is_some_and(|name| name == part.as_ref())
    {
        let worker = std::thread::spawn(|| panic!("rehearsed\n\u{1b}[31mfor a test"));
        worker.join().unwrap_or_else(|payload| panic::resume_unwind(payload));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_the_mishap_of_its_photo() {
        let outcome = attempt("a\u{7}.png".as_ref(), || -> Result<(), Error> { panic!("two\nlines") });
        let Mishap { text, code, blame } = outcome.unwrap_err();
        assert!(
            text.starts_with(r"cannot restore a\u{7}.png: the program failed on it (two lines, at "),
            "{text}"
        );
        assert!(text.ends_with("please report it") && code == 1 && blame == Blame::Renew);
    }

    #[test]
    fn only_a_failing_device_is_not_used_again() {
        let gpu = || Error::Gpu { during: "testing".into(), reason: "lost".to_owned() };
        let about = |source| Error::Unrestored { path: "a.png".into(), source: Box::new(source) };
        assert_eq!([gpu(), about(gpu())].map(|error| Mishap::from(error).blame), [Blame::Device; 2]);
        assert_eq!(Mishap::from(about(gpu())).code, 3);
        assert_eq!(Mishap::from(about(Error::NotFinite("so".into()))).blame, Blame::Photo);
    }
}
