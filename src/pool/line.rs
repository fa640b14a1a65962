//! Photos between the steps of a pool's work.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Work;

/// A photo under way.
pub(super) struct Item<W: Work> {
    /// Its place in the order of jobs.
    pub(super) number: usize,
    pub(super) job: W::Job,
    pub(super) photo: W::Photo,
    /// Members where it has failed.
    pub(super) tried: Vec<usize>,
    /// Whether it has been tried once more, on a device that was opened anew for it.
    pub(super) again: bool,
    /// Why, at the last.
    pub(super) error: Option<W::Error>,
}

/// What is to be handed over.
pub(super) struct Outcome<W: Work> {
    pub(super) job: W::Job,
    pub(super) saved: Result<W::Saved, W::Error>,
}

/// Photos that wait for a step, and how many are under way in all.
pub(super) struct Line<W: Work> {
    most: usize,
    ordered: bool,
    state: Mutex<State<W>>,
    news: Condvar,
}

struct State<W: Work> {
    loaded: VecDeque<Item<W>>,
    restored: VecDeque<(Item<W>, W::Restored)>,
    /// By number.
    outcomes: BTreeMap<usize, Outcome<W>>,
    /// Photos that were begun and not yet handed over.
    under_way: usize,
    handed_over: usize,
    no_more: bool,
    /// Photos that are being saved.
    saving: usize,
    /// Whether no photo is restored any more; those that are restored are saved and handed over.
    stopped: bool,
    /// Whether all is to end at once.
    aborted: bool,
    /// Why no photo can be restored.
    failure: Option<W::Error>,
}

impl<W: Work> Line<W> {
    /// A line that at most so many photos are in.
    pub(super) fn new(most: usize, ordered: bool) -> Self {
        let state = State {
            loaded: VecDeque::new(),
            restored: VecDeque::new(),
            outcomes: BTreeMap::new(),
            under_way: 0,
            handed_over: 0,
            no_more: false,
            saving: 0,
            stopped: false,
            aborted: false,
            failure: None,
        };
        Self { most, ordered, state: Mutex::new(state), news: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `found` has found something, or there is nothing left to wait for.
    fn wait<T>(&self, mut found: impl FnMut(&mut State<W>) -> Option<T>) -> Option<T> {
        self.wait_until(|state| state.stopped, |state| if state.stopped { None } else { found(state) })
    }

    /// Waits until `found` has found something, or `over` says that it will not.
    fn wait_until<T>(
        &self,
        over: impl Fn(&State<W>) -> bool,
        mut found: impl FnMut(&mut State<W>) -> Option<T>,
    ) -> Option<T> {
        let mut state = self.state();
        loop {
            if state.aborted {
                return None;
            }
            if let Some(found) = found(&mut state) {
                return Some(found);
            }
            if over(&state) {
                return None;
            }
            if state.no_more && state.under_way == 0 {
                return None;
            }
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn change(&self, change: impl FnOnce(&mut State<W>)) {
        change(&mut self.state());
        self.news.notify_all();
    }

    /// Waits for room for another photo; false once there is to be none.
    pub(super) fn enter(&self) -> bool {
        let room = |state: &mut State<W>| {
            let room = state.no_more || state.under_way < self.most;
            room.then(|| state.under_way += usize::from(!state.no_more)).map(|()| !state.no_more)
        };
        self.wait(room).unwrap_or(false)
    }

    /// Says that who has entered has found no job, and that there are no more.
    pub(super) fn leave(&self) {
        self.change(|state| {
            state.under_way -= 1;
            state.no_more = true;
        });
    }

    pub(super) fn loaded(&self, item: Item<W>) {
        self.change(|state| state.loaded.push_back(item));
    }

    /// Puts a photo back that has failed, for another device.
    pub(super) fn again(&self, item: Item<W>) {
        self.change(|state| state.loaded.push_front(item));
    }

    /// Ends photos that have been tried in vain wherever they could be; `otherwise` tells why where nothing else does.
    pub(super) fn abandon(&self, hopeless: impl Fn(&[usize]) -> bool, otherwise: fn() -> W::Error) {
        self.change(|state| {
            while let Some(at) = state.loaded.iter().position(|item| hopeless(&item.tried)) {
                let Some(Item { number, job, error, .. }) = state.loaded.remove(at) else { break };
                let saved = Err(error.unwrap_or_else(otherwise));
                state.outcomes.insert(number, Outcome { job, saved });
            }
        });
    }

    /// The next photo for a device; none where it is not needed any more.
    pub(super) fn next_loaded(&self, member: usize) -> Option<Item<W>> {
        self.wait(|state| {
            let at = state.loaded.iter().position(|item| !item.tried.contains(&member))?;
            state.loaded.remove(at)
        })
    }

    /// Hands a photo on to be saved; not after the end, when nobody may be left to do so.
    pub(super) fn restored(&self, item: Item<W>, restored: W::Restored) {
        self.change(|state| {
            if !state.stopped {
                state.restored.push_back((item, restored));
            }
        });
    }

    pub(super) fn next_restored(&self) -> Option<(Item<W>, W::Restored)> {
        self.wait_until(
            |state| state.stopped,
            |state| {
                let next = state.restored.pop_front()?;
                state.saving += 1;
                Some(next)
            },
        )
    }

    pub(super) fn saved(&self, number: usize, job: W::Job, saved: Result<W::Saved, W::Error>) {
        self.change(|state| {
            state.saving -= 1;
            state.outcomes.insert(number, Outcome { job, saved });
        });
    }

    pub(super) fn ended(&self, number: usize, job: W::Job, saved: Result<W::Saved, W::Error>) {
        self.change(|state| drop(state.outcomes.insert(number, Outcome { job, saved })));
    }

    /// The next outcome that may be handed over; none when all are.
    pub(super) fn next_outcome(&self) -> Option<Outcome<W>> {
        let outcome = self.wait_until(
            |state| state.stopped && state.restored.is_empty() && state.saving == 0,
            |state| {
                let first = state.outcomes.first_entry()?;
                (!self.ordered || *first.key() == state.handed_over).then(|| first.remove())
            },
        );
        self.change(|state| {
            if outcome.is_some() {
                state.handed_over += 1;
                state.under_way -= 1;
            }
        });
        outcome
    }

    /// Ends the restoring of photos, for a reason.
    pub(super) fn stop(&self, failure: W::Error) {
        self.change(|state| {
            state.stopped = true;
            state.failure = state.failure.take().or(Some(failure));
        });
    }

    /// Ends everything.
    pub(super) fn abort(&self) {
        self.change(|state| (state.stopped, state.aborted) = (true, true));
    }

    pub(super) fn failure(&self) -> Option<W::Error> {
        self.state().failure.take()
    }
}
