//! Where what can be made again is kept.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// The variable that names another directory for the file.
const VARIABLE: &str = "MPRNET_CACHE";

/// Where this program keeps what it can make again: the directory that `MPRNET_CACHE` names, else `mprnet` in the
/// user's cache directory (`$XDG_CACHE_HOME` or `~/.cache`; `~/Library/Caches`; `%LOCALAPPDATA%`); None where there is
/// none.
#[must_use]
pub fn cache_folder() -> Option<PathBuf> {
    folder_by(|name| env::var_os(name))
}

/// The same where the environment is what `variable` says.
fn folder_by(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn where_files_are_kept() {
        let folder = |set: &[(&str, &str)]| {
            folder_by(|name| set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).into()))
        };
        let home = std::env::temp_dir();
        let [home, other] = ["home", "other"].map(|name| home.join(name).to_str().unwrap().to_owned());
        assert_eq!(folder(&[]), None);
        // Taken as it is, before all others.
        let named =
            [(VARIABLE, "here"), ("HOME", &home), ("XDG_CACHE_HOME", &other), ("LOCALAPPDATA", &other)];
        assert_eq!(folder(&named), Some("here".into()));
        let empty = [(VARIABLE, ""), ("HOME", &home), ("LOCALAPPDATA", &home)];
        let (home, other) = (Path::new(&home), Path::new(&other));
        let usual = match () {
            () if cfg!(windows) => home.join("mprnet"),
            () if cfg!(target_os = "macos") => home.join("Library/Caches/mprnet"),
            () => home.join(".cache/mprnet"),
        };
        assert_eq!(folder(&empty), Some(usual.clone()));
        if cfg!(all(unix, not(target_os = "macos"))) {
            let with = |xdg| folder(&[("HOME", home.to_str().unwrap()), ("XDG_CACHE_HOME", xdg)]);
            assert_eq!(with(other.to_str().unwrap()), Some(other.join("mprnet")));
            for ignored in ["", "relative"] {
                assert_eq!(with(ignored).as_ref(), Some(&usual), "{ignored:?}");
            }
        }
    }
}
