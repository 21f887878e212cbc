//! From contributions to a snapshot: what is served, what is not, and why.

use std::sync::Arc;

use super::bindings::{Bindings, MappingStatus};
use super::publication::{Contribution, Publication};
use super::reason::{Cause, Reason};
use leadsman_document::{Fault, Faults};
use leadsman_evaluation as evaluation;
use leadsman_model::owner::Owner;
use leadsman_provider::snapshot::{Contents, Places, Rejection};

/// A snapshot's contents, and everything that keeps something from being served, by document.
#[derive(Default)]
pub(super) struct Assembly {
    pub(super) contents: Contents,
    pub(super) faults: Vec<(Owner, Faults)>,
}

impl Assembly {
    /// Brings all contributions together.
    pub(super) fn of(publication: &Publication<Arc<Bindings>>) -> Self {
        let mut assembly = Self::default();
        assembly.contents.not_loaded = publication.not_loaded();
        let mut places = Places::default();
        for contribution in &publication.contributions {
            assembly.add(contribution);
            if let Some(bindings) = &contribution.product {
                places.extend(&bindings.places);
            }
        }
        assembly.contents.places = Arc::new(places);
        if let Some((reason, message)) = &publication.teams_fault {
            assembly.contents.rejections.push(Rejection {
                title: "teams".to_owned(),
                message: format!("the teams' ConfigMaps cannot be followed: {message}"),
                serving: true,
                ..of_document(&Owner::Operator, *reason)
            });
        }
        assembly
    }

    fn add(&mut self, contribution: &Contribution<Arc<Bindings>>) {
        let owner = &contribution.owner;
        let mut faults = Vec::new();
        for rejection in &contribution.rejections {
            self.contents.rejections.push(Rejection {
                message: rejection.message.clone(),
                serving: rejection.serving,
                ..of_document(owner, rejection.reason)
            });
            match rejection.reason {
                Reason::ConfigWarning => faults.extend(rejection.faults.list.iter().cloned()),
                _ if rejection.serving => {}
                // It has no text that the others could be in.
                Reason::Unreadable => self.faults.push((owner.clone(), rejection.faults.clone())),
                _ => faults.extend(rejection.faults.list.iter().cloned()),
            }
        }
        if let Some(bindings) = &contribution.product {
            self.add_bindings(contribution, bindings, &mut faults);
        }
        if !faults.is_empty() {
            self.faults.push((owner.clone(), sorted(&contribution.document, faults)));
        }
    }

    fn add_bindings(
        &mut self,
        contribution: &Contribution<Arc<Bindings>>,
        bindings: &Bindings,
        faults: &mut Vec<Fault>,
    ) {
        for (name, rejection) in &bindings.unused {
            let title = format!("plugin {name}");
            self.reject(contribution, title, rejection, false, faults);
        }
        self.add_rules(contribution, bindings, faults);
        for (number, mapping) in bindings.mappings.iter().enumerate() {
            let holder = contribution.conflicts.iter().find(|(lost, _)| *lost == number);
            if let Some((_, holder)) = holder {
                let rejected = of_mapping(&contribution.owner, mapping, Reason::Conflict);
                let message = format!(
                    "{} is served for {holder} already; the operator comes first, then the older \
                     ConfigMap",
                    rejected.title
                );
                self.contents.rejections.push(Rejection { message, ..rejected });
                continue;
            }
            let serving = mapping.serving().is_some() && contribution.served;
            for rejection in mapping.error.iter().chain(&mapping.warning) {
                self.contents.rejections.push(Rejection {
                    message: message(contribution, &rejection.faults),
                    serving,
                    ..of_mapping(&contribution.owner, mapping, rejection.reason)
                });
                if rejection.reason != Reason::Loading && !serving {
                    faults.extend(rejection.faults.iter().cloned());
                }
            }
            if let (true, Some(evaluations)) = (contribution.served, mapping.serving()) {
                self.contents.mappings.push(evaluations.clone());
            }
        }
    }

    fn add_rules(
        &mut self,
        contribution: &Contribution<Arc<Bindings>>,
        bindings: &Bindings,
        faults: &mut Vec<Fault>,
    ) {
        let rules = &bindings.rules;
        // Only the operator has rules and delegates.
        if contribution.served && contribution.owner == Owner::Operator {
            self.contents.rules = rules.metrics.clone();
            self.contents.gaps = rules.gaps.clone();
            self.contents.resource_metrics.clone_from(&rules.resource_metrics);
            self.contents.delegates.clone_from(&bindings.delegates);
        }
        for error in &rules.errors {
            self.reject(contribution, "rules".to_owned(), error, false, faults);
        }
        for warning in &rules.warnings {
            let serving = warning.reason != Reason::NoMetrics;
            self.reject(contribution, "rules".to_owned(), warning, serving, faults);
        }
        for kept in &rules.kept {
            self.reject(contribution, "rules".to_owned(), kept, true, faults);
        }
        for (metric, serve, error) in &rules.resource_errors {
            self.reject(contribution, serve.title(metric), error, false, faults);
            if let Some(rejected) = self.contents.rejections.last_mut() {
                rejected.mapping = Some((metric.clone(), serve.clone()));
            }
        }
    }

    fn reject(
        &mut self,
        contribution: &Contribution<Arc<Bindings>>,
        title: String,
        rejection: &Cause,
        serving: bool,
        faults: &mut Vec<Fault>,
    ) {
        self.contents.rejections.push(Rejection {
            title,
            message: message(contribution, &rejection.faults),
            serving,
            ..of_document(&contribution.owner, rejection.reason)
        });
        if rejection.reason != Reason::Loading {
            faults.extend(rejection.faults.iter().filter(|f| !serving || f.is_warning()).cloned());
        }
    }
}

fn of_document(owner: &Owner, reason: Reason) -> Rejection {
    Rejection {
        owner: owner.clone(),
        mapping: None,
        title: "configuration".to_owned(),
        reason,
        message: String::new(),
        serving: false,
        activates: None,
    }
}

fn of_mapping(owner: &Owner, mapping: &MappingStatus, reason: Reason) -> Rejection {
    Rejection {
        mapping: Some((mapping.metric.clone(), mapping.serve.clone())),
        title: evaluation::title(owner, &mapping.serve, &mapping.metric),
        activates: mapping.activates.clone(),
        ..of_document(owner, reason)
    }
}

fn message(contribution: &Contribution<Arc<Bindings>>, faults: &[Fault]) -> String {
    sorted(&contribution.bound_document, faults.to_vec()).to_string()
}

/// Faults that have their lines, in the order of their document.
fn sorted(document: &str, mut list: Vec<Fault>) -> Faults {
    list.sort_by_key(|fault| fault.line);
    list.dedup();
    Faults { document: document.to_owned(), list }
}
