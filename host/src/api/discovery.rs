//! Discovery documents, precomputed for each snapshot: they never wait for anything.

use std::collections::HashSet;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::ApiState;
use super::path;
use super::served::Generation;
use super::status::{JSON, Status};
use crate::model::serve::Serve;
use crate::snapshot::{Served, Snapshot};

const CUSTOM: &str = "custom.metrics.k8s.io";
const EXTERNAL: &str = "external.metrics.k8s.io";

/// The group of what nodes and pods use, and its only version.
pub(super) const USAGE: &str = "metrics.k8s.io";
pub(super) const USAGE_VERSION: &str = "v1beta1";

/// A group and its versions, the preferred one first.
type Group = (&'static str, &'static [&'static str]);

/// The groups that are always there.
const GROUPS: [Group; 2] = [(CUSTOM, &["v1beta2", "v1beta1"]), (EXTERNAL, &["v1beta1"])];

/// The groups of a snapshot. Most clusters have another server for what nodes and pods use: this
/// one has the group only if the configuration says how that is known.
fn served(snapshot: &Snapshot) -> Vec<Group> {
    let usage = snapshot.usage().map(|_| (USAGE, [USAGE_VERSION].as_slice()));
    GROUPS.into_iter().chain(usage).collect()
}

const AGGREGATED: HeaderValue = HeaderValue::from_static(
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
);

/// A document with its hash.
#[derive(Clone)]
pub(super) struct Document {
    body: Bytes,
    etag: HeaderValue,
}

/// All documents of a snapshot.
pub(super) struct Discovery {
    served: Vec<Group>,
    groups: Document,
    aggregated: Document,
    custom: [Document; 2],
    external: Document,
    usage: Document,
}

/// A resource of a discovery document, as both formats need it.
struct Entry {
    /// `pods`, or the name of an external metric.
    resource: String,
    /// The metric, where it is a subresource.
    subresource: Option<String>,
    namespaced: bool,
    kind: &'static str,
}

impl Discovery {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let (custom, external) = entries(snapshot);
        let usage = usage_entries(snapshot);
        let entries = |group: &str| match group {
            CUSTOM => &custom,
            EXTERNAL => &external,
            _ => &usage,
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
                            "resources": aggregated(group, version, entries(group)),
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
            custom: ["v1beta1", "v1beta2"].map(|version| list(CUSTOM, version, &custom)),
            external: list(EXTERNAL, "v1beta1", &external),
            usage: list(USAGE, USAGE_VERSION, &usage),
            served,
        }
    }
}

fn entries(snapshot: &Snapshot) -> (Vec<Entry>, Vec<Entry>) {
    let (mut custom, mut external) = (Vec::new(), Vec::new());
    for Served { metric, serve, .. } in snapshot.served() {
        let metric = metric.to_string();
        match serve {
            // What kind it is is told once the cluster has said so.
            Serve::Custom(resource) if resource.details().is_none() => {}
            Serve::Custom(resource) => custom.push(Entry {
                resource: resource.to_string(),
                subresource: Some(metric),
                namespaced: resource.namespaced(),
                kind: "MetricValueList",
            }),
            Serve::External => external.push(Entry {
                resource: metric,
                subresource: None,
                namespaced: true,
                kind: "ExternalMetricValueList",
            }),
            // Its resources are known without being told of.
            Serve::Usage(_) => {}
        }
    }
    // Several teams may serve the same, each in its own namespace, and a rule what a mapping does.
    for entries in [&mut custom, &mut external] {
        let mut seen = HashSet::new();
        entries.retain(|entry: &Entry| {
            seen.insert((entry.resource.clone(), entry.subresource.clone()))
        });
    }
    (custom, external)
}

/// Nodes and pods, if it is known what they use.
fn usage_entries(snapshot: &Snapshot) -> Vec<Entry> {
    let Some(usage) = snapshot.usage() else { return Vec::new() };
    let entry = |resource: &str, namespaced, kind| Entry {
        resource: resource.to_owned(),
        subresource: None,
        namespaced,
        kind,
    };
    let nodes = usage.nodes.as_ref().map(|_| entry("nodes", false, "NodeMetrics"));
    let pods = usage.pods.as_ref().map(|_| entry("pods", true, "PodMetrics"));
    nodes.into_iter().chain(pods).collect()
}

/// What can be done with the resources of a group.
fn verbs(group: &str) -> &'static [&'static str] {
    if group == USAGE { &["get", "list"] } else { &["get"] }
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
        let parent =
            resources.iter_mut().find(|resource| resource["resource"] == entry.resource.as_str());
        match parent.and_then(|parent| parent["subresources"].as_array_mut()) {
            Some(subresources) => subresources.push(subresource),
            None => resources.push(json!({
                "resource": entry.resource, "scope": scope, "singularResource": "", "verbs": [],
                // Some clients of 1.26 fail without it.
                "responseKind": {"group": "", "version": "", "kind": ""},
                "subresources": [subresource],
            })),
        }
    }
    resources
}

impl Document {
    pub(super) fn new(value: &Value) -> Self {
        let body = Bytes::from(value.to_string());
        let hash: String =
            Sha256::digest(&body).iter().take(16).map(|b| format!("{b:02x}")).collect();
        let etag = HeaderValue::try_from(format!("\"{hash}\""))
            .unwrap_or(HeaderValue::from_static("\"\""));
        Self { body, etag }
    }

    /// The document, or 304 if the client has it.
    pub(super) fn answer(&self, headers: &HeaderMap, content_type: HeaderValue) -> Response {
        let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let known = known.flat_map(|value| value.split(',')).map(str::trim);
        let unquoted = |etag: &str| etag.trim_start_matches("W/").trim_matches('"').to_owned();
        let own = unquoted(self.etag.to_str().unwrap_or_default());
        let tags = [(ETAG, self.etag.clone())];
        if known.into_iter().any(|etag| etag == "*" || unquoted(etag) == own) {
            return (StatusCode::NOT_MODIFIED, tags).into_response();
        }
        (tags, [(CONTENT_TYPE, content_type)], self.body.clone()).into_response()
    }
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
    let Some((group, versions)) = found else { return no_group(&served, &name) };
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
        (USAGE, USAGE_VERSION) if served.snapshot.usage().is_some() => &discovery.usage,
        _ => return no_group(&served, &format!("{group}/{version}")),
    };
    document.answer(&headers, JSON)
}

/// There is no group or version of this name.
pub(super) fn no_group(generation: &Generation, name: &str) -> Response {
    let served: Vec<_> = generation
        .discovery
        .served
        .iter()
        .flat_map(|(group, versions)| {
            versions.iter().map(move |version| format!("{group}/{version}"))
        })
        .collect();
    let mut message = format!("{name} is not served; there are {}", served.join(", "));
    if name.starts_with(USAGE) && generation.snapshot.usage().is_none() {
        message.push_str("; resourceRules in the configuration say how it is to be served");
    }
    Status::new(StatusCode::NOT_FOUND, message).into()
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
