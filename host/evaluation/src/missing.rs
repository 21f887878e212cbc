//! Why reads lack values: counted by reason, and the newest of each kept for the status page.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The longest message that is kept, in characters: names and selectors are from outside.
const MAX_MESSAGE: usize = 2000;

/// Why a read lacks values that it asked for. `docs/operating.md` lists the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MissingReason {
    /// There is no object of the name.
    NoObject,
    /// The selector picks no object.
    NoObjectSelected,
    /// The queries were answered without series.
    NoSeries,
    /// The query asks for a label that no series has.
    UnknownLabel,
    /// The selector picks none of the series or items.
    NoneSelected,
    /// There are values, for other objects.
    OtherObjects,
    /// Several series are for one object and do not agree.
    Disagreement,
    /// What there is cannot be served.
    Refused,
    /// A part of several could not be read.
    LeftOut,
    /// There is only one of cpu and memory.
    Partial,
    /// The last known value stands for what is absent.
    LastKnown,
    /// A default stands for what is absent.
    Default,
    /// A stated number stands for values that are not known.
    Stated,
}

impl MissingReason {
    /// Whether there are no objects to have values for.
    pub fn is_of_objects(self) -> bool {
        matches!(self, Self::NoObject | Self::NoObjectSelected)
    }

    /// As metrics and JSON have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoObject => "no_object",
            Self::NoObjectSelected => "no_object_selected",
            Self::NoSeries => "no_series",
            Self::UnknownLabel => "unknown_label",
            Self::NoneSelected => "none_selected",
            Self::OtherObjects => "other_objects",
            Self::Disagreement => "disagreement",
            Self::Refused => "refused",
            Self::LeftOut => "left_out",
            Self::Partial => "partial",
            Self::LastKnown => "last_known",
            Self::Default => "default",
            Self::Stated => "stated",
        }
    }
}

/// Why a read lacks values, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The kind.
    pub reason: MissingReason,
    /// What is missing and why.
    pub message: String,
}

impl Missing {
    /// A reason with its message.
    pub fn new(reason: MissingReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// Both messages, under the reason of the first.
    pub fn and(self, other: Self) -> Self {
        Self { message: format!("{}; {}", self.message, other.message), ..self }
    }
}

/// The newest message of each reason. Reasons are from closed sets, so there are few.
#[derive(Debug, Default)]
pub struct MissingLog(Mutex<BTreeMap<&'static str, MissingEntry>>);

/// The reads of one reason.
#[derive(Debug, Clone)]
pub struct MissingEntry {
    /// The message of the newest.
    pub message: String,
    /// How many there were.
    pub count: u64,
    /// When the newest was.
    pub at: Instant,
}

impl MissingLog {
    /// A read lacked something.
    pub fn note(&self, reason: &'static str, message: &str, now: Instant) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = entries.get(reason).map_or(0, |entry| entry.count) + 1;
        let message = message.chars().take(MAX_MESSAGE).collect();
        entries.insert(reason, MissingEntry { message, count, at: now });
    }

    /// All reasons so far.
    pub fn list(&self) -> Vec<(&'static str, MissingEntry)> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|(reason, entry)| (*reason, entry.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_message_of_each_reason_is_kept() {
        let (log, now) = (MissingLog::default(), Instant::now());
        log.note("no_series", "first", now);
        log.note("default", "other", now);
        log.note("no_series", "second", now);
        let reported: Vec<_> =
            log.list().into_iter().map(|(r, e)| (r, e.message, e.count)).collect();
        assert_eq!(
            reported,
            [("default", "other".to_owned(), 1), ("no_series", "second".to_owned(), 2)]
        );
        log.note("default", &"ö".repeat(1 << 20), now);
        assert_eq!(log.list()[0].1.message.chars().count(), MAX_MESSAGE);
    }
}
