//! Waiting for the adapter: a future for each submission, and the thread that asks the driver while one is under way.
//!
//! wgpu tells that a submission is done from within a call that asks. Browsers ask by themselves; elsewhere a program
//! has to, and a future that nobody asks for would never be woken.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::Duration;

use web_time::Instant;

/// How long the driver is asked at a time. OpenGL lets nobody else in meanwhile; each question costs microseconds.
const ASKING: Duration = Duration::from_millis(50);

/// A driver that answers at once that it is not done has not waited, and is asked again after a pause, so often in a
/// row.
const PAUSE: Duration = Duration::from_millis(1);
const REFUSALS: u32 = 10_000;

/// Refusals that a panic of wgpu counts as: it may be a passing one, but a lost device panics each time, and a host
/// program's own device tells nobody here that it is lost.
const OF_A_PANIC: u32 = 500;

type Outcome = Result<Duration, String>;

/// Work under way on the adapter. It comes to an end whether or not somebody waits for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Submitted(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    outcome: Option<Outcome>,
    waker: Option<Waker>,
    /// What is still to be done when the work is.
    then: Option<Then>,
}

/// Hears how long the work took.
type Then = Box<dyn FnOnce(Duration) + Send>;

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

impl Submitted {
    /// Work that was waited for already.
    pub(crate) fn done() -> Self {
        let done = Self::default();
        done.end(Ok(Duration::ZERO));
        done
    }

