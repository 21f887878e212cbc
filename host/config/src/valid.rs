//! The valid configuration: names resolved, defaults filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use leadsman_delegate::DelegateSettings;
use leadsman_evaluation::{Policy, TeamLimits};
use leadsman_model::activation::Activation;
use leadsman_model::names::{MetricName, Namespace};
use leadsman_model::objects::ListedObject;
use leadsman_model::reference::Reference;
use leadsman_model::serve::Serve;
use leadsman_model::values::OnNan;
use leadsman_rules::{OnSeveral, ResourceRules, Rule, RuleApi};
use leadsman_sandbox::Limits;
use leadsman_source::{Query, SourceSettings};

/// A configuration without faults.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The sources by name.
    pub sources: BTreeMap<String, SourceSettings>,
    /// Plugins by name.
    pub plugins: BTreeMap<String, Plugin>,
    /// The mappings, unique by metric and resource.
    pub mappings: Vec<Mapping>,
    /// The objects that exist, where there is no cluster.
    pub objects: Arc<[ListedObject]>,
    /// How registries are accessed.
    pub registries: Vec<Registry>,
    /// The keys that must have signed every plugin.
    pub verify: Option<KeySource>,
    /// The namespaces that may have configurations of their own.
    pub teams: Vec<Team>,
    /// Rules of prometheus-adapter, if there are any.
    pub rules: Option<Arc<Rules>>,
    /// Other metrics adapters, in the order in which they are asked.
    pub delegates: Vec<DelegateSettings>,
}

/// Rules of prometheus-adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The rules for custom metrics, then those for external metrics.
    pub rules: Vec<Rule>,
    /// Those that have faults.
    pub faulty: Vec<FaultyRule>,
    /// The rules for resource metrics (`metrics.k8s.io`).
    pub resource_metrics: Option<ResourceMetricsRules>,
    /// How series are discovered.
    pub discovery: Discovery,
}

impl Rules {
    /// The distinct series queries.
    pub fn series_queries(&self) -> BTreeSet<&str> {
        let rules = self.rules.iter().map(|rule| rule.series_query.as_str());
        let faulty = self.faulty.iter().map(|rule| rule.series_query.as_str());
        rules.chain(faulty.filter(|query| !query.trim().is_empty())).collect()
    }
}

/// A rule that has faults: its place, and what identifies an earlier version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultyRule {
    /// Its place in the document.
    pub place: String,
    /// The API that serves its metrics.
    pub api: RuleApi,
    /// The selector of its series.
    pub series_query: String,
}

/// The rules for resource metrics, with their window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceMetricsRules {
    /// The queries.
    pub rules: ResourceRules,
    /// The window of the values.
    pub window: Duration,
}

/// How rules discover series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The source of all rules.
    pub source: String,
    /// The interval between lists of series.
    pub interval: Duration,
    /// The maximum age of the newest sample of a listed series.
    pub max_age: Duration,
    /// The maximum time that a read waits for its value.
    pub deadline: Duration,
    /// Whether queries are sent exactly as prometheus-adapter sends them.
    pub exact_queries: bool,
    /// The replacement for NaN and infinite values.
    pub on_nan: OnNan,
    /// The value of an object for which several series have different values.
    pub on_several: OnSeveral,
}

/// A plugin that does not ship with Leadsman.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// Its place in the document.
    pub place: String,
    /// The location of the component.
    pub location: Location,
    /// The maximum size of the component, in bytes.
    pub max_bytes: u64,
    /// The keys that must have signed it.
    pub verify: Option<KeySource>,
}

/// The location of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In a file.
    File(PathBuf),
    /// In `binaryData` of the document's ConfigMap, under this key.
    Key(String),
    /// In a registry.
    Oci(Oci),
}

/// An artifact in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oci {
    /// The reference.
    pub reference: Reference,
    /// The interval between resolutions of the tag.
    pub check_every: Duration,
    /// The credentials for the registry.
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

/// The location of public keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeySource {
    /// In a file.
    File(PathBuf),
    /// Inline, as PEM.
    Pem(String),
}

/// How a registry, or a part of one, is accessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    /// The prefix of references.
    pub prefix: String,
    /// CA certificates to trust in addition to those of the system.
    pub ca_file: Option<PathBuf>,
    /// Whether to use plain HTTP.
    pub plain_http: bool,
    /// The file with credentials.
    pub pull_secret_file: Option<PathBuf>,
    /// The keys that must have signed its plugins.
    pub verify: Option<KeySource>,
    /// Whether references must name a digest.
    pub require_digest: bool,
}

/// What a set of namespaces may configure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// The namespaces; a `*` at the end stands for any rest.
    pub namespaces: Vec<String>,
    /// The sources that they may query.
    pub sources: Vec<String>,
    /// The allowed prefixes of references of their plugins.
    pub registries: Vec<String>,
    /// The keys that must have signed their plugins.
    pub verify: Option<KeySource>,
    /// The limits of each namespace.
    pub limits: TeamLimits,
}

impl Team {
    /// Whether a namespace belongs to the team.
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
    /// Its place in the document.
    pub place: String,
    /// The metric's name.
    pub metric: MetricName,
    /// The API, and the kind of objects.
    pub serve: Serve,
    /// Its own queries.
    pub queries: Vec<Query>,
    /// The source of queries that the plugin brings.
    pub source: Option<String>,
    /// The plugin's name.
    pub plugin: String,
    /// The plugin's configuration.
    pub config: serde_json::Value,
    /// The plugins after that one, in their order.
    pub then: Vec<Link>,
    /// The candidate for shadow evaluation: a plugin and its configuration.
    pub candidate: Option<(String, serde_json::Value)>,
    /// The policy for reads.
    pub policy: Policy,
    /// The workload that it takes to zero and from zero.
    pub activation: Option<Activation>,
    /// Whether a read by name succeeds without an object of that name, as in prometheus-adapter.
    pub any_object: bool,
    /// The limits of one evaluation of the plugin.
    pub limits: Limits,
}

/// A plugin of a mapping, after the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The plugin's name.
    pub plugin: String,
    /// Its configuration.
    pub config: serde_json::Value,
    /// The queries whose answers it gets beside what the plugin before it gave.
    pub queries: Vec<String>,
}

impl Mapping {
    /// Whether it uses a plugin, to serve or as a candidate.
    pub fn runs(&self, plugin: &str) -> bool {
        let candidate = self.candidate.as_ref().map(|(name, _)| name.as_str());
        let mut then = self.then.iter();
        self.plugin == plugin || candidate == Some(plugin) || then.any(|link| link.plugin == plugin)
    }

    /// The place of its plugin's configuration.
    pub fn config_place(&self) -> String {
        match self.then.is_empty() {
            true => format!("{}/config", self.place),
            false => format!("{}/plugins/0/config", self.place),
        }
    }

    /// The place of its plugin's name.
    pub fn plugin_place(&self) -> String {
        match self.then.is_empty() {
            true => format!("{}/plugin", self.place),
            false => format!("{}/plugins/0", self.place),
        }
    }
}
