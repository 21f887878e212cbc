//! Events on ConfigMaps, workloads and autoscalers, which `kubectl describe` shows to their authors.

use std::collections::HashMap;

use k8s_openapi::api::core::v1::{ObjectReference, Secret};
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use ring::digest::{SHA256, digest};
use serde_json::json;

use super::{AutoscalerReference, Cluster, explain};
use leadsman_model::text::excerpt_bytes;

/// The longest note of an Event, in bytes.
const MAX_NOTE: usize = 1000;

/// The longest name that kube-apiserver accepts, in bytes.
const MAX_NAME: usize = 253;

/// The Events that are remembered, to update the series of an equal one.
const MAX_REMEMBERED: usize = 1000;

/// A ConfigMap that Events are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigMapReference {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its unique id.
    pub uid: Option<String>,
}

/// An object that Events are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSubject {
    /// The version of its API.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its unique id.
    pub uid: Option<String>,
}

impl From<&ConfigMapReference> for EventSubject {
    fn from(about: &ConfigMapReference) -> Self {
        Self {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: about.namespace.clone(),
            name: about.name.clone(),
            uid: about.uid.clone(),
        }
    }
}

impl From<&AutoscalerReference> for EventSubject {
    fn from(about: &AutoscalerReference) -> Self {
        Self {
            api_version: "autoscaling/v2".to_owned(),
            kind: "HorizontalPodAutoscaler".to_owned(),
            namespace: about.namespace.clone(),
            name: about.name.clone(),
            uid: about.uid.clone(),
        }
    }
}

/// Writes Events. Equal ones become a series with a count.
pub struct Events {
    cluster: Cluster,
    /// The reporting instance.
    instance: String,
    written: HashMap<String, i32>,
}

impl Events {
    /// A writer for this process.
    pub fn of(cluster: &Cluster) -> Self {
        let instance = std::env::var("HOSTNAME").unwrap_or_else(|_| "leadsman".to_owned());
        Self { cluster: cluster.clone(), instance, written: HashMap::new() }
    }

    /// Writes an Event about a configuration that is loaded. The error is for people.
    pub async fn write(
        &mut self,
        about: &ConfigMapReference,
        bad: bool,
        reason: &str,
        message: &str,
    ) -> Result<(), String> {
        self.write_about(&about.into(), "Load", bad, reason, message).await
    }

    /// Writes an Event on an autoscaler. The error is for people.
    pub async fn write_on_autoscaler(
        &mut self,
        about: &AutoscalerReference,
        bad: bool,
        reason: &str,
        message: &str,
    ) -> Result<(), String> {
        self.write_about(&about.into(), "Read", bad, reason, message).await
    }

    /// Writes an Event about an object and what is done with it. The error is for people.
    pub async fn write_about(
        &mut self,
        about: &EventSubject,
        action: &str,
        bad: bool,
        reason: &str,
        message: &str,
    ) -> Result<(), String> {
        let api: Api<Event> = Api::namespaced(self.cluster.client().clone(), &about.namespace);
        let now = MicroTime(Timestamp::now());
        // Equal Events have equal names. kube-apiserver deletes Events after an hour, and a patch of
        // one that is gone creates it again.
        let content = format!("{}\n{:?}\n{reason}\n{message}", self.instance, about.uid);
        let hash: String = digest(&SHA256, content.as_bytes())
            .as_ref()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let name = event_name(&about.name, &hash);
        if let Some(count) = self.written.get_mut(&name) {
            *count = count.saturating_add(1);
            let series = EventSeries { count: *count, last_observed_time: now.clone() };
            let patch = Patch::Merge(json!({"series": series}));
            match api.patch(&name, &PatchParams::default(), &patch).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                patched => return patched.map(drop).map_err(|error| explain(&error)),
            }
        }
        let event = Event {
            metadata: ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() },
            action: Some(action.to_owned()),
            event_time: Some(now),
            note: Some(excerpt_bytes(message, MAX_NOTE).into_owned()),
            reason: Some(reason.to_owned()),
            regarding: Some(ObjectReference {
                api_version: Some(about.api_version.clone()),
                kind: Some(about.kind.clone()),
                namespace: Some(about.namespace.clone()),
                name: Some(about.name.clone()),
                uid: about.uid.clone(),
                ..ObjectReference::default()
            }),
            reporting_controller: Some("leadsman.dev/leadsman".to_owned()),
            reporting_instance: Some(self.instance.clone()),
            type_: Some(if bad { "Warning" } else { "Normal" }.to_owned()),
            ..Event::default()
        };
        match api.create(&PostParams::default(), &event).await {
            // It was written before this process started.
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            created => drop(created.map_err(|error| explain(&error))?),
        }
        if self.written.len() >= MAX_REMEMBERED {
            self.written.clear();
        }
        self.written.insert(name, 1);
        Ok(())
    }
}

/// The name of an Event: that of what it is about, as far as it fits, and a hash of what it says.
fn event_name(about: &str, hash: &str) -> String {
    let room = MAX_NAME.saturating_sub(hash.len() + 1);
    // Each part of a name between dots ends with a letter or digit.
    let prefix = about[..about.floor_char_boundary(room)].trim_end_matches(['.', '-']);
    format!("{prefix}.{hash}")
}

impl Cluster {
    /// The text of a Secret of type `kubernetes.io/dockerconfigjson`.
    pub async fn pull_secret(&self, namespace: &str, name: &str) -> Result<String, String> {
        const KEY: &str = ".dockerconfigjson";
        let api: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let secret = api.get(name).await.map_err(|error| explain(&error))?;
        let bytes = secret.data.unwrap_or_default().remove(KEY).ok_or_else(|| {
            format!("it has no {KEY}; it must be of type kubernetes.io/dockerconfigjson")
        })?;
        String::from_utf8(bytes.0).map_err(|_| format!("its {KEY} is no text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_of_a_long_name_has_a_name_that_is_accepted() {
        let hash = "0123456789abcdef";
        assert_eq!(event_name("metrics", hash), "metrics.0123456789abcdef");
        let longest = format!("{}.{}", "a".repeat(63), "b".repeat(189));
        let name = event_name(&longest, hash);
        assert!(name.len() == MAX_NAME && name.ends_with(".0123456789abcdef"), "{name}");
        // Where it is cut off there may be what a name must not end with.
        let cut = format!("{}{}", "a".repeat(235), "-".repeat(17) + "z");
        let name = event_name(&cut, hash);
        assert_eq!(name, format!("{}.{hash}", "a".repeat(235)));
    }
}
