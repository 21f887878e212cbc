//! The differences between two answers.

use std::collections::BTreeSet;

use super::ours::ReadScope;
use super::reading::{Number, Reading};

/// A difference.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    /// The metric.
    pub(super) metric: String,
    /// The scope of the read.
    pub(super) scope: ReadScope,
    /// The difference.
    pub(super) what: DifferenceKind,
}

/// A kind of difference.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum DifferenceKind {
    /// A read failed on one side, or on both.
    Failed {
        /// The number of our values, or why our read failed.
        ours: Result<usize, String>,
        /// The number of their values, or why their read failed.
        theirs: Result<usize, String>,
    },
    /// Only we have a value.
    OnlyOurs {
        /// The object or labels.
        of: String,
        /// The value.
        value: Number,
    },
    /// Only the other adapter has a value.
    OnlyTheirs {
        /// The object or labels.
        of: String,
        /// The value.
        value: Number,
        /// Why we have none, if it is known.
        why: Option<String>,
        /// Whether the reason is that several series disagree, of which the other adapter takes any.
        disagree: bool,
    },
    /// The values differ.
    Values {
        /// The object or labels.
        of: String,
        /// Ours, before and after theirs.
        ours: [Number; 2],
        /// Theirs.
        theirs: Number,
    },
}

/// The result of a read.
pub(super) type Read = Result<Reading, String>;

/// The differences between our values, read before and after theirs, and theirs.
pub(super) fn compared(
    before: &Read,
    after: &Read,
    theirs: &Read,
    tolerance: f64,
) -> Vec<DifferenceKind> {
    let (before, after, theirs) = match (before, after, theirs) {
        (Ok(before), Ok(after), Ok(theirs)) => (before, after, theirs),
        (before, after, theirs) => {
            let side = |read: &Read| match read {
                Ok(reading) => Ok(reading.values.len()),
                Err(reason) => Err(reason.clone()),
            };
            let ours = side(before).and_then(|_| side(after));
            return vec![DifferenceKind::Failed { ours, theirs: side(theirs) }];
        }
    };
    let all: BTreeSet<_> =
        before.values.keys().chain(after.values.keys()).chain(theirs.values.keys()).collect();
    let mut differences = Vec::new();
    for of in all {
        let ours = (before.values.get(of), after.values.get(of));
        let of = of.clone();
        match (ours, theirs.values.get(&of)) {
            ((Some(before), Some(after)), Some(theirs))
                if !between(before, after, theirs, tolerance) =>
            {
                let ours = [before.clone(), after.clone()];
                differences.push(DifferenceKind::Values { of, ours, theirs: theirs.clone() });
            }
            ((None, None), Some(value)) => {
                let why = after.warning.clone().filter(|why| is_about(&of, why));
                differences.push(DifferenceKind::OnlyTheirs {
                    of,
                    value: value.clone(),
                    why,
                    disagree: after.disagrees,
                });
            }
            ((Some(value), Some(_)), None) => {
                differences.push(DifferenceKind::OnlyOurs { of, value: value.clone() });
            }
            // They agree, or the value appeared or disappeared in between.
            _ => {}
        }
    }
    differences
}

impl DifferenceKind {
    /// Whether it makes a difference to clients: if neither side has a value, it does not.
    pub(super) fn is_difference(&self) -> bool {
        let any = |side: &Result<usize, String>| side.as_ref().is_ok_and(|values| *values > 0);
        match self {
            Self::Failed { ours, theirs } => any(ours) || any(theirs),
            Self::OnlyOurs { .. } | Self::OnlyTheirs { .. } | Self::Values { .. } => true,
        }
    }
}

/// Whether a reason probably applies to this object.
fn is_about(of: &str, reason: &str) -> bool {
    // Reasons do not contain the labels of items.
    of.starts_with('{') || of.split(' ').next().is_some_and(|name| reason.contains(name))
}

