//! Where what can be made again is kept.

use std::env;
use std::path::PathBuf;

/// The variable that names another directory for the file.
const VARIABLE: &str = "MPRNET_CACHE";

/// Where this program keeps what it can make again: the directory that `MPRNET_CACHE` names, else `mprnet` in the
/// user's cache directory (`$XDG_CACHE_HOME` or `~/.cache`; `~/Library/Caches`; `%LOCALAPPDATA%`); None where there is
/// none.
#[must_use]
pub fn cache_folder() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = |below: &str| Some(set("HOME")?.join(below));
    let user = || {
        if cfg!(windows) {
            set("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            home("Library/Caches")
        } else {
            // A relative one is to be ignored, by the XDG Base Directory Specification.
            set("XDG_CACHE_HOME").filter(|path| path.is_absolute()).or_else(|| home(".cache"))
        }
    };
    set(VARIABLE).or_else(|| Some(user()?.join("mprnet")))
}
