//! The requests to a controller: paths and bodies. Every parameter whose default would change the answer is
//! set, above all `pad_missing_data`, which makes a controller invent samples.

use std::sync::Arc;

use reqwest::Url;
use serde_json::{Value, json};

use super::query::Entity;
use super::settings::Step;
use super::text::TextRequest;

/// Metrics of one family for one object, or for all of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MetricRequest {
    pub(super) entity: Entity,
    pub(super) target: Target,
    /// Whether each server of a pool has a series of its own.
    pub(super) servers: bool,
    pub(super) step: Step,
    pub(super) metrics: Vec<Arc<str>>,
}

/// The objects of a metric request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Target {
    /// All of the kind that the tenant has.
    All,
    /// The one of this uuid.
    One(Arc<str>),
}

/// The objects of a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Filter {
    /// All.
    All,
    /// Those that AKO created for a cluster.
    Ako(String),
    /// Those of a name: one in each tenant.
    Name(String),
}

/// A call: a path with its query, and a body if it is a POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// Its kind, by which it is counted.
    pub(super) kind: CallKind,
    pub(super) path: String,
    pub(super) body: Option<String>,
}

/// The purpose of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CallKind {
    Login,
    Logout,
    Status,
    Version,
    Objects,
    Metrics,
    /// In the Prometheus format.
    MetricsText,
}

impl CallKind {
    pub(super) const ALL: [Self; 7] = [
        Self::Login,
        Self::Logout,
        Self::Status,
        Self::Version,
        Self::Objects,
        Self::Metrics,
        Self::MetricsText,
    ];

    /// Its name in metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Logout => "logout",
            Self::Status => "status",
            Self::Version => "version",
            Self::Objects => "objects",
            Self::Metrics => "metrics",
            Self::MetricsText => "metrics_text",
        }
    }

    /// What it requests, within a sentence.
    pub(super) fn described(self) -> &'static str {
        match self {
            Self::Login | Self::Logout => "its session",
            Self::Status => "the status of the cluster",
            Self::Version => "the version",
            Self::Objects => "pools and virtual services",
            Self::Metrics | Self::MetricsText => "metrics",
        }
    }
}

/// The size of a page of objects: the maximum of a controller.
const PAGE_SIZE: &str = "200";

/// The maximum number of metrics in a URL: proxies limit URLs to 2 to 8 KiB.
const MAX_GET_METRICS: usize = 20;

/// The requested fields of an object.
const FIELDS: &str = "name,uuid,markers,service_metadata,created_by,tenant_ref,analytics_policy";

/// The metrics of one object, or of several in one call.
pub(super) fn metrics(requests: &[MetricRequest]) -> Call {
    if let [request] = requests
        && let Target::One(uuid) = &request.target
        && !request.servers
        && request.metrics.len() <= MAX_GET_METRICS
    {
        return Call { kind: CallKind::Metrics, path: one(request, uuid), body: None };
    }
    let path = path(
        &["api", "analytics", "metrics", "collection"],
        &[("pad_missing_data", "false"), ("include_name", "true"), ("include_refs", "true")],
    );
    // Without the wrapper a controller says 404.
    let body = json!({"metric_requests": requests.iter().map(body).collect::<Vec<_>>()});
    Call { kind: CallKind::Metrics, path, body: Some(body.to_string()) }
}

fn body(request: &MetricRequest) -> Value {
    let uuid = match &request.target {
        Target::All => "*",
        Target::One(uuid) => uuid,
    };
    let mut body = json!({
        "metric_entity": request.entity.metric_entity(),
        "entity_uuid": uuid,
        "metric_id": request.metrics.join(","),
        "step": request.step.seconds(),
        "limit": 1,
        "pad_missing_data": false,
        "include_statistics": false,
        "detailed_header": true,
        "order": "ascending",
    });
    if request.servers {
        body["obj_id"] = "*".into();
    }
    body
}

fn one(request: &MetricRequest, uuid: &str) -> String {
    let (metrics, step) = (request.metrics.join(","), request.step.seconds().to_string());
    path(
        &["api", "analytics", "metrics", request.entity.name(), uuid, ""],
        &[
            ("metric_id", metrics.as_str()),
            ("step", step.as_str()),
            ("limit", "1"),
            ("pad_missing_data", "false"),
            ("include_statistics", "false"),
            ("detailed_header", "true"),
            ("order", "ascending"),
        ],
    )
}

/// Metrics in the Prometheus format, of a tenant.
pub(super) fn text(request: &TextRequest, tenant: &str) -> Call {
    let (metrics, objects) = (request.metrics.join(","), request.objects.join(","));
    let mut parameters = vec![
        ("metric_id", metrics.as_str()),
        ("tenant", tenant),
        ("description", "false"),
        // Without it averages of five minutes come, whatever is switched on.
        ("realtime", if request.step == Step::FiveSeconds { "true" } else { "false" }),
    ];
    if !objects.is_empty() {
        parameters.push(("entity_id", objects.as_str()));
    }
    let segments = ["api", "analytics", "prometheus-metrics", request.entity.name(), ""];
    Call { kind: CallKind::MetricsText, path: path(&segments, &parameters), body: None }
}

