//! Names that Windows gives to no file.

use std::path::Path;

use super::TOO_LONG;
use crate::Shown;

/// UTF-16 units of a name on Windows's file systems.
const LONGEST: usize = 255;

/// Why Windows would not give a file that name; elsewhere a write-protected file is replaced like any other.
pub(super) fn refused_by_windows(path: &Path, readonly: bool) -> Option<String> {
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
