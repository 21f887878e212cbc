//! What is to be served, and what is not and why: the machine's state, seen from outside.

use std::sync::Arc;

use super::quota;
use super::reason::{Reason, locate};
use super::state::{BindingState, DocumentState, Revision, Source, State, TeamsWatch, TextState};
use leadsman_document::{Fault, Faults};
use leadsman_model::owner::Owner;
use leadsman_provider::snapshot::NotLoaded;

/// All owners' contributions, in the order in which they have a right to a metric.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Publication<P> {
    pub(super) contributions: Vec<Contribution<P>>,
    /// Why teams' documents cannot be listed.
    pub(super) teams_fault: Option<(Reason, String)>,
}

/// What one owner's document contributes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Contribution<P> {
    pub(super) owner: Owner,
    /// What is wrong with the document.
    pub(super) rejections: Vec<DocumentRejection>,
    /// What binding it gave.
    pub(super) product: Option<P>,
    /// Whether that is served. A document with faults and without a good version before it is
    /// only bound to find all of its faults at once.
    pub(super) served: bool,
    /// Those of its mappings whose metric is another owner's, by number.
    pub(super) conflicts: Vec<(usize, Owner)>,
    /// The name of the newest document.
    pub(super) document: String,
    /// The name of the document that was bound.
    pub(super) bound_document: String,
}

/// What is wrong with a whole document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DocumentRejection {
    pub(super) reason: Reason,
    pub(super) message: String,
    /// Whether an earlier version is served in its place.
    pub(super) serving: bool,
    pub(super) faults: Faults,
}

impl<P> Publication<P> {
    /// Why nothing of the operator's document is in force, if that is so: what seems to be missing
    /// may only be not known yet.
    pub(super) fn not_loaded(&self) -> Option<NotLoaded> {
        let operator = self.contributions.iter().find(|one| one.owner == Owner::Operator);
        match operator {
            Some(operator) if operator.served => None,
            // What is wrong with the document is for those who may read it.
            Some(Contribution { rejections, .. }) if !rejections.is_empty() => {
                Some(NotLoaded::Refused(format!(
                    "no configuration is in force ({}); the adapter's log and status page say why",
                    rejections[0].reason
                )))
            }
            _ => Some(NotLoaded::Loading),
        }
    }
}

impl DocumentRejection {
    fn of(reason: Reason, faults: Faults, serving: bool) -> Self {
        Self { reason, message: faults.to_string(), serving, faults }
    }
}

impl<P: Clone + PartialEq> State<P> {
    /// What is to be served now.
    pub(super) fn publication(&self) -> Publication<P> {
        let order = quota::by_age(self.documents.iter());
        let mut conflicts = quota::conflicts(&order);
        let contributions = order
            .into_iter()
            .map(|(owner, document)| Contribution {
                owner: owner.clone(),
                rejections: self.rejections(owner, document),
                product: document.bound.as_ref().map(|bound| bound.outcome.product.clone()),
                served: document.is_serving(),
                conflicts: conflicts.remove(owner).unwrap_or_default(),
                document: name(document.newest().or(document.bound_revision()), owner),
                bound_document: name(document.bound_revision(), owner),
            })
            .filter(|one| one.product.is_some() || !one.rejections.is_empty())
            .collect();
        let teams_fault = match &self.teams {
            TeamsWatch::Unreachable(unseen) if unseen.forbidden => {
                Some((Reason::Forbidden, unseen.reason.clone()))
            }
            TeamsWatch::Unreachable(unseen) => Some((Reason::Unreadable, unseen.reason.clone())),
            TeamsWatch::NotStarted | TeamsWatch::Starting | TeamsWatch::Synced => None,
        };
        Publication { contributions, teams_fault }
    }

