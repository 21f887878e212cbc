//! How far a ratio may be from 1 without a change.

/// The tolerance of both directions, as fractions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// `behavior.scaleUp.tolerance`, or that of the controller.
    pub up: f64,
    /// `behavior.scaleDown.tolerance`, or that of the controller.
    pub down: f64,
}

impl Default for Tolerance {
    /// That of the controller, unless its `--horizontal-pod-autoscaler-tolerance` says otherwise.
    fn default() -> Self {
        Self { up: 0.1, down: 0.1 }
    }
}

impl Tolerance {
    /// Whether a ratio of value and target leads to no change.
    pub fn contains(self, ratio: f64) -> bool {
        1.0 - self.down <= ratio && ratio <= 1.0 + self.up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_inside() {
        let tolerance = Tolerance { up: 0.5, down: 0.25 };
        for (ratio, inside) in
            [(0.74, false), (0.75, true), (1.0, true), (1.5, true), (1.51, false)]
        {
            assert_eq!(tolerance.contains(ratio), inside, "{ratio}");
        }
        assert!(!tolerance.contains(f64::NAN));
    }
}
