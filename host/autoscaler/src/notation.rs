//! Numbers as people write them.

pub use leadsman_model::notation::{both, decimal};

/// A ratio, to three digits behind the point.
pub fn ratio(ratio: f64) -> String {
    if !ratio.is_finite() {
        return "no number".to_owned();
    }
    let text = format!("{ratio:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_has_three_digits_at_most() {
        assert_eq!(
            (ratio(1.5), ratio(0.94), ratio(2.0)),
            ("1.5".into(), "0.94".into(), "2".into())
        );
        assert_eq!(ratio(f64::INFINITY), "no number");
    }
}