/// Whether a value is between two others, within the tolerance.
fn between(before: &Number, after: &Number, theirs: &Number, tolerance: f64) -> bool {
    let (Number::Quantity(before), Number::Quantity(after), Number::Quantity(theirs)) =
        (before, after, theirs)
    else {
        return before == theirs || after == theirs;
    };
    let (low, high) = (before.min(after).as_f64(), before.max(after).as_f64());
    let theirs = theirs.as_f64();
    let margin = tolerance * low.abs().max(high.abs()).max(theirs.abs());
    theirs >= low - margin && theirs <= high + margin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(values: &[(&str, &str)]) -> Read {
        let values = values.iter().map(|(of, value)| ((*of).to_owned(), Number::read(value)));
        let warning = Some("c is odd".to_owned());
        Ok(Reading { values: values.collect(), warning, disagrees: false })
    }

    fn differences(before: &Read, after: &Read, theirs: &Read) -> Vec<String> {
        let name = |what: &DifferenceKind| match what {
            DifferenceKind::Failed { ours, theirs } => {
                format!("unread {ours:?} {theirs:?} {}", what.is_difference())
            }
            DifferenceKind::OnlyOurs { of, .. } => format!("here {of}"),
            DifferenceKind::OnlyTheirs { of, why, disagree, .. } => {
                format!("there {of} {why:?}{}", if *disagree { " (disagree)" } else { "" })
            }
            DifferenceKind::Values { of, .. } => format!("values {of}"),
        };
        compared(before, after, theirs, 0.01).iter().map(name).collect()
    }

    #[test]
    fn a_value_between_two_others_is_no_difference() {
        let (low, high) = (reading(&[("a", "10")]), reading(&[("a", "20")]));
        for (theirs, expected) in [
            ("10", 0),
            ("15", 0),
            ("20100m", 0),
            ("9901m", 0),
            ("20300m", 1),
            ("9", 1),
            ("-9223372036854775808m", 1),
        ] {
            let theirs = reading(&[("a", theirs)]);
            assert_eq!(differences(&low, &high, &theirs).len(), expected, "{theirs:?}");
            assert_eq!(differences(&high, &low, &theirs).len(), expected, "{theirs:?}");
        }
        let zero = reading(&[("a", "0")]);
        assert_eq!(differences(&zero, &zero, &zero), [""; 0]);
        assert_eq!(differences(&zero, &zero, &reading(&[("a", "1m")])), ["values a"]);
    }

    #[test]
    fn objects_that_only_one_has_a_value_for_are_told() {
        let ours = reading(&[("a", "1"), ("b", "1")]);
        let theirs = reading(&[("b", "1"), ("c", "1")]);
        let expected = ["here a", "there c Some(\"c is odd\")"];
        assert_eq!(differences(&ours, &ours, &theirs), expected);
        // A value that appeared in between may or may not have existed for the other adapter.
        let later = reading(&[("a", "1"), ("b", "1"), ("c", "1")]);
        assert_eq!(differences(&ours, &later, &theirs), ["here a"]);
        let others = reading(&[("a", "1"), ("b", "1"), ("x", "1")]);
        assert_eq!(
            differences(&ours, &ours, &others),
            ["there x None"],
            "the reason is another one's"
        );
    }

    #[test]
    fn objects_whose_series_disagree_are_told_apart() {
        let theirs = reading(&[("c", "1")]);
        let Ok(mut ours) = reading(&[]) else { panic!("a reading") };
        ours.warning = Some("the series of c do not agree".to_owned());
        ours.disagrees = true;
        let ours = Ok(ours);
        let expected = ["there c Some(\"the series of c do not agree\") (disagree)"];
        assert_eq!(differences(&ours, &ours, &theirs), expected);
        // The reason counts, and not its text.
        let Ok(mut ours) = reading(&[]) else { panic!("a reading") };
        ours.warning = Some("the samples of c do not agree with its window".to_owned());
        let ours = Ok(ours);
        let expected = ["there c Some(\"the samples of c do not agree with its window\")"];
        assert_eq!(differences(&ours, &ours, &theirs), expected);
    }

    #[test]
    fn reasons_stand_side_by_side() {
        let (none, one) = (reading(&[]), reading(&[("a", "1")]));
        let error = Err("away".to_owned());
        assert_eq!(differences(&one, &one, &error), ["unread Ok(1) Err(\"away\") true"]);
        assert_eq!(differences(&none, &none, &error), ["unread Ok(0) Err(\"away\") false"]);
        assert_eq!(differences(&one, &error, &one), ["unread Err(\"away\") Ok(1) true"]);
        assert_eq!(differences(&error, &one, &error), ["unread Err(\"away\") Err(\"away\") false"]);
    }
}
