//! Pages that load nothing else.

use std::fmt::Write;

const STYLE: &str = "\
    body { font: 14px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; \
        color: #222; background: #fff; }\n\
    h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }\n\
    table { border-collapse: collapse; } th, td { padding: .15em .7em; text-align: right; white-space: nowrap; }\n\
    th { border-bottom: 1px solid #888; } tr:hover td { background: #eef3f8; }\n\
    th.name, td.name { text-align: left; } td.bar { min-width: 12em; text-align: left; }\n\
    td.bar span { display: inline-block; height: .8em; background: #0072b2; }\n\
    .wide { overflow-x: auto; } p.note { color: #555; max-width: 60em; }\n\
    svg { max-width: 100%; height: auto; }";

/// A page around its body.
pub(super) fn document(title: &str, body: &str) -> String {
    document_with(title, "", body)
}

/// A page around its body, with styles of its own.
pub(super) fn document_with(title: &str, style: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n\
         <style>\n{STYLE}\n{style}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escape(title),
    )
}

/// Text as HTML and SVG take it.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

pub(super) fn cell(class: &str, text: &str) -> String {
    element("td", class, text)
}

pub(super) fn element(tag: &str, class: &str, text: &str) -> String {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<{tag}{class}>{}</{tag}>", escape(text))
}

pub(super) fn table(head: Option<&[(&str, &str)]>, rows: impl Iterator<Item = String>) -> String {
    // What is wider than the window is scrolled by keys too.
    let mut text =
        "<div class=\"wide\" role=\"group\" aria-label=\"table\" tabindex=\"0\"><table>\n".to_owned();
    if let Some(head) = head {
        let cells: String = head.iter().map(|(class, name)| element("th", class, name)).collect();
        let _ = writeln!(text, "<tr>{cells}</tr>");
    }
    for row in rows {
        let _ = writeln!(text, "<tr>{row}</tr>");
    }
    text + "</table></div>\n"
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_cannot_leave_their_place() {
        assert_eq!(super::escape("a<b> & \"c\""), "a&lt;b&gt; &amp; &quot;c&quot;");
        assert_eq!(super::cell("name", "<x>"), "<td class=\"name\">&lt;x&gt;</td>");
    }
}
