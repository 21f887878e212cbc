//! One generation of the configuration: everything that a read needs.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::config::valid::Serve;
use crate::evaluation::Evaluations;
use crate::model::names::MetricName;
use crate::model::owner::Owner;
use crate::objects::Kind;

/// Something that is configured and not served, or served as it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Whose it is.
    pub owner: Owner,
    /// The mapping; `None` for a whole document, or for a plugin that no mapping uses.
    pub mapping: Option<(MetricName, Serve)>,
    /// How it is called: that of the mapping, or `configuration`.
    pub title: String,
    /// Why, from a closed set.
    pub reason: &'static str,
    /// Why, for people: what, where and what to do.
    pub message: String,
    /// Whether something from before goes on being served in its place.
    pub serving: bool,
}

/// The immutable set of everything a request needs.
pub struct Snapshot {
    /// Which one it is.
    pub generation: u64,
    /// The mappings of custom metrics, by metric.
    custom: HashMap<Box<str>, Vec<Arc<Evaluations>>, RandomState>,
    /// The mappings of external metrics, by metric.
    external: HashMap<Box<str>, Vec<Arc<Evaluations>>, RandomState>,
    /// All of them, in the order of the configuration.
    all: Vec<Arc<Evaluations>>,
    rejected: Vec<Rejected>,
}

impl Snapshot {
    /// Brings mappings together. No two of them are for the same metric and kind of objects in the
    /// same namespace.
    pub fn new(generation: u64, all: Vec<Arc<Evaluations>>, rejected: Vec<Rejected>) -> Self {
        let mut custom: HashMap<Box<str>, Vec<_>, RandomState> = HashMap::default();
        let mut external: HashMap<Box<str>, Vec<_>, RandomState> = HashMap::default();
        for evaluations in &all {
            let mapping = evaluations.mapping();
            let metrics = match &mapping.serve {
                Serve::Custom(_) => &mut custom,
                Serve::External => &mut external,
            };
            let metric = mapping.metric.as_str().into();
            metrics.entry(metric).or_default().push(evaluations.clone());
        }
        Self { generation, custom, external, all, rejected }
    }

    /// The mapping of a custom metric for a resource, as a request names it, in a namespace.
    pub fn custom(
        &self,
        metric: &str,
        resource: &str,
        namespace: Option<&str>,
    ) -> Option<&Arc<Evaluations>> {
        self.custom.get(metric)?.iter().find(|evaluations| {
            let mapping = evaluations.mapping();
            let answers = match &mapping.serve {
                Serve::Custom(known) => known.answers_to(resource),
                Serve::External => false,
            };
            answers && mapping.owner.serves(namespace)
        })
    }

    /// The mapping of an external metric in a namespace.
    pub fn external(&self, metric: &str, namespace: &str) -> Option<&Arc<Evaluations>> {
        let mut known = self.external.get(metric)?.iter();
        known.find(|evaluations| evaluations.mapping().owner.serves(Some(namespace)))
    }

    /// What is configured for such a request and cannot be served. `resource` is `None` for an
    /// external metric.
    pub fn unavailable(
        &self,
        metric: &str,
        resource: Option<&str>,
        namespace: Option<&str>,
    ) -> Option<&Rejected> {
        self.rejected.iter().find(|rejected| {
            let Some((name, serve)) = &rejected.mapping else { return false };
            let same = match (serve, resource) {
                (Serve::Custom(known), Some(resource)) => known.answers_to(resource),
                (Serve::External, None) => true,
                _ => false,
            };
            same && name.as_str() == metric && rejected.owner.serves(namespace)
        })
    }

    /// The kinds of objects that mappings are served for, each once.
    pub fn kinds(&self) -> Vec<Arc<Kind>> {
        let kinds = self.all.iter().filter_map(|known| known.mapping().kind.clone());
        let mut kinds: Vec<_> = kinds.collect();
        kinds.sort_by(|a, b| a.resource().cmp(b.resource()));
        kinds.dedup_by(|a, b| a.resource() == b.resource());
        kinds
    }

    /// All mappings, in the order of the configuration.
    pub fn mappings(&self) -> &[Arc<Evaluations>] {
        &self.all
    }

    /// What is configured and not served, or served as it was before.
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }
}
