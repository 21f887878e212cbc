//! The configuration as it is written. The published JSON schema derives from these types; each comment
//! is the description of a key there.

mod activation;
mod chain;
mod delegate;
mod plugin;
mod source;
mod stand_in;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

pub use leadsman_rules::written::{OnSeveral, ResourceRules, Rule};
use leadsman_source::{Entity, Function};

pub use activation::{Activation, Activator, ActivatorTarget};
pub use chain::{Chained, ChainedPlugin};
pub use delegate::{
    Delegate, DelegateApi, DelegateAuth, DelegateLastGood, DelegateOnError, DelegateService,
    FrontProxy, OwnToken,
};
pub use plugin::{Plugin, Registry, Team, TeamLimits, Verify};
pub use source::{
    AlbCredentials, BasicAuth, Exposition, ExpositionLimits, ExpositionPods, ExpositionService,
    NsxAlb, Port, Prometheus, Recording, Source, Tls,
};
pub use stand_in::{Number, ReplicasBehavior, TargetType, Then, Workload};

/// The configuration of Leadsman.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Config {
    /// `leadsman.dev/v1alpha1`.
    pub api_version: ApiVersion,
    /// `Config`.
    pub kind: Kind,
    /// Where metrics come from, by a name of your choice.
    #[serde(default)]
    pub sources: BTreeMap<String, Source>,
    /// Plugins that do not ship with Leadsman, by the name that mappings use.
    #[serde(default)]
    pub plugins: BTreeMap<String, Plugin>,
    /// Which metrics are served, for which objects, and how their values are made.
    #[serde(default)]
    pub mappings: Vec<Mapping>,
    /// How registries are accessed, and the keys that must have signed their plugins. The entry with
    /// the longest prefix of a plugin's reference applies.
    #[serde(default)]
    pub registries: Vec<Registry>,
    /// Every plugin that does not ship with Leadsman must be signed with one of these keys. Only
    /// plugins from registries can be signed.
    pub verify: Option<Verify>,
    /// The namespaces that may have mappings of their own, in ConfigMaps with the label
    /// `leadsman.dev/config: "true"` and the key `config.yaml`, and what they may use. The first
    /// entry that names a namespace applies.
    #[serde(default)]
    pub teams: Vec<Team>,
    /// The objects that exist, where there is no cluster.
    #[serde(default)]
    pub objects: Vec<Object>,
    /// Rules of prometheus-adapter for custom metrics.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Rules of prometheus-adapter for external metrics.
    #[serde(default)]
    pub external_rules: Vec<Rule>,
    /// Rules of prometheus-adapter for resource metrics (`metrics.k8s.io`).
    pub resource_rules: Option<ResourceRules>,
    /// How rules discover series.
    pub discovery: Option<Discovery>,
    /// Other metrics adapters, in the order in which they are asked for what is not served here.
    #[serde(default)]
    pub delegates: Vec<Delegate>,
}

/// How rules discover series.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Discovery {
    /// The source of all rules. `prometheus` if left out, or the only one there is.
    pub source: Option<String>,
    /// How often series are listed. `10m` if left out.
    pub interval: Option<String>,
    /// A series is listed if it had samples within this time. The interval if left out.
    pub max_age: Option<String>,
    /// The maximum time that a read of a rule's metric waits for its value. `1s` if left out.
    pub deadline: Option<String>,
    /// Send for each read exactly the query that prometheus-adapter would send. Otherwise one query
    /// for all objects of a namespace is sent where that does not change any value.
    #[serde(default)]
    pub exact_queries: bool,
    /// The replacement for NaN and infinite values in the metrics of rules. `refuse` if left out.
    #[serde(rename = "onNaN")]
    pub on_nan: Option<OnNan>,
    /// The value of an object for which several series of a rule have different values. `refuse` if
    /// left out.
    pub on_several: Option<OnSeveral>,
}

/// The version of the configuration's format.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The format described here.
    #[serde(rename = "leadsman.dev/v1alpha1")]
    V1Alpha1,
}

/// The kind of the document.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub enum Kind {
    /// A configuration.
    Config,
}

/// A metric, the objects it is served for, and how its values are made.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Mapping {
    /// The name under which the metric is served.
    pub metric: String,
    /// In which API, and for which objects.
    pub serve: Serve,
    /// The queries whose answers the plugin receives, by the name that it knows them by.
    #[serde(default)]
    pub queries: BTreeMap<String, Query>,
    /// The source of queries that the plugin brings itself. Needed if there are several sources.
    pub source: Option<String>,
    /// The plugin: one that ships with Leadsman, or one under `plugins`. Required without `plugins`.
    #[serde(default)]
    pub plugin: String,
    /// Several plugins in place of one. Each gets what the one before it gave, as the answer `previous`,
    /// with the labels `object` and `namespace`, or those of items.
    pub plugins: Option<Vec<Chained>>,
    /// The plugin's configuration.
    #[serde(default)]
    pub config: BTreeMap<String, Value>,
    /// A plugin for shadow evaluation: it runs on the same answers, and its values are compared and
    /// counted, but never served.
    pub candidate: Option<Candidate>,
    /// How long a read waits for an evaluation. `1s` if left out.
    pub deadline: Option<String>,
    /// How old an evaluation may be for a read to be answered from it at once. `30s` if left out.
    pub max_age: Option<String>,
    /// Values that are read are refreshed ahead of the next read, in the cadence of the reads, but
    /// at most this often. `5s` if left out.
    pub refresh_at_most_every: Option<String>,
    /// What a read gets while evaluations fail. `fail` if left out.
    pub on_error: Option<OnError>,
    /// What a read gets for an object without a value. `omit` if left out.
    pub on_absent: Option<OnAbsent>,
    /// What stands for NaN and for infinite values, as 0/0 gives them. `refuse` if left out.
    #[serde(rename = "onNaN")]
    pub on_nan: Option<OnNan>,
    /// How long the previous version of the mapping keeps serving, with a warning that says why, if
    /// the changed version has no values. `5m` if left out.
    pub handover: Option<String>,
    /// Values below this number are served as exactly 0, so that an HPA can scale to zero. Or a
    /// workload that is taken to zero and from zero, where its HPA cannot do that.
    pub activation: Option<Activation>,
    /// What one run of the plugin may use.
    pub limits: Option<Limits>,
}

