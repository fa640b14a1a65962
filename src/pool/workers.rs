//! The threads of a pool.

use std::any::Any;
use std::iter::Enumerate;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread::Scope;

use super::line::{Item, Line, Outcome};
use super::member::PHOTOS;
use super::{Blame, Fault, Member, Work};
use crate::{Cancel, Error, caught};

/// What all threads share.
struct Shop<'a, W: Work> {
    work: &'a W,
    members: &'a [Member],
    line: &'a Line<W>,
    cancel: &'a Cancel,
    /// Held by whoever finds out whether its device is the last: of two that fail at once, one is.
    deciding: Mutex<()>,
    /// What a thread panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

pub(super) fn run<W: Work>(
    work: &W,
    members: &[Member],
    [loaders, savers]: [usize; 2],
    jobs: impl Iterator<Item = W::Job> + Send,
    line: &Line<W>,
    cancel: &Cancel,
    mut deliver: impl FnMut(W::Job, Result<W::Saved, W::Error>),
) -> Result<(), W::Error> {
    let shop = Shop { work, members, line, cancel, deciding: Mutex::default(), panic: Mutex::new(None) };
    let jobs = Mutex::new(jobs.enumerate());
    // Asked before any thread gives one up, which then says why.
    if !members.iter().any(Member::works) {
        line.stop(nobody());
    }
    std::thread::scope(|scope| {
        let shop = &shop;
        (0..loaders).for_each(|_| shop.start(scope, || shop.load_all(&jobs)));
        for member in 0..members.len() {
            (0..PHOTOS).for_each(|_| shop.start(scope, move || shop.restore_all(member)));
        }
        (0..savers).for_each(|_| shop.start(scope, || shop.save_all()));
        shop.guarded(|| {
            while let Some(Outcome { job, saved }) = line.next_outcome() {
                deliver(job, saved);
            }
        });
        // Also after a panic of `deliver`: whoever hands jobs over may wait for it.
        shop.guarded(|| work.over());
    });
    if let Some(panic) = shop.panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
        resume_unwind(panic);
    }
    line.failure().map_or(Ok(()), Err)
}

fn nobody<E: From<Error>>() -> E {
    let reason = "no device is left that works".to_owned();
    Error::Gpu { during: "restoring photos".into(), reason }.into()
}

impl<W: Work> Shop<'_, W> {
    fn start<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, all: impl FnOnce() + Send + 'scope) {
        scope.spawn(move || self.guarded(all));
    }

    /// A panic ends the work of all threads, and goes on where they were started.
    fn guarded(&self, all: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(all)) {
            self.line.abort();
            self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
        }
    }

    fn load_all(&self, jobs: &Mutex<Enumerate<impl Iterator<Item = W::Job>>>) {
        while self.line.enter() {
            let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((number, mut job)) = (if self.cancel.is_cancelled() { None } else { next() }) else {
                self.line.leave();
                continue;
            };
            match caught(|| self.work.load(&mut job)) {
                Ok(photo) => self.line.loaded(Item {
                    number,
                    job,
                    photo,
                    tried: Vec::new(),
                    again: false,
                    error: None,
                }),
                Err(error) => self.line.ended(number, job, Err(error)),
            }
        }
    }

    fn save_all(&self) {
        while let Some((Item { number, job, photo, .. }, restored)) = self.line.next_restored() {
            let saved = caught(|| self.work.save(&job, photo, restored));
            self.line.saved(number, job, saved);
        }
    }

    fn restore_all(&self, member: usize) {
        let own = &self.members[member];
        while own.works() {
            let Some(item) = self.line.next_loaded(member) else { break };
            if let Err(cancelled) = self.cancel.check() {
                self.line.ended(item.number, item.job, Err(cancelled.into()));
                continue;
            }
            let turn = own.turn(item.again);
            let restorer = match caught(|| own.restorer()) {
                Ok(Some(restorer)) => restorer,
                // Its other photo has failed meanwhile.
                Ok(None) => {
                    self.line.again(item);
                    self.abandon_hopeless();
                    continue;
                }
                Err(error) => {
                    self.line.again(item);
                    self.give_up(member, error.into());
                    self.abandon_hopeless();
                    continue;
                }
            };
            match caught(|| self.work.restore(&restorer, &item.job, &item.photo, self.cancel)) {
                Ok(restored) => {
                    own.proved();
                    self.line.restored(item, restored);
                }
                Err(error) => match error.blame() {
                    Blame::Photo => self.line.ended(item.number, item.job, Err(error)),
                    blame => {
                        let once_more = blame.may_pass() && own.worth_reopening(&restorer);
                        // What nothing opens anew goes on, unless it is the device that has failed.
                        if own.may_reopen() || blame == Blame::Device {
                            own.close(Some(&restorer), false);
                        }
                        // Closing may fail once more, of what was left half changed.
                        let _ = catch_unwind(AssertUnwindSafe(|| drop(restorer)));
                        drop(turn);
                        self.failed(member, once_more, item, error);
                        self.abandon_hopeless();
                    }
                },
            }
        }
    }

    /// Hands a photo on to another device, where there is one, or once to the same one opened anew; else it has failed
    /// for good.
    fn failed(&self, member: usize, once_more: bool, mut item: Item<W>, error: W::Error) {
        let _alone = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        let others =
            || (0..self.members.len()).filter(|&other| other != member && self.members[other].works());
        let last = others().next().is_none();
        if last && once_more && !item.again && !self.cancel.is_cancelled() {
            error.tries_again(self.members[member].name());
            return self.line.again(Item { again: true, ..item });
        }
        item.tried.push(member);
        if others().all(|other| item.tried.contains(&other)) {
            if last && self.members[member].is_used_up() {
                self.line.stop(error);
            } else {
                self.line.ended(item.number, item.job, Err(error));
            }
        } else if error.blame() == Blame::Device {
            self.line.again(item);
            self.give_up(member, error);
        } else {
            item.error = Some(error);
            self.line.again(item);
        }
    }

    /// Does without a device from now on.
    fn give_up(&self, member: usize, error: W::Error) {
        let own = &self.members[member];
        let news = own.close(None, true);
        if !self.members.iter().any(Member::works) {
            return self.line.stop(error);
        }
        if news {
            error.gives_up(own.name());
        }
    }

    /// Ends the photos that waited for a device which works no more, and for no other. Where none is left, whoever
    /// closed the last one says why.
    fn abandon_hopeless(&self) {
        let working: Vec<usize> =
            (0..self.members.len()).filter(|&member| self.members[member].works()).collect();
        if !working.is_empty() {
            self.line.abandon(|tried| working.iter().all(|member| tried.contains(member)), nobody);
        }
    }
}
