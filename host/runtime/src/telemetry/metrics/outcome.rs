//! The outcomes of operations for a mapping: closed sets, which are values of labels.

/// The outcome of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names say it
pub enum ReadOutcome {
    Ok,
    Stale,
    Failed,
    Deadline,
    NotFound,
}

impl ReadOutcome {
    pub(super) const ALL: [Self; 5] =
        [Self::Ok, Self::Stale, Self::Failed, Self::Deadline, Self::NotFound];

    /// Those that alerts are about.
    pub(super) const FAILURES: [Self; 3] = [Self::Stale, Self::Failed, Self::Deadline];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Stale => "stale",
            Self::Failed => "failed",
            Self::Deadline => "deadline",
            Self::NotFound => "not_found",
        }
    }
}

/// The outcome of the handover of an evaluation to its changed mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HandoverEvent {
    /// The new evaluation has good values and serves from now on.
    TakenOver,
    /// The new evaluation fails where the old one works, so the old one keeps serving.
    FellBack,
    /// The old mapping has reached the end of its time.
    Expired,
}

impl HandoverEvent {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::TakenOver => "taken_over",
            Self::FellBack => "fell_back",
            Self::Expired => "expired",
        }
    }
}

/// The outcome of changing the replicas of a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActivationEvent {
    /// It was taken to zero.
    ToZero,
    /// It was taken from zero.
    FromZero,
    /// It was changed by somebody else at the same time.
    Conflict,
    /// It could not be looked at or changed.
    Failed,
}

impl ActivationEvent {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ToZero => "to_zero",
            Self::FromZero => "from_zero",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
        }
    }
}
