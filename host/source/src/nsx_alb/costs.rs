//! Counts the calls to a controller by purpose, with their duration and size.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::request::CallKind;

/// What the calls for one thing have cost, all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallCost {
    /// How many were answered.
    pub calls: u32,
    /// How long they took.
    pub time: Duration,
    /// How large the bodies of their answers were.
    pub bytes: u64,
}

/// The costs of all calls that were answered.
#[derive(Default)]
pub(super) struct Costs(Mutex<BTreeMap<CallKind, CallCost>>);

impl Costs {
    /// A call was answered.
    pub(super) fn add(&self, kind: CallKind, time: Duration, bytes: usize) {
        let mut costs = self.costs();
        let cost = costs.entry(kind).or_default();
        cost.calls = cost.calls.saturating_add(1);
        cost.time = cost.time.saturating_add(time);
        cost.bytes = cost.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// What calls for one thing have cost.
    pub(super) fn of(&self, kind: CallKind) -> CallCost {
        self.costs().get(&kind).copied().unwrap_or_default()
    }

    /// What one call costs on average, for people: `login 12.0ms, objects 80.0ms and 52.1 kB`.
    pub(super) fn each(&self) -> Option<String> {
        let costs = self.costs();
        let reported = costs.iter().map(|(kind, cost)| format!("{} {}", kind.name(), cost.each()));
        let reported: Vec<_> = reported.collect();
        (!reported.is_empty()).then(|| reported.join(", "))
    }

    fn costs(&self) -> MutexGuard<'_, BTreeMap<CallKind, CallCost>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallCost {
    /// One call on average.
    fn each(self) -> String {
        let calls = self.calls.max(1);
        let bytes = Size(self.bytes / u64::from(calls));
        format!("{:.1?} and {bytes}", self.time / calls)
    }
}

impl fmt::Display for CallCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = if self.calls == 1 { "call" } else { "calls" };
        write!(f, "{} {calls}, {:.1?} and {}", self.calls, self.time, Size(self.bytes))
    }
}

/// A number of bytes, for people.
struct Size(u64);

impl fmt::Display for Size {
    #[allow(clippy::cast_precision_loss)] // one digit after the point is shown
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes @ ..1000 => write!(f, "{bytes} B"),
            bytes @ ..1_000_000 => write!(f, "{:.1} kB", bytes as f64 / 1e3),
            bytes => write!(f, "{:.1} MB", bytes as f64 / 1e6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_added_up_and_told_for_one_call() {
        let costs = Costs::default();
        assert_eq!(costs.each(), None);
        costs.add(CallKind::Metrics, Duration::from_millis(30), 2_000_000);
        costs.add(CallKind::Metrics, Duration::from_millis(10), 400_000);
        costs.add(CallKind::Login, Duration::from_millis(12), 999);
        let each = costs.each();
        assert_eq!(each.as_deref(), Some("login 12.0ms and 999 B, metrics 20.0ms and 1.2 MB"));
        assert_eq!(costs.of(CallKind::Metrics).to_string(), "2 calls, 40.0ms and 2.4 MB");
        assert_eq!(costs.of(CallKind::Login).to_string(), "1 call, 12.0ms and 999 B");
        assert_eq!(costs.of(CallKind::Objects), CallCost::default());
    }
}
