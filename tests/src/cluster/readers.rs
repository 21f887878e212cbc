//! Reads that go on while something happens.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use crate::caller::Caller;

/// Some who read an address again and again, each over connections of their own.
pub struct Readers {
    readers: JoinSet<Vec<String>>,
    done: Arc<watch::Sender<usize>>,
    end: watch::Sender<bool>,
}

/// Between two reads of one of them.
const PACE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);

impl Readers {
    /// So many of them, who begin at once.
    pub fn start(count: usize, url: &str, caller: impl Fn() -> Caller) -> Self {
        let (done, end) = (Arc::new(watch::Sender::new(0)), watch::Sender::new(false));
        let mut readers = JoinSet::new();
        for _ in 0..count {
            readers.spawn(read(caller(), url.to_owned(), done.clone(), end.subscribe()));
        }
        Self { readers, done, end }
    }

    /// Waits for so many more reads.
    ///
    /// # Panics
    /// If there are not so many in time.
    pub async fn go_on(&self, reads: usize) {
        let mut done = self.done.subscribe();
        let enough = *done.borrow() + reads;
        let waited = timeout(PATIENCE, done.wait_for(|&done| done >= enough)).await;
        assert!(waited.is_ok(), "{} reads instead of {enough}", *self.done.borrow());
    }

    /// Ends them, and tells of each read that got something else than what it asked for.
    pub async fn stop(self) -> Vec<String> {
        self.end.send_replace(true);
        self.readers.join_all().await.concat()
    }
}

async fn read(
    caller: Caller,
    url: String,
    done: Arc<watch::Sender<usize>>,
    end: watch::Receiver<bool>,
) -> Vec<String> {
    let mut failures = Vec::new();
    let mut pace = interval(PACE);
    while !*end.borrow() {
        pace.tick().await;
        match caller.get(&url).await {
            Ok(answer) if answer.status == 200 => {}
            Ok(answer) => failures.push(format!("{answer:#?}")),
            Err(error) => failures.push(error),
        }
        done.send_modify(|done| *done += 1);
    }
    failures
}
