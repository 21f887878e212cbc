//! A configuration in a ConfigMap, and its Events.

use std::fmt::Display;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::client::ApiClient;
use crate::answer::assert_contains;
use crate::waiting::eventually;

/// A ConfigMap with a configuration. It need not exist.
#[derive(Debug, Clone)]
pub struct ConfigMap {
    client: ApiClient,
    namespace: String,
    name: String,
    /// The label of teams' ConfigMaps.
    labels: Value,
    binaries: Map<String, Value>,
}

/// An Event on a ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// The reason code.
    pub reason: String,
    /// Whether it is a warning.
    pub warning: bool,
    /// The message.
    pub message: String,
    /// The number of occurrences.
    pub times: u64,
}

const EVENT_TIMEOUT: Duration = Duration::from_secs(30);

impl ConfigMap {
    /// The operator's ConfigMap.
    pub fn of_operator(client: &ApiClient, namespace: &str, name: &str) -> Self {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        let client = client.clone();
        Self { client, namespace, name, labels: json!({}), binaries: Map::new() }
    }

    /// A team's ConfigMap, with the label that selects it.
    pub fn of_team(client: &ApiClient, namespace: &str, name: &str) -> Self {
        let labels = json!({"leadsman.dev/config": "true"});
        Self { labels, ..Self::of_operator(client, namespace, name) }
    }

    /// The same with other labels.
    pub fn labelled(mut self, labels: Value) -> Self {
        self.labels = labels;
        self
    }

    /// The same with these bytes under `binaryData`.
    pub fn with_binary(mut self, key: &str, bytes: &[u8]) -> Self {
        self.binaries.insert(key.to_owned(), json!(STANDARD.encode(bytes)));
        self
    }

    /// Creates or updates it with this configuration.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn write(&self, config: impl Display) {
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"namespace": self.namespace, "name": self.name, "labels": self.labels},
            "data": {"config.yaml": config.to_string()},
            "binaryData": self.binaries,
        });
        self.client.apply(&object).await;
    }

    /// Deletes it.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn delete(&self) {
        self.client.delete(&self.path()).await;
    }

    /// `namespace/name`, as in arguments and as the name of the owner.
    pub fn owner(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Its Events so far, oldest first.
    ///
    /// # Panics
    /// If they cannot be listed.
    pub async fn events(&self) -> Vec<EventRecord> {
        let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", self.namespace);
        let list = self.client.get(&path).await;
        let mut events = list["items"].as_array().cloned().unwrap_or_default();
        events.retain(|event| {
            let object = &event["regarding"];
            object["kind"] == "ConfigMap" && object["name"] == self.name.as_str()
        });
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        events.sort_by_key(|event| text(&event["eventTime"]));
        let parse = |event: &Value| EventRecord {
            reason: text(&event["reason"]),
            warning: event["type"] == "Warning",
            message: text(&event["note"]),
            times: event["series"]["count"].as_u64().unwrap_or(1),
        };
        events.iter().map(parse).collect()
    }

    /// Waits until an Event with this reason contains all of these texts.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_event(&self, reason: &str, texts: &[&str]) -> EventRecord {
        let what = format!("an Event {reason} on {} with {texts:?}", self.owner());
        eventually(&what, EVENT_TIMEOUT, async || {
            let events = self.events().await;
            let matches = |event: &&EventRecord| {
                event.reason == reason && texts.iter().all(|text| event.message.contains(text))
            };
            events.iter().find(matches).cloned().ok_or_else(|| format!("{events:#?}"))
        })
        .await
    }

    fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/configmaps/{}", self.namespace, self.name)
    }
}

impl EventRecord {
    /// Asserts that the message contains all of these texts, as
    /// [`Failure::assert_contains`](crate::Failure::assert_contains).
    ///
    /// # Panics
    /// If a text is missing.
    pub fn assert_contains(&self, texts: &[&str]) {
        assert_contains(&self.message, texts);
    }
}
