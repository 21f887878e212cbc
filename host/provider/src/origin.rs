//! The origin of an answer: equal origins give equal answers, so that answers can be cached.

use leadsman_evaluation::Evaluated;

/// The origin of an answer. Two answers to one request are equal if they have the same origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The numbers of the evaluations. They identify what was asked of which mapping: no other
    /// evaluation of the process ever has the same.
    pub evaluations: [u64; 2],
    /// In which state these and the objects are.
    pub version: OriginVersion,
}

/// The state of what an answer is made from. It never repeats for the same evaluations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginVersion {
    /// The numbers of the evaluated values.
    pub values: [u64; 2],
    /// The version of the objects of the namespace.
    pub objects: u64,
}

impl Origin {
    /// Values of one or of two evaluations, for objects of this version.
    pub(super) fn new(one: &Evaluated, other: Option<&Evaluated>, objects: u64) -> Self {
        let other = other.map_or((0, 0), |other| (other.evaluation, other.id));
        Self {
            evaluations: [one.evaluation, other.0],
            version: OriginVersion { values: [one.id, other.1], objects },
        }
    }
}