    /// Waits on this thread.
    ///
    /// # Errors
    /// The driver's reason, where the device was lost.
    pub(crate) fn wait(self) -> Result<(), String> {
        pollster::block_on(self).map(|_| ())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_ended(&self) -> bool {
        self.state().outcome.is_some()
    }

    /// The work is done, and has taken so long; whoever says so first is heard.
    fn finish(&self, took: impl FnOnce() -> Duration) {
        let Some(then) = self.state().then.take() else { return };
        let took = took();
        then(took);
        self.end(Ok(took));
    }

    /// Notes how it ended; what is noted first stands.
    fn end(&self, outcome: Outcome) {
        let waker = {
            let mut state = self.state();
            state.outcome.get_or_insert(outcome);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// How long it took, or why the device was lost.
impl Future for Submitted {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let mut state = self.state();
        if let Some(outcome) = &state.outcome {
            return Poll::Ready(outcome.clone());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

/// Asks one device, on a thread that the first submission starts.
#[derive(Debug)]
pub(super) struct Poller {
    device: wgpu::Device,
    lost: Arc<OnceLock<String>>,
    line: Arc<Line>,
    thread: OnceLock<Option<JoinHandle<()>>>,
}

/// A submission that is asked for.
#[derive(Debug)]
struct UnderWay {
    index: wgpu::SubmissionIndex,
    begun: Instant,
    submitted: Submitted,
}

/// What is under way, oldest first.
#[derive(Debug, Default)]
struct Line {
    state: Mutex<LineState>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct LineState {
    under_way: VecDeque<UnderWay>,
    closed: bool,
    /// When the adapter had done what it was given.
    idle_since: Option<Instant>,
}

impl Poller {
    pub(super) fn new(device: wgpu::Device, lost: Arc<OnceLock<String>>) -> Self {
        Self { device, lost, line: Arc::default(), thread: OnceLock::new() }
    }

    pub(super) fn submit(
        &self,
        queue: &wgpu::Queue,
        commands: wgpu::CommandEncoder,
        then: impl FnOnce(Duration) + Send + 'static,
    ) -> Submitted {
        let (submitted, line) = (Submitted::default(), Arc::clone(&self.line));
        submitted.state().then = Some(Box::new(then));
        let (told, begun) = (submitted.clone(), Instant::now());
        let lost = Arc::clone(&self.lost);
        // Browsers call what a lost device was given done.
        commands.on_submitted_work_done(move || match lost.get() {
            Some(reason) => told.end(Err(reason.clone())),
            None => told.finish(|| line.lap(begun)),
        });
        let index = queue.submit([commands.finish()]);
        if cfg!(target_family = "wasm") {
            return submitted;
        }
        self.line.state().under_way.push_back(UnderWay { index, begun, submitted: submitted.clone() });
        self.line.news.notify_one();
        if self.thread.get_or_init(|| self.start()).is_none() {
            // Whoever waits asks for itself, then: here and now.
            ask_for_all(&self.device, &self.line, &self.lost, |line| line.state().under_way.pop_front());
        }
        submitted
    }

    fn start(&self) -> Option<JoinHandle<()>> {
        let (device, line, lost) = (self.device.clone(), Arc::clone(&self.line), Arc::clone(&self.lost));
        let ask = move || ask_for_all(&device, &line, &lost, Line::next);
        std::thread::Builder::new().name("mprnet: waiting".to_owned()).spawn(ask).ok()
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.line.state().closed = true;
        self.line.news.notify_one();
        let thread = self.thread.take().flatten();
        // A driver must not be left while it is asked; but what it wakes may hold the last of a device.
        if let Some(thread) = thread.filter(|t| t.thread().id() != std::thread::current().id()) {
            let _ = thread.join();
        }
    }
}

impl Line {
    fn state(&self) -> MutexGuard<'_, LineState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest submission that is under way; none once the device is closed.
    fn next(&self) -> Option<UnderWay> {
        let waiting = |state: &mut LineState| !state.closed && state.under_way.is_empty();
        let state = self.news.wait_while(self.state(), waiting);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.closed { None } else { state.under_way.pop_front() }
    }

    /// How long what is done now has taken since it could begin.
    fn lap(&self, begun: Instant) -> Duration {
        let now = Instant::now();
        let before = self.state().idle_since.replace(now);
        now.saturating_duration_since(before.map_or(begun, |before| before.max(begun)))
    }
}

fn ask_for_all(
    device: &wgpu::Device,
    line: &Line,
    lost: &OnceLock<String>,
    next: impl Fn(&Line) -> Option<UnderWay>,
) {
    while let Some(UnderWay { index, begun, submitted }) = next(line) {
        let mut refused = 0;
        while !submitted.has_ended() && !line.state().closed {
            let asked = Instant::now();
            match ask(device, &index, lost) {
                // wgpu ties its callback to the last submission there is when it is registered, which may be a later
                // one of wgpu's own. In about one run of 200 on lavapipe it never came.
                Ok(Answer::Done) => submitted.finish(|| line.lap(begun)),
                Ok(Answer::NotYet) if asked.elapsed() >= ASKING / 2 => refused = 0,
                Ok(answer) if refused < REFUSALS => {
                    refused += if answer == Answer::Panicked { OF_A_PANIC } else { 1 };
                    std::thread::sleep(PAUSE);
                }
                Ok(Answer::Panicked) => submitted.end(Err(LOST.to_owned())),
                Ok(_) => submitted.end(Err("the driver does not wait for what it was given".to_owned())),
                Err(reason) => submitted.end(Err(reason)),
            }
        }
    }
}

const LOST: &str = "the device was lost; the driver may have stopped it for running too long";

/// What comes of asking.
#[derive(PartialEq, Eq)]
enum Answer {
    Done,
    NotYet,
    Panicked,
}

/// Asks for a while whether a submission is done, which calls who waits for it.
///
/// wgpu panics where the device is lost meanwhile; here that is an error like any other.
fn ask(
    device: &wgpu::Device,
    index: &wgpu::SubmissionIndex,
    lost: &OnceLock<String>,
) -> Result<Answer, String> {
    let wait = wgpu::PollType::Wait { submission_index: Some(index.clone()), timeout: Some(ASKING) };
    let answer = match catch_unwind(AssertUnwindSafe(|| device.poll(wait))) {
        Ok(Ok(status)) if status.wait_finished() => Answer::Done,
        Ok(Ok(_) | Err(wgpu::PollError::Timeout)) => Answer::NotYet,
        Ok(Err(error)) => return Err(lost.get().cloned().unwrap_or_else(|| error.to_string())),
        // It panics too where another thread's submission finds the work done between two looks of this one's: ask
        // again.
        Err(_) if lost.get().is_none() => Answer::Panicked,
        Err(_) => return Err(LOST.to_owned()),
    };
    lost.get().map_or(Ok(answer), |reason| Err(reason.clone()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn whoever_says_so_first_is_heard() {
        let (submitted, calls) = (Submitted::default(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&calls);
        submitted.state().then = Some(Box::new(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        }));
        assert!(!submitted.has_ended());
        submitted.finish(|| Duration::from_secs(1));
        submitted.finish(|| panic!("it is done already"));
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        assert_eq!(pollster::block_on(submitted), Ok(Duration::from_secs(1)));
    }
}
