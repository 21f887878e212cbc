//! Detects loops: a delegate that sends requests back to this adapter.
//!
//! Each forwarded request names in a header the adapters that it has passed through. An adapter is
//! identified by a random number of its process and by a digest of its delegates. Replicas have the same
//! delegates, so a request that comes back to another replica is recognized, too. Two adapters with exactly
//! the same delegates, of which one is a delegate of the other, therefore count as a loop.

use std::hash::{BuildHasher as _, RandomState};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use ring::digest::{SHA256, digest};

use super::settings::DelegateSettings;

/// The header with the adapters that a request has come through, the first one first.
pub const HOPS: HeaderName = HeaderName::from_static("leadsman-delegated-by");

/// How many adapters a request may have come through.
const MAX_HOPS: usize = 3;

/// What this process is known by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instance(u64);

impl Instance {
    pub(super) fn random() -> Self {
        // Every `RandomState` has different keys, seeded by the operating system.
        Self(RandomState::new().hash_one(std::process::id()))
    }
}

/// What this adapter is known by in requests.
#[derive(Debug, Clone)]
pub(super) struct Hop {
    instance: String,
    delegates: String,
}

impl Hop {
    pub(super) fn new(instance: Instance, delegates: &[DelegateSettings]) -> Self {
        let text = format!("{delegates:?}");
        let hash = digest(&SHA256, text.as_bytes());
        let delegates = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { instance: format!("{:016x}", instance.0), delegates }
    }

    /// Whether a request has come through this adapter, or through too many.
    pub(super) fn is_loop(&self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(HOPS).iter().filter_map(|value| value.to_str().ok());
        let mut passed = 0;
        for hop in values.flat_map(|value| value.split(',')).map(str::trim) {
            passed += 1;
            let (instance, delegates) = hop.split_once('-').unwrap_or((hop, ""));
            if instance == self.instance || delegates == self.delegates || passed > MAX_HOPS {
                return true;
            }
        }
        false
    }

    /// The header of a request that is passed on, which had these.
    pub(super) fn header(&self, headers: Option<&HeaderMap>) -> HeaderValue {
        let mut hops: Vec<String> = Vec::new();
        let before = headers.into_iter().flat_map(|headers| headers.get_all(HOPS));
        let before = before.filter_map(|value| value.to_str().ok());
        hops.extend(before.flat_map(|value| value.split(',')).map(|hop| hop.trim().to_owned()));
        hops.push(format!("{}-{}", self.instance, self.delegates));
        HeaderValue::try_from(hops.join(",")).unwrap_or(HeaderValue::from_static(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(number: u64, delegates: &[DelegateSettings]) -> Hop {
        Hop::new(Instance(number), delegates)
    }

    fn delegate(url: &str) -> DelegateSettings {
        crate::delegate::tests::settings(url)
    }

    fn headers(value: HeaderValue) -> HeaderMap {
        HeaderMap::from_iter([(HOPS, value)])
    }

    #[test]
    fn a_request_that_comes_back_is_recognized() {
        let (one, other) = ([delegate("https://a")], [delegate("https://b")]);
        let first = hop(1, &one);
        assert!(!first.is_loop(&HeaderMap::new()));
        let passed = headers(first.header(None));
        assert!(first.is_loop(&passed), "by the number of the process");
        assert!(hop(2, &one).is_loop(&passed), "by a replica");
        let second = hop(3, &other);
        assert!(!second.is_loop(&passed), "another adapter");
        let passed = headers(second.header(Some(&passed)));
        assert!(first.is_loop(&passed) && second.is_loop(&passed));
    }

    #[test]
    fn a_request_does_not_come_through_many() {
        let mut passed = HeaderMap::new();
        for number in 0..=MAX_HOPS {
            let hop = hop(number as u64, &[delegate(&format!("https://{number}"))]);
            assert!(!hop.is_loop(&passed), "{number}");
            passed = headers(hop.header(Some(&passed)));
        }
        assert!(hop(99, &[]).is_loop(&passed));
    }

    #[test]
    fn no_two_processes_are_the_same() {
        assert_ne!(Instance::random().0, Instance::random().0);
    }
}
