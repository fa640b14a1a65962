//! The photos in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::sniff::FileFormat;
use crate::Remedy;
use crate::error::{Error, Result};

/// Which files of a directory are meant.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListOptions<'a> {
    /// What is in directories below too. Links to directories are not followed.
    pub recursive: bool,
    /// A directory that is passed over, as one that results go to.
    pub except: Option<&'a Path>,
}

/// What there is in a directory.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Listing {
    /// The image files, in natural order.
    pub images: Vec<PathBuf>,
    /// How many files are none; hidden ones are not counted.
    pub others: usize,
    /// Directories below that cannot be read.
    pub failures: Vec<Error>,
}

/// The image files in a directory, in natural order: `2.png` comes before `10.png`.
///
/// These are the files whose extension or first bytes are those of a format that is read. Hidden files and what is
/// in directories below are left out.
///
/// # Errors
/// As [`list_with`].
pub fn list(directory: &Path) -> Result<Vec<PathBuf>> {
    Ok(list_with(directory, &ListOptions::default())?.images)
}

/// As [`list`], with options; and what there is besides.
///
/// # Errors
/// [`Error::ImageFolder`] where the path is no directory or there is no image in it, [`Error::Io`] where it cannot
/// be read.
pub fn list_with(directory: &Path, options: &ListOptions<'_>) -> Result<Listing> {
    let error = |reason: &str, remedy| Error::ImageFolder {
        path: directory.to_owned(),
        reason: reason.to_owned(),
        remedy,
    };
    let unfit = |reason| error(reason, None);
    if !directory.exists() {
        return Err(unfit("there is no such directory"));
    }
    if !directory.is_dir() {
        return Err(unfit("it is no directory; name the one that holds them"));
    }
    let except = options.except.and_then(|path| path.canonicalize().ok());
    let mut listing = Listing::default();
    let below = listing.add(directory, options.recursive, except.as_deref())?;
    if listing.images.is_empty() && listing.failures.is_empty() {
        return Err(if below {
            error(
                "there is none in it itself, and directories below are left out",
                Some(Remedy::DirectoriesBelow),
            )
        } else {
            unfit("there is none in it; PNG, JPEG, WebP and TIFF files are read")
        });
    }
    Ok(listing)
}

impl Listing {
    /// Adds what is in a directory; tells whether directories in it have been left out.
    fn add(&mut self, directory: &Path, recursive: bool, except: Option<&Path>) -> Result<bool> {
        let io = |source| Error::Io { action: "read", path: directory.to_owned(), source };
        let entries: std::result::Result<Vec<_>, _> = fs::read_dir(directory).map_err(io)?.collect();
        let mut entries = entries.map_err(io)?;
        entries.retain(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
        entries.sort_by_cached_key(|entry| natural(&entry.file_name().to_string_lossy()));
        let mut left_out = false;
        for entry in entries {
            let path = entry.path();
            // Of a link this is no directory: following it could lead around in circles.
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.add_file(path);
            } else if !recursive {
                left_out = true;
            } else if except.is_none_or(|except| path.canonicalize().ok().as_deref() != Some(except)) {
                match self.add(&path, recursive, except) {
                    Ok(_) => {}
                    Err(error) => self.failures.push(error),
                }
            }
        }
        Ok(left_out)
    }

    fn add_file(&mut self, path: PathBuf) {
        if is_photo(&path) {
            self.images.push(path);
        } else if path.is_file() {
            self.others += 1;
        }
    }
}

fn is_photo(path: &Path) -> bool {
    let by_name = FileFormat::from_path(path).is_some();
    match fs::metadata(path) {
        Ok(metadata) => metadata.is_file() && (by_name || FileFormat::of_file(path).is_some()),
        // Reading it will tell what is wrong with it.
        Err(_) => by_name,
    }
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
    use super::*;

    #[test]
    fn numbers_are_sorted_by_value() {
        let expected =
            ["01.png", "1.png", "2.png", "10.png", "99999999999999999999.png", "a2b3", "A2b10", "a10b2", "b"];
        let mut names = expected;
        names.reverse();
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, expected);
    }

    #[test]
    fn a_tree_is_listed_once_and_in_order() {
        let room = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let path = room.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        for name in ["10.png", "2.JPG", "sub/1.webp", "sub/.2.png", ".git/3.png", "out/1.tif"] {
            put(name, b"");
        }
        put("a.dat", b"\x89PNG\r\n\x1a\n");
        put("sub/notes", b"Dear all");
        put("b.gif", b"GIF89a");
        let listed = |options: ListOptions<'_>| {
            let Listing { images, others, failures } = list_with(room.path(), &options).unwrap();
            assert!(failures.is_empty());
            let place =
                |path: &PathBuf| path.strip_prefix(room.path()).unwrap().to_str().unwrap().replace('\\', "/");
            (images.iter().map(place).collect::<Vec<_>>(), others)
        };
        let here = ["2.JPG", "10.png", "a.dat"].map(str::to_owned).to_vec();
        assert_eq!(listed(ListOptions::default()), (here.clone(), 1));
        let below = ["out/1.tif", "sub/1.webp"].map(str::to_owned);
        assert_eq!(listed(ListOptions { recursive: true, except: None }), ([&here[..], &below].concat(), 2));
        let out = room.path().join("sub/../out");
        let except = Some(out.as_path());
        assert_eq!(listed(ListOptions { recursive: true, except }), ([&here[..], &below[1..]].concat(), 2));
        assert!(matches!(list(&room.path().join("none")), Err(Error::ImageFolder { .. })));
    }
}
