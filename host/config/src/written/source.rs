//! Sources as they are written.

use std::collections::BTreeMap;

use leadsman_source::{AlbFormat, Login, Method, Scheme};
use schemars::JsonSchema;
use serde::Deserialize;

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
    /// `5m`, `1h` or `1d`; or `auto`: `5s` for objects with real time metrics, and `5m` for the
    /// others. Each metric is asked for once in it. `5m` if left out.
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
    /// The user, or `usernameFile`.
    pub username: Option<String>,
    /// A file with the user. Read again when it changes.
    pub username_file: Option<String>,
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
