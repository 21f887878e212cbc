//! The cadence in which an evaluation is read, which decides when it is refreshed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The interval of an HPA, assumed until reads show another one.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(15);

/// A reader that comes less often counts as new.
const MAX_INTERVAL: Duration = Duration::from_secs(300);

/// The number of readers that are tracked. More of them add nothing to the cadence.
const MAX_READERS: usize = 256;

/// The reads of one evaluation.
#[derive(Debug, Clone)]
pub(super) struct Cadence {
    /// When each reader (a distinct request) read last.
    readers: HashMap<u64, Instant>,
    interval: Duration,
    /// An evaluation is refreshed at most this often. Several HPAs with equal requests cannot be
    /// distinguished: together they look like one that reads often, and this bounds the queries
    /// that they cause.
    fastest: Duration,
    /// The first read of the current values.
    first_read: Option<Instant>,
}

impl Cadence {
    pub(super) fn new(fastest: Duration) -> Self {
        Self { readers: HashMap::new(), interval: DEFAULT_INTERVAL, fastest, first_read: None }
    }

    /// The same readers with another bound, before the first read.
    pub(super) fn for_successor(&self, fastest: Duration) -> Self {
        Self { fastest, first_read: None, ..self.clone() }
    }

    /// Records a read. Many readers of one interval are one interval, not a shorter one: each is
    /// compared with its own last read.
    pub(super) fn read(&mut self, reader: u64, now: Instant) {
        self.first_read.get_or_insert(now);
        if let Some(last) = self.readers.get_mut(&reader) {
            let interval = now.saturating_duration_since(*last);
            *last = now;
            if interval < self.interval {
                // Stale values are worse than an unnecessary query.
                self.interval = interval;
            } else if interval <= MAX_INTERVAL {
                self.interval = (self.interval * 2 + interval) / 3;
            }
            return;
        }
        if self.readers.len() >= MAX_READERS {
            self.readers.retain(|_, last| now.saturating_duration_since(*last) <= MAX_INTERVAL);
        }
        if self.readers.len() < MAX_READERS {
            self.readers.insert(reader, now);
        }
    }

    /// New values were published, and are unread.
    pub(super) fn begin_unread(&mut self) {
        self.first_read = None;
    }

    /// The time between two reads of one reader.
    pub(super) fn interval(&self) -> Duration {
        self.interval.min(MAX_INTERVAL).max(self.fastest)
    }

    /// When to refresh so that the next read finds new values; `None` while the present ones are
    /// unread. `took` is how long an evaluation takes.
    pub(super) fn due(&self, took: Duration) -> Option<Instant> {
        let interval = self.interval();
        // Readers are not punctual, and an evaluation takes its time.
        let lead = (took * 2 + (interval / 10).min(Duration::from_millis(500))).min(interval / 2);
        Some(self.first_read? + interval - lead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn one_reader_is_followed() {
        let start = Instant::now();
        let mut cadence = Cadence::new(seconds(5));
        for read in 0..20 {
            cadence.read(1, start + seconds(60 * read));
        }
        assert!(cadence.interval() > seconds(59) && cadence.interval() <= seconds(60));
    }

    #[test]
    fn many_readers_of_one_interval_are_one_interval() {
        let start = Instant::now();
        let mut cadence = Cadence::new(seconds(5));
        for round in 0..10 {
            for reader in 0..20 {
                cadence.read(
                    reader,
                    start + seconds(15 * round) + Duration::from_millis(700 * reader),
                );
            }
        }
        assert_eq!(cadence.interval(), seconds(15));
    }

    #[test]
    fn a_refresh_comes_before_the_next_read_and_only_if_there_was_one() {
        let start = Instant::now();
        let mut cadence = Cadence::new(seconds(5));
        assert_eq!(cadence.due(Duration::ZERO), None);
        cadence.read(1, start);
        let due = cadence.due(Duration::from_millis(100)).unwrap();
        assert!(due < start + seconds(15) && due > start + seconds(14));
        cadence.begin_unread();
        assert_eq!(cadence.due(Duration::ZERO), None);
    }

    #[test]
    fn a_faster_reader_is_followed_at_once_and_a_slower_one_soon() {
        let start = Instant::now();
        let mut cadence = Cadence::new(seconds(1));
        cadence.read(1, start);
        cadence.read(1, start + seconds(2));
        assert_eq!(cadence.interval(), seconds(2));
        for read in 1..20 {
            cadence.read(1, start + seconds(2 + 30 * read));
        }
        assert!(cadence.interval() > seconds(29));
    }

    #[test]
    fn what_may_be_refreshed_seldom_only_is() {
        let (start, seldom) = (Instant::now(), seconds(3600));
        let mut cadence = Cadence::new(seldom);
        cadence.read(1, start);
        assert_eq!(cadence.interval(), seldom);
        assert!(cadence.due(Duration::ZERO).unwrap() > start + seconds(3500));
    }

    #[test]
    fn a_frantic_reader_does_not_drive_the_source() {
        let start = Instant::now();
        let mut cadence = Cadence::new(seconds(5));
        for read in 0..1000 {
            cadence.read(1, start + Duration::from_millis(read));
        }
        assert_eq!(cadence.interval(), seconds(5));
    }
}
