//! The status of the configuration that Leadsman serves, and waiting for it.

use std::time::Duration;

use serde_json::Value;

use crate::answer::{assert_says, says_all};
use crate::leadsman::Leadsman;
use crate::versions::number;
use crate::waiting::eventually;

/// How long an edit may take to be served or refused, including a compilation on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(45);

/// Something that is not served as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The mapping, or the document.
    pub title: String,
    /// The reason code.
    pub reason: String,
    /// The message for people.
    pub message: String,
    /// Whether the last good version is served.
    pub serving: bool,
}

impl Rejected {
    /// Asserts that the message contains all of these texts, as
    /// [`Failure::says`](crate::Failure::says).
    ///
    /// # Panics
    /// If it does not.
    pub fn says(&self, texts: &[&str]) -> &Self {
        assert_says(&self.message, texts);
        self
    }
}

impl Leadsman {
    /// Everything that is rejected.
    ///
    /// # Panics
    /// If there is no status.
    pub async fn rejected(&self) -> Vec<Rejected> {
        let status = self.status().await;
        let list = status["rejected"].as_array().unwrap_or_else(|| panic!("{status:#}")).clone();
        let text = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
        let read = |of: &Value| Rejected {
            title: text(of, "title"),
            reason: text(of, "reason"),
            message: text(of, "message"),
            serving: of["serving"].as_bool().unwrap_or_default(),
        };
        list.iter().map(read).collect()
    }

    /// Waits until something is rejected for this reason (one of several, separated by `|`) with a
    /// message that contains all of these texts, as [`Failure::says`](crate::Failure::says), and
    /// nothing else is rejected.
    ///
    /// # Panics
    /// If it is not in time.
    pub async fn wait_rejected(&self, reason: &str, says: &[&str]) -> Rejected {
        eventually(&format!("a {reason} with {says:?}"), PATIENCE, async || {
            let rejected = self.rejected().await;
            match rejected.as_slice() {
                [one] if is_one_of(&one.reason, reason) && says_all(&one.message, says).is_ok() => {
                    Ok(one.clone())
                }
                others => Err(format!("{others:#?}")),
            }
        })
        .await
    }

    /// Waits until nothing is rejected.
    ///
    /// # Panics
    /// If something still is in the end.
    pub async fn wait_accepted(&self) {
        eventually("nothing that is rejected", PATIENCE, async || {
            let rejected = self.rejected().await;
            if rejected.is_empty() { Ok(()) } else { Err(format!("{rejected:#?}")) }
        })
        .await;
    }

    /// The generation of the configuration that is served.
    ///
    /// # Panics
    /// If there is no status.
    pub async fn generation(&self) -> u64 {
        let status = self.status().await;
        status["generation"].as_u64().unwrap_or_else(|| panic!("{status:#}"))
    }

    /// The status of a mapping, by its metric.
    ///
    /// # Panics
    /// If there is no such mapping.
    pub async fn mapping(&self, metric: &str) -> Value {
        let status = self.status().await;
        let mappings = status["mappings"].as_array().cloned().unwrap_or_default();
        let found = mappings.into_iter().find(|mapping| mapping["metric"] == metric);
        found.unwrap_or_else(|| panic!("no {metric} in {status:#}"))
    }

    /// Waits until a read returns this value for each of its objects.
    ///
    /// # Panics
    /// If it does not in time.
    pub async fn wait_value(&self, path: &str, value: f64) {
        self.wait_value_within(path, value, PATIENCE).await;
    }

    /// The same with another timeout.
    ///
    /// # Panics
    /// If it does not in time.
    pub async fn wait_value_within(&self, path: &str, value: f64, patience: Duration) {
        eventually(&format!("{value} at {path}"), patience, async || {
            let answer = self.get(path).await;
            let values = if answer.status == 200 { answer.values() } else { Default::default() };
            let found = values.values().map(|found| number(found));
            if !values.is_empty() && found.into_iter().all(|found| found == value) {
                return Ok(());
            }
            Err(format!("{values:?} {}\n{:#?}", answer.body, self.rejected().await))
        })
        .await;
    }

    /// Waits until no metric of its own has this name and these labels.
    ///
    /// # Panics
    /// If one still has in the end.
    pub async fn wait_no_metric(&self, name: &str, labels: &[(&str, &str)]) {
        eventually(&format!("no {name} {labels:?}"), PATIENCE, async || {
            self.metric(name, labels).await.map_or(Ok(()), |found| Err(format!("{found:?}")))
        })
        .await;
    }

    /// Waits until a metric of its own has this value.
    ///
    /// # Panics
    /// If it does not in time.
    pub async fn wait_metric(&self, name: &str, labels: &[(&str, &str)], value: f64) {
        eventually(&format!("{name} {labels:?} {value}"), PATIENCE, async || {
            let found = self.metric(name, labels).await;
            if found == Some(value) { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await;
    }
}

fn is_one_of(word: &str, words: &str) -> bool {
    words.split('|').any(|known| known == word)
}
