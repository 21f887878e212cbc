//! The outcome of authentication by one kind of credentials.

use super::error::Unauthenticated;
use leadsman_cluster::Identity;

/// The outcome of authentication by one kind of credentials.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The client itself has this identity.
    Identified(Identity),
    /// A front proxy asserts this identity for a request that it authorized.
    Proxied(Identity),
    /// There are no such credentials.
    Absent,
    /// They are invalid.
    Refused(Unauthenticated),
}
