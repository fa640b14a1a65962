//! No kernel reads or writes outside of its bindings or arrays, not even what it throws away, or reads workgroup memory
//! that it has not written: the shaders get a check around each index, which ruins the results of a workgroup that fails
//! it, and workgroup memory begins with numbers that do. Tests that compare results run again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An array of storage or workgroup memory, as a shader declares it.
struct Array {
    name: String,
    /// An expression of WGSL for the number of its elements.
    length: String,
    /// For the output: what its elements are.
    spoiled: Option<String>,
    /// For workgroup memory: what its elements begin as.
    poison: Option<String>,
}

/// A number that no right result comes of, and as an index one that is outside.
fn poison(element: &str) -> String {
    let scalar = element.strip_prefix("vec4<").map_or(element, |rest| rest.trim_end_matches('>'));
    let value = match scalar {
        "f32" => "3.0e38",
        "f16" => "6.0e4h",
        "i32" => "0x3fffffff",
        other => panic!("workgroup memory of {other}"),
    };
    format!("{element}({value})")
}

fn array(declaration: &str) -> Option<Array> {
    let (space, rest) = declaration.split_once("var<")?.1.split_once('>')?;
    let (name, kind) = rest.trim_end().strip_suffix(';')?.split_once(':')?;
    let content = kind.trim().strip_prefix("array<")?.strip_suffix('>')?;
    let name = name.trim().to_owned();
    if space == "workgroup" {
        let length = last_argument(content);
        let element = content[..content.len() - length.len()].trim_end_matches(',').trim();
        let poison = Some(poison(element));
        return Some(Array { name, length: format!("i32({length})"), spoiled: None, poison });
    }
    let length = format!("i32(arrayLength(&{name}))");
    let spoiled = (space == "storage, read_write" && name == "dst").then(|| content.to_owned());
    space.starts_with("storage").then_some(Array { name, length, spoiled, poison: None })
}

/// What follows the last comma outside of brackets: the length, which ends an array's template.
fn last_argument(template: &str) -> &str {
    let mut depth = 0;
    let comma = template.char_indices().rev().find(|&(_, c)| {
        depth += i32::from(matches!(c, '>' | ')')) - i32::from(matches!(c, '<' | '('));
        c == ',' && depth == 0
    });
    &template[comma.expect("arrays of workgroup memory have a length").0 + 1..]
}

/// Puts a check around every index into one of the arrays.
fn indices(text: &str, arrays: &[String], off_by: u32) -> String {
    let mut checked = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let (before, after) = (&rest[..open], &rest[open + 1..]);
        let letter = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let name = &before[before.rfind(|c| !letter(c)).map_or(0, |i| i + 1)..];
        let close = closing(after);
        let index = indices(&after[..close], arrays, off_by);
        let index = if arrays.iter().any(|array| array == name) {
            format!("reach_{name}(i32({index}) + {off_by})")
        } else {
            index
        };
        checked.extend([before, "[", &index, "]"]);
        rest = &after[close + 1..];
    }
    checked + rest
}

/// Where the bracket is closed that was opened before `text`.
fn closing(text: &str) -> usize {
    let mut depth = 1;
    let end = text.char_indices().find(|&(_, c)| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        depth == 0
    });
    end.expect("brackets are closed").0
}

/// `main` under another name, and one around it that poisons those of the arrays that the text names, and spoils the
/// output after an index outside.
fn entry(text: &str, poisoned: &[String]) -> String {
    let Some(at) = text.find("fn main(") else {
        return text.to_owned();
    };
    let start = text[..at].rfind("@compute").expect("entry points are compute shaders");
    let (before, attributes, rest) = (&text[..start], &text[start..at], &text[at + "fn main(".len()..]);
    let (parameters, body) = rest.split_once(") {").expect("entry points have a body");
    let plain: Vec<&str> =
        parameters.split("@builtin(").skip(1).map(|p| p.split_once(')').expect("closed").1).collect();
    let names: Vec<&str> =
        plain.iter().map(|p| p.split_once(':').expect("parameters have types").0.trim()).collect();
    let (plain, names) = (plain.concat(), names.join(", "));
    let parameters = parameters.trim_end().trim_end_matches(',');
    let lane = "@builtin(local_invocation_index)";
    let (lane, added) = match parameters.split_once(lane) {
        Some((_, rest)) => (rest.split(':').next().expect("parameters have types").trim(), String::new()),
        None => ("own_lane", format!(", {lane} own_lane: u32")),
    };
    let size = attributes.split_once("@workgroup_size(").expect("entry points have a size").1;
    let lanes =
        size[..size.rfind(')').expect("closed")].split(',').map(|side| format!("i32({})", side.trim()));
    let lanes = lanes.collect::<Vec<_>>().join(" * ");
    let named = |name: &&String| {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let ends = |at: usize| !text[at + name.len()..].starts_with(word) && !text[..at].ends_with(word);
        text.match_indices(name.as_str()).any(|(at, _)| ends(at))
    };
    let poison = |name: &String| format!("    poison_{name}(i32({lane}), {lanes});\n");
    let poison: Vec<String> = poisoned.iter().filter(named).map(poison).collect();
    let poison = poison.concat();
    format!(
        "{before}fn checked_main({plain}) {{{body}
var<private> outside: bool;

{attributes}fn main({parameters}{added}) {{
{poison}    workgroupBarrier();
    checked_main({names});
    storageBarrier();
    workgroupBarrier();
    if outside {{
        spoil();
    }}
}}
"
    )
}

