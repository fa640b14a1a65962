//! Files that appear whole or not at all: written under another name beside their own, then renamed.

use std::fs::File;
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
    /// An empty file under a temporary name in the target's directory.
    ///
    /// # Errors
    /// [`Error::ImageOutput`] where there is no such directory, [`Error::Io`] where it takes no files.
    pub fn create(target: &Path) -> Result<Self> {
        let directory = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if !directory.is_dir() {
            return Err(Error::ImageOutput {
                path: target.to_owned(),
                reason: format!("there is no directory {}; create it first", directory.display()),
            });
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".mprnet-").suffix(".tmp");
        // Temporary files are private by default; this one becomes the user's, as the umask has it.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let io = |source| Error::Io { action: "create a file in", path: directory.to_owned(), source };
        Ok(Self { file: builder.tempfile_in(directory).map_err(io)?, target: target.to_owned() })
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