/// A page of a list of objects, from 1.
pub(super) fn objects(entity: Entity, filter: &Filter, page: u32) -> Call {
    let page = page.to_string();
    let created_by;
    let mut parameters = vec![
        ("fields", FIELDS),
        ("page_size", PAGE_SIZE),
        ("page", page.as_str()),
        ("include_name", "true"),
    ];
    match filter {
        Filter::All => {}
        Filter::Ako(cluster) => {
            created_by = format!("ako-{cluster}");
            parameters.push(("created_by", created_by.as_str()));
        }
        Filter::Name(name) => parameters.push(("name", name.as_str())),
    }
    let path = path(&["api", entity.name(), ""], &parameters);
    Call { kind: CallKind::Objects, path, body: None }
}

/// A path with its query, encoded.
fn path(segments: &[&str], parameters: &[(&str, &str)]) -> String {
    let Ok(mut url) = Url::parse("https://controller.invalid") else { return String::new() };
    if let Ok(mut path) = url.path_segments_mut() {
        path.clear().extend(segments);
    }
    url.query_pairs_mut().extend_pairs(parameters);
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: Target, servers: bool) -> MetricRequest {
        MetricRequest {
            entity: Entity::Pool,
            target,
            servers,
            step: Step::FiveMinutes,
            metrics: vec!["l4_server.avg_open_conns".into(), "l4_server.avg_bandwidth".into()],
        }
    }

    #[test]
    fn one_object_is_asked_for_with_every_default_overridden() {
        let call = metrics(&[request(Target::One("pool-1/x".into()), false)]);
        assert_eq!(call.body, None);
        assert_eq!(
            call.path,
            "/api/analytics/metrics/pool/pool-1%2Fx/?metric_id=l4_server.avg_open_conns%2C\
             l4_server.avg_bandwidth&step=300&limit=1&pad_missing_data=false\
             &include_statistics=false&detailed_header=true&order=ascending"
        );
    }

    #[test]
    fn many_objects_are_one_post_with_the_wrapper() {
        let call = metrics(&[
            request(Target::All, false),
            MetricRequest { step: Step::FiveSeconds, ..request(Target::One("p".into()), true) },
        ]);
        assert_eq!(
            call.path,
            "/api/analytics/metrics/collection?pad_missing_data=false&include_name=true\
             &include_refs=true"
        );
        let body: Value = serde_json::from_str(&call.body.unwrap()).unwrap();
        assert_eq!(
            body,
            json!({"metric_requests": [
                {"metric_entity": "POOL_METRICS_ENTITY", "entity_uuid": "*", "step": 300,
                 "metric_id": "l4_server.avg_open_conns,l4_server.avg_bandwidth", "limit": 1,
                 "pad_missing_data": false, "include_statistics": false,
                 "detailed_header": true, "order": "ascending"},
                {"metric_entity": "POOL_METRICS_ENTITY", "entity_uuid": "p", "step": 5,
                 "metric_id": "l4_server.avg_open_conns,l4_server.avg_bandwidth", "limit": 1,
                 "pad_missing_data": false, "include_statistics": false,
                 "detailed_header": true, "order": "ascending", "obj_id": "*"},
            ]})
        );
    }

    #[test]
    fn the_prometheus_format_is_asked_for_by_tenant_and_without_descriptions() {
        let request = |objects: &[&str], step| TextRequest {
            entity: Entity::Pool,
            objects: objects.iter().map(|&uuid| uuid.into()).collect(),
            step,
            metrics: vec!["l4_server.avg_open_conns".into()],
        };
        let call = text(&request(&[], Step::FiveMinutes), "a&b");
        assert_eq!(
            call.path,
            "/api/analytics/prometheus-metrics/pool/?metric_id=l4_server.avg_open_conns\
             &tenant=a%26b&description=false&realtime=false"
        );
        let call = text(&request(&["pool-1", "pool-2"], Step::FiveSeconds), "admin");
        assert!(call.path.ends_with("&realtime=true&entity_id=pool-1%2Cpool-2"), "{}", call.path);
        assert_eq!(call.body, None);
    }

    #[test]
    fn lists_are_asked_for_in_the_largest_pages() {
        let call = objects(Entity::VirtualService, &Filter::Ako("k8s-03".into()), 2);
        assert_eq!(
            call.path,
            "/api/virtualservice/?fields=name%2Cuuid%2Cmarkers%2Cservice_metadata%2Ccreated_by%2C\
             tenant_ref%2Canalytics_policy&page_size=200&page=2&include_name=true&created_by=ako-k8s-03"
        );
        let call = objects(Entity::Pool, &Filter::Name("a&b".into()), 1);
        assert!(call.path.ends_with("&page=1&include_name=true&name=a%26b"), "{}", call.path);
    }
}
