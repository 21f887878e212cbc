//! Reads that are repeated until they are as expected.

use std::time::Duration;

use crate::answer::Failure;
use crate::leadsman::Leadsman;
use crate::waiting::eventually;

/// How long something may take that needs the next sample of a source.
const SAMPLE_TIMEOUT: Duration = Duration::from_secs(30);

impl Leadsman {
    /// Waits until reads of a path fail for all of these reasons.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_failure(&self, path: &str, texts: &[&str]) -> Failure {
        eventually(&format!("a failure that says {texts:?}"), SAMPLE_TIMEOUT, async || {
            let answer = self.get(path).await;
            if answer.status == 200 {
                return Err(format!("{answer:#?}"));
            }
            let failure = answer.failure();
            let told = |text: &&str| failure.message.contains(*text);
            if texts.iter().all(told) { Ok(failure) } else { Err(failure.message) }
        })
        .await
    }
}
