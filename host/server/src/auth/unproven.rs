//! Bounds the requests whose client is not authenticated yet: they wait in memory for a review by
//! kube-apiserver.

use tokio::sync::{Semaphore, SemaphorePermit};

use super::credentials::Outcome;
use super::error::Denied;
use super::peer::Peer;

/// The maximum number of such requests at once, each with a head of a stated size.
const MAX_UNPROVEN: usize = 1000;

/// Counts such requests.
#[derive(Debug)]
pub(super) struct Unproven(Semaphore);

impl Default for Unproven {
    fn default() -> Self {
        Self(Semaphore::new(MAX_UNPROVEN))
    }
}

impl Unproven {
    /// Admits a request to be reviewed. Those with a valid certificate, and those of a connection
    /// that had an authorized request, do not count and wait for no others.
    pub(super) fn admit(
        &self,
        by_certificate: &Outcome,
        peer: &Peer,
    ) -> Result<Option<SemaphorePermit<'_>>, Denied> {
        let proven = matches!(by_certificate, Outcome::Identified(_) | Outcome::Proxied(_));
        if proven || peer.is_authorized() {
            return Ok(None);
        }
        self.0.try_acquire().map(Some).map_err(|_| Denied::TooMany { limit: MAX_UNPROVEN })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Unauthenticated;
    use leadsman_cluster::Identity;

    #[test]
    fn requests_without_proof_are_bounded_and_others_do_not_count() {
        let (unproven, peer) = (Unproven::default(), Peer::default());
        let refused = Outcome::Refused(Unauthenticated::Unknown);
        let mut waiting = Vec::new();
        for at in 0..MAX_UNPROVEN {
            let by_certificate = if at % 2 == 0 { &Outcome::Absent } else { &refused };
            waiting.push(unproven.admit(by_certificate, &peer).unwrap());
        }
        let reported = unproven.admit(&Outcome::Absent, &peer).unwrap_err();
        assert_eq!(reported.reason(), "too_many");
        let proxied = Outcome::Proxied(Identity::default());
        assert!(unproven.admit(&proxied, &peer).unwrap().is_none());
        let known = Peer::default();
        known.set_authorized();
        assert!(unproven.admit(&Outcome::Absent, &known).unwrap().is_none());
        waiting.pop();
        assert!(unproven.admit(&Outcome::Absent, &peer).unwrap().is_some());
    }
}
