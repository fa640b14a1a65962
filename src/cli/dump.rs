//! Files for `--dump`: one tensor each, as safetensors.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use mprnet::{Captured, Error, Values};
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, TensorView};
use tempfile::NamedTempFile;

/// Finds out whether a file can be written here, before what goes into it is computed.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    create(path).map(|_| ()).map_err(|source| failure(path, source))
}

/// Writes one tensor as `[1, channels, height, width]`, to a temporary file that is then renamed.
pub(super) fn write(tensor: &Captured, path: &Path) -> Result<(), Error> {
    let (dtype, bytes): (Dtype, &[u8]) = match &tensor.values {
        Values::Words(words) => (Dtype::U32, bytemuck::cast_slice(words)),
        Values::Planar(values) => (Dtype::F32, bytemuck::cast_slice(values)),
    };
    let desc = &tensor.desc;
    let shape = [1, desc.channels, desc.height, desc.width].map(|side| side as usize).to_vec();
    let unfit = |e: SafeTensorError| failure(path, io::Error::other(e.to_string()));
    let view = TensorView::new(dtype, shape, bytes).map_err(unfit)?;
    let file =
        safetensors::serialize([(&tensor.name, view)], None::<HashMap<String, String>>).map_err(unfit)?;
    put(path, &file).map_err(|source| failure(path, source))
}

fn failure(path: &Path, source: io::Error) -> Error {
    Error::Io { action: "write", path: path.to_owned(), source }
}

fn put(path: &Path, contents: &[u8]) -> io::Result<()> {
    let (mut temporary, target) = create(path)?;
    temporary.write_all(contents)?;
    temporary.as_file().sync_all()?;
    temporary.persist(target)?;
    Ok(())
}

/// An empty temporary file beside the one it is to become, and that one's path behind links.
fn create(path: &Path) -> io::Result<(NamedTempFile, PathBuf)> {
    let target = match fs::metadata(path) {
        // Renaming would replace a device such as /dev/null by a file.
        Ok(metadata) if !metadata.is_file() => {
            return Err(io::Error::other("it is no ordinary file; choose another name"));
        }
        Ok(_) => path.canonicalize()?,
        Err(_) => path.to_owned(),
    };
    let directory = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        return Err(io::Error::other(format!(
            "there is no directory {}; create it first",
            directory.display()
        )));
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".mprnet-").suffix(".tmp");
    // Temporary files are private by default; this one becomes the user's, as the umask has it.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    Ok((builder.tempfile_in(directory)?, target))
}
