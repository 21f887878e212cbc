//! Reads that go on while something happens.

use std::time::Duration;

use tokio::time::interval;

use crate::caller::Caller;
use crate::reading::{Reading, Turn};

/// Some who read an address again and again, each over connections of their own.
pub struct Readers(Reading<String>);

/// Between two reads of one of them.
const PACE: Duration = Duration::from_millis(20);

impl Readers {
    /// So many of them, who begin at once.
    pub fn start(count: usize, url: &str, caller: impl Fn() -> Caller) -> Self {
        let mut reading = Reading::new();
        for _ in 0..count {
            reading.add(|turn| read(caller(), url.to_owned(), turn));
        }
        Self(reading)
    }

    /// Waits for so many more reads.
    ///
    /// # Panics
    /// If there are not so many in time.
    pub async fn go_on(&self, reads: usize) {
        self.0.go_on(reads).await;
    }

    /// Ends them, and tells of each read that got something else than what it asked for.
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
