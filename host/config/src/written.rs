//! The configuration as it is written. What stands here is published as a JSON schema; each
//! comment is the description of a key there.

mod mapping;
mod plugin;
mod query;
mod source;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub use leadsman_rules::written::{OnSeveral, ResourceRules, Rule};
pub use mapping::{
    Candidate, Custom, External, Limits, Mapping, OnAbsent, OnError, OnNan, Serve, StatedOnError,
    Then,
};
pub use plugin::{Plugin, Registry, Team, TeamLimits, Verify};
pub use query::{NsxAlbQuery, Query, Range};
pub use source::{AlbCredentials, BasicAuth, NsxAlb, Prometheus, Recording, Source, Tls};

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
    /// How registries are reached, and whose signatures vouch for what they hold. The entry with
    /// the longest prefix of a plugin's reference holds.
    #[serde(default)]
    pub registries: Vec<Registry>,
    /// Every plugin that does not ship with Leadsman must be signed with one of these keys. Only
    /// plugins from registries can be.
    pub verify: Option<Verify>,
    /// Which namespaces may bring mappings of their own, in ConfigMaps with the label
    /// `leadsman.dev/config: "true"` and the key `config.yaml`, and what they may use. The first
    /// entry that names a namespace holds.
    #[serde(default)]
    pub teams: Vec<Team>,
    /// The objects that exist, where there is no cluster to ask.
    #[serde(default)]
    pub objects: Vec<Object>,
    /// Rules of prometheus-adapter: custom metrics by the names of series.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Rules of prometheus-adapter for external metrics.
    #[serde(default)]
    pub external_rules: Vec<Rule>,
    /// Rules of prometheus-adapter for `metrics.k8s.io`: what nodes and pods use.
    pub resource_rules: Option<ResourceRules>,
    /// How rules find series.
    pub discovery: Option<Discovery>,
}

/// How rules find series.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Discovery {
    /// The source of all rules. `prometheus` if left out, or the only one there is.
    pub source: Option<String>,
    /// How often series are listed. `10m` if left out.
    pub interval: Option<String>,
    /// A series is listed if it had samples within this time. The interval if left out.
    pub max_age: Option<String>,
    /// How long a read of a metric of rules waits at most for its value. `1s` if left out.
    pub deadline: Option<String>,
    /// Send for each read the very query that prometheus-adapter would. Otherwise one query for
    /// all objects of a namespace is sent where that gives each the same value.
    #[serde(default)]
    pub exact_queries: bool,
    /// What stands for NaN and for infinite values in the metrics of rules. `refuse` if left out.
    #[serde(rename = "onNaN")]
    pub on_nan: Option<OnNan>,
    /// What an object gets if several series of a rule are for it and do not agree. `refuse` if left
    /// out.
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
