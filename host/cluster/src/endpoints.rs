//! Reflectors of what is scraped: pods by their labels, and the endpoints of a Service. Unlike the
//! objects that metrics are served for, they need addresses and ports, and not metadata alone.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::{Arc, Weak};

use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::discovery::v1::{Endpoint as SliceEndpoint, EndpointSlice};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use super::reason::{is_forbidden, of_watch, status_of};
use leadsman_model::endpoints::{Endpoint, EndpointKind, EndpointPick, EndpointStore};

/// The label by which the slices of a Service are found.
const SERVICE: &str = "kubernetes.io/service-name";

/// Fills a store for as long as somebody holds it.
pub(super) async fn follow(client: Client, pick: EndpointPick, store: Weak<EndpointStore>) {
    match &pick.kind {
        EndpointKind::Pods(selector) => {
            let selector = selector.to_string();
            watch::<Pod>(api(client, &pick), &selector, store, of_pod).await;
        }
        EndpointKind::Service(name) => {
            let selector = format!("{SERVICE}={name}");
            watch::<EndpointSlice>(api(client, &pick), &selector, store, of_slice).await;
        }
    }
}

fn api<K>(client: Client, pick: &EndpointPick) -> Api<K>
where
    K: Resource<Scope = kube::core::NamespaceResourceScope>,
    K::DynamicType: Default,
{
    match &pick.namespace {
        Some(namespace) => Api::namespaced(client, namespace.as_str()),
        None => Api::all(client),
    }
}

/// The endpoints that each object has, by its namespace and name.
type Known = BTreeMap<(String, String), Vec<Arc<Endpoint>>>;

