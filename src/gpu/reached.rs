//! Of a linked module, what its entry point reaches. Parts are written for several operators, and compilers do not
//! leave out what nobody calls: naga writes it, and a driver parses and optimises it, at every start.

use std::collections::HashMap;

/// The declarations of `text` that `main` names, or that what it names names, in their order. Comments are gone.
///
/// It reads the form that the shaders of this crate are in: a declaration begins in the first column, and nothing else
/// does but what ends one, a comment, or the attributes of a function on a line of their own. What has no name is kept.
pub(super) fn reached(text: &str) -> String {
    let declarations = declarations(text);
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut kept = vec![false; declarations.len()];
    let mut next = Vec::new();
    for (i, declaration) in declarations.iter().enumerate() {
        match declared(declaration) {
            Some(name) if name != "main" => by_name.entry(name).or_default().push(i),
            _ => next.push(i),
        }
    }
    while let Some(i) = next.pop() {
        if !std::mem::replace(&mut kept[i], true) {
            next.extend(words(declarations[i]).filter_map(|word| by_name.remove(word)).flatten());
        }
    }
    let kept = declarations.iter().zip(kept).filter_map(|(declaration, kept)| kept.then_some(*declaration));
    kept.flat_map(str::lines).filter(|line| !comment(line)).flat_map(|line| [line, "\n"]).collect()
}

fn comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// The text in pieces of one declaration each, with what lies between it and the next.
fn declarations(text: &str) -> Vec<&str> {
    let (mut pieces, mut begin, mut at, mut attributes) = (Vec::new(), 0, 0, true);
    for line in text.split_inclusive('\n') {
        let begins = line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '@');
        if begins && !attributes {
            pieces.push(&text[begin..at]);
            begin = at;
        }
        if begins {
            attributes = line.starts_with('@') && !line.trim_end().ends_with([';', '{', '}']);
        }
        at += line.len();
    }
    pieces.push(&text[begin..]);
    pieces
}

/// What a declaration is called.
fn declared(declaration: &str) -> Option<&str> {
    const KINDS: [&str; 6] = ["fn", "struct", "alias", "const", "override", "var"];
    let mut words = words(declaration).skip_while(|word| !KINDS.contains(word));
    let kind = words.next()?;
    // A variable's address space stands before its name.
    words.find(|word| {
        kind != "var" || !["uniform", "storage", "read", "read_write", "private", "workgroup"].contains(word)
    })
}

/// The names, keywords and numbers of a text, comments left out.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    lines
        .flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .filter(|w| !w.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = "\
enable f16;
// The tensor's.
struct View {
    base: i32,
}
struct Unused {
    base: i32,
}
alias In = View;
const COLUMNS: array<i32, 2> = array<i32, 2>(
    1,
    2,
);
const HERS: i32 = 3;
@group(0) @binding(0) var<storage, read> x: array<In>;
@group(0) @binding(1) var<storage, read_write> other: array<i32>;
var<private> sum: i32;
fn never() -> i32 {
    return HERS;
}
// never() is only spoken of.
fn fetch() -> i32 {
    return x[COLUMNS[0]].base; // other
}

@compute @workgroup_size(64)
fn main() {
    sum = fetch();
}
";

    #[test]
    fn what_main_does_not_reach_is_left_out() {
        let text = reached(MODULE);
        for kept in [
            "enable f16;",
            "struct View",
            "alias In",
            "    2,\n);",
            "binding(0)",
            "var<private> sum",
            "fn fetch",
        ] {
            assert!(text.contains(kept), "{kept} is missing:\n{text}");
        }
        for gone in ["Unused", "HERS", "binding(1)", "never", "//"] {
            // A comment at the end of a line of code stays.
            assert!(!text.replace("// other", "").contains(gone), "{gone} is left:\n{text}");
        }
        assert!(text.contains("@compute @workgroup_size(64)\nfn main() {"), "{text}");
        assert_eq!(reached(&text), text);
    }
}
