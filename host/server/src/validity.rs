//! How long certificates are valid, and when they are made anew.

use time::{Duration, OffsetDateTime};

/// The validity of a serving certificate that the adapter makes itself.
pub(crate) const SERVING_VALIDITY: Duration = Duration::days(365);

/// Certificates are valid from this long before they are issued, as clocks differ.
const CLOCK_SKEW: Duration = Duration::hours(1);

/// From when until when a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) begin: OffsetDateTime,
    pub(crate) end: OffsetDateTime,
}

impl Validity {
    /// That of a certificate which is issued now.
    pub(crate) fn from_now(now: OffsetDateTime, time: Duration) -> Self {
        Self { begin: now - CLOCK_SKEW, end: now + time }
    }

    /// When to renew: after two thirds of the validity, which leaves time for failures.
    pub(crate) fn due(self) -> OffsetDateTime {
        self.begin + (self.end - self.begin) * 2 / 3
    }
}
