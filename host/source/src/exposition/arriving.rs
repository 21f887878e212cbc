//! Accounts for the memory of pages that are being received, with a share for teams.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The share of teams in the memory for arriving pages, and in that for retained samples.
pub(super) fn share_of_teams(memory: usize) -> usize {
    memory / 2
}

/// The share of one team.
pub(super) fn share_of_team(memory: usize) -> usize {
    share_of_teams(memory) / 2
}

/// The memory of the pages of a source while they arrive.
#[derive(Debug, Clone, Default)]
pub(super) struct Arriving(Arc<AtomicUsize>);

/// Separate accounts for metrics that the operator's queries request, and for those that only teams request:
/// teams cannot use the former.
#[derive(Debug, Clone, Default)]
pub(super) struct ArrivingFor {
    pub(super) operator: Arriving,
    pub(super) teams: Arriving,
}

/// The reservation of one page.
#[derive(Debug)]
pub(super) struct Reserved {
    all: Arriving,
    bytes: usize,
    pub(super) limit: usize,
    /// Whether the limit was exceeded.
    pub(super) exceeded: bool,
}

impl Reserved {
    pub(super) fn new(all: &Arriving, limit: usize) -> Self {
        Self { all: all.clone(), bytes: 0, limit, exceeded: false }
    }

    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let before = self.all.0.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        self.exceeded |= before.saturating_add(bytes) > self.limit;
        !self.exceeded
    }

    /// Reserves so many bytes, or none if that exceeds the limit.
    fn take_if_there(&mut self, bytes: usize) -> bool {
        let before = self.all.0.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.limit {
            self.all.0.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }

    /// Releases a part of the reservation.
    fn give_back(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.all.0.fetch_sub(bytes, Ordering::Relaxed);
        self.bytes -= bytes;
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.all.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The memory of one page for the metrics of teams.
pub(super) struct TeamMemory {
    pub(super) reserved: Reserved,
    of_metric: HashMap<Arc<str>, usize>,
    /// The limit for one metric: more of it would not be retained.
    limit_of_metric: usize,
}

impl TeamMemory {
    /// For a source whose pages may take so many bytes.
    pub(super) fn new(all: &Arriving, memory: usize) -> Self {
        Self {
            reserved: Reserved::new(all, share_of_teams(memory)),
            of_metric: HashMap::new(),
            limit_of_metric: share_of_team(memory),
        }
    }

    /// Reserves bytes for a metric, or none if that exceeds its limit.
    pub(super) fn take(&mut self, metric: &Arc<str>, bytes: usize) -> bool {
        let taken = self.of_metric.entry(metric.clone()).or_default();
        if *taken + bytes > self.limit_of_metric || !self.reserved.take_if_there(bytes) {
            return false;
        }
        *taken += bytes;
        true
    }

    /// Releases all bytes of a metric.
    pub(super) fn give_back(&mut self, metric: &Arc<str>) {
        self.reserved.give_back(self.of_metric.remove(metric).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pages_take_while_they_arrive_is_bounded_and_given_back() {
        let all = Arriving::default();
        let reserve = || Reserved::new(&all, 100);
        let (mut one, mut other) = (reserve(), reserve());
        assert!(one.take(60) && !other.take(60));
        drop(other);
        assert!(one.take(40) && !one.take(1));
        drop(one);
        assert_eq!(all.0.load(Ordering::Relaxed), 0);
        // What teams want is taken as a whole or not at all, and leaves room to others.
        let mut teams =
            TeamMemory { reserved: reserve(), of_metric: HashMap::new(), limit_of_metric: 50 };
        let [large, small]: [Arc<str>; 2] = ["large", "small"].map(Arc::from);
        assert!(teams.take(&large, 40) && !teams.take(&large, 11));
        teams.give_back(&large);
        assert!(teams.take(&small, 50));
        assert_eq!(all.0.load(Ordering::Relaxed), 50);
        drop(teams);
        assert_eq!(all.0.load(Ordering::Relaxed), 0);
    }
}
