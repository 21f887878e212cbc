//! Discovery documents, precomputed for each snapshot and for the lists of delegates, so that discovery
//! never waits.

mod document;
mod entries;

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use serde_json::{Value, json};

use super::ApiState;
use super::current::Generation;
use super::path;
use super::status::{JSON, Status};
pub(super) use document::Document;
use entries::{Entry, entries, measured, resource_entries, with_delegates};
use leadsman_delegate::Api;
use leadsman_provider::snapshot::Snapshot;

pub(super) const CUSTOM: &str = "custom.metrics.k8s.io";
pub(super) const EXTERNAL: &str = "external.metrics.k8s.io";

/// The group of resource metrics.
pub(super) const RESOURCE: &str = "metrics.k8s.io";

/// Its versions. The older one stays the preferred one: all clients know it.
const RESOURCE_VERSIONS: [&str; 2] = ["v1beta1", "v1"];

/// A group and its versions, the preferred one first.
type Group = (&'static str, &'static [&'static str]);

/// The groups that are always there.
const GROUPS: [Group; 2] = [(CUSTOM, &["v1beta2", "v1beta1"]), (EXTERNAL, &["v1beta1"])];

/// The groups of a snapshot. Most clusters have another server for resource metrics: this one has the
/// group only if the configuration has queries for them, or a delegate.
fn served(snapshot: &Snapshot) -> Vec<Group> {
    let passed_on = || snapshot.delegates().is_some_and(|all| all.serve(Api::Resource));
    let resource = (measured(snapshot).next().is_some() || passed_on())
        .then_some((RESOURCE, RESOURCE_VERSIONS.as_slice()));
    GROUPS.into_iter().chain(resource).collect()
}

const AGGREGATED: HeaderValue = HeaderValue::from_static(
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
);

/// All documents of a snapshot.
pub(super) struct Discovery {
    served: Vec<Group>,
    groups: Document,
    aggregated: Document,
    custom: [Document; 2],
    external: Document,
    resource: [Document; 2],
}

impl Discovery {
    /// Whether a group is served.
    pub(super) fn serves(&self, group: &str) -> bool {
        self.served.iter().any(|(served, _)| *served == group)
    }

    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let (custom, external) = entries(snapshot);
        let resource = resource_entries(snapshot);
        let custom = ["v1beta1", "v1beta2"]
            .map(|version| with_delegates(&custom, snapshot, Api::Custom, version));
        let external = with_delegates(&external, snapshot, Api::External, "v1beta1");
        let resource = RESOURCE_VERSIONS
            .map(|version| with_delegates(&resource, snapshot, Api::Resource, version));
        let entries = |group: &str, version: &str| match (group, version) {
            (CUSTOM, "v1beta1") => &custom[0],
            (CUSTOM, _) => &custom[1],
            (EXTERNAL, _) => &external,
            (_, "v1beta1") => &resource[0],
            _ => &resource[1],
        };
        let served = served(snapshot);
        let groups: Vec<_> =
            served.iter().map(|(group, versions)| describe(group, versions)).collect();
        let aggregated: Vec<_> = served
            .iter()
            .map(|(group, versions)| {
                let versions: Vec<_> = versions
                    .iter()
                    .map(|version| {
                        json!({
                            "version": version,
                            "freshness": "Current",
                            "resources": aggregated(group, version, entries(group, version)),
                        })
                    })
                    .collect();
                json!({"metadata": {"name": group, "creationTimestamp": null}, "versions": versions})
            })
            .collect();
        Self {
            groups: Document::new(&json!({
                "kind": "APIGroupList", "apiVersion": "v1", "groups": groups
            })),
            aggregated: Document::new(&json!({
                "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
                "metadata": {}, "items": aggregated
            })),
            custom: ["v1beta1", "v1beta2"]
                .map(|version| list(CUSTOM, version, entries(CUSTOM, version))),
            external: list(EXTERNAL, "v1beta1", &external),
            resource: RESOURCE_VERSIONS
                .map(|version| list(RESOURCE, version, entries(RESOURCE, version))),
            served,
        }
    }
}

/// What can be done with the resources of a group.
fn verbs(group: &str) -> &'static [&'static str] {
    if group == RESOURCE { &["get", "list"] } else { &["get"] }
}

fn describe(group: &str, versions: &[&str]) -> Value {
    let version =
        |version: &&str| json!({"groupVersion": format!("{group}/{version}"), "version": version});
    json!({
        "name": group,
        "versions": versions.iter().map(version).collect::<Vec<_>>(),
        "preferredVersion": versions.first().map(version),
    })
}

/// An `APIResourceList`.
fn list(group: &str, version: &str, entries: &[Entry]) -> Document {
    let resources: Vec<_> = entries
        .iter()
        .map(|entry| {
            let name = match &entry.subresource {
                Some(metric) => format!("{}/{metric}", entry.resource),
                None => entry.resource.clone(),
            };
            json!({
                "name": name, "singularName": "", "namespaced": entry.namespaced,
                "kind": entry.kind, "verbs": verbs(group),
            })
        })
        .collect();
    Document::new(&json!({
        "kind": "APIResourceList", "apiVersion": "v1",
        "groupVersion": format!("{group}/{version}"), "resources": resources,
    }))
}

