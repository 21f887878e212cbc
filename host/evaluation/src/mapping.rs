//! A mapping with everything that its evaluations need.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::activation::ActivationStatus;
use super::basis::ObjectNames;
use super::budget::Budget;
use super::candidate::Candidate;
use super::chain::Link;
use super::circuit_breaker::CircuitBreaker;
use super::missing::{Missing, MissingLog};
use super::policy::Policy;
use super::runs::{RunTotals, Runs};
use super::workloads::Workloads;
use leadsman_model::names::{MetricName, Namespace, Scope};
use leadsman_model::object_table::ObjectColumns;
use leadsman_model::objects::ObjectStore;
use leadsman_model::owner::Owner;
use leadsman_model::serve::Serve;
use leadsman_runtime::telemetry::{MappingMetrics, SourceTraffic};
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
    /// How many of these are its own: the first ones.
    pub own_queries: usize,
    /// The plugin's name.
    pub plugin_name: String,
    /// The plugin.
    pub plugin: Plugin,
    /// The plugin's configuration as JSON.
    pub config: String,
    /// What the plugin asks for of the objects, if it wants to see them.
    pub object_columns: Option<ObjectColumns>,
    /// The plugins after it, each of which gets the values of the one before.
    pub then: Vec<Link>,
    /// The labels that name the objects of its values, as far as its configuration says.
    pub object_names: Option<ObjectNames>,
    /// Whether it is made of a rule, whose author knows of no plugins and mappings.
    pub of_rule: bool,
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
    /// Why reads of it lacked values.
    pub missing: MissingLog,
    /// How workloads are scaled, for what stands for values.
    pub workloads: Workloads,
    /// The workload that it takes to zero and from zero.
    pub activation: Option<ActivationStatus>,
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
    /// What is asked of the source, by all.
    pub traffic: Arc<SourceTraffic>,
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

    /// Whether queries name the objects that are requested.
    pub fn names_objects(&self) -> bool {
        self.queries.iter().any(|query| query.kind.names_objects())
    }

    /// Whether one evaluation is for all namespaces.
    pub fn is_for_all_namespaces(&self) -> bool {
        // A team's evaluations are for its namespace, whatever their queries ask for.
        !self.per_namespace() && self.owner.namespace().is_none()
    }

    /// The scope that a read of a namespace belongs to.
    pub fn scope(&self, namespace: &Namespace) -> Scope {
        if self.is_for_all_namespaces() {
            Scope::Cluster
        } else {
            Scope::Namespace(namespace.clone())
        }
    }

    /// Whether both make the same values of the same answers, so that what one knows is as good as
    /// what the other would. What reads get of them may differ.
    pub(super) fn evaluates_like(&self, other: &Self) -> bool {
        let same_queries = self.queries.len() == other.queries.len()
            && self.queries.iter().zip(&other.queries).all(|(one, other)| one.asks_like(other));
        // Objects are part of the input of those plugins alone that ask for them.
        let same_links = self.then.len() == other.then.len()
            && self.then.iter().zip(&other.then).all(|(one, other)| one.is_like(other));
        let same_objects = self.object_columns == other.object_columns
            && (self.all_columns().next().is_none()
                || self.kind.as_ref().map(Arc::as_ptr) == other.kind.as_ref().map(Arc::as_ptr));
        self.owner == other.owner
            && self.serve == other.serve
            && self.items == other.items
            && self.plugin.digest() == other.plugin.digest()
            && self.config == other.config
            && same_links
            && self.limits == other.limits
            && self.policy.activation == other.policy.activation
            && self.policy.on_nan == other.policy.on_nan
            && same_queries
            && same_objects
    }

    /// What its plugins ask for of the objects.
    pub(super) fn all_columns(&self) -> impl Iterator<Item = &ObjectColumns> {
        let of_links = self.then.iter().filter_map(|link| link.object_columns.as_ref());
        self.object_columns.iter().chain(of_links)
    }

    /// How messages call one of its plugins. Who writes rules knows of none.
    pub(super) fn called(&self, plugin: &str) -> String {
        if self.of_rule { "the rule".to_owned() } else { format!("plugin \"{plugin}\"") }
    }

    /// The names of its plugins, in the order in which they run.
    pub(super) fn plugin_names(&self) -> String {
        let then = self.then.iter().map(|link| link.plugin_name.as_str());
        let names: Vec<_> = std::iter::once(self.plugin_name.as_str()).chain(then).collect();
        names.join(", ")
    }

    /// The runs of the plugin that serves, or of the first one of a chain.
    pub fn first_plugin_runs(&self) -> RunTotals {
        let of_links = self.then.iter().map(|link| link.runs.totals());
        of_links.fold(self.runs.of_serving(), |all, link| RunTotals {
            runs: all.runs,
            failed: all.failed.saturating_sub(link.failed),
            time: all.time.saturating_sub(link.time),
        })
    }

    /// Counts and notes a read without some of its values, for a reason from a closed set.
    pub fn note_missing(&self, reason: &'static str, message: &str) {
        self.metrics.incomplete(reason);
        self.missing.note(reason, message, Instant::now());
    }

    /// The same for a read that lacks some values, or all of them. That there are no objects says nothing
    /// of the mapping, and does not count as an empty answer of it.
    pub fn note_missing_values(&self, missing: &Missing, all: bool) {
        self.note_missing(missing.reason.as_str(), &missing.message);
        if all && !missing.reason.is_of_objects() {
            self.metrics.empty();
        }
    }

    /// How the mapping is called in logs and messages.
    pub fn title(&self) -> String {
        title(&self.owner, &self.serve, &self.metric)
    }
}

impl BoundQuery {
    fn asks_like(&self, other: &Self) -> bool {
        self.name == other.name
            && Arc::ptr_eq(&self.source, &other.source)
            && self.kind == other.kind
            && self.max_sample_age == other.max_sample_age
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
