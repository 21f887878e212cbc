//! Continuous reads during another operation.

use std::time::Duration;

use crate::caller::HttpClient;
use crate::reading::{Progress, Reading};

/// Clients that read a URL repeatedly, each over its own connections.
pub struct Readers(Reading<String>);

/// The interval of the reads of one reader.
const READ_INTERVAL: Duration = Duration::from_millis(20);

impl Readers {
    /// Starts this many readers.
    pub fn start(count: usize, url: &str, caller: impl Fn() -> HttpClient) -> Self {
        let mut reading = Reading::new();
        for _ in 0..count {
            reading.add(|progress| read(caller(), url.to_owned(), progress));
        }
        Self(reading)
    }

    /// Waits for this many more reads.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_reads(&self, reads: usize) {
        self.0.wait_reads(reads).await;
    }

    /// Stops the readers and returns all failures.
    pub async fn stop(self) -> Vec<String> {
        self.0.stop().await
    }
}

async fn read(caller: HttpClient, url: String, progress: Progress) -> Vec<String> {
    let mut failures = Vec::new();
    let mut interval = tokio::time::interval(READ_INTERVAL);
    while !progress.is_stopped() {
        interval.tick().await;
        match caller.get(&url).await {
            Ok(answer) if answer.status == 200 => {}
            Ok(answer) => failures.push(format!("{answer:#?}")),
            Err(error) => failures.push(error),
        }
        progress.count();
    }
    failures
}
