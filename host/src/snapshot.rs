//! One generation of the configuration: everything that a read needs.

mod offers;
mod usage;

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::evaluation::Evaluations;
use crate::model::names::MetricName;
use crate::model::owner::Owner;
use crate::model::serve::Serve;
use crate::objects::Kind;
pub use offers::{Bind, Offer, Offers};
pub use usage::{Usage, UsageOf, UsagePart};

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
    /// What rules give, where no mapping does.
    offers: Arc<Offers>,
    /// What nodes and pods use, if rules say how that is known.
    usage: Option<Arc<Usage>>,
}

/// A metric that is served under a name.
#[derive(Debug, Clone, Copy)]
pub struct Served<'a> {
    /// Whose it is.
    pub owner: &'a Owner,
    /// The name.
    pub metric: &'a MetricName,
    /// In which API, and for which objects.
    pub serve: &'a Serve,
}

/// What a snapshot is made of.
#[derive(Default)]
pub struct Contents {
    /// The mappings, in the order of the configuration. No two of them are for the same metric and
    /// kind of objects in the same namespace.
    pub mappings: Vec<Arc<Evaluations>>,
    /// What is configured and not served, or served as it was before.
    pub rejected: Vec<Rejected>,
    /// What rules give.
    pub offers: Arc<Offers>,
    /// What nodes and pods use.
    pub usage: Option<Arc<Usage>>,
}

impl Snapshot {
    /// Brings mappings and what rules give together.
    pub fn new(generation: u64, contents: Contents) -> Self {
        let Contents { mappings: all, rejected, offers, usage } = contents;
        let mut custom: HashMap<Box<str>, Vec<_>, RandomState> = HashMap::default();
        let mut external: HashMap<Box<str>, Vec<_>, RandomState> = HashMap::default();
        for evaluations in &all {
            let mapping = evaluations.mapping();
            let metrics = match &mapping.serve {
                Serve::Custom(_) => &mut custom,
                Serve::External | Serve::Usage(_) => &mut external,
            };
            let metric = mapping.metric.as_str().into();
            metrics.entry(metric).or_default().push(evaluations.clone());
        }
        Self { generation, custom, external, all, rejected, offers, usage }
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
                Serve::External | Serve::Usage(_) => false,
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
        let usage = self.usage.iter().flat_map(|usage| usage.kinds().cloned());
        let mut kinds: Vec<_> = kinds.chain(usage).collect();
        kinds.sort_by(|a, b| a.resource().cmp(b.resource()));
        kinds.dedup_by(|a, b| a.resource() == b.resource());
        kinds
    }

    /// All mappings, in the order of the configuration.
    pub fn mappings(&self) -> &[Arc<Evaluations>] {
        &self.all
    }

    /// Everything that is served under a name: by mappings in the order of the configuration, then
    /// by rules, which may give what a mapping does.
    pub fn served(&self) -> impl Iterator<Item = Served<'_>> {
        let mappings = self.all.iter().map(|evaluations| {
            let mapping = evaluations.mapping();
            Served { owner: &mapping.owner, metric: &mapping.metric, serve: &mapping.serve }
        });
        // Only the operator has rules.
        let offers = self.offers.all().iter().map(|offer| Served {
            owner: &Owner::Operator,
            metric: &offer.metric,
            serve: &offer.serve,
        });
        mappings.chain(offers)
    }

    /// Whether one of these contents would serve the very same.
    pub fn serves(&self, other: &Contents) -> bool {
        let usage = match (&self.usage, &other.usage) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        usage
            && Arc::ptr_eq(&self.offers, &other.offers)
            && self.all.len() == other.mappings.len()
            && self.all.iter().zip(&other.mappings).all(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// Whether there is nothing to serve.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty() && self.offers.all().is_empty() && self.usage.is_none()
    }

    /// What is configured and not served, or served as it was before.
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// What rules give, where no mapping does.
    pub fn offers(&self) -> &Arc<Offers> {
        &self.offers
    }

    /// What nodes and pods use, if rules say how that is known.
    pub fn usage(&self) -> Option<&Arc<Usage>> {
        self.usage.as_ref()
    }

    /// All evaluations that may be in use: of mappings, of what rules give, and of what nodes and
    /// pods use.
    pub fn in_use(&self) -> impl Iterator<Item = &Arc<Evaluations>> {
        let usage = self.usage.iter().flat_map(|usage| usage.evaluations());
        self.all.iter().chain(self.offers.bound()).chain(usage)
    }
}
