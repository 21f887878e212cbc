//! Events on ConfigMaps: what `kubectl describe` shows to those who wrote them.

use std::collections::HashMap;

use k8s_openapi::api::core::v1::{ObjectReference, Secret};
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Cluster, explain};

/// The longest text that an Event may have, in bytes.
const LONGEST: usize = 1000;

/// How many Events are remembered, so that equal ones become one with a count.
const REMEMBERED: usize = 1000;

/// A ConfigMap that Events are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigMapReference {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Which of those that had this name.
    pub uid: Option<String>,
}

/// Writes Events. Those that say the same of the same become one with a count.
pub struct Events {
    cluster: Cluster,
    /// Who writes.
    instance: String,
    written: HashMap<String, i32>,
}

impl Events {
    /// Writes as this adapter.
    pub fn of(cluster: &Cluster) -> Self {
        let instance = std::env::var("HOSTNAME").unwrap_or_else(|_| "leadsman".to_owned());
        Self { cluster: cluster.clone(), instance, written: HashMap::new() }
    }

    /// Writes an Event. An error says why it could not be.
    pub async fn write(
        &mut self,
        about: &ConfigMapReference,
        bad: bool,
        reason: &str,
        message: &str,
    ) -> Result<(), String> {
        let api: Api<Event> = Api::namespaced(self.cluster.client().clone(), &about.namespace);
        let now = MicroTime(Timestamp::now());
        // What says the same has the same name. kube-apiserver forgets Events after an hour, and
        // a name that it does not know is new.
        let said = format!("{}\n{:?}\n{reason}\n{message}", self.instance, about.uid);
        let hash: String =
            Sha256::digest(said).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{}.{hash}", about.name);
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
            action: Some("Load".to_owned()),
            event_time: Some(now),
            note: Some(shortened(message)),
            reason: Some(reason.to_owned()),
            regarding: Some(ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("ConfigMap".to_owned()),
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
            // It was said before this start.
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            created => drop(created.map_err(|error| explain(&error))?),
        }
        if self.written.len() >= REMEMBERED {
            self.written.clear();
        }
        self.written.insert(name, 1);
        Ok(())
    }
}

fn shortened(message: &str) -> String {
    if message.len() <= LONGEST {
        return message.to_owned();
    }
    let end = (0..=LONGEST).rev().find(|&end| message.is_char_boundary(end)).unwrap_or_default();
    format!("{}…", &message[..end])
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
