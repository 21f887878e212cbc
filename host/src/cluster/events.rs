//! Events on ConfigMaps: what `kubectl describe` shows to those who wrote them.

use k8s_openapi::api::core::v1::{ObjectReference, Secret};
use kube::Api;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

use super::{Cluster, explain};

/// The longest text that an Event may have, in bytes.
const LONGEST: usize = 1000;

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

/// Writes Events. Equal ones become one with a count.
pub struct Events(Recorder);

impl Events {
    /// Writes as this adapter.
    pub fn of(cluster: &Cluster) -> Self {
        let instance = std::env::var("HOSTNAME").ok();
        let reporter = Reporter { controller: "leadsman".to_owned(), instance };
        Self(Recorder::new(cluster.client().clone(), reporter))
    }

    /// Writes an Event. An error says why it could not be.
    pub async fn write(
        &self,
        about: &ConfigMapReference,
        bad: bool,
        reason: &str,
        message: &str,
    ) -> Result<(), String> {
        let mut note = message.to_owned();
        if note.len() > LONGEST {
            let mut end = LONGEST;
            while !note.is_char_boundary(end) {
                end -= 1;
            }
            note.truncate(end);
            note.push('…');
        }
        let event = Event {
            type_: if bad { EventType::Warning } else { EventType::Normal },
            reason: reason.to_owned(),
            note: Some(note),
            action: "Load".to_owned(),
            secondary: None,
        };
        let reference = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("ConfigMap".to_owned()),
            namespace: Some(about.namespace.clone()),
            name: Some(about.name.clone()),
            uid: about.uid.clone(),
            ..ObjectReference::default()
        };
        self.0.publish(&event, &reference).await.map_err(|error| explain(&error))
    }
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
