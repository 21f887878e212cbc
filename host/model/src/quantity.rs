//! Kubernetes quantities at milli precision.

use std::fmt;

/// A number at milli precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i64);

/// Why a value cannot be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotServable {
    /// The value is NaN.
    #[error("the value is NaN")]
    NotANumber,
    /// The value is infinite.
    #[error("the value is infinite")]
    Infinite,
    /// The value does not fit into an `i64` of thousandths.
    #[error("the value is beyond ±9.2e15, the largest that fits milli precision")]
    TooLarge,
    /// RFC 3339 cannot express the timestamp.
    #[error("the time is not in the years 0 to 9999")]
    Time,
}

impl Quantity {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// From a number of thousandths.
    pub fn from_milli(milli: i64) -> Self {
        Self(milli)
    }

    /// The number of thousandths.
    pub fn milli(self) -> i64 {
        self.0
    }

    /// Truncates to thousandths, as prometheus-adapter does, with two exceptions: a rounding error
    /// of the multiplication does not lose a thousandth (0.029 is 29m), and a value other than 0
    /// does not become 0, since an HPA scales to zero at exactly 0.
    // Compared with the limit first, and a double without a fraction is one again.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    pub fn from_f64(value: f64) -> Result<Self, NotServable> {
        if value.is_nan() {
            return Err(NotServable::NotANumber);
        }
        if value.is_infinite() {
            return Err(NotServable::Infinite);
        }
        let exact = value * 1000.0;
        if exact.abs() >= 9.2e18 {
            return Err(NotServable::TooLarge);
        }
        // `round` and `trunc` by the integer: on most processors that programs are built for they are
        // calls of a library, and this is done for each value of an evaluation.
        let whole = exact as i64 as f64;
        let rounded =
            if (exact - whole).abs() >= 0.5 { whole + 1_f64.copysign(exact) } else { whole };
        let milli = if (exact - rounded).abs() <= rounded.abs() * 2.0 * f64::EPSILON {
            rounded
        } else {
            whole
        };
        Ok(match milli as i64 {
            0 if value > 0.0 => Self(1),
            0 if value < 0.0 => Self(-1),
            milli => Self(milli),
        })
    }

    /// In binary format, which Kubernetes uses for memory.
    pub fn binary(self) -> Binary {
        Binary(self)
    }

    /// As a float, for charts and comparisons.
    #[allow(clippy::cast_precision_loss)]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

/// The canonical form: no fraction, and the largest suffix without loss of precision.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SUFFIXES: [&str; 8] = ["m", "", "k", "M", "G", "T", "P", "E"];
        let mut number = self.0;
        let mut suffix = 0;
        if number == 0 {
            return f.write_str("0");
        }
        while number % 1000 == 0 && suffix + 1 < SUFFIXES.len() {
            number /= 1000;
            suffix += 1;
        }
        write!(f, "{number}{}", SUFFIXES[suffix])
    }
}

/// A quantity in the format `BinarySI` of `resource.Quantity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binary(Quantity);

/// Multiples of 1024 with the largest suffix without loss of precision. Numbers below 1024 and
/// fractions have no such suffix and get the decimal form. Nothing is rounded: clients round in
/// different ways (`kubectl top` truncates, an HPA uses thousandths).
impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SUFFIXES: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
        let milli = self.0.0;
        if milli % 1000 != 0 || milli.unsigned_abs() < 1024 * 1000 {
            return self.0.fmt(f);
        }
        let mut number = milli / 1000;
        let mut suffix = 0;
        while number % 1024 == 0 && suffix + 1 < SUFFIXES.len() {
            number /= 1024;
            suffix += 1;
        }
        write!(f, "{number}{}", SUFFIXES[suffix])
    }
}

/// The text is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a quantity such as 60m, 200 or 1.5k")]
pub struct InvalidQuantity(String);

