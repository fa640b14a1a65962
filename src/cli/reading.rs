//! Files that are read besides photos and weights.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::Error;

/// Finds out whether a file is there.
pub(super) fn check_there(path: &Path) -> Result<(), Error> {
    std::fs::metadata(path).map(|_| ()).map_err(|source| unread(path, source))
}

/// An error of a photo of which a part would not do: nobody is told how to take one.
pub(super) fn as_a_whole(mut error: Error) -> Error {
    if let Error::ImageCutShort { salvageable, .. } | Error::ImageDamaged { salvageable, .. } = &mut error {
        *salvageable = false;
    }
    error
}

/// The text of a file, as [`bytes`] reads it.
pub(super) fn text(path: &Path, most_mib: u64, what: &str) -> Result<String, Error> {
    String::from_utf8(bytes(path, most_mib, what)?).map_err(|error| unread(path, io::Error::other(error)))
}

/// The bytes of a file; a larger one than so many MiB is not what it is called here.
pub(super) fn bytes(path: &Path, most_mib: u64, what: &str) -> Result<Vec<u8>, Error> {
    let (mut bytes, most) = (Vec::new(), most_mib << 20);
    // A pipe or a device has no length, and may have no end.
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    if read.map_err(|source| unread(path, source))? as u64 > most {
        let reason = format!("it is larger than {most_mib} MiB, which no {what} is");
        return Err(unread(path, io::Error::other(reason)));
    }
    Ok(bytes)
}

fn unread(path: &Path, source: io::Error) -> Error {
    Error::Io { action: "read", path: path.to_owned(), source }
}
