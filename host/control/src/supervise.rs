//! Tasks that run for as long as the process: one that ends, or panics, is reported and started
//! again.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;

/// How long after its end a task is started again.
const RESTART_DELAY: Duration = Duration::from_secs(5);

/// Runs a task that is not to end. `failed` gets the reason when it does.
pub(super) async fn supervised<F, G>(
    what: &str,
    start: impl Fn() -> F,
    failed: impl Fn(String) -> G,
) where
    F: Future<Output = ()>,
    G: Future<Output = ()>,
{
    loop {
        // What it leaves behind is dropped with it.
        let reason = match AssertUnwindSafe(start()).catch_unwind().await {
            Ok(()) => "it ended by itself".to_owned(),
            Err(panic) => panic_message(&*panic),
        };
        tracing::error!(task = what, reason, restart_after = ?RESTART_DELAY, "a task ended");
        failed(reason).await;
        tokio::time::sleep(RESTART_DELAY).await;
    }
}

/// The text of a panic.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
