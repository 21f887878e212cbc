//! Sources as they are written: addresses, credentials and TLS.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use leadsman_source::{Login, Method};

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
}

/// The controller of an NSX ALB (VMware Avi Load Balancer).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NsxAlb {
    /// The address, if there is only one: that of the cluster of controllers, or of its only node.
    pub url: Option<String>,
    /// The addresses of the nodes, instead of `url`. If one fails, the next one is used.
    #[serde(default)]
    pub urls: Vec<String>,
    /// The user for requests to the controller.
    pub credentials: AlbCredentials,
    /// How the user is authenticated. `basic` has to be switched on at the controller. `session`
    /// if left out.
    #[serde(default)]
    pub login: Login,
    /// The tenant whose objects are visible, `*` for all. `admin` if left out.
    pub tenant: Option<String>,
    /// The version of the API, not newer than the controller. The controller's own if left out.
    pub api_version: Option<String>,
    /// The time limit of a request, including its answer. `10s` if left out.
    pub timeout: Option<String>,
    /// The time between two samples: `5s` (only for objects with real time metrics switched on),
    /// `5m`, `1h` or `1d`. Each metric is queried once per step. `5m` if left out.
    pub step: Option<String>,
    /// How often objects and their markers are listed. `5m` if left out.
    pub list_every: Option<String>,
    /// The maximum size of an answer, in bytes. 64 MiB if left out.
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
    pub url: String,
    /// The time limit of a query, including its answer. `5s` if left out.
    pub timeout: Option<String>,
    /// The maximum size of an answer, in bytes. 16 MiB if left out.
    #[schemars(range(min = 1024))]
    pub max_body_bytes: Option<u64>,
    /// The maximum number of concurrent queries. 20 if left out.
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
    /// The speed of playback, relative to the recording. 1 if left out.
    pub speed: Option<f64>,
    /// Where in the recording to begin, e.g. `2m`. At its start if left out.
    pub start_at: Option<String>,
}
