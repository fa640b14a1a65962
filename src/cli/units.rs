//! Numbers for people.

/// Three digits and a prefix: `12.3 G`.
pub(super) fn si(value: f64) -> String {
    const PREFIXES: [(f64, &str); 8] =
        [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n")];
    if value == 0.0 || !value.is_finite() {
        return "0 ".to_owned();
    }
    // What would be rounded up to 1000 belongs to the next prefix.
    let fits = |(factor, _): &&(f64, &str)| value.abs() >= 0.9995 * factor;
    let (factor, prefix) = PREFIXES.iter().find(fits).unwrap_or(&PREFIXES[7]);
    let scaled = value / factor;
    let digits = if scaled < 9.995 { 2 } else { usize::from(scaled < 99.95) };
    format!("{scaled:.digits$} {prefix}")
}

pub(super) fn seconds(value: f64) -> String {
    si(value) + "s"
}

/// In G, for columns whose head says so.
pub(super) fn giga(value: f64) -> String {
    if value == 0.0 { "-".to_owned() } else { format!("{:.1}", value * 1e-9) }
}

/// A share in percent, or a dash.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{:.1}%", 100.0 * share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_a_prefix() {
        let cases = [
            (0.0, "0 "),
            (1.0, "1.00 "),
            (999.6, "1.00 k"),
            (12_345.0, "12.3 k"),
            (0.000_123_4, "123 µ"),
            (66.9e12, "66.9 T"),
            (9.996e9, "10.0 G"),
            (4e-9, "4.00 n"),
        ];
        for (value, text) in cases {
            assert_eq!(si(value), text);
        }
        assert_eq!((percent(Some(0.1234)), percent(None)), ("12.3%".to_owned(), "-".to_owned()));
        assert_eq!((giga(0.0), giga(2.5e9)), ("-".to_owned(), "2.5".to_owned()));
    }
}