/// The candidate of a shadow evaluation: another plugin, or another configuration of the same one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Candidate {
    /// The plugin: one that ships with Leadsman, or one under `plugins`.
    pub plugin: String,
    /// Its configuration. That of the mapping if left out.
    pub config: Option<BTreeMap<String, Value>>,
}

/// In which API a metric is served.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Serve {
    /// `custom.metrics.k8s.io`: a value for each object.
    Custom(Custom),
    /// `external.metrics.k8s.io`: items with labels.
    External(External),
}

/// The kind of objects that a custom metric is served for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Custom {
    /// The resource: `pods`, `deployments.apps`, `namespaces`, `widgets.example.com` …
    pub resource: String,
    /// For custom resources: the kind, e.g. `Widget`. A cluster is asked if it is left out;
    /// needed where there is none.
    pub kind: Option<String>,
    /// For custom resources with a `kind`: the version. `v1` if left out.
    pub version: Option<String>,
    /// For custom resources with a `kind`: whether objects live in namespaces. True if left out.
    pub namespaced: Option<bool>,
}

/// An external metric has no settings.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct External {}

/// What is asked of a source: `promql`, `nsxAlb` or `exposition`.
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
    /// What is asked of endpoints that are scraped.
    pub exposition: Option<ExpositionQuery>,
    /// How old samples may be. A series with older ones is left out; an answer with older ones
    /// alone is an error. For NSX ALB three steps, and at least `1m`, if left out; otherwise of any age. Prometheus
    /// gives samples of an instant query the time of the query.
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

/// What is asked of endpoints that are scraped: the series of a metric, or what is made of their last
/// samples.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExpositionQuery {
    /// The name of the metric, as in a line of the page: with `_total`, `_count`, `_bucket` …
    pub metric: String,
    /// Only series whose labels have these values.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Only series whose labels match these regular expressions as a whole: `2..`.
    #[serde(default)]
    pub matches: BTreeMap<String, String>,
    /// What is made of the samples: `last`, `rate` (per second), `increase`, `delta` or `avg`. `last` if
    /// left out.
    #[serde(default)]
    pub function: Function,
    /// The window of the function, from `10s` to `10m`. Until it is filled there is no value.
    pub over: Option<String>,
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

/// What a read gets while evaluations fail.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnError {
    /// An error that says why.
    Fail,
    /// The last good values for a stated time, and then an error or a stated value.
    #[serde(untagged)]
    Stated(StatedOnError),
}

/// What a read gets for a stated time while evaluations fail, and after it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StatedOnError {
    /// The last good values for at most this long, with a warning that names their age.
    pub last_good: String,
    /// What a read gets when they are older, or when there are none. An error if left out.
    pub then: Option<Then>,
}

/// What a read gets for an object without a value.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnAbsent {
    /// Nothing: missing is not zero.
    Omit,
    /// This value.
    Default(f64),
    /// Its last known value for a stated time, and then nothing or a stated value.
    #[serde(untagged)]
    Stated(StatedOnAbsent),
}

/// What a read gets for a stated time for an object without a value, and after it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StatedOnAbsent {
    /// The last known value for at most this long, with a warning that names its age.
    pub last_good: String,
    /// What a read gets when it is older, or when there is none. Nothing if left out.
    pub then: Option<Then>,
}

/// What stands for a value that is NaN or infinite.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnNan {
    /// Nothing: the value is refused, and reads say why.
    Refuse,
    /// Nothing, as if there were no such value: `onAbsent` says what a read gets.
    Absent,
    /// This value.
    Value(f64),
}

/// What one run of a plugin may use.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Limits {
    /// The time. `100ms` if left out.
    pub time: Option<String>,
    /// The memory, in bytes. 64 MiB if left out, which is also the most.
    #[schemars(range(min = 1_048_576, max = 67_108_864))]
    pub memory_bytes: Option<u64>,
    /// How many measures it may return. 100,000 if left out.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_measures: Option<u32>,
}

/// An object that exists.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Object {
    /// The resource, as in `serve`.
    pub resource: String,
    /// The namespace. Left out for objects that live in none.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// The labels, which selectors look at.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The IP address of a pod, for plugins that ask for it.
    pub address: Option<String>,
}
