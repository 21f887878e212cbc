//! Reads the status of Leadsman's configuration, and waits for changes of it.

use std::time::Duration;

use serde_json::Value;

use crate::answer::{assert_contains, contains_all};
use crate::leadsman::Leadsman;
use crate::versions::parse_quantity;
use crate::waiting::eventually;

/// The timeout until an edit is served or refused, including a compilation on a busy machine.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(45);

/// A mapping or document that is not served as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The mapping, or the document.
    pub title: String,
    /// The reason code.
    pub reason: String,
    /// The message.
    pub message: String,
    /// Whether the last good version is served.
    pub serving: bool,
}

impl Rejection {
    /// Asserts that the message contains all of these texts, as
    /// [`Failure::assert_contains`](crate::Failure::assert_contains).
    ///
    /// # Panics
    /// If a text is missing.
    pub fn assert_contains(&self, texts: &[&str]) -> &Self {
        assert_contains(&self.message, texts);
        self
    }
}

impl Leadsman {
    /// All rejections.
    ///
    /// # Panics
    /// If the status cannot be read.
    pub async fn rejected(&self) -> Vec<Rejection> {
        let status = self.status().await;
        let list = status["rejected"].as_array().unwrap_or_else(|| panic!("{status:#}")).clone();
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let parse = |entry: &Value| Rejection {
            title: text(entry, "title"),
            reason: text(entry, "reason"),
            message: text(entry, "message"),
            serving: entry["serving"].as_bool().unwrap_or_default(),
        };
        list.iter().map(parse).collect()
    }

    /// Waits until there is exactly one rejection, with this reason (or one of several, separated
    /// by `|`) and a message that contains all of these texts, as
    /// [`Failure::assert_contains`](crate::Failure::assert_contains).
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_rejected(&self, reason: &str, says: &[&str]) -> Rejection {
        eventually(&format!("a {reason} with {says:?}"), RELOAD_TIMEOUT, async || {
            let rejected = self.rejected().await;
            match rejected.as_slice() {
                [one]
                    if is_one_of(&one.reason, reason)
                        && contains_all(&one.message, says).is_ok() =>
                {
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
    /// After a timeout.
    pub async fn wait_accepted(&self) {
        eventually("nothing that is rejected", RELOAD_TIMEOUT, async || {
            let rejected = self.rejected().await;
            if rejected.is_empty() { Ok(()) } else { Err(format!("{rejected:#?}")) }
        })
        .await;
    }

    /// The generation of the served configuration.
    ///
    /// # Panics
    /// If the status cannot be read.
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
    /// After a timeout.
    pub async fn wait_value(&self, path: &str, value: f64) {
        self.wait_value_within(path, value, RELOAD_TIMEOUT).await;
    }

    /// The same with another timeout.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_value_within(&self, path: &str, value: f64, timeout: Duration) {
        eventually(&format!("{value} at {path}"), timeout, async || {
            let answer = self.get(path).await;
            let values = if answer.status == 200 { answer.values() } else { Default::default() };
            let found = values.values().map(|found| parse_quantity(found));
            if !values.is_empty() && found.into_iter().all(|found| found == value) {
                return Ok(());
            }
            Err(format!("{values:?} {}\n{:#?}", answer.body, self.rejected().await))
        })
        .await;
    }

    /// Waits until none of its own metrics has this name and these labels.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_no_metric(&self, name: &str, labels: &[(&str, &str)]) {
        eventually(&format!("no {name} {labels:?}"), RELOAD_TIMEOUT, async || {
            self.metric(name, labels).await.map_or(Ok(()), |found| Err(format!("{found:?}")))
        })
        .await;
    }

    /// Waits until one of its own metrics has this value.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_metric(&self, name: &str, labels: &[(&str, &str)], value: f64) {
        eventually(&format!("{name} {labels:?} {value}"), RELOAD_TIMEOUT, async || {
            let found = self.metric(name, labels).await;
            if found == Some(value) { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await;
    }
}

fn is_one_of(word: &str, words: &str) -> bool {
    words.split('|').any(|known| known == word)
}
