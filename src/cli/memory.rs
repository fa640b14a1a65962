//! Amounts of memory, as arguments say them.

/// Bytes: a number of them, or of binary K, M or G.
pub(super) fn parse_bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" => Some(0),
        "K" | "KIB" => Some(10),
        "M" | "MIB" => Some(20),
        "G" | "GIB" => Some(30),
        _ => None,
    };
    let amount = digits.parse::<f64>().ok().filter(|amount| *amount > 0.0 && amount.is_finite());
    let bytes = amount.zip(shift).map(|(amount, shift)| amount * f64::from(1_u32 << shift));
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
        assert_eq!(parse_bytes("512MiB"), Ok(512 << 20));
        for wrong in ["", "G", "-1G", "0", "2T", "NaN", "infG", "1e999"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }
}
