//! What `plan` and `inspect` tell of a network, without a GPU.

use std::fmt::Display;

use crate::image::MAX_PIXELS;

/// A photo's size as a command-line value.
pub(super) fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let (width, height): (u32, u32) =
        sides.filter(|&(w, h)| w > 0 && h > 0).ok_or_else(|| "WIDTHxHEIGHT is expected".to_owned())?;
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!("photos of at most {MAX_PIXELS} pixels are read"));
    }
    Ok((width, height))
}

/// Bytes in MiB, as a table has them.
pub(super) fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

/// A row of a table with two columns of values.
pub(super) fn row(name: &str, a: &dyn Display, b: &dyn Display) -> String {
    format!("{name:<34}{a:>14}{b:>14}")
}

/// One line each.
pub(super) fn lines<T: Display>(lines: impl IntoIterator<Item = T>) -> String {
    lines.into_iter().fold(String::new(), |text, line| text + &line.to_string() + "\n")
}
