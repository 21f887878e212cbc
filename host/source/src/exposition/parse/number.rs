//! Numbers as Go reads them, which is what the format means by a number.

/// A value, or the time of OpenMetrics. `None` if Go's `strconv.ParseFloat` would refuse it.
pub(super) fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_word = unsigned.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_nan = unsigned.eq_ignore_ascii_case("nan");
    // Go knows no sign of NaN.
    if is_nan && unsigned.len() != text.len() {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    // A number beyond all that can be held is a fault, and not infinite.
    if value.is_infinite() && !is_word {
        return None;
    }
    Some(value)
}

/// Seconds as milliseconds; `None` for what is no time.
#[allow(clippy::cast_possible_truncation)] // saturates, as times far from now may
pub(super) fn milliseconds(seconds: f64) -> Option<i64> {
    seconds.is_finite().then_some((seconds * 1000.0) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_go() {
        for (text, value) in [
            ("1", 1.0),
            ("+1.5e3", 1500.0),
            ("-.5", -0.5),
            ("1.", 1.0),
            ("Inf", f64::INFINITY),
            ("+inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("1e-400", 0.0),
        ] {
            assert_eq!(float(text), Some(value), "{text}");
        }
        assert!(float("NaN").is_some_and(f64::is_nan) && float("nAn").is_some_and(f64::is_nan));
        for text in [
            "", "+", ".", "e5", "1e", "1_0", "0x10", "0x1p3", "1e400", "+NaN", "-nan", "infin",
            "1 2", "１",
        ] {
            assert_eq!(float(text), None, "{text}");
        }
        assert_eq!(milliseconds(1.5), Some(1500));
        assert_eq!(milliseconds(f64::NAN), None);
        assert_eq!(milliseconds(f64::INFINITY), None);
    }
}
