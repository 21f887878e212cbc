//! Objects of a controller that have metrics, and lists of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::reply::Reply;
use crate::wire::Request;

/// A kind of object that has metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Pool,
    VirtualService,
    ServiceEngine,
}

/// A pool, or an object of another kind with a uuid, a name and metrics.
#[derive(Debug, Clone)]
pub struct Pool {
    kind: Kind,
    uuid: String,
    name: String,
    tenant: String,
    markers: Vec<(String, String)>,
    created_by: Option<String>,
    values: BTreeMap<String, f64>,
    servers: BTreeMap<String, Server>,
    /// How old its newest sample is, in seconds, beyond what the step makes it.
    behind: u64,
    /// Whether its analytics policy has real time metrics switched on; `None` if it does not say.
    real_time: Option<bool>,
    /// Whether the controller says of its metrics that they must not be summed.
    sum_invalid: bool,
}

/// A server of a pool: its value of a metric, or of every other one.
#[derive(Debug, Clone, Default)]
struct Server {
    value: f64,
    own: BTreeMap<String, f64>,
}

impl Pool {
    /// A pool that somebody made by hand.
    pub fn new(uuid: &str, name: &str) -> Self {
        Self {
            kind: Kind::Pool,
            uuid: uuid.to_owned(),
            name: name.to_owned(),
            tenant: "admin".to_owned(),
            markers: Vec::new(),
            created_by: None,
            values: BTreeMap::new(),
            servers: BTreeMap::new(),
            behind: 0,
            real_time: None,
            sum_invalid: false,
        }
    }

    /// One that AKO made for a cluster, with its markers besides `clustername`.
    pub fn of_ako(uuid: &str, name: &str, cluster: &str, markers: &[(&str, &str)]) -> Self {
        let all = [("clustername", cluster)].into_iter().chain(markers.iter().copied());
        Self {
            markers: all.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            created_by: Some(format!("ako-{cluster}")),
            ..Self::new(uuid, name)
        }
    }

    /// The same as a virtual service.
    pub fn virtual_service(self) -> Self {
        Self { kind: Kind::VirtualService, ..self }
    }

    /// The same as a service engine.
    pub fn service_engine(self) -> Self {
        Self { kind: Kind::ServiceEngine, ..self }
    }

    /// The same in another tenant.
    pub fn of_tenant(mut self, tenant: &str) -> Self {
        tenant.clone_into(&mut self.tenant);
        self
    }

    /// The same with the value of a metric.
    pub fn with(mut self, metric: &str, value: f64) -> Self {
        self.set(metric, value);
        self
    }

    /// The same with a server that has this value of every metric.
    pub fn server(mut self, server: &str, value: f64) -> Self {
        self.servers.entry(server.to_owned()).or_default().value = value;
        self
    }

    /// The same with a server that has this value of one metric.
    pub fn server_with(mut self, server: &str, metric: &str, value: f64) -> Self {
        let known = self.servers.entry(server.to_owned()).or_default();
        known.own.insert(metric.to_owned(), value);
        self
    }

    /// The same with an analytics policy that has real time metrics switched on or off.
    pub fn real_time(mut self, switched_on: bool) -> Self {
        self.real_time = Some(switched_on);
        self
    }

    /// The same with metrics of which the controller says that they must not be summed.
    pub fn sum_invalid(mut self) -> Self {
        self.sum_invalid = true;
        self
    }

