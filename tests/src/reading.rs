//! Continuous reads in background tasks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

/// Readers and their results.
pub(crate) struct Reading<T> {
    readers: JoinSet<Vec<T>>,
    done: Arc<watch::Sender<usize>>,
    end: watch::Sender<bool>,
}

/// The state that readers share.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    done: Arc<watch::Sender<usize>>,
    end: watch::Receiver<bool>,
}

impl Turn {
    pub(crate) fn goes_on(&self) -> bool {
        !*self.end.borrow()
    }

    /// A read has ended.
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
    pub(crate) fn add<F>(&mut self, reader: impl FnOnce(Turn) -> F)
    where
        F: Future<Output = Vec<T>> + Send + 'static,
    {
        let turn = Turn { done: self.done.clone(), end: self.end.subscribe() };
        self.readers.spawn(reader(turn));
    }

    /// Waits for this many more reads.
    ///
    /// # Panics
    /// If there are not so many in time.
    pub(crate) async fn go_on(&self, reads: usize) {
        let mut done = self.done.subscribe();
        let enough = *done.borrow() + reads;
        let waited = timeout(PATIENCE, done.wait_for(|&done| done >= enough)).await;
        assert!(waited.is_ok(), "{} reads instead of {enough}", *self.done.borrow());
    }

    /// Stops them and returns their results.
    pub(crate) async fn stop(self) -> Vec<T> {
        self.end.send_replace(true);
        self.readers.join_all().await.concat()
    }
}
