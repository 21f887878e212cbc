//! Continuous reads by background tasks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

const PROGRESS_TIMEOUT: Duration = Duration::from_secs(60);

/// Background readers and their results.
pub(crate) struct Reading<T> {
    readers: JoinSet<Vec<T>>,
    done: Arc<watch::Sender<usize>>,
    end: watch::Sender<bool>,
}

/// The state that a reader shares with the test.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    done: Arc<watch::Sender<usize>>,
    end: watch::Receiver<bool>,
}

impl Progress {
    pub(crate) fn is_stopped(&self) -> bool {
        *self.end.borrow()
    }

    /// Counts a completed read.
    pub(crate) fn count(&self) {
        self.done.send_modify(|done| *done += 1);
    }
}

impl<T: Clone + Send + 'static> Reading<T> {
    pub(crate) fn new() -> Self {
        let (done, end) = (Arc::new(watch::Sender::new(0)), watch::Sender::new(false));
        Self { readers: JoinSet::new(), done, end }
    }

    /// Adds a reader, which starts immediately.
    pub(crate) fn add<F>(&mut self, reader: impl FnOnce(Progress) -> F)
    where
        F: Future<Output = Vec<T>> + Send + 'static,
    {
        let progress = Progress { done: self.done.clone(), end: self.end.subscribe() };
        self.readers.spawn(reader(progress));
    }

    /// Waits for this many more reads.
    ///
    /// # Panics
    /// After a timeout.
    pub(crate) async fn wait_reads(&self, reads: usize) {
        let mut done = self.done.subscribe();
        let enough = *done.borrow() + reads;
        let waited = timeout(PROGRESS_TIMEOUT, done.wait_for(|&done| done >= enough)).await;
        assert!(waited.is_ok(), "{} reads instead of {enough}", *self.done.borrow());
    }

    /// Stops the readers and returns their results.
    pub(crate) async fn stop(self) -> Vec<T> {
        self.end.send_replace(true);
        self.readers.join_all().await.concat()
    }
}