/// The functions that check indices into an array, and spoil it if it is the output, or poison it.
fn functions(Array { name, length, spoiled, poison }: Array) -> String {
    let poison = poison.map(|value| {
        format!(
            "
fn poison_{name}(lane: i32, lanes: i32) {{
    for (var i = lane; i < {length}; i += lanes) {{
        {name}[i] = {value};
    }}
}}
"
        )
    });
    let spoil = spoiled.map(|element| {
        format!(
            "
fn spoil() {{
    for (var i = 0; i < {length}; i++) {{
        {name}[i] = {element}();
    }}
}}
"
        )
    });
    format!(
        "
fn reach_{name}(i: i32) -> i32 {{
    outside = outside || i < 0 || i >= {length};
    return i;
}}
{}{}",
        spoil.unwrap_or_default(),
        poison.unwrap_or_default()
    )
}

fn with_checks(text: &str, names: &[String], poisoned: &[String], off_by: u32) -> String {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let arrays = code.iter().filter_map(|line| array(line));
    let checks: String = arrays.map(functions).collect();
    entry(&indices(&code.join("\n"), names, off_by), poisoned) + &checks
}

/// Paths of all shaders under the folder, relative to it.
fn shaders(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(folder.join(&inner)).expect("the shaders are there") {
            let entry = entry.expect("the shaders are there");
            let path = inner.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "wgsl") {
                files.push(path);
            }
        }
    }
    files
}

/// What the tests of that name say with checked shaders, and whether they pass; nothing where shaders are not read.
fn run(tests: &str, off_by: u32) -> Option<(bool, String)> {
    if !cfg!(debug_assertions) {
        println!("skipped: only debug builds read shaders from a folder");
        return None;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let files = shaders(&folder);
    let texts: Vec<String> =
        files.iter().map(|file| fs::read_to_string(folder.join(file)).expect("shaders are text")).collect();
    let arrays = || texts.iter().flat_map(|text| text.lines()).filter_map(array);
    let names: Vec<String> = arrays().map(|array| array.name).collect();
    let shared = arrays().filter(|array| array.poison.is_some()).map(|array| array.name);
    let poisoned: Vec<String> = shared.collect::<BTreeSet<_>>().into_iter().collect();
    let checked = tempfile::tempdir().expect("a folder for shaders");
    for (file, text) in files.iter().zip(&texts) {
        let path = checked.path().join(file);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder for shaders");
        fs::write(path, with_checks(text, &names, &poisoned, off_by)).expect("shaders are written");
    }
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .args([tests, "--skip", "in_full"])
        .env("MPRNET_SHADERS", checked.path())
        .output()
        .expect("this program runs");
    Some((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// Those of what the tests of that name execute.
fn stay_inside(tests: &str) {
    let Some((passed, said)) = run(tests, 0) else { return };
    println!("{said}");
    assert!(passed && said.contains("passed"), "{said}");
}

#[test]
fn an_index_beyond_the_end_is_seen() {
    let Some((_, said)) = run("operators::elementwise", 1) else { return };
    assert!(said.contains("1 failed") && !said.contains("shader"), "it passes: {said}");
}

#[test]
fn indices_of_operators_stay_inside() {
    stay_inside("operators::");
}

#[test]
#[cfg_attr(
    not(feature = "heavy-tests"),
    ignore = "a minute on a software adapter: .ci/run, --features heavy-tests"
)]
fn indices_of_variants_stay_inside() {
    stay_inside("variants::");
}
