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

/// A number as the text format has it in `le` and `quantile`: `strconv.FormatFloat(value, 'g', -1, 64)`.
pub(super) fn written(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_does() {
        for (value, text) in [
            (0.0, "0"),
            (-0.5, "-0.5"),
            (1.0, "1"),
            (0.0001, "0.0001"),
            (0.000025, "2.5e-05"),
            (123_456.0, "123456"),
            (1e6, "1e+06"),
            (1_234_567.5, "1.2345675e+06"),
            (1e100, "1e+100"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(written(value), text);
        }
    }

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
