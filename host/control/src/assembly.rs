//! All owners' mappings in one set: what is served, what is not, and why.

use std::sync::Arc;

use super::found::ConfigOrigin;
use super::job::{LOADING, Slot};
use super::state::State;
use leadsman_document::{Document, Fault, Faults};
use leadsman_evaluation::Evaluations;
use leadsman_model::names::MetricName;
use leadsman_model::owner::Owner;
use leadsman_model::serve::Serve;
use leadsman_provider::snapshot::{Rejection, RuleMetrics};

/// All owners' mappings, brought together.
#[derive(Default)]
pub(super) struct Assembly {
    pub(super) mappings: Vec<Arc<Evaluations>>,
    pub(super) rejections: Vec<Rejection>,
    pub(super) faults: Vec<(Owner, Faults)>,
    pub(super) rules: RuleMetrics,
    pub(super) resource_metrics: Vec<Arc<Evaluations>>,
    /// Which metrics are taken, and by whom.
    taken: Vec<(Owner, MetricName, Serve)>,
}

impl Assembly {
    /// Adds an owner's. `faults` are what is wrong with the document beyond its text; `origin` is
    /// where the operator's is looked for.
    pub(super) fn add(
        &mut self,
        owner: &Owner,
        state: &State,
        faults: &[Fault],
        origin: &ConfigOrigin,
    ) {
        let served = state.good.as_ref().is_some_and(|good| good.served);
        let serving = served && state.set.is_some();
        if let Some(reason) = &state.unreadable {
            let mut rejected = document_rejection(owner, "Unreadable");
            rejected.message = format!("it cannot be read: {reason}");
            rejected.serving = serving;
            self.rejections.push(rejected);
            if !serving {
                let document = origin.to_string();
                let list = vec![Fault::at("", format!("it cannot be read: {reason}"))];
                self.faults.push((owner.clone(), Faults { document, list }));
            }
        }
        let mut all = Vec::new();
        if !state.faults.is_empty() {
            let mut rejected = document_rejection(owner, "ConfigInvalid");
            if state.located.is_none() {
                rejected.reason = "NotAllowed";
            }
            rejected.message = message(state.located.as_deref(), owner, &state.faults);
            rejected.serving = serving;
            self.rejections.push(rejected);
            if !serving {
                all.extend(state.faults.iter().cloned());
            }
        }
        let newest = state.located.clone();
        let Some(set) = &state.set else { return self.tell(owner, newest.as_deref(), all) };
        // What a set says of an older document is not where the newer one's faults are.
        let of_newest = newest.as_ref().is_none_or(|newest| Arc::ptr_eq(newest, &set.document));
        if !faults.is_empty() {
            let mut rejected = document_rejection(owner, "ConfigInvalid");
            rejected.message = message(Some(&set.document), owner, faults);
            self.rejections.push(rejected);
            all.extend(faults.iter().cloned());
        }
        for (name, refused) in &set.unused {
            let mut rejected = document_rejection(owner, refused.reason);
            rejected.title = format!("plugin {name}");
            rejected.message = message(Some(&set.document), owner, &refused.faults);
            self.rejections.push(rejected);
            all.extend(refused.faults.iter().cloned());
        }
        // Only the operator has rules.
        if served && *owner == Owner::Operator {
            self.rules = set.of_rules.metrics.clone();
            self.resource_metrics.clone_from(&set.of_rules.resource_metrics);
        }
        let noted = set.of_rules.noted.iter().map(|refused| (refused, true));
        for (refused, serving) in
            set.of_rules.refused.iter().map(|refused| (refused, false)).chain(noted)
        {
            let mut rejected = document_rejection(owner, refused.reason);
            rejected.title = "rules".to_owned();
            rejected.message = message(Some(&set.document), owner, &refused.faults);
            rejected.serving = serving;
            self.rejections.push(rejected);
            if !serving {
                all.extend(refused.faults.iter().cloned());
            }
        }
        for (metric, serve, refused) in &set.of_rules.refused_usage {
            let mut rejected = document_rejection(owner, refused.reason);
            rejected.title = serve.title(metric);
            rejected.mapping = Some((metric.clone(), serve.clone()));
            rejected.message = message(Some(&set.document), owner, &refused.faults);
            self.rejections.push(rejected);
            all.extend(refused.faults.iter().cloned());
        }
        for slot in &set.slots {
            let claim = self.taken.iter().find(|(other, metric, serve)| {
                *metric == slot.metric && *serve == slot.serve && other.overlaps(owner)
            });
            if let Some((other, ..)) = claim {
                let mut rejected = slot_rejection(slot, "Conflict");
                rejected.message = format!(
                    "{} is served for {other} already; the operator comes first, then the older \
                     ConfigMap",
                    slot.title()
                );
                self.rejections.push(rejected);
                continue;
            }
            self.taken.push((owner.clone(), slot.metric.clone(), slot.serve.clone()));
            let serving = slot.serving.is_some() && served;
            for refused in slot.refused.iter().chain(&slot.noted) {
                let mut rejected = slot_rejection(slot, refused.reason);
                rejected.message = message(Some(&set.document), owner, &refused.faults);
                rejected.serving = serving;
                self.rejections.push(rejected);
                if refused.reason != LOADING && !serving {
                    all.extend(refused.faults.iter().cloned());
                }
            }
            if let (true, Some((_, evaluations))) = (served, &slot.serving) {
                self.mappings.push(evaluations.clone());
            }
        }
        let document = if of_newest { Some(&*set.document) } else { newest.as_deref() };
        self.tell(owner, document, all);
    }

    fn tell(&mut self, owner: &Owner, document: Option<&Document>, faults: Vec<Fault>) {
        if !faults.is_empty() {
            self.faults.push((owner.clone(), located(document, owner, faults)));
        }
    }
}

fn located(document: Option<&Document>, owner: &Owner, faults: Vec<Fault>) -> Faults {
    match document {
        Some(document) => document.locate(faults),
        None => Faults { document: owner.to_string(), list: faults },
    }
}

fn message(document: Option<&Document>, owner: &Owner, faults: &[Fault]) -> String {
    located(document, owner, faults.to_vec()).to_string()
}

pub(super) fn document_rejection(owner: &Owner, reason: &'static str) -> Rejection {
    Rejection {
        owner: owner.clone(),
        mapping: None,
        title: "configuration".to_owned(),
        reason,
        message: String::new(),
        serving: false,
    }
}

fn slot_rejection(slot: &Slot, reason: &'static str) -> Rejection {
    Rejection {
        mapping: Some((slot.metric.clone(), slot.serve.clone())),
        title: slot.title(),
        ..document_rejection(&slot.owner, reason)
    }
}
