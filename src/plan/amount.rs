//! Amounts of memory, as people write them.

/// Bytes: a number of them, or of binary K, M, G or T, which may be written KB or KiB.
///
/// # Errors
/// What is expected, where the text is none.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" => Some(0),
        "K" | "KB" | "KIB" => Some(10),
        "M" | "MB" | "MIB" => Some(20),
        "G" | "GB" | "GIB" => Some(30),
        "T" | "TB" | "TIB" => Some(40),
        _ => None,
    };
    let amount = digits.parse::<f64>().ok().filter(|amount| *amount > 0.0 && amount.is_finite());
    let bytes = amount.zip(shift).map(|(amount, shift)| amount * (1_u64 << shift) as f64);
    bytes.map(|bytes| bytes as u64).ok_or_else(|| "an amount such as 512M or 2G is expected".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_binary() {
        assert_eq!(parse_bytes("512"), Ok(512));
        assert_eq!(parse_bytes("2k"), Ok(2048));
        assert_eq!(parse_bytes("1.5G"), Ok(3 << 29));
        for million in ["512MiB", "512MB", "512mb"] {
            assert_eq!(parse_bytes(million), Ok(512 << 20));
        }
        assert_eq!(parse_bytes("2T"), Ok(2 << 40));
        for wrong in ["", "G", "-1G", "0", "2P", "NaN", "infG", "1e999"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }
}
