//! Durations as people write them in a configuration.

use std::time::Duration;

/// Reads a duration as mappings have it: `500ms`, `5s`, `1m30s`, `2h`, `7d`. The error says what
/// would be right.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        let short: String = text.chars().take(40).collect();
        format!("\"{}\" is not a duration such as 30s, 1m30s, 2h or 7d", short.escape_debug())
    };
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let length = rest[digits..].find(|c: char| c.is_ascii_digit());
        let end = length.map_or(rest.len(), |length| digits + length);
        let milliseconds = match &rest[digits..end] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            _ => return Err(wrong()),
        };
        let part = number.checked_mul(milliseconds).map(Duration::from_millis);
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = &rest[end..];
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in [("30s", 30), ("1m30s", 90), ("2h", 7200), ("1w1d", 691_200)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "5", "s", "5 s", "-5s", "1.5s", "5y", "99999999999999999999s"] {
            let reported = parse_duration(bad).unwrap_err();
            assert!(reported.contains("is not a duration such as 30s"), "{reported}");
        }
    }
}
