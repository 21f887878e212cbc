//! The configuration as it is valid: every name resolved, every default filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use leadsman_evaluation::{Policy, TeamLimits};
use leadsman_model::names::{MetricName, Namespace};
use leadsman_model::objects::ListedObject;
use leadsman_model::reference::Reference;
use leadsman_model::serve::Serve;
use leadsman_rules::{ResourceRules, Rule};
use leadsman_sandbox::Limits;
use leadsman_source::{Query, SourceSettings};

/// A configuration without faults.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The sources by name.
    pub sources: BTreeMap<String, SourceSettings>,
    /// Plugins by name.
    pub plugins: BTreeMap<String, Plugin>,
    /// The mappings, no two of them for the same metric and resource.
    pub mappings: Vec<Mapping>,
    /// The objects that exist.
    pub objects: Vec<ListedObject>,
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
