//! Converts monotonic instants to wall-clock times.

use std::time::Instant;

use leadsman_runtime::clock;

/// One moment in both notations. The same moment is the same time each time that it is sent: what has
/// not changed is not sent again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    instant: Instant,
    time: i64,
}

impl Moments {
    /// From now on.
    pub(super) fn new() -> Self {
        Self { instant: Instant::now(), time: clock::now() }
    }

    /// A moment in milliseconds since the epoch.
    pub(super) fn time(&self, moment: Instant) -> i64 {
        let milliseconds =
            |time: std::time::Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        match moment.checked_duration_since(self.instant) {
            Some(after) => self.time.saturating_add(milliseconds(after)),
            None => self.time.saturating_sub(milliseconds(self.instant - moment)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_before_and_after_have_their_times() {
        let moments = Moments::new();
        let later = moments.instant + Duration::from_secs(2);
        assert_eq!(moments.time(later), moments.time + 2000);
        assert_eq!(
            Moments { instant: later, ..moments }.time(moments.instant),
            moments.time - 2000
        );
    }
}
