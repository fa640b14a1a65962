//! Files that appear whole or not at all: written under another name beside their own, then renamed.
//!
//! A process that is killed leaves the temporary file: its name holds the process's number, by which
//! [`remove_leftovers`] finds those that nobody writes any more.

mod cache;
mod temporary;
mod windows_names;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

pub use self::cache::cache_folder;
pub use self::temporary::remove_leftovers;
use self::temporary::{OURS, Temporary};
use self::windows_names::refused_by_windows;
use crate::{Error, Result, Shown};

/// Removes every file that this process has begun and not finished, and keeps others from being begun or finished until
/// what is returned is dropped: for who ends the process while other threads still write.
#[must_use = "files can be begun again once it is dropped"]
pub fn abandon() -> impl Sized {
    OURS.remove_all()
}

/// A file being written; dropped before [`Self::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct Output {
    file: Temporary<'static>,
    target: PathBuf,
}

impl Output {
    /// An empty file under a temporary name in the target's directory. Behind a symbolic link the file that it names
    /// will be replaced or made, not the link. A file that is replaced hands its permissions on.
    ///
    /// # Errors
    /// [`Error::Unwritable`] where there is no such directory, the name is too long or one that the system does not
    /// take, or the target is no ordinary file or, on Windows, a write-protected one; [`Error::Io`] where the directory
    /// takes no files.
    pub fn create(target: &Path) -> Result<Self> {
        if cfg!(windows) {
            let readonly = fs::metadata(target).is_ok_and(|metadata| metadata.permissions().readonly());
            if let Some(reason) = refused_by_windows(target, readonly) {
                return Err(Error::Unwritable { path: target.to_owned(), reason });
            }
        }
        let target = destination(target)?;
        let directory = directory(&target);
        let unwritable = |reason| Err(Error::Unwritable { path: target.clone(), reason });
        let shown = Shown(directory.display());
        match fs::metadata(directory) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return unwritable(format!("{shown} is a file and no directory; choose another")),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return unwritable(format!("there is no directory {shown}; create it first"));
            }
            Err(source) => return Err(Error::Io { action: "write to", path: directory.to_owned(), source }),
        }
        let io = |source| Error::Io { action: "write", path: target.clone(), source };
        #[cfg(not(unix))]
        let file = OURS.make(directory, |_| ()).map_err(io)?;
        #[cfg(unix)]
        let file = make_permitted(&target, directory).map_err(io)?;
        Ok(Self { file, target })
    }

    /// The file to write to.
    #[must_use]
    pub fn file(&self) -> &File {
        self.file.file()
    }

    /// Gives the file its name, in place of any file that had it.
    ///
    /// # Errors
    /// The operating system's.
    pub fn commit(self) -> io::Result<()> {
        // Without this a crash soon after the rename could leave the name with an empty file.
        self.file.file().sync_all()?;
        self.file.persist(&self.target)
    }
}

/// Writes a file of these bytes: whole, or not at all.
///
/// # Errors
/// As [`Output::create`]; [`Error::Io`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let output = Output::create(path)?;
    let written = output.file().write_all(bytes).and_then(|()| output.commit());
    written.map_err(|source| Error::Io { action: "write", path: path.to_owned(), source })
}

/// A temporary file with the permissions of the one that it is to replace.
#[cfg(unix)]
fn make_permitted(target: &Path, directory: &Path) -> io::Result<Temporary<'static>> {
    use std::os::unix::fs::PermissionsExt;
    let older = fs::metadata(target).ok().map(|metadata| metadata.permissions());
    // Temporary files are private by default; a new one becomes the user's, as the umask has it.
    let permissions = older.clone().unwrap_or_else(|| fs::Permissions::from_mode(0o666));
    let file = OURS.make(directory, |builder| {
        builder.permissions(permissions);
    })?;
    // Where the file system refuses, the file is no more open than the older one was.
    let _ = older.map(|permissions| file.file().set_permissions(permissions));
    Ok(file)
}

/// The directory that a file of this name is in.
pub(crate) fn directory(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether a path ends as only those of directories do.
pub(crate) fn names_directory(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().last().is_some_and(|&byte| std::path::is_separator(byte.into()))
}

/// How many links lead on from each other at most, as Linux has it.
const MOST_LINKS: usize = 40;

const TOO_LONG: &str = "the file system takes no name that is so long; choose a shorter one";

/// Where a file of this name really goes: behind symbolic links it is what they name, even where that is yet to be
/// made.
///
/// # Errors
/// [`Error::Unwritable`] where no file can have that name.
pub fn destination(path: &Path) -> Result<PathBuf> {
    let unwritable = |reason: &str| Error::Unwritable { path: path.to_owned(), reason: reason.to_owned() };
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(unwritable("it is a directory; choose another name")),
        Ok(metadata) if !metadata.is_file() => Err(unwritable("it is no ordinary file; choose another name")),
        Ok(_) if !path.is_symlink() => Ok(path.to_owned()),
        Ok(_) => fs::canonicalize(path).map_err(|source| Error::Io {
            action: "follow the link",
            path: path.to_owned(),
            source,
        }),
        Err(error) if error.kind() == ErrorKind::InvalidFilename => Err(unwritable(TOO_LONG)),
        Err(_) if names_directory(path) => Err(unwritable("that is the name of a directory; choose another")),
        Err(_) => {
            let mut end = path.to_owned();
            for _ in 0..MOST_LINKS {
                let Ok(next) = fs::read_link(&end) else { return Ok(end) };
                end = end.parent().unwrap_or(Path::new("")).join(next);
            }
            Err(unwritable("its links lead to no file; choose another name"))
        }
    }
}
