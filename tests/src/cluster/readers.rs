//! Continuous reads while something happens.

use std::time::Duration;

use tokio::time::interval;

use crate::caller::Caller;
use crate::reading::{Reading, Turn};

/// Readers that read a URL repeatedly, each over its own connections.
pub struct Readers(Reading<String>);

/// The pause between two reads of one reader.
const PACE: Duration = Duration::from_millis(20);

impl Readers {
    /// This many readers, which start immediately.
    pub fn start(count: usize, url: &str, caller: impl Fn() -> Caller) -> Self {
        let mut reading = Reading::new();
        for _ in 0..count {
            reading.add(|turn| read(caller(), url.to_owned(), turn));
        }
        Self(reading)
    }

    /// Waits for this many more reads.
    ///
    /// # Panics
    /// If there are not so many in time.
    pub async fn go_on(&self, reads: usize) {
        self.0.go_on(reads).await;
    }

    /// Stops them and returns each read that did not succeed.
    pub async fn stop(self) -> Vec<String> {
        self.0.stop().await
    }
}

async fn read(caller: Caller, url: String, turn: Turn) -> Vec<String> {
    let mut failures = Vec::new();
    let mut pace = interval(PACE);
    while turn.goes_on() {
        pace.tick().await;
        match caller.get(&url).await {
            Ok(answer) if answer.status == 200 => {}
            Ok(answer) => failures.push(format!("{answer:#?}")),
            Err(error) => failures.push(error),
        }
        turn.count();
    }
    failures
}
