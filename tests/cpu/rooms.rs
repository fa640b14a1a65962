//! The folders of `src/` import one another in the order of the table in `docs/architecture.md`, and no other way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What everything may name.
const COMMON: [&str; 4] = ["error", "panics", "remedy", "shown"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Folders and files of `src/`, by name, in the order of the table.
fn order() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `src/")?.split('`').next());
    cells.map(|name| name.trim_end_matches('/').trim_end_matches(".rs").to_owned()).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let inside = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries.flat_map(inside).filter(|path| path.extension().is_some_and(|e| e == "rs")).collect()
}

/// The first names of all paths behind `start`, as in `start::name` and `start::{name, other::{..}}`.
fn named<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices(start) {
        let rest = &text[at + start.len()..];
        let (mut depth, mut begin) = (0, Some(0));
        for (i, c) in rest.char_indices() {
            if !c.is_alphanumeric() && c != '_' {
                names.extend(
                    begin.take().filter(|&begin| begin < i && depth <= 1).map(|begin| &rest[begin..i]),
                );
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
                begin = (depth == 1 && (c == '{' || c == ',' || c == ' ')).then_some(i + 1);
            }
        }
    }
    names
}

#[test]
fn folders_import_what_stands_above_them() {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    // What the crate's root hands on is its folder's.
    let mut owners = BTreeMap::new();
    for line in text.split(';').filter_map(|part| part.split("pub use ").nth(1)) {
        // Or another crate's.
        let Some((folder, names)) = line.split_once("::") else { continue };
        for name in names.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|name| !name.is_empty()) {
            owners.insert(name.to_owned(), folder.to_owned());
        }
    }
    let order = order();
    let place = |name: &str| order.iter().position(|folder| folder == name);
    let mut wrong = Vec::new();
    for path in sources(&root().join("src")) {
        let below = path.strip_prefix(root().join("src")).unwrap();
        let folder = below.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
        if COMMON.contains(&folder) || ["lib", "main"].contains(&folder) {
            continue;
        }
        let mine = place(folder).unwrap_or_else(|| panic!("{folder} is not in the table"));
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("\n#[cfg(test)]").next().unwrap_or_default();
        let code: String = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
        for name in named(&code, "crate::") {
            let to = owners.get(name).map_or(name, String::as_str);
            if COMMON.contains(&to) || to == "Result" {
                continue;
            }
            if place(to).unwrap_or_else(|| panic!("{}: {to} is not in the table", below.display())) > mine {
                wrong.push(format!("{} imports {to}, which stands below {folder}", below.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn names_behind_a_path() {
    let names =
        named("use crate::{Error, gpu::{Device, Owned}, plan::Cut}; crate::model::Weights", "crate::");
    assert_eq!(names, ["Error", "gpu", "plan", "model"]);
}
