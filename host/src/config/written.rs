//! The configuration as it is written. What stands here is published as a JSON schema; each
//! comment is the description of a key there.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

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
    /// The objects that exist, where there is no cluster to ask.
    #[serde(default)]
    pub objects: Vec<Object>,
    /// Rules of prometheus-adapter. Not supported yet: must be empty.
    #[serde(default)]
    pub rules: Vec<Value>,
    /// External rules of prometheus-adapter. Not supported yet: must be empty.
    #[serde(default)]
    pub external_rules: Vec<Value>,
    /// Resource rules of prometheus-adapter. Not supported yet: must be empty.
    #[serde(default)]
    pub resource_rules: BTreeMap<String, Value>,
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

/// Where metrics come from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// A Prometheus, or anything that answers its HTTP API.
    Prometheus(Box<Prometheus>),
    /// A recording that is played back.
    Recording(Recording),
}

/// A Prometheus.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Prometheus {
    /// The address, with the path below which `/api/v1/query` is found.
    pub url: String,
    /// How long a query may take, with its answer. `5s` if left out.
    pub timeout: Option<String>,
    /// The largest answer that is read, in bytes. 16 MiB if left out.
    #[schemars(range(min = 1024))]
    pub max_body_bytes: Option<u64>,
    /// How many queries may be under way at once. 20 if left out.
    #[schemars(range(min = 1, max = 10000))]
    pub max_concurrent: Option<u32>,
    /// `auto` sends short queries by GET and long ones by POST.
    #[serde(default)]
    pub method: Method,
    /// Headers for every request, e.g. `X-Scope-OrgID`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A file with a bearer token. Read again when it changes.
    pub bearer_token_file: Option<String>,
    /// HTTP basic authentication.
    pub basic_auth: Option<BasicAuth>,
    /// How the server is trusted, and how Leadsman identifies itself to it.
    pub tls: Option<Tls>,
    /// Whether an answer with warnings (a partial answer of Thanos, say) is a failure.
    #[serde(default)]
    pub fail_on_warnings: bool,
}

/// The HTTP method of queries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Method {
    /// GET for short queries, POST for long ones.
    #[default]
    Auto,
    /// Always GET.
    Get,
    /// Always POST.
    Post,
}

/// HTTP basic authentication.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BasicAuth {
    /// The user.
    pub username: String,
    /// A file with the password. Read again when it changes.
    pub password_file: String,
}

/// How a server is trusted, and how Leadsman identifies itself to it. Files are read again when
/// they change.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tls {
    /// PEM file with the certificates of the authorities to trust instead of the system's.
    pub ca_file: Option<String>,
    /// PEM file with the client certificate.
    pub cert_file: Option<String>,
    /// PEM file with the key of the client certificate.
    pub key_file: Option<String>,
    /// Trust any certificate. For tests only: anyone in between can read and change the answers.
    #[serde(default)]
    pub insecure_skip_verify: bool,
}

/// A recording that is played back in a loop.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Recording {
    /// The file, relative to this one.
    pub file: String,
    /// How many times faster than it was recorded. 1 if left out.
    pub speed: Option<f64>,
    /// Where in the recording to begin, e.g. `2m`. At its start if left out.
    pub start_at: Option<String>,
}

/// Where a plugin comes from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Plugin {
    /// A file with a component, relative to this one.
    pub file: String,
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
    /// The plugin: one that ships with Leadsman, or one under `plugins`.
    pub plugin: String,
    /// The plugin's configuration.
    #[serde(default)]
    pub config: BTreeMap<String, Value>,
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
    /// Values below this are served as exactly 0, so that an HPA can scale to zero.
    pub activation: Option<f64>,
    /// What one run of the plugin may use.
    pub limits: Option<Limits>,
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

/// What is asked of a source.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Query {
    /// The source.
    pub source: String,
    /// The query in PromQL. `${namespace}` stands for the namespace of a read, `${selector}` for
    /// the matchers of its metric selector. A mapping without `${namespace}` is evaluated once
    /// for the whole cluster.
    pub promql: String,
    /// Makes it a range query.
    pub range: Option<Range>,
    /// Set to false for a dialect that is not quite PromQL, so that it is not checked.
    pub check: Option<bool>,
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
    /// The last good values for at most this long, with a warning that names their age.
    LastGood(String),
}

/// What a read gets for an object without a value.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnAbsent {
    /// Nothing: missing is not zero.
    Omit,
    /// This value.
    Default(f64),
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
}
