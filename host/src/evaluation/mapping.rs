//! A mapping with everything that its evaluations need.

use std::sync::Arc;
use std::time::Duration;

use crate::config::template::Template;
use crate::config::valid::{Limits, Policy, Serve};
use crate::model::names::{MetricName, Namespace, Scope};
use crate::objects::Kind;
use crate::plugin::Plugin;
use crate::source::Source;
use crate::telemetry::MappingMetrics;

/// A mapping, its sources and its plugin found.
pub struct Mapping {
    /// The metric's name.
    pub metric: MetricName,
    /// In which API.
    pub serve: Serve,
    /// The objects that a custom metric is served for.
    pub kind: Option<Arc<Kind>>,
    /// Its queries and those that the plugin brings.
    pub queries: Vec<BoundQuery>,
    /// The plugin's name.
    pub plugin_name: String,
    /// The plugin.
    pub plugin: Plugin,
    /// The plugin's configuration as JSON.
    pub config: String,
    /// Whether the plugin wants to see the objects.
    pub wants_objects: bool,
    /// What reads get.
    pub policy: Policy,
    /// What a run of the plugin may use.
    pub limits: Limits,
    /// What is counted of it.
    pub metrics: MappingMetrics,
}

/// A query with its source.
pub struct BoundQuery {
    /// The name that the plugin knows it by.
    pub name: String,
    /// The source's name.
    pub source_name: String,
    /// The source.
    pub source: Arc<Source>,
    /// The text.
    pub promql: Template,
    /// Duration and step of a range query.
    pub range: Option<(Duration, Duration)>,
}

impl Mapping {
    /// Whether each namespace has an evaluation of its own.
    pub fn per_namespace(&self) -> bool {
        self.queries.iter().any(|query| query.promql.uses_namespace())
    }

    /// The scope that a read of a namespace belongs to.
    pub fn scope(&self, namespace: &Namespace) -> Scope {
        if self.per_namespace() { Scope::Namespace(namespace.clone()) } else { Scope::Cluster }
    }

    /// How the mapping is called in logs and messages.
    pub fn title(&self) -> String {
        self.serve.title(&self.metric)
    }
}
