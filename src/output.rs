//! Files that appear whole or not at all: written under another name beside their own, then renamed.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::{Error, Result, Shown};

/// A file being written; dropped before [`Self::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct Output {
    file: NamedTempFile,
    target: PathBuf,
}

impl Output {
    /// An empty file under a temporary name in the target's directory. Behind a symbolic link the file that it names
    /// will be replaced or made, not the link. A file that is replaced hands its permissions on.
    ///
    /// # Errors
    /// [`Error::Unwritable`] where there is no such directory, the name is too long or one that the system does not take, or
    /// the target is no ordinary file or, on Windows, a write-protected one; [`Error::Io`] where the directory takes no files.
    pub fn create(target: &Path) -> Result<Self> {
        if cfg!(windows) {
            let readonly = fs::metadata(target).is_ok_and(|metadata| metadata.permissions().readonly());
            if let Some(reason) = refused_by_windows(target, readonly) {
                return Err(Error::Unwritable { path: target.to_owned(), reason });
            }
        }
        let target = destination(target)?;
        let directory = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
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
        let mut builder = tempfile::Builder::new();
        builder.prefix(".mprnet-").suffix(".tmp");
        #[cfg(unix)]
        let older = fs::metadata(&target).ok().map(|metadata| metadata.permissions());
        // Temporary files are private by default; a new one becomes the user's, as the umask has it.
        #[cfg(unix)]
        builder.permissions(
            older.clone().unwrap_or_else(|| std::os::unix::fs::PermissionsExt::from_mode(0o666)),
        );
        let io = |source| Error::Io { action: "write", path: target.clone(), source };
        let file = builder.tempfile_in(directory).map_err(io)?;
        // Where the file system refuses, the file is no more open than the older one was.
        #[cfg(unix)]
        let _ = older.map(|permissions| file.as_file().set_permissions(permissions));
        Ok(Self { file, target })
    }

    /// The file to write to.
    #[must_use]
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Gives the file its name, in place of any file that had it.
    ///
    /// # Errors
    /// The operating system's.
    pub fn commit(self) -> io::Result<()> {
        // Without this a crash soon after the rename could leave the name with an empty file.
        self.file.as_file().sync_all()?;
        self.file.persist(self.target)?;
        Ok(())
    }
}

/// How many links lead on from each other at most, as Linux has it.
const MOST_LINKS: usize = 40;

const TOO_LONG: &str = "the file system takes no name that is so long; choose a shorter one";

/// UTF-16 units of a name on Windows's file systems.
const LONGEST: usize = 255;

/// Where a file of this name really goes: behind symbolic links it is what they name, even where that is yet to be made.
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

/// Why Windows would not give a file that name; elsewhere a write-protected file is replaced like any other.
fn refused_by_windows(path: &Path, readonly: bool) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    let forbidden = |c: &char| c.is_ascii_control() || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*');
    if let Some(c) = name.chars().find(forbidden) {
        return Some(format!("Windows has no {} in names of files; choose another name", Shown(c)));
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    if is_device(&stem) {
        return Some(format!(
            "{stem} is a device on Windows, whatever follows the name; choose another name"
        ));
    }
    if name.ends_with(['.', ' ']) {
        return Some("Windows has no dot or space at the end of names; choose another name".to_owned());
    }
    // Windows says of it what it says of a name that is not there.
    if name.encode_utf16().count() > LONGEST {
        return Some(TOO_LONG.to_owned());
    }
    readonly.then(|| {
        "it is write-protected; take its read-only attribute away, or choose another name".to_owned()
    })
}

/// Whether a name in capitals is one that Windows keeps for a device.
fn is_device(stem: &str) -> bool {
    let numbered = ["COM", "LPT"].into_iter().find_map(|port| stem.strip_prefix(port));
    let number = |rest: &str| {
        let mut letters = rest.chars();
        matches!((letters.next(), letters.next()), (Some('1'..='9' | '¹' | '²' | '³'), None))
    };
    matches!(stem, "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") || numbered.is_some_and(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_windows_refuses_is_told() {
        for (name, word) in [
            ("NUL.png", "NUL is a device"),
            ("out/nul", "NUL is a device"),
            ("con .tar.png", "CON is a device"),
            ("Com1.png", "COM1 is a device"),
            ("lpt².webp", "LPT² is a device"),
            ("q?.png", "no ? in names"),
            ("a.png:b", "no : in names"),
            ("a\u{7}.png", r"no \u{7} in names"),
            ("a.png.", "no dot or space at the end"),
            ("a.png ", "no dot or space at the end"),
        ] {
            let reason = refused_by_windows(Path::new(name), false).unwrap_or_else(|| panic!("{name}"));
            assert!(reason.contains(word) && reason.ends_with("choose another name"), "{name}: {reason}");
        }
        assert_eq!(refused_by_windows(Path::new(&"é".repeat(256)), false).as_deref(), Some(TOO_LONG));
        assert_eq!(refused_by_windows(Path::new(&"é".repeat(255)), false), None);
        for name in [
            "a.png",
            "null.png",
            "com0.png",
            "COM10.png",
            "console.png",
            "lpt.png",
            "a?/b.png",
            "é.png",
            "..",
        ] {
            assert_eq!(refused_by_windows(Path::new(name), false), None, "{name}");
        }
        let reason = refused_by_windows(Path::new("a.png"), true).unwrap();
        assert!(reason.contains("write-protected") && reason.contains("read-only"));
    }
}
