//! Queries as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use leadsman_source::Entity;

/// A query to a source: `promql` or `nsxAlb`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Query {
    /// The source.
    pub source: String,
    /// The query in PromQL. `${namespace}` stands for the namespace of a read, `${selector}` for
    /// the matchers of its metric selector. A mapping without `${namespace}` is evaluated once
    /// for the whole cluster.
    pub promql: Option<String>,
    /// The query to an NSX ALB controller.
    pub nsx_alb: Option<NsxAlbQuery>,
    /// The maximum age of samples. A series with older ones is left out; an answer with older ones
    /// only is an error. If left out, three steps and at least `1m` for NSX ALB, and no limit for
    /// others. Prometheus gives samples of an instant query the time of the query.
    pub max_sample_age: Option<String>,
    /// Makes this a range query.
    pub range: Option<Range>,
    /// Whether the query is checked. Set to false for dialects of PromQL. True if left out.
    pub check: Option<bool>,
}

/// A query to an NSX ALB controller: a metric of one object (`name` or `uuid`), or of all that AKO
/// created for a cluster (`ako`).
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
