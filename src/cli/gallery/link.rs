//! Links to files, from a page beside them.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// All but what no URL and no HTML gives a meaning to.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The URL of a file relative to a page in `folder`; on Windows, where the two are on different drives, from its root.
pub(super) fn relative(file: &Path, folder: &Path) -> String {
    let [file, folder] = [file, folder].map(resolved);
    match pathdiff::diff_paths(&file, &folder) {
        Some(path) if path.is_relative() => joined(&path),
        _ => format!("file:///{}", joined(&file).trim_start_matches('/')),
    }
}

/// The path from the root without links and dots; of what is not there as it is given.
fn resolved(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// A path with slashes between its escaped parts.
fn joined(path: &Path) -> String {
    let part = |part: Component<'_>| match part {
        Component::RootDir => None,
        // `\\?\C:`, as Windows resolves paths, is C: in a URL.
        Component::Prefix(prefix) => {
            let text = prefix.as_os_str().to_string_lossy();
            Some(text.trim_start_matches(r"\\?\").to_owned())
        }
        Component::CurDir => Some(".".to_owned()),
        Component::ParentDir => Some("..".to_owned()),
        Component::Normal(name) => Some(escaped(name)),
    };
    path.components().filter_map(part).collect::<Vec<_>>().join("/")
}

/// A name byte by byte, which need not be text.
fn escaped(name: &OsStr) -> String {
    percent_encode(name.as_encoded_bytes(), ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_from_the_page_to_the_file() {
        let room = tempfile::tempdir().unwrap();
        let folder = room.path().join("pages");
        std::fs::create_dir(&folder).unwrap();
        for (file, link) in [
            ("pages/a.png", "a.png"),
            ("pages/in/a.png", "in/a.png"),
            ("b.png", "../b.png"),
            ("pages/../c/b.png", "../c/b.png"),
            (r#"pages/a "b" 'c' <d>&#?%.png"#, "a%20%22b%22%20%27c%27%20%3Cd%3E%26%23%3F%25.png"),
            ("pages/größe/写真.png", "gr%C3%B6%C3%9Fe/%E5%86%99%E7%9C%9F.png"),
            // Not a scheme.
            ("pages/a:b.png", "a%3Ab.png"),
        ] {
            let path = room.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            // Not every system has every name.
            if std::fs::write(&path, "").is_err() && cfg!(windows) {
                continue;
            }
            assert_eq!(relative(&path, &folder), link, "{file}");
        }
    }
}
