//! Quotas and conflicts, in order of age: what a namespace's documents may use together, and
//! which owner a metric belongs to. Both are one pass over all documents, so that the result
//! depends on their ages and on nothing else.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::state::{DocumentState, MetricKey, Revision, State, TextState};
use leadsman_config::valid;
use leadsman_document::Fault;
use leadsman_evaluation::TeamLimits;
use leadsman_model::names::Namespace;
use leadsman_model::owner::Owner;

/// Documents in the order in which they have a right to something: the operator's, then by age,
/// then by name.
pub(super) fn by_age<'a, P: 'a>(
    documents: impl Iterator<Item = (&'a Owner, &'a DocumentState<P>)>,
) -> Vec<(&'a Owner, &'a DocumentState<P>)> {
    let mut order: Vec<_> = documents.collect();
    order.sort_by_key(|(owner, document)| (**owner != Owner::Operator, document.created(), *owner));
    order
}

/// The mappings of each owner whose metric belongs to another one, by their number, with that one.
pub(super) fn conflicts<P>(
    order: &[(&Owner, &DocumentState<P>)],
) -> HashMap<Owner, Vec<(usize, Owner)>> {
    // The operator's metrics are taken in all namespaces, a team's in its own.
    let mut taken: HashMap<(Option<&Namespace>, &MetricKey), &Owner> = HashMap::new();
    let mut conflicts: HashMap<Owner, Vec<(usize, Owner)>> = HashMap::new();
    for (owner, document) in order {
        // A document without a valid revision takes no metric from others.
        let Some(bound) = document.bound.as_ref().filter(|bound| bound.revision.is_valid()) else {
            continue;
        };
        for (number, key) in bound.outcome.claims.iter().enumerate() {
            let namespace = owner.namespace();
            let holder = taken.get(&(None, key)).or_else(|| taken.get(&(namespace, key)));
            match holder {
                Some(holder) => {
                    let conflict = (number, (*holder).clone());
                    conflicts.entry((*owner).clone()).or_default().push(conflict);
                }
                None => {
                    taken.insert((namespace, key), owner);
                }
            }
        }
    }
    conflicts
}

/// What is left of a namespace's limits.
#[derive(Clone, Copy)]
struct RemainingQuota {
    mappings: usize,
    plugins: usize,
}

impl RemainingQuota {
    fn of(limits: &TeamLimits) -> Self {
        Self { mappings: limits.mappings, plugins: limits.plugins }
    }

    /// What does not fit, as faults.
    fn faults(&self, config: &valid::Config, namespace: &Namespace) -> Vec<Fault> {
        let counts = [
            ("plugins", config.plugins.len(), self.plugins),
            ("mappings", config.mappings.len(), self.mappings),
        ];
        counts
            .into_iter()
            .filter(|(_, count, left)| count > left)
            .map(|(section, count, left)| {
                let message = format!("{count} {section}; the operator gives {namespace} {left}");
                Fault::at(format!("/{section}"), message)
            })
            .collect()
    }

    fn take(&mut self, config: &valid::Config) {
        self.mappings = self.mappings.saturating_sub(config.mappings.len());
        self.plugins = self.plugins.saturating_sub(config.plugins.len());
    }
}

/// How many documents of a namespace are read, if its mappings are no more than these. One without
/// a mapping is of no use, so more documents than mappings would be work for nothing.
const MAX_DOCUMENTS: usize = 50;

fn too_many(namespace: &Namespace, limit: usize) -> Vec<Fault> {
    let message = format!(
        "the namespace {namespace} has more than {limit} documents, and only the oldest {limit} \
         are read; join some"
    );
    vec![Fault::at("", message)]
}

impl<P> DocumentState<P> {
    /// When its ConfigMap was created.
    pub(super) fn created(&self) -> i64 {
        let last_good = self.last_good.as_ref().map(|revision| &revision.document);
        self.document.as_ref().or(last_good).map_or(0, |document| document.created())
    }

    /// Whether the newest text is still to be parsed, and there is no earlier version.
    fn is_unknown(&self) -> bool {
        let unread = matches!(self.text, TextState::Waiting | TextState::Parsing(_));
        unread && self.last_good.is_none()
    }

    /// Decides what is in force of a document, with what its elders left.
    fn admit(&mut self, namespace: &Namespace, left: &mut RemainingQuota, elders_known: bool) {
        self.over_quota.clear();
        if matches!(self.text, TextState::Excess(_)) {
            self.text = TextState::Waiting;
        }
        let newest = match &self.text {
            TextState::Valid(revision) => Some(revision.clone()),
            _ => None,
        };
        if let Some(newest) = newest {
            let faults = left.faults(&newest.config, namespace);
            match faults.is_empty() {
                true if elders_known => self.last_good = Some(newest),
                // How much is left for it shows when its elders were read.
                true => {}
                false => self.over_quota = faults,
            }
        }
        let fits = |revision: &&Arc<Revision>| left.faults(&revision.config, namespace).is_empty();
        let inspected = match &self.text {
            TextState::Faulty(revision) if self.last_good.is_none() => Some(revision),
            _ => None,
        };
        self.in_force = self.last_good.as_ref().or(inspected).filter(fits).cloned();
        if let Some(revision) = &self.in_force {
            left.take(&revision.config);
        }
    }
}

impl<P> State<P> {
    /// Decides what is in force of each document.
    pub(super) fn admit(&mut self) {
        if let Some(operator) = self.documents.get_mut(&Owner::Operator) {
            operator.admit_operator();
        }
        let mut namespaces: BTreeMap<Namespace, Vec<Owner>> = BTreeMap::new();
        for (owner, _) in by_age(self.documents.iter()) {
            if let Some(namespace) = owner.namespace() {
                namespaces.entry(namespace.clone()).or_default().push(owner.clone());
            }
        }
        for (namespace, owners) in namespaces {
            let Some(limits) = self.settings.policy.team(&namespace).map(|team| team.limits) else {
                continue;
            };
            let (mut left, mut elders_known) = (RemainingQuota::of(&limits), true);
            let limit = limits.mappings.max(MAX_DOCUMENTS);
            for (rank, owner) in owners.into_iter().enumerate() {
                let Some(document) = self.documents.get_mut(&owner) else { continue };
                if rank < limit {
                    document.admit(&namespace, &mut left, elders_known);
                    elders_known &= !document.is_unknown();
                } else {
                    document.text = TextState::Excess(too_many(&namespace, limit));
                    (document.last_good, document.in_force) = (None, None);
                    document.over_quota.clear();
                }
            }
        }
    }
}

impl<P> DocumentState<P> {
    /// The operator's document has no quota.
    fn admit_operator(&mut self) {
        if let TextState::Valid(revision) = &self.text {
            self.last_good = Some(revision.clone());
        }
        let inspected = match &self.text {
            TextState::Faulty(revision) => Some(revision),
            _ => None,
        };
        self.in_force = self.last_good.as_ref().or(inspected).cloned();
    }
}