async fn watch<K>(
    api: Api<K>,
    selector: &str,
    store: Weak<EndpointStore>,
    endpoints_of: fn(&K) -> Vec<Endpoint>,
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    K::DynamicType: Default,
{
    let config = watcher::Config::default().labels(selector);
    let mut events = watcher(api, config).default_backoff().boxed();
    let (mut known, mut listing) = (Known::new(), Known::new());
    let key = |object: &K| (object.namespace().unwrap_or_default(), object.name_any());
    let shared =
        |object: &K| -> Vec<_> { endpoints_of(object).into_iter().map(Arc::new).collect() };
    loop {
        let Some(event) = events.next().await else { return };
        let Some(store) = store.upgrade() else { return };
        match event {
            Ok(watcher::Event::Init) => listing = Known::new(),
            Ok(watcher::Event::InitApply(object)) => {
                listing.insert(key(&object), shared(&object));
            }
            Ok(watcher::Event::InitDone) => {
                known = std::mem::take(&mut listing);
                publish(&store, &known);
            }
            Ok(watcher::Event::Apply(object)) => {
                let (key, now) = (key(&object), shared(&object));
                // Most changes of a pod change nothing of what is needed here.
                if known.get(&key) != Some(&now) || store.interrupted().is_some() {
                    known.insert(key, now);
                    publish(&store, &known);
                }
            }
            Ok(watcher::Event::Delete(object)) => {
                known.remove(&key(&object));
                publish(&store, &known);
            }
            Err(error) => {
                // The version is too old to go on from: the list that follows has everything.
                if status_of(&error).is_some_and(|status| status.code == 410) {
                    continue;
                }
                let reported = of_watch(&error);
                let reason = match is_forbidden(&error) {
                    true => missing(store.pick(), &reported),
                    false => reported,
                };
                if store.watch_failed(&reason) {
                    let pick = store.pick();
                    tracing::warn!(%pick, reason, "what is scraped cannot be followed");
                }
            }
        }
    }
}

/// The right that is missing, as it has to be written.
fn missing(pick: &EndpointPick, reported: &str) -> String {
    let (group, plural) = match pick.kind {
        EndpointKind::Pods(_) => ("", "pods"),
        EndpointKind::Service(_) => ("discovery.k8s.io", "endpointslices"),
    };
    format!(
        "the role of the adapter may not list and watch them: add {{apiGroups: [\"{group}\"], \
         resources: [\"{plural}\"], verbs: [\"list\", \"watch\"]}} to its ClusterRole ({reported})"
    )
}

/// Several slices may have a pod, one for each family of addresses: IPv4 is taken.
fn publish(store: &EndpointStore, known: &Known) {
    let mut all: BTreeMap<(&str, &str, Option<IpAddr>), &Arc<Endpoint>> = BTreeMap::new();
    for endpoint in known.values().flatten() {
        let address = endpoint.pod.is_empty().then_some(endpoint.ip);
        let key = (endpoint.namespace.as_str(), endpoint.pod.as_str(), address);
        let taken = all.entry(key).or_insert(endpoint);
        if endpoint.ip.is_ipv4() && taken.ip.is_ipv6() {
            *taken = endpoint;
        }
    }
    store.replace(all.into_values().cloned().collect());
}

/// A pod that runs, is not being deleted, and has an address.
fn of_pod(pod: &Pod) -> Vec<Endpoint> {
    let (Some(status), Some(spec)) = (&pod.status, &pod.spec) else { return Vec::new() };
    let runs = status.phase.as_deref() == Some("Running");
    let address = status.pod_ip.as_deref().and_then(|ip| ip.parse().ok());
    let (true, None, Some(ip)) = (runs, &pod.metadata.deletion_timestamp, address) else {
        return Vec::new();
    };
    let sidecars = spec.init_containers.iter().flatten();
    let sidecars =
        sidecars.filter(|container| container.restart_policy.as_deref() == Some("Always"));
    let ports = spec.containers.iter().chain(sidecars).flat_map(|one| one.ports.iter().flatten());
    let named = ports
        .filter_map(|port| Some((port.name.clone()?, u16::try_from(port.container_port).ok()?)));
    let is_ready = |condition: &k8s_openapi::api::core::v1::PodCondition| {
        condition.type_ == "Ready" && condition.status == "True"
    };
    vec![Endpoint {
        namespace: pod.namespace().unwrap_or_default(),
        pod: pod.name_any(),
        node: spec.node_name.clone().unwrap_or_default(),
        ip,
        labels: pod.metadata.labels.clone().unwrap_or_default(),
        ports: named.collect(),
        started: status.start_time.as_ref().map(|time| time.0.as_millisecond()),
        ready: status.conditions.iter().flatten().any(is_ready),
    }]
}

/// The ready endpoints of a slice.
fn of_slice(slice: &EndpointSlice) -> Vec<Endpoint> {
    let ports = slice.ports.iter().flatten();
    let ports: Vec<_> = ports
        .filter_map(|port| {
            let number = u16::try_from(port.port?).ok()?;
            Some((port.name.clone().unwrap_or_default(), number))
        })
        .collect();
    let endpoint = |endpoint: &SliceEndpoint| {
        // What is not said is true.
        let ready = endpoint.conditions.as_ref().and_then(|conditions| conditions.ready);
        if ready == Some(false) {
            return None;
        }
        let target = endpoint.target_ref.as_ref();
        let pod = target.filter(|target| target.kind.as_deref() == Some("Pod"));
        Some(Endpoint {
            namespace: slice.namespace().unwrap_or_default(),
            pod: pod.and_then(|pod| pod.name.clone()).unwrap_or_default(),
            node: endpoint.node_name.clone().unwrap_or_default(),
            ip: endpoint.addresses.first()?.parse().ok()?,
            labels: BTreeMap::new(),
            ports: ports.clone(),
            started: None,
            ready: true,
        })
    };
    slice.endpoints.iter().filter_map(endpoint).collect()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use axum::Router;
    use axum::body::Body;
    use axum::http::Uri;
    use axum::routing::get;
    use futures_util::stream;
    use http::StatusCode;
    use http::header::CONTENT_TYPE;
    use serde_json::{Value, json};
    use tokio::sync::watch::{Receiver, Sender};
    use tokio::task::JoinSet;
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use leadsman_runtime::telemetry::Metrics;

    use super::super::fake_server::serve;
    use super::super::{Cluster, Reflectors};
    use super::*;

    fn pod(change: impl FnOnce(&mut Value)) -> Vec<Endpoint> {
        let mut pod = json!({
            "metadata": {"namespace": "shop", "name": "web-0", "labels": {"app": "web"}},
            "spec": {
                "nodeName": "node-1",
                "containers": [
                    {"name": "web", "ports": [{"containerPort": 80}, {"name": "http", "containerPort": 80}]},
                ],
                "initContainers": [
                    {"name": "init", "ports": [{"name": "never", "containerPort": 1}]},
                    {
                        "name": "proxy", "restartPolicy": "Always",
                        "ports": [{"name": "metrics", "containerPort": 9100}],
                    },
                ],
            },
            "status": {
                "phase": "Running", "podIP": "10.0.0.1", "startTime": "1970-01-01T00:00:05Z",
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        });
        change(&mut pod);
        of_pod(&serde_json::from_value(pod).unwrap())
    }

    #[test]
    fn pods_that_run_and_have_an_address_are_endpoints() {
        let expected = Endpoint {
            namespace: "shop".to_owned(),
            pod: "web-0".to_owned(),
            node: "node-1".to_owned(),
            ip: [10, 0, 0, 1].into(),
            labels: BTreeMap::from([("app".to_owned(), "web".to_owned())]),
            ports: vec![("http".to_owned(), 80), ("metrics".to_owned(), 9100)],
            started: Some(5000),
            ready: true,
        };
        assert_eq!(pod(|_| {}), [expected]);
        assert!(!pod(|pod| pod["status"]["conditions"] = json!([]))[0].ready);
        assert_eq!(pod(|pod| pod["status"]["phase"] = "Pending".into()), []);
        assert_eq!(pod(|pod| pod["status"]["podIP"] = Value::Null), []);
        assert_eq!(pod(|pod| pod["status"] = Value::Null), []);
        let deleted = |pod: &mut Value| {
            pod["metadata"]["deletionTimestamp"] = "1970-01-01T00:00:09Z".into();
        };
        assert_eq!(pod(deleted), []);
    }

    #[test]
    fn a_pod_of_several_slices_is_one_endpoint() {
        let slice = |address: &str, kind: &str| {
            let slice = json!({
                "metadata": {"namespace": "shop", "name": address},
                "addressType": "IPv4",
                "ports": [{"name": "metrics", "port": 9100}],
                "endpoints": [
                    {"addresses": [address], "targetRef": {"kind": kind, "name": "web-0"}},
                    {"addresses": ["10.0.0.9"], "conditions": {"ready": false}},
                ],
            });
            of_slice(&serde_json::from_value(slice).unwrap())
        };
        let pick = EndpointPick { namespace: None, kind: EndpointKind::Service("web".to_owned()) };
        let store = EndpointStore::starting(pick);
        let slices = [slice("fd00::1", "Pod"), slice("10.0.0.1", "Pod"), slice("10.0.0.2", "Node")];
        let known = slices.into_iter().zip(["a", "b", "c"]).map(|(endpoints, name)| {
            let endpoints = endpoints.into_iter().map(Arc::new).collect();
            (("shop".to_owned(), name.to_owned()), endpoints)
        });
        publish(&store, &known.collect());
        let endpoints = store.endpoints().unwrap();
        let reported: Vec<_> =
            endpoints.iter().map(|one| (one.pod.as_str(), one.ip.to_string())).collect();
        assert_eq!(reported, [("", "10.0.0.2".to_owned()), ("web-0", "10.0.0.1".to_owned())]);
    }

    /// A slice of the Service `web` whose endpoints are these pods.
    fn slice_of(version: &str, pods: &[(&str, &str)]) -> Value {
        let endpoint = |(name, address): &(&str, &str)| json!({"addresses": [address], "targetRef": {"kind": "Pod", "name": name}});
        json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"namespace": "shop", "name": "web-a", "resourceVersion": version},
            "addressType": "IPv4",
            "ports": [{"name": "metrics", "port": 9100}],
            "endpoints": pods.iter().map(endpoint).collect::<Vec<_>>(),
        })
    }

    /// A kube-apiserver that lists one slice, and then sends these events of it.
    async fn cluster(
        server: &mut JoinSet<std::io::Result<()>>,
        listed: Value,
        events: Receiver<Vec<Value>>,
    ) -> Cluster {
        let list = json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSliceList",
            "metadata": {"resourceVersion": "1"},
            "items": [listed],
        });
        let slices = move |uri: Uri| {
            let (list, events) = (list.to_string(), events.clone());
            async move {
                let query = uri.query().unwrap_or_default();
                let body = match query.contains("watch=true") {
                    true => Body::from_stream(stream::unfold((events, 0), next_line)),
                    false => Body::from(list),
                };
                let is_right = query.contains("labelSelector=kubernetes.io%2Fservice-name%3Dweb");
                let status = if is_right { StatusCode::OK } else { StatusCode::BAD_REQUEST };
                (status, [(CONTENT_TYPE, "application/json")], body)
            }
        };
        let path = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
        serve(server, Router::new().route(path, get(slices))).await
    }

    /// The events of a watch, and how many of them are sent.
    type Sent = (Receiver<Vec<Value>>, usize);

    /// The next event of a watch, once there is one.
    async fn next_line((mut events, sent): Sent) -> Option<(Result<String, Infallible>, Sent)> {
        let line = {
            let reported = events.wait_for(|all| all.len() > sent).await.ok()?;
            format!("{}\n", reported[sent])
        };
        Some((Ok(line), (events, sent + 1)))
    }

    /// Waits until these are the endpoints.
    async fn becomes(store: &EndpointStore, expected: &[&str]) {
        let known = || -> Vec<String> {
            let endpoints = store.endpoints().unwrap();
            let address = |one: &Arc<Endpoint>| {
                let port = one.ports[0].1;
                format!("{}/{} {}:{port}", one.namespace, one.pod, one.ip)
            };
            endpoints.iter().map(address).collect()
        };
        let follows = async {
            while known() != expected {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let is_so = tokio::time::timeout(Duration::from_secs(20), follows).await.is_ok();
        assert!(is_so, "{:?} {:?}", known(), store.interrupted());
    }

    /// A real one refuses the addresses of loopback in slices, so that nothing could be scraped there.
    #[tokio::test]
    async fn the_endpoints_of_a_service_are_followed() {
        let events = Sender::new(Vec::new());
        let both = [("web-0", "127.0.0.1"), ("web-1", "127.0.0.2")];
        let mut server = JoinSet::new();
        let cluster = cluster(&mut server, slice_of("1", &both), events.subscribe()).await;
        let reflectors =
            Reflectors::new(&cluster, Metrics::new(), TaskTracker::new(), CancellationToken::new());
        let kind = EndpointKind::Service("web".to_owned());
        let pick = EndpointPick { namespace: "shop".parse().ok(), kind };
        let store = reflectors.endpoints(&pick);
        store.first_list().await;
        becomes(&store, &["shop/web-0 127.0.0.1:9100", "shop/web-1 127.0.0.2:9100"]).await;
        let send_event = |kind: &str, object: Value| {
            events.send_modify(|all| all.push(json!({"type": kind, "object": object})));
        };
        // One leaves; the other is not ready for a while, and the slice ends with its Service.
        send_event("MODIFIED", slice_of("2", &both[1..]));
        becomes(&store, &["shop/web-1 127.0.0.2:9100"]).await;
        let mut unready = slice_of("3", &both[1..]);
        unready["endpoints"][0]["conditions"] = json!({"ready": false});
        send_event("MODIFIED", unready);
        becomes(&store, &[]).await;
        send_event("MODIFIED", slice_of("4", &both[1..]));
        becomes(&store, &["shop/web-1 127.0.0.2:9100"]).await;
        send_event("DELETED", slice_of("5", &both[1..]));
        becomes(&store, &[]).await;
        assert_eq!(store.interrupted(), None);
    }
}
