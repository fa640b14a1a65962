//! Files that appear whole or not at all: written under another name beside their own, then renamed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::{Error, Result};

/// A file being written; dropped before [`Self::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct Output {
    file: NamedTempFile,
    target: PathBuf,
}

impl Output {
    /// An empty file under a temporary name in the target's directory. Behind a symbolic link the file that it names
    /// will be replaced, not the link.
    ///
    /// # Errors
    /// [`Error::Unwritable`] where there is no such directory or the target is no ordinary file, [`Error::Io`] where
    /// the directory takes no files.
    pub fn create(target: &Path) -> Result<Self> {
        let target = resolved(target)?;
        let directory = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if !directory.is_dir() {
            return Err(Error::Unwritable {
                path: target.clone(),
                reason: format!("there is no directory {}; create it first", directory.display()),
            });
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".mprnet-").suffix(".tmp");
        // Temporary files are private by default; this one becomes the user's, as the umask has it.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let io = |source| Error::Io { action: "write", path: target.clone(), source };
        Ok(Self { file: builder.tempfile_in(directory).map_err(io)?, target })
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

/// Where the file really goes: behind a symbolic link the file it names is replaced, not the link.
fn resolved(path: &Path) -> Result<PathBuf> {
    let Ok(metadata) = fs::metadata(path) else {
        return Ok(path.to_owned());
    };
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "it is a directory" } else { "it is no ordinary file" };
        return Err(Error::Unwritable {
            path: path.to_owned(),
            reason: format!("{what}; choose another name"),
        });
    }
    if !path.is_symlink() {
        return Ok(path.to_owned());
    }
    fs::canonicalize(path).map_err(|source| Error::Io {
        action: "follow the link",
        path: path.to_owned(),
        source,
    })
}
