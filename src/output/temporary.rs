//! Files under temporary names: which of them this process has, and which are left of processes that are gone.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{Builder, NamedTempFile};

const PREFIX: &str = ".mprnet-";
const SUFFIX: &str = ".tmp";

/// The temporary files of a process that is to leave none behind, however it ends.
#[derive(Debug)]
pub(super) struct Temporaries(Mutex<Vec<PathBuf>>);

/// Those of this process.
pub(super) static OURS: Temporaries = Temporaries::new();

impl Temporaries {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn known(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a file, whose name says which process it is of.
    pub(super) fn make(
        &self,
        directory: &Path,
        shape: impl FnOnce(&mut Builder),
    ) -> io::Result<Temporary<'_>> {
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let mut builder = Builder::new();
        builder.prefix(&prefix).suffix(SUFFIX);
        shape(&mut builder);
        // Known as soon as it is there.
        let mut known = self.known();
        let file = builder.tempfile_in(directory).map_err(|error| without_name(&error))?;
        let path = file.path().to_owned();
        known.push(path.clone());
        Ok(Temporary { file, entry: Entry { among: self, path } })
    }

    /// Removes all of them; whoever is about to make or name one waits until what is returned is dropped.
    pub(super) fn remove_all(&self) -> impl Sized + '_ {
        let mut known = self.known();
        for path in known.drain(..) {
            let _ = fs::remove_file(path);
        }
        known
    }

    /// Names are enough, and directories may have several: they hold the process and a random part.
    fn has(&self, name: &OsStr) -> bool {
        self.known().iter().any(|known| known.file_name() == Some(name))
    }
}

/// A file under a temporary name; dropped, it is removed.
#[derive(Debug)]
pub(super) struct Temporary<'a> {
    // Dropped in this order: a file is known as long as it is there.
    file: NamedTempFile,
    entry: Entry<'a>,
}

impl Temporary<'_> {
    pub(super) fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Gives the file its name.
    pub(super) fn persist(self, target: &Path) -> io::Result<()> {
        let Self { file, entry } = self;
        let mut known = entry.among.known();
        file.persist(target)?;
        // The name may be given to another file from now on.
        known.retain(|path| *path != entry.path);
        Ok(())
    }
}

/// That a file is known.
#[derive(Debug)]
struct Entry<'a> {
    among: &'a Temporaries,
    path: PathBuf,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.among.known().retain(|path| *path != self.path);
    }
}

/// Removes what processes that are gone have left in a directory, and tells how many files that were. A directory that
/// cannot be read has none that could be removed.
///
/// Processes of other machines, and of other containers, are not seen: while they write to a directory that is shared
/// with them, what they have begun is taken for left.
#[must_use]
pub fn remove_leftovers(directory: &Path) -> usize {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let left = |path: &PathBuf| {
        let owner = path.file_name().and_then(owner);
        owner.is_some_and(|process| is_gone(process, path)) && fs::remove_file(path).is_ok()
    };
    entries.flatten().map(|entry| entry.path()).filter(left).count()
}

/// An error without the temporary name, which nobody has asked for.
fn without_name(error: &io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|named| named.source()?.downcast_ref::<io::Error>());
    let code = inner.unwrap_or(error).raw_os_error();
    code.map_or_else(|| io::Error::from(error.kind()), io::Error::from_raw_os_error)
}

/// The process that a temporary name holds.
fn owner(name: &OsStr) -> Option<u32> {
    let (process, unique) = name.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.split_once('-')?;
    process.parse().ok().filter(|_| !unique.is_empty())
}

fn is_gone(process: u32, path: &Path) -> bool {
    if process == std::process::id() {
        // In containers an earlier run often had the number that this one has.
        return !path.file_name().is_some_and(|name| OURS.has(name));
    }
    is_unused(process, path)
}

#[cfg(unix)]
fn is_unused(process: u32, _: &Path) -> bool {
    let Some(process) = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw) else {
        return true;
    };
    // A process of another user may not be asked, but is there.
    rustix::process::test_kill_process(process) == Err(rustix::io::Errno::SRCH)
}

/// A process has its temporary files open as long as it lives.
#[cfg(windows)]
fn is_unused(_: u32, path: &Path) -> bool {
    use std::os::windows::fs::OpenOptionsExt;
    fs::OpenOptions::new().read(true).share_mode(0).open(path).is_ok()
}

#[cfg(not(any(unix, windows)))]
fn is_unused(_: u32, _: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_files_go_and_others_stay() {
        let room = tempfile::tempdir().unwrap();
        let files = Temporaries::new();
        let make = || files.make(room.path(), |_| ()).unwrap();
        let (named, dropped, left) = (make(), make(), make());
        named.persist(&room.path().join("a.png")).unwrap();
        drop(dropped);
        assert!(files.has(left.entry.path.file_name().unwrap()) && files.known().len() == 1);
        drop(files.remove_all());
        let names: Vec<_> =
            fs::read_dir(room.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["a.png"]);
    }

    #[test]
    fn names_hold_the_process() {
        let room = tempfile::tempdir().unwrap();
        let files = Temporaries::new();
        let file = files.make(room.path(), |_| ()).unwrap();
        assert_eq!(owner(file.entry.path.file_name().unwrap()), Some(std::process::id()));
        for name in
            [".mprnet-x-a.tmp", ".mprnet-7.tmp", ".mprnet-7-.tmp", "mprnet-7-a.tmp", ".mprnet-7-a.png"]
        {
            assert_eq!(owner(name.as_ref()), None, "{name}");
        }
    }

    #[test]
    fn only_what_nobody_writes_any_more_is_removed() {
        let room = tempfile::tempdir().unwrap();
        let ours = super::super::Output::create(&room.path().join("a.png")).unwrap();
        let put = |name: String| fs::write(room.path().join(name), "half").unwrap();
        // This process has no such file, and no process has such a number.
        put(format!(".mprnet-{}-left.tmp", std::process::id()));
        put(format!(".mprnet-{}-left.tmp", i32::MAX));
        put(".mprnet-notes.tmp".to_owned());
        assert_eq!(remove_leftovers(room.path()), 2);
        assert_eq!(remove_leftovers(room.path()), 0);
        assert_eq!(fs::read_dir(room.path()).unwrap().count(), 2);
        drop(ours);
        assert_eq!(fs::read_dir(room.path()).unwrap().count(), 1);
        assert_eq!(remove_leftovers(&room.path().join("none")), 0);
    }
}
