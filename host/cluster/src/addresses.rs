//! A reflector of the addresses of pods, for plugins that ask for them. Unlike the objects that
//! metrics are served for, it needs a part of their status; the rest is not kept.

use std::sync::Weak;

use futures_util::StreamExt as _;
use kube::core::{NotUsed, Object};
use kube::discovery::ApiResource;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, ResourceExt as _};
use serde::Deserialize;

use super::reason::{is_forbidden, of_watch, status_of};
use leadsman_model::objects::ObjectStore;

/// A pod, as far as it says where it can be reached.
type Pod = Object<NotUsed, PodStatus>;

#[derive(Debug, Clone, Default, Deserialize)]
struct PodStatus {
    phase: Option<String>,
    #[serde(rename = "podIP")]
    pod_ip: Option<String>,
    #[serde(rename = "hostIP")]
    host_ip: Option<String>,
}

/// Keeps the addresses of a store for as long as somebody holds it.
pub(super) async fn follow(client: Client, store: Weak<ObjectStore>) {
    let resource = ApiResource {
        group: String::new(),
        version: "v1".to_owned(),
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        plural: "pods".to_owned(),
    };
    let api: Api<Pod> = Api::all_with(client, &resource);
    let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
    let mut listing = Vec::new();
    while let Some(event) = events.next().await {
        let Some(store) = store.upgrade() else { return };
        match event {
            Ok(watcher::Event::Init) => listing.clear(),
            Ok(watcher::Event::InitApply(pod)) => {
                if let Some(address) = address(&pod) {
                    let namespace = pod.namespace().unwrap_or_default();
                    listing.push((namespace, pod.name_any(), address.to_owned()));
                }
            }
            Ok(watcher::Event::InitDone) => store.replace_addresses(std::mem::take(&mut listing)),
            Ok(watcher::Event::Apply(pod)) => {
                let namespace = pod.namespace().unwrap_or_default();
                store.set_address(&namespace, &pod.name_any(), address(&pod));
            }
            Ok(watcher::Event::Delete(pod)) => {
                store.set_address(&pod.namespace().unwrap_or_default(), &pod.name_any(), None);
            }
            Err(error) => {
                // The version is too old to go on from: the list that follows has everything.
                if status_of(&error).is_some_and(|status| status.code == 410) {
                    continue;
                }
                let reported = of_watch(&error);
                let reason = match is_forbidden(&error) {
                    true => format!(
                        "the role of the adapter may not list and watch pods: add {{apiGroups: \
                         [\"\"], resources: [\"pods\"], verbs: [\"list\", \"watch\"]}} to its \
                         ClusterRole ({reported})"
                    ),
                    false => reported,
                };
                if store.addresses_failed(reason.clone()) {
                    tracing::warn!(reason, "the addresses of pods cannot be followed");
                }
            }
        }
    }
}

/// The address of a pod that may be a server: one that has ended has none any more, and one in the
/// network of its node has that of the node.
fn address(pod: &Pod) -> Option<&str> {
    let status = pod.status.as_ref()?;
    let ended = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
    let address = status.pod_ip.as_deref().filter(|address| !address.is_empty())?;
    (!ended && status.host_ip.as_deref() != Some(address)).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_has_an_address_of_its_own_while_it_runs() {
        let of = |status: serde_json::Value| {
            let pod = json!({
                "metadata": {"name": "a"}, "spec": {"containers": []}, "status": status,
            });
            let pod: Pod = serde_json::from_value(pod).unwrap();
            address(&pod).map(str::to_owned)
        };
        let running = json!({"phase": "Running", "podIP": "10.0.0.1", "hostIP": "192.168.0.1",
            "podIPs": [{"ip": "10.0.0.1"}]});
        assert_eq!(of(running).as_deref(), Some("10.0.0.1"));
        for status in [
            json!({}),
            json!({"phase": "Pending", "podIP": ""}),
            json!({"phase": "Succeeded", "podIP": "10.0.0.1"}),
            json!({"phase": "Failed", "podIP": "10.0.0.1"}),
            json!({"phase": "Running", "podIP": "192.168.0.1", "hostIP": "192.168.0.1"}),
        ] {
            assert_eq!(of(status.clone()), None, "{status}");
        }
    }
}
