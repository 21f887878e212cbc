//! Tasks that run for as long as the process: one that ends, or panics, is reported and started
//! again.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::Instant;

use crate::backoff::{Backoff, jittered};

/// How long after its end a task is started again: the first time, and at most.
const MIN_RESTART_DELAY: Duration = Duration::from_secs(1);
const MAX_RESTART_DELAY: Duration = Duration::from_secs(60);

/// Runs a task that is not to end. `failed` gets the reason when it does.
pub async fn supervised<F, G>(what: &str, start: impl Fn() -> F, failed: impl Fn(String) -> G)
where
    F: Future<Output = ()>,
    G: Future<Output = ()>,
{
    run(what, false, start, failed).await;
}

/// Runs a task until it ends by itself. `failed` gets the reason when it panics instead.
pub async fn until_it_ends<F, G>(what: &str, start: impl Fn() -> F, failed: impl Fn(String) -> G)
where
    F: Future<Output = ()>,
    G: Future<Output = ()>,
{
    run(what, true, start, failed).await;
}

async fn run<F, G>(what: &str, may_end: bool, start: impl Fn() -> F, failed: impl Fn(String) -> G)
where
    F: Future<Output = ()>,
    G: Future<Output = ()>,
{
    let mut backoff = Backoff::new(MIN_RESTART_DELAY, MAX_RESTART_DELAY);
    loop {
        let started = Instant::now();
        // What it leaves behind is dropped with it.
        let reason = match AssertUnwindSafe(start()).catch_unwind().await {
            Ok(()) if may_end => return,
            Ok(()) => "it ended by itself".to_owned(),
            Err(panic) => panic_message(&*panic),
        };
        // One that worked for a while has not failed in a row.
        if started.elapsed() >= MAX_RESTART_DELAY {
            backoff.reset();
        }
        let delay = jittered(backoff.next_delay());
        tracing::error!(task = what, reason, restart_after = ?delay, "a task ended");
        failed(reason).await;
        tokio::time::sleep(delay).await;
    }
}

/// The text of a panic.
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_reported_and_started_again() {
        let (starts, reasons, again) = (Cell::new(0), RefCell::new(Vec::new()), Notify::new());
        let start = || {
            starts.set(starts.get() + 1);
            let (first, again) = (starts.get() == 1, &again);
            async move {
                assert!(!first, "the first one panics");
                again.notify_one();
                std::future::pending::<()>().await;
            }
        };
        let failed = |reason| {
            reasons.borrow_mut().push(reason);
            std::future::ready(())
        };
        tokio::select! {
            () = supervised("a test", start, failed) => {}
            () = again.notified() => {}
        }
        assert_eq!(*reasons.borrow(), ["the first one panics"]);
    }

    #[tokio::test]
    async fn a_task_that_may_end_is_started_again_after_a_panic_alone() {
        let (starts, reasons) = (Cell::new(0), RefCell::new(Vec::new()));
        let start = || {
            starts.set(starts.get() + 1);
            let first = starts.get() == 1;
            async move { assert!(!first, "the first one panics") }
        };
        let failed = |reason| {
            reasons.borrow_mut().push(reason);
            std::future::ready(())
        };
        until_it_ends("a test", start, failed).await;
        assert_eq!((starts.get(), reasons.borrow().len()), (2, 1));
    }
}
