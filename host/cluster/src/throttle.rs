//! Throttling by kube-apiserver: 429 and `Retry-After`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

/// The wait where kube-apiserver gives none. API priority and fairness gives 1 s.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The longest wait, whatever kube-apiserver or what stands before it says.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Until when reviews wait. One that was throttled holds back all others.
#[derive(Debug, Clone, Default)]
pub(super) struct Throttle(Arc<Mutex<Option<Instant>>>);

impl Throttle {
    /// Holds back all requests for a while.
    pub(super) fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait.min(MAX_WAIT);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *held = (*held).max(Some(until));
    }

    /// Waits until a request may be sent. The error is the remaining wait, if it ends after the
    /// deadline.
    pub(super) async fn ready(&self, deadline: Instant) -> Result<(), Duration> {
        while let Some(until) = self.held() {
            if until >= deadline {
                return Err(until.saturating_duration_since(Instant::now()));
            }
            tokio::time::sleep_until(until).await;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn is_open(&self) -> bool {
        self.held().is_none()
    }

    fn held(&self) -> Option<Instant> {
        let held = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.filter(|until| *until > Instant::now())
    }
}

/// The wait that a refusal demands; `None` if it demands none.
pub(super) fn retry_after(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if status != StatusCode::TOO_MANY_REQUESTS && status != StatusCode::SERVICE_UNAVAILABLE {
        return None;
    }
    let reported =
        headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    match reported {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => (status == StatusCode::TOO_MANY_REQUESTS).then_some(DEFAULT_RETRY_AFTER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_wait_for_the_longest_that_was_asked_for() {
        let throttle = Throttle::default();
        let begun = Instant::now();
        let deadline = begun + Duration::from_secs(10);
        throttle.ready(deadline).await.unwrap();
        throttle.hold(Duration::from_millis(300));
        throttle.hold(Duration::from_millis(100));
        throttle.clone().ready(deadline).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(300));
        throttle.hold(Duration::from_secs(20));
        let held = throttle.ready(deadline).await.unwrap_err();
        assert!(held > Duration::from_secs(19), "{held:?}");
        throttle.hold(Duration::MAX);
        assert!(throttle.ready(deadline).await.unwrap_err() <= MAX_WAIT);
    }

    #[test]
    fn a_refusal_says_how_long_to_wait() {
        let of = |status: u16, value: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(RETRY_AFTER, value.parse().unwrap());
            }
            retry_after(StatusCode::from_u16(status).unwrap(), &headers)
        };
        assert_eq!(of(429, Some("7")), Some(Duration::from_secs(7)));
        assert_eq!(of(429, None), Some(DEFAULT_RETRY_AFTER));
        assert_eq!(of(429, Some("tomorrow")), Some(DEFAULT_RETRY_AFTER));
        assert_eq!(of(503, Some("2")), Some(Duration::from_secs(2)));
        assert_eq!((of(503, None), of(500, Some("2")), of(403, Some("2"))), (None, None, None));
    }
}
