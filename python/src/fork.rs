//! Processes made by `fork`: drivers of GPUs have threads and memory that a copy of the process has not.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use mprnet::{Error, Result};

/// The process that has used a driver; 0 for none.
static USER: AtomicU32 = AtomicU32::new(0);

/// To be called before a driver is used.
///
/// # Errors
/// [`Error::Gpu`] in a process that was forked from one that has used a driver: what such a driver does now nobody
/// knows, and to wait for ever is the least of it.
pub fn note() -> Result<()> {
    let own = process::id();
    match USER.compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed) {
        Err(user) if user != own => Err(Error::Gpu {
            during: "starting in a forked process".into(),
            reason: format!(
                "process {user}, which this one was forked from, has used a GPU's driver, and that does not survive \
                 it; start processes with multiprocessing's \"spawn\" or \"forkserver\", or restore nothing before \
                 they are forked"
            ),
        }),
        _ => Ok(()),
    }
}
