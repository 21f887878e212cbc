//! Queries as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use leadsman_source::Entity;

/// What is asked of a source: `promql` or `nsxAlb`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Query {
    /// The source.
    pub source: String,
    /// The query in PromQL. `${namespace}` stands for the namespace of a read, `${selector}` for
    /// the matchers of its metric selector. A mapping without `${namespace}` is evaluated once
    /// for the whole cluster.
    pub promql: Option<String>,
    /// What is asked of an NSX ALB controller.
    pub nsx_alb: Option<NsxAlbQuery>,
    /// How old samples may be. A series with older ones is left out; an answer with older ones
    /// alone is an error. For NSX ALB three steps, and at least `1m`, if left out; otherwise of any age. Prometheus
    /// gives samples of an instant query the time of the query.
    pub max_sample_age: Option<String>,
    /// Makes it a range query.
    pub range: Option<Range>,
    /// Set to false for a dialect that is not quite PromQL, so that it is not checked.
    pub check: Option<bool>,
}

/// What is asked of an NSX ALB controller: a metric of one object (`name` or `uuid`), or of all
/// that AKO made for a cluster (`ako`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NsxAlbQuery {
    /// The kind of object.
    pub entity: Entity,
    /// The id of the metric, e.g. `l4_server.avg_open_conns`.
    pub metric: String,
    /// The name of the object.
    pub name: Option<String>,
    /// The uuid of the object.
    pub uuid: Option<String>,
    /// The name that AKO has for the cluster (`AKOSettings.clusterName`). What AKO says of an
    /// object becomes labels: `namespace`, `service`, `ingress`, `host`, `path`, `gateway`,
    /// `http_route` …
    pub ako: Option<String>,
    /// Only objects of this tenant, where the source sees several.
    pub tenant: Option<String>,
    /// Only objects that AKO made for this namespace. `${namespace}` gives each namespace an
    /// evaluation of its own; all of them pick from what one call brought.
    pub namespace: Option<String>,
    /// Whether each server of a pool has a series of its own, with the labels `server` and
    /// `address`.
    #[serde(default)]
    pub servers: bool,
    /// The time between two samples: `5s`, `5m`, `1h` or `1d`. That of the source if left out.
    pub step: Option<String>,
}

/// The span of a range query.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// From the first sample to now.
    pub duration: String,
    /// Between samples.
    pub step: String,
}
