//! The configuration as it is valid: every name resolved, every default filled in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::template::Template;
use crate::model::names::{MetricName, Namespace};
use crate::model::quantity::Quantity;
use crate::model::resource::Resource;

pub use super::written::Method;

/// A configuration without faults.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The sources by name.
    pub sources: BTreeMap<String, Source>,
    /// Plugin files by name.
    pub plugins: BTreeMap<String, PathBuf>,
    /// The mappings, no two of them for the same metric and resource.
    pub mappings: Vec<Mapping>,
    /// The objects that exist.
    pub objects: Vec<Object>,
}

/// A source.
#[derive(Debug, Clone)]
pub enum Source {
    /// A Prometheus.
    Prometheus(Box<Prometheus>),
    /// A recording.
    Recording(Recording),
}

/// A Prometheus.
#[derive(Debug, Clone)]
pub struct Prometheus {
    /// Ends without a slash.
    pub url: String,
    /// For a query with its answer.
    pub timeout: Duration,
    /// The largest answer.
    pub max_body_bytes: usize,
    /// How many queries at once.
    pub max_concurrent: usize,
    /// GET, POST or either.
    pub method: Method,
    /// For every request.
    pub headers: http::HeaderMap,
    /// How requests are authenticated.
    pub credentials: Credentials,
    /// Certificates.
    pub tls: Tls,
    /// Whether warnings are a failure.
    pub fail_on_warnings: bool,
}

/// How requests are authenticated.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Not at all, or by a header or certificate.
    None,
    /// With the token in a file.
    BearerFile(PathBuf),
    /// With a name and the password in a file.
    Basic {
        /// The name.
        username: String,
        /// The file.
        password_file: PathBuf,
    },
}

/// Certificates for a connection.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Client certificate and key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Trust anyone.
    pub insecure_skip_verify: bool,
}

/// A recording.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The file.
    pub file: PathBuf,
    /// How many times faster than recorded.
    pub speed: f64,
    /// Where in the recording to begin.
    pub start_at: Duration,
}

/// A mapping.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Where it stands in the document.
    pub place: String,
    /// The metric's name.
    pub metric: MetricName,
    /// In which API.
    pub serve: Serve,
    /// Its own queries.
    pub queries: Vec<Query>,
    /// The source of queries that the plugin brings.
    pub source: Option<String>,
    /// The plugin's name.
    pub plugin: String,
    /// The plugin's configuration.
    pub config: serde_json::Value,
    /// What reads get.
    pub policy: Policy,
    /// What one run of the plugin may use.
    pub limits: Limits,
}

/// In which API a metric is served.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Serve {
    /// A value for each object of a kind.
    Custom(Resource),
    /// Items with labels.
    External,
}

impl Serve {
    /// How a mapping of this metric is called in logs, metrics and messages: `pods/http_requests`.
    pub fn title(&self, metric: &MetricName) -> String {
        match self {
            Self::Custom(resource) => format!("{resource}/{metric}"),
            Self::External => format!("external/{metric}"),
        }
    }
}

/// What is asked of a source.
#[derive(Debug, Clone)]
pub struct Query {
    /// The name that the plugin knows it by.
    pub name: String,
    /// The source.
    pub source: String,
    /// The text.
    pub promql: Template,
    /// Duration and step of a range query.
    pub range: Option<(Duration, Duration)>,
}

/// What reads get, and when.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// How long a read waits.
    pub deadline: Duration,
    /// How old values may be to count as current.
    pub max_age: Duration,
    /// How often values may be refreshed ahead of reads.
    pub refresh_at_most_every: Duration,
    /// How old they may be while evaluations fail; `None` to fail.
    pub last_good: Option<Duration>,
    /// What stands for an absent value.
    pub default: Option<Quantity>,
    /// Below this is 0.
    pub activation: Option<f64>,
}

/// What one run of a plugin may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The time.
    pub time: Duration,
    /// The memory in bytes.
    pub memory: usize,
    /// How many measures.
    pub measures: usize,
}

/// The most memory that a plugin can be given: the size of a slot of the pool.
pub const MAX_MEMORY: usize = 64 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_millis(100), memory: MAX_MEMORY, measures: 100_000 }
    }
}

/// An object that exists.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its kind.
    pub resource: Resource,
    /// Its namespace, if it lives in one.
    pub namespace: Option<Namespace>,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}
