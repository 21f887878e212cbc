//! What two answers do not have in common.

use std::collections::BTreeSet;

use super::ours::Place;
use super::reading::{Number, Reading};

/// A difference.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    /// The metric.
    pub(super) metric: String,
    /// Where it was read.
    pub(super) place: Place,
    /// What differs.
    pub(super) what: What,
}

/// What differs.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// One of both has no answer, or neither has.
    Unread {
        /// How many values ours has, or why it has no answer.
        ours: Result<usize, String>,
        /// The same of theirs.
        theirs: Result<usize, String>,
    },
    /// Only ours has a value.
    OnlyHere {
        /// Of what.
        of: String,
        /// The value.
        value: Number,
    },
    /// Only theirs has one.
    OnlyThere {
        /// Of what.
        of: String,
        /// The value.
        value: Number,
        /// Why ours has none, if it says so.
        why: Option<String>,
        /// Whether ours says that several series disagree there, of which theirs takes any.
        disagree: bool,
    },
    /// Both have one.
    Values {
        /// Of what.
        of: String,
        /// Ours, before and after theirs.
        ours: [Number; 2],
        /// Theirs.
        theirs: Number,
    },
}

/// What a reason says where the series of an object do not have the same value.
const DISAGREE: &str = "do not agree";

/// What was read, or why nothing was.
pub(super) type Read = Result<Reading, String>;

/// What ours, read before and after theirs, does not have in common with it.
pub(super) fn compared(before: &Read, after: &Read, theirs: &Read, tolerance: f64) -> Vec<What> {
    let (before, after, theirs) = match (before, after, theirs) {
        (Ok(before), Ok(after), Ok(theirs)) => (before, after, theirs),
        (before, after, theirs) => {
            let side = |read: &Read| match read {
                Ok(reading) => Ok(reading.values.len()),
                Err(reason) => Err(reason.clone()),
            };
            let ours = side(before).and_then(|_| side(after));
            return vec![What::Unread { ours, theirs: side(theirs) }];
        }
    };
    let all: BTreeSet<_> =
        before.values.keys().chain(after.values.keys()).chain(theirs.values.keys()).collect();
    let mut found = Vec::new();
    for of in all {
        let ours = (before.values.get(of), after.values.get(of));
        let of = of.clone();
        match (ours, theirs.values.get(&of)) {
            ((Some(before), Some(after)), Some(theirs))
                if !between(before, after, theirs, tolerance) =>
            {
                let ours = [before.clone(), after.clone()];
                found.push(What::Values { of, ours, theirs: theirs.clone() });
            }
            ((None, None), Some(value)) => {
                let disagree = after.warning.as_ref().is_some_and(|why| why.contains(DISAGREE));
                let why = after.warning.clone().filter(|why| is_about(&of, why));
                found.push(What::OnlyThere { of, value: value.clone(), why, disagree });
            }
            ((Some(value), Some(_)), None) => {
                found.push(What::OnlyHere { of, value: value.clone() });
            }
            // They agree, or it came or went meanwhile.
            _ => {}
        }
    }
    found
}

impl What {
    /// Whether it matters to whoever asks: without a value there is nothing to scale by, whatever
    /// the reason.
    pub(super) fn is_difference(&self) -> bool {
        let any = |side: &Result<usize, String>| side.as_ref().is_ok_and(|values| *values > 0);
        match self {
            Self::Unread { ours, theirs } => any(ours) || any(theirs),
            Self::OnlyHere { .. } | Self::OnlyThere { .. } | Self::Values { .. } => true,
        }
    }
}

/// Whether a reason is about this object, for all that is known.
fn is_about(of: &str, reason: &str) -> bool {
    // Reasons do not repeat the labels of items.
    of.starts_with('{') || of.split(' ').next().is_some_and(|name| reason.contains(name))
}

/// Whether a value lies between two others, or near one of them.
fn between(before: &Number, after: &Number, theirs: &Number, tolerance: f64) -> bool {
    let (Number::Known(before), Number::Known(after), Number::Known(theirs)) =
        (before, after, theirs)
    else {
        return before == theirs || after == theirs;
    };
    let (low, high) = (before.min(after).as_f64(), before.max(after).as_f64());
    let theirs = theirs.as_f64();
    let room = tolerance * low.abs().max(high.abs()).max(theirs.abs());
    theirs >= low - room && theirs <= high + room
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(values: &[(&str, &str)]) -> Read {
        let values = values.iter().map(|(of, value)| ((*of).to_owned(), Number::read(value)));
        Ok(Reading { values: values.collect(), warning: Some("c is odd".to_owned()) })
    }

    fn told(before: &Read, after: &Read, theirs: &Read) -> Vec<String> {
        let name = |what: &What| match what {
            What::Unread { ours, theirs } => {
                format!("unread {ours:?} {theirs:?} {}", what.is_difference())
            }
            What::OnlyHere { of, .. } => format!("here {of}"),
            What::OnlyThere { of, why, disagree, .. } => {
                format!("there {of} {why:?}{}", if *disagree { " (disagree)" } else { "" })
            }
            What::Values { of, .. } => format!("values {of}"),
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
            assert_eq!(told(&low, &high, &theirs).len(), expected, "{theirs:?}");
            assert_eq!(told(&high, &low, &theirs).len(), expected, "{theirs:?}");
        }
        let zero = reading(&[("a", "0")]);
        assert_eq!(told(&zero, &zero, &zero), [""; 0]);
        assert_eq!(told(&zero, &zero, &reading(&[("a", "1m")])), ["values a"]);
    }

    #[test]
    fn objects_that_only_one_has_a_value_for_are_told() {
        let ours = reading(&[("a", "1"), ("b", "1")]);
        let theirs = reading(&[("b", "1"), ("c", "1")]);
        let expected = ["here a", "there c Some(\"c is odd\")"];
        assert_eq!(told(&ours, &ours, &theirs), expected);
        // What came in between may have been there for the other one, or not.
        let later = reading(&[("a", "1"), ("b", "1"), ("c", "1")]);
        assert_eq!(told(&ours, &later, &theirs), ["here a"]);
        let others = reading(&[("a", "1"), ("b", "1"), ("x", "1")]);
        assert_eq!(told(&ours, &ours, &others), ["there x None"], "the reason is another one's");
    }

    #[test]
    fn objects_whose_series_disagree_are_told_apart() {
        let theirs = reading(&[("c", "1")]);
        let Ok(mut ours) = reading(&[]) else { panic!("a reading") };
        ours.warning = Some("the series of c do not agree".to_owned());
        let ours = Ok(ours);
        let expected = ["there c Some(\"the series of c do not agree\") (disagree)"];
        assert_eq!(told(&ours, &ours, &theirs), expected);
    }

    #[test]
    fn reasons_stand_side_by_side() {
        let (none, one) = (reading(&[]), reading(&[("a", "1")]));
        let error = Err("away".to_owned());
        assert_eq!(told(&one, &one, &error), ["unread Ok(1) Err(\"away\") true"]);
        assert_eq!(told(&none, &none, &error), ["unread Ok(0) Err(\"away\") false"]);
        assert_eq!(told(&one, &error, &one), ["unread Err(\"away\") Ok(1) true"]);
        assert_eq!(told(&error, &one, &error), ["unread Err(\"away\") Err(\"away\") false"]);
    }
}
