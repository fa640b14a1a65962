//! What ends the program from outside: nothing is left half-written, and what was finished is said.

#[cfg(not(unix))]
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::output;

use super::{say, telling};

/// The exit code of a program that was interrupted, by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// How long tidying may take. A terminal that is held, or a file system that does not answer, keeps nobody from ending
/// the program.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many photos there are to restore, and how many have been.
pub(super) struct Tally {
    finished: AtomicUsize,
    total: AtomicUsize,
}

/// That of this process.
pub(super) static TALLY: Tally = Tally { finished: AtomicUsize::new(0), total: AtomicUsize::new(0) };

impl Tally {
    pub(super) fn begin(&self, total: usize) {
        self.finished.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    pub(super) fn finished(&self) {
        self.finished.fetch_add(1, Ordering::Relaxed);
    }

    fn text(&self) -> String {
        match (self.finished.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed)) {
            (_, 0) => "interrupted".to_owned(),
            (finished, total) => {
                let remedy = if total > 1 { "; --skip-existing goes on from there" } else { "" };
                format!("interrupted: {finished} of {total} photos restored{remedy}")
            }
        }
    }
}

/// Starts a thread that waits for Ctrl-C, SIGTERM and SIGHUP: the others may be inside a driver for seconds.
#[cfg(unix)]
pub(super) fn listen() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    // Without it the system ends the program as it ends any.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    if ends_with_terminal() {
        let _ = signals.add_signal(SIGHUP);
    }
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            end(if signal == SIGINT { INTERRUPTED } else { 128 + signal });
        }
    });
}

/// Whether the program is to end where its terminal goes: not under `nohup`, nor where nothing says so.
#[cfg(unix)]
fn ends_with_terminal() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|ignored| ignored >> (signal_hook::consts::SIGHUP - 1) & 1 == 0)
}

/// The same for what a console of Windows has.
#[cfg(windows)]
pub(super) fn listen() {
    let _ = ctrlc::set_handler(|| end(INTERRUPTED));
}

#[cfg(not(any(unix, windows)))]
pub(super) fn listen() {}

fn end(code: i32) -> ! {
    let (tidy, done) = mpsc::channel();
    thread::spawn(move || {
        let _kept = output::abandon();
        telling::clear();
        say(TALLY.text());
        let _ = tidy.send(());
        // No file may be begun or finished any more.
        thread::park();
    });
    let _ = done.recv_timeout(PATIENCE);
    // Drivers that are told of the end wait for their own threads, which may be compiling.
    #[cfg(unix)]
    signal_hook::low_level::exit(code);
    #[cfg(not(unix))]
    process::exit(code)
}
