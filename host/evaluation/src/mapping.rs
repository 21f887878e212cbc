//! A mapping with everything that its evaluations need.

use std::sync::Arc;
use std::time::Duration;

use super::budget::Budget;
use super::candidate::Candidate;
use super::circuit_breaker::CircuitBreaker;
use super::plugin_run::Runs;
use super::policy::Policy;
use leadsman_model::names::{MetricName, Namespace, Scope};
use leadsman_model::object_table::ObjectLabels;
use leadsman_model::objects::ObjectStore;
use leadsman_model::owner::Owner;
use leadsman_model::serve::Serve;
use leadsman_runtime::telemetry::MappingMetrics;
use leadsman_sandbox::{Limits, Plugin};
use leadsman_source::{QueryKind, Source};

/// A mapping, bound to its sources, its plugin and its kind of objects.
pub struct Mapping {
    /// Whose it is.
    pub owner: Owner,
    /// The metric's name.
    pub metric: MetricName,
    /// In which API.
    pub serve: Serve,
    /// The objects that a custom or a resource metric is served for.
    pub kind: Option<Arc<ObjectStore>>,
    /// Which labels name the objects, for a resource metric.
    pub items: Option<ItemLabels>,
    /// Its queries and those that the plugin brings.
    pub queries: Vec<BoundQuery>,
    /// The plugin's name.
    pub plugin_name: String,
    /// The plugin.
    pub plugin: Plugin,
    /// The plugin's configuration as JSON.
    pub config: String,
    /// The labels of the objects that the plugin asks for, if it wants to see the objects.
    pub object_labels: Option<ObjectLabels>,
    /// What reads get.
    pub policy: Policy,
    /// Whether a read by name needs no object of that name.
    pub any_object: bool,
    /// What a run of the plugin may use.
    pub limits: Limits,
    /// What its team may use.
    pub budget: Option<Arc<Budget>>,
    /// Stops evaluations while the plugin keeps failing.
    pub breaker: CircuitBreaker,
    /// The runs of its plugin.
    pub runs: Runs,
    /// The plugin that shadow evaluations run.
    pub candidate: Option<Candidate>,
    /// Its metrics.
    pub metrics: MappingMetrics,
}

/// The labels by which the items of a resource metric belong to objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemLabels {
    /// The label that names the object.
    pub object: Arc<str>,
    /// The label that names the container; `None` for nodes.
    pub container: Option<Arc<str>>,
    /// The time that the values are an average of.
    pub window: Duration,
}

/// A query with its source.
pub struct BoundQuery {
    /// The name that the plugin knows it by.
    pub name: String,
    /// The source's name.
    pub source_name: String,
    /// The source.
    pub source: Arc<Source>,
    /// What is asked.
    pub kind: QueryKind,
    /// How old samples may be; `None` for what the source takes for current.
    pub max_sample_age: Option<Duration>,
}

impl Mapping {
    /// Whether each namespace has an evaluation of its own.
    pub fn per_namespace(&self) -> bool {
        self.queries.iter().any(|query| query.kind.uses_namespace())
    }

    /// Whether queries name the objects that are asked for.
    pub fn names_objects(&self) -> bool {
        self.queries.iter().any(|query| query.kind.names_objects())
    }

    /// The scope that a read of a namespace belongs to.
    pub fn scope(&self, namespace: &Namespace) -> Scope {
        // A team's evaluations are for its namespace, whatever their queries ask for.
        if self.per_namespace() || self.owner.namespace().is_some() {
            Scope::Namespace(namespace.clone())
        } else {
            Scope::Cluster
        }
    }

    /// How the mapping is called in logs and messages.
    pub fn title(&self) -> String {
        title(&self.owner, &self.serve, &self.metric)
    }
}

/// How a mapping is called in logs, metrics and messages: `pods/http_requests`, and with `@shop`
/// after it for one that is served in the namespace `shop` alone.
pub fn title(owner: &Owner, serve: &Serve, metric: &MetricName) -> String {
    let title = serve.title(metric);
    match owner.namespace() {
        Some(namespace) => format!("{title}@{namespace}"),
        None => title,
    }
}
