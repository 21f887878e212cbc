//! The configuration as it is written. The published JSON schema derives from these types; each comment
//! is the description of a key there.

mod plugin;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

pub use leadsman_rules::written::{OnSeveral, ResourceRules, Rule};
use leadsman_source::{AlbFormat, Entity, Function, Login, Method, Scheme};

pub use plugin::{Plugin, Registry, Team, TeamLimits, Verify};

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

/// Where metrics come from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// A Prometheus, or anything that answers its HTTP API.
    Prometheus(Box<Prometheus>),
    /// A recording that is played back.
    Recording(Recording),
    /// NSX ALB (VMware Avi Load Balancer): its controller.
    NsxAlb(Box<NsxAlb>),
    /// Pods, the endpoints of a Service, or addresses that expose metrics in the Prometheus text format or
    /// OpenMetrics. They are scraped in the cadence of reads, without a Prometheus.
    Exposition(Box<Exposition>),
}

/// What exposes metrics: one of `pods`, `service`, `url` and `urls`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Exposition {
    /// Pods of the cluster.
    pub pods: Option<ExpositionPods>,
    /// The ready endpoints of a Service of the cluster.
    pub service: Option<ExpositionService>,
    /// An address with its path, e.g. `http://exporter.shop:9100/metrics`.
    pub url: Option<String>,
    /// Several of them.
    #[serde(default)]
    pub urls: Vec<String>,
    /// How long a scrape may take, with its wait for a turn. `3s` if left out.
    pub timeout: Option<String>,
    /// How often a target is scraped at most: queries within this time share a scrape. `5s` if left out.
    pub scrape_at_most_every: Option<String>,
    /// How many scrapes may be under way at once. 50 if left out.
    #[schemars(range(min = 1, max = 1000))]
    pub max_concurrent: Option<u32>,
    /// The bounds of targets. What has more fails alone.
    pub limits: Option<ExpositionLimits>,
    /// Headers for every request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers with files that hold their values. Read again when they change, and never logged.
    #[serde(default)]
    pub header_files: BTreeMap<String, String>,
    /// A file with a bearer token, which every target gets. Read again when it changes.
    pub bearer_token_file: Option<String>,
    /// HTTP basic authentication, which every target gets.
    pub basic_auth: Option<BasicAuth>,
    /// How targets are trusted, and how Leadsman identifies itself to them.
    pub tls: Option<Tls>,
}

/// Pods that are scraped: those that run and are not being deleted.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExpositionPods {
    /// The only namespace. All if left out.
    pub namespace: Option<String>,
    /// Their labels, as `kubectl --selector` takes them: `app=web,tier in (a,b)`.
    pub selector: String,
    /// The port: the name that a container gives it, or its number.
    pub port: Port,
    /// The path. `/metrics` if left out.
    pub path: Option<String>,
    /// `http` or `https`. `http` if left out.
    #[serde(default)]
    pub scheme: Scheme,
    /// How long a pod has been started at least: the first minutes of many say nothing yet. `0s` if
    /// left out.
    pub min_age: Option<String>,
    /// Whether only pods that are ready are scraped. One that fails its probe under load has a load.
    #[serde(default)]
    pub ready_only: bool,
}

/// The endpoints of a Service.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExpositionService {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The port: the name that the Service gives it, or the number at its endpoints.
    pub port: Port,
    /// The path. `/metrics` if left out.
    pub path: Option<String>,
    /// `http` or `https`. `http` if left out.
    #[serde(default)]
    pub scheme: Scheme,
}

/// A port.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Port {
    /// By its number.
    Number(u16),
    /// By its name.
    Name(String),
}

/// The bounds of targets.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExpositionLimits {
    /// How many targets are scraped: the first by namespace and name. 1,000 if left out.
    #[schemars(range(min = 1, max = 10_000))]
    pub targets: Option<u32>,
    /// The largest page, in bytes. 16 MiB if left out.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub bytes: Option<u64>,
    /// How many samples a page has at most. 100,000 if left out.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub series: Option<u32>,
    /// How many labels a sample has at most. 64 if left out.
    #[schemars(range(min = 1, max = 1000))]
    pub labels: Option<u32>,
    /// The memory for the samples that are kept for queries, of all targets, in bytes. 64 MiB if left
    /// out.
    #[schemars(range(min = 65_536, max = 1_073_741_824))]
    pub memory_bytes: Option<u64>,
}

/// The controller of an NSX ALB (VMware Avi Load Balancer).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NsxAlb {
    /// The address, if there is one: that of the cluster of controllers, or of its only node.
    pub url: Option<String>,
    /// The addresses of the nodes, in place of `url`. The next one is asked when one fails.
    #[serde(default)]
    pub urls: Vec<String>,
    /// The user that the controller is asked as.
    pub credentials: AlbCredentials,
    /// How the user is authenticated. `basic` has to be switched on at the controller. `session`
    /// if left out.
    #[serde(default)]
    pub login: Login,
    /// In which form metrics are asked for: `json`, or the text that the controller has for a
    /// `prometheus`, in which samples have no times and no units. `json` if left out.
    #[serde(default)]
    pub format: AlbFormat,
    /// The tenant whose objects are seen, `*` for all. `admin` if left out.
    pub tenant: Option<String>,
    /// The version of the API, not newer than the controller. The controller's own if left out.
    pub api_version: Option<String>,
    /// How long a request may take, with its answer. `10s` if left out.
    pub timeout: Option<String>,
    /// The time between two samples: `5s` (only for objects with real time metrics switched on),
    /// `5m`, `1h` or `1d`. Each metric is asked for once in it. `5m` if left out.
    pub step: Option<String>,
    /// How often objects and their markers are listed. `5m` if left out.
    pub list_every: Option<String>,
    /// The largest answer that is read, in bytes. 64 MiB if left out.
    #[schemars(range(min = 1024))]
    pub max_body_bytes: Option<u64>,
    /// How the controller is trusted, and how Leadsman identifies itself to it.
    pub tls: Option<Tls>,
}

/// The user of a controller.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AlbCredentials {
    /// A folder with the files `username`, and `password` or `token`: a mounted Secret. Read again
    /// when they change.
    pub secret_dir: String,
}

/// A Prometheus.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Prometheus {
    /// The address, with the path below which `/api/v1/query` is found.
    pub url: Option<String>,
    /// Several addresses of the same data, in place of `url`, in order of preference. A query goes
    /// to the first that is up, and to the next one when that fails.
    #[serde(default)]
    pub urls: Vec<String>,
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
    /// Headers with files that hold their values. Read again when they change, and never logged.
    #[serde(default)]
    pub header_files: BTreeMap<String, String>,
    /// Parameters for the URL of every request: `namespace` or `tenant`, as proxies in front of
    /// Thanos and of OpenShift's monitoring require them.
    #[serde(default)]
    pub query_parameters: BTreeMap<String, String>,
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
    /// Values below this are served as exactly 0, so that an HPA can scale to zero.
    pub activation: Option<f64>,
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

/// What stands for values that are not known.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Then {
    /// This value, with a warning that says why.
    pub value: f64,
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
