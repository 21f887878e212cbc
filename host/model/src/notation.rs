//! Numbers as people write them, beside the notation of Kubernetes.

use crate::quantity::Quantity;

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
    }
}
