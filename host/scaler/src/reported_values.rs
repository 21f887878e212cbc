//! Reported values, cached for the length of a poll.
//!
//! KEDA asks for the value and then whether it is active, in two calls. Between the two there may be new
//! values, and what is active by one would be inactive by the other. So a reported value is cached for
//! a short time, and both answers are made from it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::sync::Cache;

use super::measure::Measured;
use super::read::Read;

/// How long a reported value answers the same question. KEDA's polls are seconds apart, and several of
/// its loops that ask at the same time get the same.
pub(super) const VALUE_MAX_AGE: Duration = Duration::from_secs(1);

/// How long the question whether it is active is answered from the value that was reported last: longer than
/// KEDA takes from one call to the other, and shorter than the time between two polls.
pub(super) const ACTIVITY_MAX_AGE: Duration = Duration::from_secs(4);

/// The maximum memory of all entries, with their keys.
const MAX_BYTES: u64 = 16 << 20;

/// What an entry takes in addition to its texts.
const ENTRY_OVERHEAD: usize = 256;

/// Reported values, by ScaledObject and read.
pub(super) struct ReportedValues(Cache<Question, (Arc<Measured>, Instant)>);

/// A ScaledObject, and its read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Question {
    /// The namespace of the ScaledObject.
    pub(super) namespace: Box<str>,
    /// Its name.
    pub(super) name: Box<str>,
    /// What its trigger reads.
    pub(super) read: Read,
}

impl Default for ReportedValues {
    fn default() -> Self {
        let weigh = |question: &Question, (measured, _): &(Arc<Measured>, Instant)| {
            let texts = question.namespace.len() + question.name.len() + question.read.bytes();
            u32::try_from(ENTRY_OVERHEAD + texts + measured.bytes()).unwrap_or(u32::MAX)
        };
        Self(
            Cache::builder()
                .max_capacity(MAX_BYTES)
                .weigher(weigh)
                .time_to_live(ACTIVITY_MAX_AGE)
                .build(),
        )
    }
}

impl ReportedValues {
    /// The value that was reported within this time.
    pub(super) fn within(&self, question: &Question, time: Duration) -> Option<Arc<Measured>> {
        let (measured, at) = self.0.get(question)?;
        (at.elapsed() <= time).then_some(measured)
    }

    /// Caches a reported value.
    pub(super) fn hold(&self, question: Question, measured: Arc<Measured>) {
        self.0.insert(question, (measured, Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadsman_model::quantity::Quantity;

    fn question(name: &str) -> Question {
        let read = Read::external("shop", "load", "");
        Question { namespace: "shop".into(), name: name.into(), read }
    }

    fn measured(milli: i64) -> Arc<Measured> {
        Arc::new(Measured {
            value: Quantity::from_milli(milli),
            time: 0,
            warning: None,
            missing: None,
        })
    }

    #[test]
    fn what_was_told_answers_the_same_question_and_no_other() {
        let reported_values = ReportedValues::default();
        reported_values.hold(question("a"), measured(1));
        let of = |name: &str| {
            reported_values.within(&question(name), VALUE_MAX_AGE).map(|found| found.value.milli())
        };
        assert_eq!((of("a"), of("b")), (Some(1), None));
        reported_values.hold(question("a"), measured(2));
        assert_eq!(of("a"), Some(2));
    }

    #[test]
    fn made_up_questions_take_a_bounded_amount_of_memory() {
        let reported_values = ReportedValues::default();
        for number in 0..100_000 {
            let name = format!("{}{number}", "x".repeat(500));
            reported_values.hold(question(&name), measured(number));
        }
        reported_values.0.run_pending_tasks();
        assert!(
            reported_values.0.weighted_size() <= MAX_BYTES,
            "{}",
            reported_values.0.weighted_size()
        );
        assert!(reported_values.0.entry_count() > 1000);
    }
}
