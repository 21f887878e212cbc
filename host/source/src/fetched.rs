//! An answer with its gaps.

use super::room::AnswerRoom;
use leadsman_model::data::Answer;

/// Why an answer has nothing of an object, besides the series that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The object's namespace; empty if it is not known, or of no namespace.
    pub namespace: String,
    /// Its name; empty if it is for all.
    pub object: String,
    /// The reason.
    pub reason: String,
}

/// An answer, and what it does not have.
#[derive(Debug)]
pub struct Fetched {
    /// The answer.
    pub answer: Answer,
    /// The room that it takes, for as long as it is kept.
    pub room: AnswerRoom,
    /// Why it has nothing of some objects, as far as the source knows.
    pub gaps: Vec<Gap>,
    /// The series that were left out, for their samples are too old: the first few.
    pub stale: Vec<StaleSeries>,
}

/// A series that was left out. Of which object it is, whoever asked knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleSeries {
    /// The names and values of its labels.
    pub labels: Vec<(String, String)>,
    /// The reason.
    pub reason: String,
}
