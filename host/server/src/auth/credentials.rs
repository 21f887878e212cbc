//! What comes of looking at one kind of credentials.

use super::error::Unauthenticated;
use leadsman_cluster::Identity;

/// What comes of looking at one kind of credentials.
#[derive(Debug)]
pub(super) enum Outcome {
    /// They are somebody's who asks us directly.
    Identified(Identity),
    /// They are a front proxy's, for somebody whom it let through.
    Proxied(Identity),
    /// There are none.
    Absent,
    /// They are nobody's.
    Refused(Unauthenticated),
}
