//! Numbers and times as people and as programs write them.

use jiff::Timestamp;
use leadsman_model::notation::decimal;
use leadsman_model::quantity::Quantity;

use super::Number;

impl Number {
    /// A quantity in each notation.
    pub fn of(quantity: Quantity) -> Self {
        let milli = quantity.milli();
        Self { decimal: decimal(milli), quantity: quantity.to_string(), milli }
    }
}

/// What a source or a plugin gave, as Prometheus writes it.
pub(super) fn raw(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}

/// A time in milliseconds since the epoch, as RFC 3339 has it.
pub fn rfc3339(milliseconds: i64) -> String {
    let time = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_told_in_each_notation() {
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