    fn rejections(&self, owner: &Owner, document: &DocumentState<P>) -> Vec<DocumentRejection> {
        let serving = document.is_serving();
        let mut all = Vec::new();
        if let Source::Unreadable(reason) = &document.source {
            let message = format!("it cannot be read: {reason}");
            let list = vec![Fault::at("", message.clone())];
            let faults = Faults { document: self.origin.to_string(), list };
            all.push(DocumentRejection { reason: Reason::Unreadable, message, serving, faults });
        }
        let newest = match &document.text {
            TextState::Faulty(revision) => {
                let faults = revision.source_map.locate(revision.faults.clone());
                all.push(DocumentRejection::of(Reason::ConfigInvalid, faults, serving));
                Some(revision)
            }
            TextState::Valid(revision) => {
                all.extend(partial(revision));
                Some(revision)
            }
            TextState::NotAllowed => {
                let namespace = owner.namespace().map(ToString::to_string).unwrap_or_default();
                let message = format!(
                    "the operator's configuration opens nothing to the namespace {namespace}; it \
                     would be an entry under `teams`"
                );
                let faults = locate(None, owner, vec![Fault::at("", message)]);
                all.push(DocumentRejection::of(Reason::NotAllowed, faults, serving));
                None
            }
            TextState::Failed(reason) => {
                all.push(internal(owner, "reading this document", reason, serving));
                None
            }
            TextState::Excess(faults) => {
                let faults = locate(None, owner, faults.clone());
                all.push(DocumentRejection::of(Reason::NotAllowed, faults, serving));
                None
            }
            TextState::Absent | TextState::Waiting | TextState::Parsing(_) => None,
        };
        if !document.over_quota.is_empty() {
            let source_map = newest.map(|revision| &*revision.source_map);
            let faults = locate(source_map, owner, document.over_quota.clone());
            all.push(DocumentRejection::of(Reason::ConfigInvalid, faults, serving));
        }
        if let BindingState::Failed(reason) = &document.binding {
            all.push(internal(owner, "loading this document", reason, serving));
        }
        if let (Owner::Operator, Some(bound)) = (owner, &document.bound)
            && !self.settings.faults.is_empty()
        {
            let faults = bound.revision.source_map.locate(self.settings.faults.clone());
            all.push(DocumentRejection::of(Reason::ConfigInvalid, faults, false));
        }
        all
    }
}

/// What is wrong with parts of a document, the rest of which is served, and what may be.
fn partial(revision: &Revision) -> impl Iterator<Item = DocumentRejection> {
    let located = revision.source_map.locate(revision.faults.clone());
    let of = |warnings, reason| {
        let faults = located.only(warnings)?;
        Some(DocumentRejection::of(reason, faults, warnings))
    };
    let faults = of(false, Reason::ConfigInvalid);
    faults.into_iter().chain(of(true, Reason::ConfigWarning))
}

/// The name of a document in faults.
fn name(revision: Option<&Arc<Revision>>, owner: &Owner) -> String {
    revision.map_or_else(|| owner.to_string(), |revision| revision.source_map.name.clone())
}

fn internal(owner: &Owner, work: &str, reason: &str, serving: bool) -> DocumentRejection {
    let message = format!("the adapter failed while {work}, which is a fault of its own: {reason}");
    let faults = locate(None, owner, vec![Fault::at("", message)]);
    DocumentRejection::of(Reason::InternalError, faults, serving)
}

impl<P> DocumentState<P> {
    /// Whether something of it is served.
    pub(super) fn is_serving(&self) -> bool {
        self.bound.as_ref().is_some_and(|bound| bound.revision.is_valid())
    }

    fn bound_revision(&self) -> Option<&Arc<Revision>> {
        self.bound.as_ref().map(|bound| &bound.revision)
    }

    /// The newest reading of the document, if it could be parsed.
    pub(super) fn newest(&self) -> Option<&Arc<Revision>> {
        match &self.text {
            TextState::Faulty(revision) | TextState::Valid(revision) => Some(revision),
            TextState::Absent
            | TextState::Waiting
            | TextState::Parsing(_)
            | TextState::NotAllowed
            | TextState::Excess(_)
            | TextState::Failed(_) => None,
        }
    }
}
