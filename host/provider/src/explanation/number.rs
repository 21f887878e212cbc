//! Numbers and times as people and as programs write them.

use leadsman_model::quantity::Quantity;
use time::OffsetDateTime;

use super::Number;

impl Number {
    /// A quantity in each notation.
    pub fn of(quantity: Quantity) -> Self {
        let milli = quantity.milli();
        Self { decimal: decimal(milli), quantity: quantity.to_string(), milli }
    }
}

/// A number of thousandths as a decimal number: `140.349`.
pub fn decimal(milli: i64) -> String {
    let sign = if milli < 0 { "-" } else { "" };
    let (whole, part) = (milli.unsigned_abs() / 1000, milli.unsigned_abs() % 1000);
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let part = format!("{part:03}");
    format!("{sign}{whole}.{}", part.trim_end_matches('0'))
}

/// The same with the notation of Kubernetes where that is another: `140.349 (140349m)`.
pub fn both(milli: i64) -> String {
    let (decimal, quantity) = (decimal(milli), Quantity::from_milli(milli).to_string());
    if decimal == quantity { decimal } else { format!("{decimal} ({quantity})") }
}

/// What a source or a plugin gave, as Prometheus writes it.
pub(super) fn raw(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}

/// A time in milliseconds since the epoch, as RFC 3339 has it.
pub(super) fn rfc3339(milliseconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000);
    let time = time.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, clock) = (time.date(), time.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second(),
        clock.millisecond()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_in_the_notations_that_people_confuse() {
        for (milli, text) in [
            (140_349, "140.349 (140349m)"),
            (12_000, "12"),
            (-500, "-0.5 (-500m)"),
            (5_000_000, "5000 (5k)"),
            (0, "0"),
        ] {
            assert_eq!(both(milli), text);
        }
        let number = Number::of(Quantity::from_milli(1_013_400));
        let expected = ("1013.4", "1013400m", 1_013_400);
        assert_eq!((number.decimal.as_str(), number.quantity.as_str(), number.milli), expected);
    }

    #[test]
    fn values_and_times_are_written_as_sources_write_them() {
        assert_eq!((raw(1.5), raw(0.1)), ("1.5".to_owned(), "0.1".to_owned()));
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(raw);
        assert_eq!(odd, ["NaN", "+Inf", "-Inf"]);
        assert_eq!(rfc3339(1_695_018_199_504), "2023-09-18T06:23:19.504Z");
        assert_eq!(rfc3339(i64::MAX), "1970-01-01T00:00:00.000Z", "no such time");
    }
}
