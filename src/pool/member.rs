//! A device of a pool.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::{Restorer, Result};

/// Photos that one device works on at a time.
pub(super) const PHOTOS: usize = 2;

type Open = Box<dyn Fn() -> Result<Restorer> + Send + Sync>;

/// A device of a pool, and how it is opened.
pub struct Member {
    name: String,
    open: Option<Open>,
    state: Mutex<State>,
    /// Held by each photo that it works on.
    turns: RwLock<()>,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    restorer: Option<Arc<Restorer>>,
    given_up: bool,
    /// Whether it has failed, and restored nothing since.
    doubtful: bool,
}

/// A photo's turn at a device, beside another's or alone.
pub(super) enum Turn<'a> {
    Shared { _held: RwLockReadGuard<'a, ()> },
    Alone { _held: RwLockWriteGuard<'a, ()> },
}

impl Member {
    /// A device that is opened when the first photo needs it, and again where it has failed while there is no other.
    #[must_use]
    pub fn new(name: impl Into<String>, open: impl Fn() -> Result<Restorer> + Send + Sync + 'static) -> Self {
        Self {
            name: name.into(),
            open: Some(Box::new(open)),
            state: Mutex::default(),
            turns: RwLock::default(),
        }
    }

    /// A device that is open, and is not opened anew: one of the program that uses this library.
    #[must_use]
    pub fn opened(name: impl Into<String>, restorer: Restorer) -> Self {
        let state = State { restorer: Some(Arc::new(restorer)), ..State::default() };
        Self { name: name.into(), open: None, state: Mutex::new(state), turns: RwLock::default() }
    }

    /// Tries it again in another run, where it may be opened anew.
    pub(super) fn renew(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.given_up &= self.open.is_none();
        state.doubtful = false;
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The device, opened if it has to be; none where it is given up.
    pub(super) fn restorer(&self) -> Result<Option<Arc<Restorer>>> {
        let mut state = self.state();
        if let (None, false, Some(open)) = (&state.restorer, state.given_up, &self.open) {
            state.restorer = Some(Arc::new(open()?));
        }
        Ok(state.restorer.clone())
    }

    pub(super) fn works(&self) -> bool {
        !self.state().given_up && !self.is_used_up()
    }

    /// Whether it is closed and nothing opens it anew.
    pub(super) fn is_used_up(&self) -> bool {
        self.open.is_none() && self.state().restorer.is_none()
    }

    /// Waits for the turn of a photo. One that is tried once more is alone, as every photo is until a device that has
    /// failed has restored one: what fails there has failed by itself.
    pub(super) fn turn(&self, again: bool) -> Turn<'_> {
        if again || self.state().doubtful {
            Turn::Alone { _held: self.turns.write().unwrap_or_else(PoisonError::into_inner) }
        } else {
            Turn::Shared { _held: self.turns.read().unwrap_or_else(PoisonError::into_inner) }
        }
    }

    /// Notes that it has restored a photo.
    pub(super) fn proved(&self) {
        self.state().doubtful = false;
    }

    /// Notes that `failed` has. Gives whether it may do better when it is opened anew: not where it was before, in
    /// vain.
    pub(super) fn worth_reopening(&self, failed: &Arc<Restorer>) -> bool {
        let mut state = self.state();
        let own = state.restorer.as_ref().is_some_and(|own| Arc::ptr_eq(own, failed));
        let in_vain = own && state.doubtful;
        state.doubtful = true;
        self.open.is_some() && !in_vain
    }

    /// Whether it may be opened anew.
    pub(super) fn may_reopen(&self) -> bool {
        self.open.is_some()
    }

    /// Closes it after a failure of `restorer`, for good if told so. Gives whether that is news.
    pub(super) fn close(&self, restorer: Option<&Arc<Restorer>>, for_good: bool) -> bool {
        let mut state = self.state();
        let news = for_good && !state.given_up;
        state.given_up |= for_good;
        // Both of its photos may fail of the same cause.
        if restorer.is_none_or(|failed| state.restorer.as_ref().is_some_and(|own| Arc::ptr_eq(own, failed))) {
            state.restorer = None;
        }
        news
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
