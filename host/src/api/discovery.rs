//! Discovery documents, precomputed for each snapshot: they never wait for anything.

use std::collections::HashSet;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::ApiState;
use super::status::{JSON, Status};
use crate::config::valid::Serve;
use crate::snapshot::Snapshot;

const CUSTOM: &str = "custom.metrics.k8s.io";
const EXTERNAL: &str = "external.metrics.k8s.io";

/// Groups and their versions, the preferred one first.
const GROUPS: [(&str, &[&str]); 2] = [(CUSTOM, &["v1beta2", "v1beta1"]), (EXTERNAL, &["v1beta1"])];

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
    groups: Document,
    aggregated: Document,
    custom: [Document; 2],
    external: Document,
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
        let entries = |group: &str| if group == CUSTOM { &custom } else { &external };
        let groups: Vec<_> =
            GROUPS.iter().map(|(group, versions)| describe(group, versions)).collect();
        let aggregated: Vec<_> = GROUPS
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
        }
    }
}

fn entries(snapshot: &Snapshot) -> (Vec<Entry>, Vec<Entry>) {
    let (mut custom, mut external) = (Vec::new(), Vec::new());
    for evaluations in snapshot.mappings() {
        let mapping = evaluations.mapping();
        let metric = mapping.metric.to_string();
        match &mapping.serve {
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
        }
    }
    // Several teams may serve the same, each in its own namespace.
    for entries in [&mut custom, &mut external] {
        let mut seen = HashSet::new();
        entries.retain(|entry: &Entry| {
            seen.insert((entry.resource.clone(), entry.subresource.clone()))
        });
    }
    (custom, external)
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
                "kind": entry.kind, "verbs": ["get"],
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
                "singularResource": "", "verbs": ["get"],
            }));
            continue;
        };
        let subresource = json!({"subresource": metric, "responseKind": kind, "verbs": ["get"]});
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
pub(super) async fn group(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some((group, versions)) = GROUPS.iter().find(|(group, _)| *group == name) else {
        return no_group(&name);
    };
    let mut document = describe(group, versions);
    document["kind"] = "APIGroup".into();
    document["apiVersion"] = "v1".into();
    Document::new(&document).answer(&headers, JSON)
}

/// `/apis/{group}/{version}`
pub(super) async fn resources(
    State(state): State<ApiState>,
    Path((group, version)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let served = state.served.now();
    let discovery = &served.discovery;
    let document = match (group.as_str(), version.as_str()) {
        (CUSTOM, "v1beta1") => &discovery.custom[0],
        (CUSTOM, "v1beta2") => &discovery.custom[1],
        (EXTERNAL, "v1beta1") => &discovery.external,
        _ => return no_group(&format!("{group}/{version}")),
    };
    document.answer(&headers, JSON)
}

fn no_group(name: &str) -> Response {
    let served: Vec<_> = GROUPS
        .iter()
        .flat_map(|(group, versions)| {
            versions.iter().map(move |version| format!("{group}/{version}"))
        })
        .collect();
    let message = format!("{name} is not served; there are {}", served.join(", "));
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
