//! Polls for the state of another process, which cannot be awaited.

use std::time::Duration;

use tokio::time::{Instant, sleep};

const PAUSE: Duration = Duration::from_millis(20);

/// Polls until there is a result.
///
/// # Panics
/// With the last reason why not, when there is none in time.
pub async fn eventually<T>(
    what: &str,
    within: Duration,
    mut ask: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let end = Instant::now() + within;
    loop {
        let reason = match ask().await {
            Ok(answer) => return answer,
            Err(reason) => reason,
        };
        assert!(Instant::now() < end, "{what}: not within {within:?}; last: {reason}");
        sleep(PAUSE).await;
    }
}