    /// Sets the value of a metric.
    pub fn set(&mut self, metric: &str, value: f64) {
        self.values.insert(metric.to_owned(), value);
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Gives samples that are older by this.
    pub fn lag_behind(&mut self, seconds: u64) {
        self.behind = seconds;
    }

    pub(super) fn behind(&self) -> u64 {
        self.behind
    }

    pub(super) fn is_sum_invalid(&self) -> bool {
        self.sum_invalid
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn uuid(&self) -> &str {
        &self.uuid
    }

    pub(super) fn tenant(&self) -> &str {
        &self.tenant
    }

    pub(super) fn value(&self, metric: &str) -> Option<f64> {
        self.values.get(metric).copied()
    }

    /// The servers, with their values of a metric.
    pub(super) fn servers(&self, metric: &str) -> impl Iterator<Item = (&str, f64)> {
        self.servers.iter().map(move |(name, server)| {
            (name.as_str(), server.own.get(metric).copied().unwrap_or(server.value))
        })
    }

    fn listed(&self) -> Value {
        let marker = |(key, value): &(String, String)| json!({"key": key, "values": [value]});
        let mut listed = json!({
            "uuid": self.uuid,
            "name": self.name,
            "tenant_ref": format!("https://controller/api/tenant/{0}#{0}", self.tenant),
            "url": format!("https://controller/api/{}/{}", self.kind.name(), self.uuid),
        });
        if let Some(created_by) = &self.created_by {
            listed["created_by"] = created_by.as_str().into();
            listed["markers"] = self.markers.iter().map(marker).collect();
        }
        if let Some(enabled) = self.real_time {
            listed["analytics_policy"] = match self.kind {
                Kind::VirtualService => {
                    json!({"metrics_realtime_update": {"enabled": enabled, "duration": 30}})
                }
                Kind::Pool | Kind::ServiceEngine => json!({"enable_realtime_metrics": enabled}),
            };
        }
        listed
    }
}

impl Kind {
    const ALL: [Self; 3] = [Self::Pool, Self::VirtualService, Self::ServiceEngine];

    /// Its name in paths.
    fn name(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::VirtualService => "virtualservice",
            Self::ServiceEngine => "serviceengine",
        }
    }

    /// The kind whose list has a path.
    pub(super) fn of_list(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| path == format!("/api/{}/", kind.name()))
    }

    /// The kind of the object whose metrics have a path, and its uuid.
    pub(super) fn of_metrics(path: &str) -> Option<(Self, &str)> {
        let rest = path.strip_prefix("/api/analytics/metrics/")?;
        let (name, uuid) = rest.split_once('/')?;
        let kind = Self::ALL.into_iter().find(|kind| kind.name() == name)?;
        Some((kind, uuid.trim_end_matches('/')))
    }

    /// The kind of what a collection of metrics calls so.
    pub(super) fn of_metric_entity(name: &str) -> Option<Self> {
        match name {
            "POOL_METRICS_ENTITY" => Some(Self::Pool),
            "VSERVER_METRICS_ENTITY" => Some(Self::VirtualService),
            "SE_METRICS_ENTITY" => Some(Self::ServiceEngine),
            _ => None,
        }
    }
}

/// `GET /api/pool/`, and of other kinds: 25 objects a page unless more are asked for, and never more
/// than 200.
pub(super) fn page(request: &Request, kind: Kind, pools: &[Pool], repeats: bool) -> Reply {
    let number = |name: &str, usual: usize| {
        request.parameter(name).and_then(|text| text.parse().ok()).unwrap_or(usual)
    };
    let (page, size) = (number("page", 1).max(1), number("page_size", 25).clamp(1, 200));
    let is_meant = |pool: &&Pool| {
        pool.kind == kind
            && request.parameter("name").is_none_or(|name| pool.name == name)
            && request
                .parameter("created_by")
                .is_none_or(|by| pool.created_by.as_deref() == Some(by))
    };
    let meant: Vec<_> = pools.iter().filter(is_meant).collect();
    let last = meant.len().div_ceil(size).max(1);
    let page = if repeats { page.min(last) } else { page };
    let results: Vec<_> =
        meant.iter().skip((page - 1) * size).take(size).map(|pool| pool.listed()).collect();
    let mut body = json!({"count": meant.len(), "results": results});
    if repeats || page < last {
        let next = format!("https://controller/api/{}?page={}", kind.name(), page + 1);
        body["next"] = next.into();
    }
    Reply::json(200, &body)
}