/// The resources of a version in the aggregated format, where `pods/metric` stands as a
/// subresource below a `pods` that cannot itself be read.
fn aggregated(group: &str, version: &str, entries: &[Entry]) -> Vec<Value> {
    let mut resources: Vec<Value> = Vec::new();
    // Where each is: a delegate may list as many as there may be entries.
    let mut places: HashMap<&str, usize> = HashMap::new();
    for entry in entries {
        let scope = if entry.namespaced { "Namespaced" } else { "Cluster" };
        let kind = json!({"group": group, "version": version, "kind": entry.kind});
        let Some(metric) = &entry.subresource else {
            resources.push(json!({
                "resource": entry.resource, "responseKind": kind, "scope": scope,
                "singularResource": "", "verbs": verbs(group),
            }));
            continue;
        };
        let subresource =
            json!({"subresource": metric, "responseKind": kind, "verbs": verbs(group)});
        let parent = places.get(&*entry.resource).and_then(|&at| resources.get_mut(at));
        match parent.and_then(|parent| parent["subresources"].as_array_mut()) {
            Some(subresources) => subresources.push(subresource),
            None => {
                places.insert(&entry.resource, resources.len());
                resources.push(json!({
                    "resource": entry.resource, "scope": scope, "singularResource": "", "verbs": [],
                    // Some clients of 1.26 fail without it.
                    "responseKind": {"group": "", "version": "", "kind": ""},
                    "subresources": [subresource],
                }));
            }
        }
    }
    resources
}

/// `/apis`
pub(super) async fn groups(State(state): State<ApiState>, headers: HeaderMap) -> Response {
    let served = state.served.now();
    if wants_aggregated(&headers) {
        served.discovery.aggregated.answer(&headers, AGGREGATED)
    } else {
        served.discovery.groups.answer(&headers, JSON)
    }
}

/// `/apis/{group}`
pub(super) async fn group(State(state): State<ApiState>, uri: Uri, headers: HeaderMap) -> Response {
    let served = state.served.now();
    let (name, _) = path::group_version(uri.path());
    let found = served.discovery.served.iter().find(|(group, _)| *group == name);
    let Some((group, versions)) = found else { return no_group(&served, &name).into() };
    let mut document = describe(group, versions);
    document["kind"] = "APIGroup".into();
    document["apiVersion"] = "v1".into();
    Document::new(&document).answer(&headers, JSON)
}

/// `/apis/{group}/{version}`
pub(super) async fn resources(
    State(state): State<ApiState>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let served = state.served.now();
    let discovery = &served.discovery;
    let (group, version) = path::group_version(uri.path());
    let document = match (group.as_ref(), version.as_ref()) {
        (CUSTOM, "v1beta1") => &discovery.custom[0],
        (CUSTOM, "v1beta2") => &discovery.custom[1],
        (EXTERNAL, "v1beta1") => &discovery.external,
        (RESOURCE, "v1beta1") if discovery.serves(RESOURCE) => &discovery.resource[0],
        (RESOURCE, "v1") if discovery.serves(RESOURCE) => &discovery.resource[1],
        _ => return no_group(&served, &format!("{group}/{version}")).into(),
    };
    document.answer(&headers, JSON)
}

/// There is no group or version of this name.
pub(super) fn no_group(generation: &Generation, name: &str) -> Status {
    let served: Vec<_> = generation
        .discovery
        .served
        .iter()
        .flat_map(|(group, versions)| {
            versions.iter().map(move |version| format!("{group}/{version}"))
        })
        .collect();
    let mut message = format!("{name} is not served; there are {}", served.join(", "));
    if name.starts_with(RESOURCE) && !generation.discovery.serves(RESOURCE) {
        message.push_str(
            "; resourceRules in the configuration say how it is to be served, or a delegate for it",
        );
    }
    Status::new(StatusCode::NOT_FOUND, message)
}

/// Whether the aggregated format is the first that the client names.
fn wants_aggregated(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|kind| {
        let mut parts = kind.split(';').map(str::trim);
        let has = |part: &str| kind.split(';').any(|other| other.trim() == part);
        matches!(parts.next(), Some("application/json"))
            && has("g=apidiscovery.k8s.io")
            && has("v=v2")
            && has("as=APIGroupDiscoveryList")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(resource: &str, metric: &str) -> Entry {
        Entry {
            resource: resource.to_owned(),
            subresource: Some(metric.to_owned()),
            namespaced: true,
            kind: "MetricValueList",
        }
    }

    #[test]
    fn metrics_stand_below_their_resource_however_many_there_are() {
        let mut entries: Vec<_> =
            (0..50_000).map(|number| entry(&format!("r{number}"), "a")).collect();
        entries.push(entry("r0", "b"));
        // One search for each resource among all took minutes.
        let begun = std::time::Instant::now();
        let resources = aggregated(CUSTOM, "v1beta1", &entries);
        let took = begun.elapsed();
        assert!(took < std::time::Duration::from_secs(20), "{took:?}");
        assert_eq!(resources.len(), 50_000);
        let below = |at: usize| -> Vec<&str> {
            let metrics = resources[at]["subresources"].as_array().unwrap().iter();
            metrics.map(|metric| metric["subresource"].as_str().unwrap()).collect()
        };
        assert_eq!((below(0), below(1)), (vec!["a", "b"], vec!["a"]));
    }
}
