//! Runs what HTTP/2 connections begin: one future for each request.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};

use tokio_util::task::TaskTracker;

/// Runs the requests of HTTP/2 connections, as tasks that are waited for at the end.
///
/// A request is polled once where it arrives. Nearly all reads are complete then, since their values
/// are known: a task for each of them would cost more than the read itself, most of it for waking
/// another thread. Only what has to wait becomes a task.
#[derive(Clone)]
pub(super) struct Executor(TaskTracker);

impl Executor {
    pub(super) fn new(tasks: TaskTracker) -> Self {
        Self(tasks)
    }
}

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        // After many in a row, the connection itself has to go on.
        if !tokio::task::coop::has_budget_remaining() {
            self.0.spawn(future);
            return;
        }
        let mut future = Box::pin(future);
        // Nobody is woken by this poll: a task polls for itself when it begins.
        let mut context = Context::from_waker(Waker::noop());
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
        match polled {
            Ok(Poll::Pending) => {
                self.0.spawn(future);
            }
            // A panic, which the hook has reported, ends its own request and not the connection, as in
            // a task. The client is told by a reset, since the future is dropped.
            Ok(Poll::Ready(_)) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use hyper::rt::Executor as _;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn what_is_complete_at_once_is_no_task() {
        let executor = Executor::new(TaskTracker::new());
        let done = Arc::new(AtomicUsize::new(0));
        let count = done.clone();
        executor.execute(async move { count.fetch_add(1, Ordering::Relaxed) });
        assert_eq!(done.load(Ordering::Relaxed), 1);
        assert!(executor.0.is_empty());
    }

    #[tokio::test]
    async fn what_waits_is_a_task_that_is_woken() {
        let executor = Executor::new(TaskTracker::new());
        let (go, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (gone, finished) = (go.clone(), done.clone());
        executor.execute(async move {
            gone.notified().await;
            finished.notify_one();
        });
        assert_eq!(executor.0.len(), 1);
        go.notify_one();
        done.notified().await;
        executor.0.close();
        executor.0.wait().await;
    }

    /// Counts when it is dropped.
    struct Dropped(Arc<AtomicUsize>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn panics(_request: Dropped) {
        panic!("a request that panics");
    }

    #[tokio::test]
    async fn a_panic_ends_its_own_request_alone() {
        let executor = Executor::new(TaskTracker::new());
        let dropped = Arc::new(AtomicUsize::new(0));
        executor.execute(panics(Dropped(dropped.clone())));
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        assert!(executor.0.is_empty());
    }
}
