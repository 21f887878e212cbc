//! Polling, for the state of another process, which cannot be awaited.

use std::time::Duration;

use tokio::time::{Instant, sleep};

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Polls until `poll` succeeds, and returns its result. `what` describes the expected result.
///
/// # Panics
/// After the timeout, with the last error.
pub async fn eventually<T>(
    what: &str,
    timeout: Duration,
    mut poll: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let end = Instant::now() + timeout;
    loop {
        let reason = match poll().await {
            Ok(result) => return result,
            Err(reason) => reason,
        };
        assert!(Instant::now() < end, "{what}: not within {timeout:?}; last: {reason}");
        sleep(POLL_INTERVAL).await;
    }
}
