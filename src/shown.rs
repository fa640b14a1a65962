//! Text from elsewhere, made fit for a terminal.

use std::fmt::{self, Display, Formatter, Write};

/// Shows a value on one line, with every character escaped that would steer a terminal or turn its text around: the
/// name of a file may hold any of them.
///
/// ```
/// use mprnet::Shown;
///
/// assert_eq!(Shown("red \u{1b}[31m\n.png").to_string(), r"red \u{1b}[31m\n.png");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Shown<T>(pub T);

impl<T: Display> Display for Shown<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'f>(&'a mut Formatter<'f>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(steers) {
            let plain = part.trim_end_matches(steers);
            self.0.write_str(plain)?;
            write!(self.0, "{}", part[plain.len()..].escape_default())?;
        }
        Ok(())
    }
}

/// Controls, and what separates lines or changes the direction of text.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Bytes that are needed, rounded up to MiB, or to KiB where they are few.
pub(crate) fn at_least(bytes: u64) -> String {
    if bytes < FEW {
        format!("{} KiB", bytes.div_ceil(1 << 10))
    } else {
        format!("{} MiB", bytes.div_ceil(1 << 20))
    }
}

/// Bytes that are allowed, rounded down to MiB, or to KiB where they are few.
pub(crate) fn at_most(bytes: u64) -> String {
    if bytes < FEW { format!("{} KiB", bytes >> 10) } else { format!("{} MiB", bytes >> 20) }
}

const FEW: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::{Shown, at_least, at_most};

    #[test]
    fn amounts_do_not_promise_more_than_there_is() {
        let bytes = (700 << 10) + 1;
        assert_eq!([at_least(bytes), at_most(bytes)], ["701 KiB", "700 KiB"]);
        let bytes = (700 << 20) + 1;
        assert_eq!([at_least(bytes), at_most(bytes)], ["701 MiB", "700 MiB"]);
    }

    #[test]
    fn only_what_steers_is_escaped() {
        for (text, shown) in [
            ("Größe é 写真 🌧️.png", "Größe é 写真 🌧️.png"),
            ("\u{1b}]0;title\u{7}", r"\u{1b}]0;title\u{7}"),
            ("\u{9b}31m\u{7f}\r\n\t", r"\u{9b}31m\u{7f}\r\n\t"),
            ("\u{202e}gnp.exe\u{2066}", r"\u{202e}gnp.exe\u{2066}"),
            ("", ""),
        ] {
            assert_eq!(Shown(text).to_string(), shown);
        }
    }
}
