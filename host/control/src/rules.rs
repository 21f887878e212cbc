//! What the operator's configuration says for all: sources, objects, and what is open to whom.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bind::Sources;
use super::fetch::chain;
use super::parts::{Kinds, ObjectSource};
use super::policy::Policy;
use leadsman_config::valid;
use leadsman_document::{Fault, segment};
use leadsman_evaluation::Budget;
use leadsman_model::names::Namespace;
use leadsman_source::Source;

/// What the operator's configuration says for all.
pub(super) struct Rules {
    objects: ObjectSource,
    pub(super) policy: Policy,
    pub(super) sources: Sources,
    pub(super) kinds: Kinds,
    /// What is wrong with it beyond its text.
    pub(super) faults: Vec<Fault>,
    budgets: BTreeMap<Namespace, Arc<Budget>>,
}

impl Rules {
    /// Nothing is said yet.
    pub(super) fn new(objects: ObjectSource) -> Self {
        Self {
            policy: Policy::default(),
            sources: Sources::new(),
            kinds: Kinds::new(&objects, &[], None),
            faults: Vec::new(),
            budgets: BTreeMap::new(),
            objects,
        }
    }

    /// Takes up a configuration. Says whether it is another one.
    pub(super) fn adopt(&mut self, config: &Arc<valid::Config>) -> bool {
        if Arc::ptr_eq(&self.policy.0, config) {
            return false;
        }
        self.faults.clear();
        self.sources = self.sources_of(config);
        if matches!(self.objects, ObjectSource::Watched(_)) && !config.objects.is_empty() {
            let message = "a cluster is asked which objects there are, so a list of them would \
                           have no effect; remove it";
            self.faults.push(Fault::at("/objects", message));
        }
        self.kinds = Kinds::new(&self.objects, &config.objects, Some(&self.kinds));
        self.policy = Policy(config.clone());
        let policy = &self.policy;
        self.budgets.retain(|namespace, budget| {
            policy.team(namespace).is_some_and(|team| team.limits == *budget.limits())
        });
        true
    }

    fn sources_of(&mut self, config: &valid::Config) -> Sources {
        let mut sources = Sources::new();
        for (name, config) in &config.sources {
            // The same one keeps its connections, and its count of queries under way.
            let known = self.sources.get(name).filter(|(known, _)| known == config);
            let source = match known {
                Some(known) => known.clone(),
                None => match Source::new(config) {
                    Ok(source) => (config.clone(), Arc::new(source)),
                    Err(error) => {
                        let place = format!("/sources/{}", segment(name));
                        self.faults.push(Fault::at(place, chain(&error)));
                        continue;
                    }
                },
            };
            sources.insert(name.clone(), source);
        }
        sources
    }

    /// What all mappings of a namespace may use together.
    pub(super) fn budget(&mut self, namespace: &Namespace) -> Option<Arc<Budget>> {
        let limits = self.policy.team(namespace)?.limits;
        let known = self.budgets.entry(namespace.clone());
        Some(known.or_insert_with(|| Arc::new(Budget::new(limits))).clone())
    }
}
