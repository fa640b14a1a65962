//! `*.jpg`: on Windows no shell finds out which files that is, so programs do.

#[cfg(any(windows, test))]
use std::path::Path;
use std::path::PathBuf;

use crate::Error;

/// The files that are meant: on Windows those that patterns match, elsewhere those that are named.
///
/// # Errors
/// [`Error::Io`] where nothing matches a pattern.
#[cfg_attr(not(windows), allow(clippy::unnecessary_wraps, reason = "on Windows a pattern may match nothing"))]
pub(super) fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    #[cfg(windows)]
    let files = paths.iter().map(|path| matching(path)).collect::<Result<Vec<_>, _>>()?.concat();
    #[cfg(not(windows))]
    let files = paths.to_vec();
    Ok(files)
}

/// The files that a path is a pattern of, by name; the path itself where it is none. Only `*` and `?` make it one:
/// Windows has them in no name, and brackets in many, such as `photo[1].jpg`.
#[cfg(any(windows, test))]
fn matching(path: &Path) -> Result<Vec<PathBuf>, Error> {
    use std::io::{self, ErrorKind};

    let text = path.to_str().filter(|text| text.trim_start_matches(r"\\?\").contains(['*', '?']));
    let Some(text) = text else { return Ok(vec![path.to_owned()]) };
    let options = glob::MatchOptions {
        case_sensitive: false,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let unread = |source| Error::Io { action: "read", path: path.to_owned(), source };
    let files = glob::glob_with(&text.replace('[', "[[]"), options)
        .map_err(|error| unread(io::Error::new(ErrorKind::InvalidInput, error)))?;
    let files = files.collect::<Result<Vec<_>, _>>().map_err(|error| unread(error.into()))?;
    if files.is_empty() {
        return Err(unread(io::Error::new(ErrorKind::NotFound, "no file has such a name")));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_of_stars_and_question_marks() {
        let room = tempfile::tempdir().unwrap();
        for name in ["b.jpg", "A.JPG", "c.png", "d[1].jpg", "d1.jpg", "._b.jpg"] {
            std::fs::write(room.path().join(name), "").unwrap();
        }
        let found = |pattern: &str| {
            let files = matching(&room.path().join(pattern))?;
            let name = |file: PathBuf| file.file_name().unwrap().to_str().unwrap().to_owned();
            Ok::<_, Error>(files.into_iter().map(name).collect::<Vec<_>>())
        };
        assert_eq!(found("*.jpg").unwrap(), ["A.JPG", "b.jpg", "d1.jpg", "d[1].jpg"]);
        assert_eq!(found("?.*").unwrap(), ["A.JPG", "b.jpg", "c.png"]);
        assert_eq!(found("d[1].jpg").unwrap(), ["d[1].jpg"]);
        assert_eq!(found("d[?].jpg").unwrap(), ["d[1].jpg"]);
        assert_eq!(found("none.jpg").unwrap(), ["none.jpg"]);
        let error = found("*.webp").unwrap_err().to_string();
        assert!(
            error.starts_with("cannot read ") && error.ends_with("*.webp: no file has such a name"),
            "{error}"
        );
        assert!(found("a**.jpg").is_err());
    }
}
