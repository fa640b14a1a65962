//! The photos in a folder.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::sniff::{self, FileFormat, HEAD_BYTES};
use crate::error::{Error, Result};

/// The image files in a directory, in natural order: `2.png` comes before `10.png`.
///
/// These are the files whose extension or first bytes are those of a format that is read. Hidden files and what is
/// in directories below are left out.
///
/// # Errors
/// [`Error::ImageFolder`] where the path is no directory or there is no image in it, [`Error::Io`] where it cannot
/// be read.
pub fn list(directory: &Path) -> Result<Vec<PathBuf>> {
    let unfit = |reason: &str| Error::ImageFolder { path: directory.to_owned(), reason: reason.to_owned() };
    if !directory.exists() {
        return Err(unfit("there is no such directory"));
    }
    if !directory.is_dir() {
        return Err(unfit("it is no directory; name the one that holds them"));
    }
    let io = |source| Error::Io { action: "read", path: directory.to_owned(), source };
    let entries: std::result::Result<Vec<_>, _> = fs::read_dir(directory).map_err(io)?.collect();
    let paths = entries.map_err(io)?.into_iter().map(|entry| entry.path());
    let mut photos: Vec<PathBuf> = paths.filter(|path| is_photo(path)).collect();
    if photos.is_empty() {
        return Err(unfit("there is none in it; PNG, JPEG, WebP and TIFF files are read"));
    }
    photos.sort_by_cached_key(|path| natural(&name(path)));
    Ok(photos)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_photo(path: &Path) -> bool {
    if name(path).starts_with('.') {
        return false;
    }
    let by_name = FileFormat::from_path(path).is_some();
    match fs::metadata(path) {
        Ok(metadata) => metadata.is_file() && (by_name || begins_as_image(path)),
        // Reading it will tell what is wrong with it.
        Err(_) => by_name,
    }
}

fn begins_as_image(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD_BYTES as u64).read_to_end(&mut head));
    read.is_ok() && sniff::sniff(&head).is_ok()
}

/// Text and the number behind it, in turns; a number by its digits and, since that says how large it is, by their
/// count before. What has the same numbers, as `1` and `01` do, is told apart by the name itself.
type Natural = (Vec<(String, usize, String)>, String);

fn natural(name: &str) -> Natural {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let (text, behind) = rest.split_at(rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len()));
        let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
        let (digits, after) = behind.split_at(end);
        let digits = digits.trim_start_matches('0').to_owned();
        parts.push((text.to_lowercase(), digits.len(), digits));
        rest = after;
    }
    (parts, name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::natural;

    #[test]
    fn numbers_are_sorted_by_value() {
        let expected =
            ["01.png", "1.png", "2.png", "10.png", "99999999999999999999.png", "a2b3", "A2b10", "a10b2", "b"];
        let mut names = expected;
        names.reverse();
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, expected);
    }
}
