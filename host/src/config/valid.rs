//! The configuration as it is valid: every name resolved, every default filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::template::Template;
use crate::model::names::{MetricName, Namespace};
use crate::model::quantity::Quantity;
use crate::model::reference::Reference;
use crate::model::resource::Resource;
use crate::rules::{ResourceRules, Rule};

pub use super::written::Method;

/// A configuration without faults.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The sources by name.
    pub sources: BTreeMap<String, Source>,
    /// Plugins by name.
    pub plugins: BTreeMap<String, Plugin>,
    /// The mappings, no two of them for the same metric and resource.
    pub mappings: Vec<Mapping>,
    /// The objects that exist.
    pub objects: Vec<Object>,
    /// How registries are reached.
    pub registries: Vec<Registry>,
    /// Whose signature every plugin needs.
    pub verify: Option<KeySource>,
    /// Who may bring mappings of their own.
    pub teams: Vec<Team>,
    /// Rules of prometheus-adapter, if there are any.
    pub rules: Option<Arc<Rules>>,
}

/// Rules of prometheus-adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Those for custom metrics, then those for external ones.
    pub rules: Vec<Rule>,
    /// Those for `metrics.k8s.io`.
    pub usage: Option<Usage>,
    /// How they find series.
    pub discovery: Discovery,
}

impl Rules {
    /// Which series they ask for, each once.
    pub fn series_queries(&self) -> BTreeSet<&str> {
        self.rules.iter().map(|rule| rule.series_query.as_str()).collect()
    }
}

/// What nodes and pods use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The queries.
    pub rules: ResourceRules,
    /// The time that the values are an average of.
    pub window: Duration,
}

/// How rules find series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The source of all rules.
    pub source: String,
    /// How often series are listed.
    pub interval: Duration,
    /// A series is listed if it had samples within this time.
    pub max_age: Duration,
    /// Whether the very queries of prometheus-adapter are sent.
    pub exact_queries: bool,
}

/// A plugin that does not ship with Leadsman.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// Where it stands in the document.
    pub place: String,
    /// Where its bytes are.
    pub location: Location,
    /// The largest component.
    pub max_bytes: u64,
    /// Whose signature it needs.
    pub verify: Option<KeySource>,
}

/// Where the bytes of a plugin are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In a file.
    File(PathBuf),
    /// In the ConfigMap that the document stands in, under this key.
    Key(String),
    /// In a registry.
    Oci(Oci),
}

/// An artifact in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oci {
    /// Which one.
    pub reference: Reference,
    /// How often a tag is looked up.
    pub check_every: Duration,
    /// With what the registry is asked.
    pub pull_secret: Option<PullSecret>,
}

/// Credentials of registries.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PullSecret {
    /// In a file.
    File(PathBuf),
    /// In a Secret in the namespace of the document.
    Secret(String),
}

/// Where public keys are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeySource {
    /// In a file.
    File(PathBuf),
    /// Here, as PEM.
    Pem(String),
}

/// How a registry, or a part of one, is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    /// What references begin with.
    pub prefix: String,
    /// Authorities to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Ask without TLS.
    pub plain_http: bool,
    /// Credentials.
    pub pull_secret_file: Option<PathBuf>,
    /// Whose signature its plugins need.
    pub verify: Option<KeySource>,
    /// Whether references must name a digest.
    pub require_digest: bool,
}

/// What some namespaces may bring themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// The namespaces; a `*` at the end stands for any rest.
    pub namespaces: Vec<String>,
    /// The sources that they may query.
    pub sources: Vec<String>,
    /// What the references of their plugins may begin with.
    pub registries: Vec<String>,
    /// Whose signature their plugins need.
    pub verify: Option<KeySource>,
    /// What they may use.
    pub limits: TeamLimits,
}

impl Team {
    /// Whether this is about a namespace.
    pub fn names(&self, namespace: &Namespace) -> bool {
        self.namespaces.iter().any(|name| match name.strip_suffix('*') {
            Some(start) => namespace.as_str().starts_with(start),
            None => name == namespace.as_str(),
        })
    }
}

/// What all ConfigMaps of one namespace may use together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TeamLimits {
    /// Plugins of their own.
    pub plugins: usize,
    /// Mappings.
    pub mappings: usize,
    /// Evaluations.
    pub evaluations_per_minute: u32,
    /// Time of plugins.
    pub plugin_time_per_minute: Duration,
    /// Memory of plugins at once, in bytes.
    pub memory: usize,
}

impl Default for TeamLimits {
    fn default() -> Self {
        Self {
            plugins: 10,
            mappings: 50,
            evaluations_per_minute: 600,
            plugin_time_per_minute: Duration::from_secs(6),
            memory: MAX_MEMORY,
        }
    }
}

/// A source.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A Prometheus.
    Prometheus(Box<Prometheus>),
    /// A recording.
    Recording(Recording),
}

/// A Prometheus.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tls {
    /// Authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Client certificate and key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Trust anyone.
    pub insecure_skip_verify: bool,
}

/// A recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The file.
    pub file: PathBuf,
    /// How many times faster than recorded.
    pub speed: f64,
    /// Where in the recording to begin.
    pub start_at: Duration,
}

/// A mapping.
#[derive(Debug, Clone, PartialEq)]
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
    /// A plugin on trial, and its configuration.
    pub candidate: Option<(String, serde_json::Value)>,
    /// What reads get.
    pub policy: Policy,
    /// Whether a read by name needs no object of that name: what a label says is enough, as it is
    /// for prometheus-adapter.
    pub any_object: bool,
    /// What one run of the plugin may use.
    pub limits: Limits,
}

impl Mapping {
    /// Whether it runs a plugin, to serve or on trial.
    pub fn runs(&self, plugin: &str) -> bool {
        let on_trial = self.candidate.as_ref().map(|(name, _)| name.as_str());
        self.plugin == plugin || on_trial == Some(plugin)
    }
}

/// In which API a metric is served.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Serve {
    /// A value for each object of a kind.
    Custom(Resource),
    /// Items with labels.
    External,
    /// What objects of a kind use, for `metrics.k8s.io`: items whose labels name them.
    Usage(Resource),
}

impl Serve {
    /// What a metric is served as, in words.
    pub fn described(&self) -> String {
        match self {
            Self::Custom(resource) => format!("for {resource}"),
            Self::External => "as an external metric".to_owned(),
            Self::Usage(resource) => format!("as what {resource} use"),
        }
    }

    /// How a mapping of this metric is called in logs, metrics and messages: `pods/http_requests`.
    pub fn title(&self, metric: &MetricName) -> String {
        match self {
            Self::Custom(resource) => format!("{resource}/{metric}"),
            Self::External => format!("external/{metric}"),
            Self::Usage(resource) => format!("usage/{resource}/{metric}"),
        }
    }
}

/// What is asked of a source.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, Copy, PartialEq)]
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

impl Default for Policy {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(1),
            max_age: Duration::from_secs(30),
            refresh_at_most_every: Duration::from_secs(5),
            last_good: None,
            default: None,
            activation: None,
        }
    }
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
#[derive(Debug, Clone, PartialEq)]
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