impl std::str::FromStr for Quantity {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        let invalid = || InvalidQuantity(text.to_owned());
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let factor = match &text[digits.len()..] {
            "n" => 1e-9,
            "u" => 1e-6,
            "m" => 1e-3,
            "" => 1.0,
            "k" => 1e3,
            "M" => 1e6,
            "G" => 1e9,
            "T" => 1e12,
            "P" => 1e15,
            "E" => 1e18,
            "Ki" => 1024.0,
            "Mi" => 1024f64.powi(2),
            "Gi" => 1024f64.powi(3),
            "Ti" => 1024f64.powi(4),
            _ => return Err(invalid()),
        };
        let number: f64 = digits.parse().map_err(|_| invalid())?;
        Self::from_f64(number * factor).map_err(|_| invalid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_form() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (0.06, "60m"),
            (1.5, "1500m"),
            (12.8666, "12866m"),
            (0.029, "29m"),
            (1013.4, "1013400m"),
            (1000.0, "1k"),
            (1_500_000.0, "1500k"),
            (2e9, "2G"),
            (1e15, "1P"),
            (-2.5, "-2500m"),
        ] {
            assert_eq!(Quantity::from_f64(value).unwrap().to_string(), text, "{value}");
        }
    }

    /// What `resource.NewMilliQuantity(milli, resource.BinarySI)` of k8s.io/apimachinery v0.34.1
    /// prints.
    #[test]
    fn binary_form() {
        for (milli, text) in [
            (0, "0"),
            (1, "1m"),
            (999, "999m"),
            (1000, "1"),
            (1500, "1500m"),
            (500_000, "500"),
            (1_000_000, "1k"),
            (1_023_000, "1023"),
            (1_023_999, "1023999m"),
            (1_024_000, "1Ki"),
            (1_024_001, "1024001m"),
            (1_025_000, "1025"),
            (1_536_000, "1536"),
            (2_048_000, "2Ki"),
            (10_000_000, "10000"),
            (1_048_576_000, "1Mi"),
            (1_048_576_500, "1048576500m"),
            (1_048_577_000, "1048577"),
            (1_073_741_824_000, "1Gi"),
            (1_610_612_736_000, "1536Mi"),
            (1_000_000_000_000, "1000000000"),
            (1_099_511_627_776_000, "1Ti"),
            (1_125_899_906_842_624_000, "1Pi"),
            (5_066_549_580_791_808_000, "4608Ti"),
            (9_200_000_000_000_000_000, "8984375000000Ki"),
            (-1000, "-1"),
            (-2_048_000, "-2Ki"),
            (-1_536_500, "-1536500m"),
        ] {
            assert_eq!(Quantity::from_milli(milli).binary().to_string(), text, "{milli}");
        }
    }

    #[test]
    fn only_zero_is_zero() {
        assert_eq!(Quantity::from_f64(1e-9).unwrap().to_string(), "1m");
        assert_eq!(Quantity::from_f64(-1e-9).unwrap().to_string(), "-1m");
    }

    #[test]
    fn nan_infinity_and_overflow_are_refused() {
        assert_eq!(Quantity::from_f64(f64::NAN), Err(NotServable::NotANumber));
        assert_eq!(Quantity::from_f64(f64::INFINITY), Err(NotServable::Infinite));
        assert_eq!(Quantity::from_f64(f64::NEG_INFINITY), Err(NotServable::Infinite));
        assert_eq!(Quantity::from_f64(1e16), Err(NotServable::TooLarge));
    }

    #[test]
    fn every_thousandth_survives() {
        for milli in (-20_000..20_000).chain((0..1000).map(|k| k * 1_000_003)) {
            #[allow(clippy::cast_precision_loss)]
            let value = milli as f64 / 1000.0;
            assert_eq!(Quantity::from_f64(value).unwrap().milli(), milli);
        }
    }

    /// What is written in the definition, with the functions of the standard library.
    #[allow(clippy::cast_possible_truncation)]
    fn defined(value: f64) -> i64 {
        let exact = value * 1000.0;
        let rounded = exact.round();
        let is_rounding_error = (exact - rounded).abs() <= rounded.abs() * 2.0 * f64::EPSILON;
        let milli = if is_rounding_error { rounded } else { exact.trunc() };
        match milli as i64 {
            0 if value > 0.0 => 1,
            0 if value < 0.0 => -1,
            milli => milli,
        }
    }

    #[test]
    fn values_of_any_size_are_as_defined() {
        let halves = (0..4000).map(|half| f64::from(half) / 2000.0);
        let powers = (-60..53).map(|power| 2_f64.powi(power));
        let near = halves.chain(powers).flat_map(|value| {
            let bits = value.to_bits();
            [value, f64::from_bits(bits.saturating_sub(1)), f64::from_bits(bits + 1)]
        });
        // All kinds of bits from 2^-15 to 2^43, by a generator with a fixed start.
        let random = (0..100_000_u64).scan(1_u64, |state, _| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            Some(f64::from_bits(0x3F00_0000_0000_0000 + (*state >> 1) % 0x03A0_0000_0000_0000))
        });
        for value in near.chain(random).chain([0.0, 4.35, 1e12 + 0.0005, 9e15, 9.1e15]) {
            for value in [value, -value] {
                assert_eq!(
                    Quantity::from_f64(value).map(Quantity::milli),
                    Ok(defined(value)),
                    "{value:e}"
                );
            }
        }
    }

    #[test]
    fn quantities_are_parsed() {
        for (text, milli) in
            [("60m", 60), ("200", 200_000), ("1.5k", 1_500_000), ("1Ki", 1_024_000)]
        {
            assert_eq!(text.parse::<Quantity>().unwrap().milli(), milli);
        }
        assert!("sixty".parse::<Quantity>().is_err());
        assert!("60 m".parse::<Quantity>().is_err());
    }
}
