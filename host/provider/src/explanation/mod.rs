//! How a read is answered, and all that led to it: the mapping, the recorded runs of its evaluations
//! with their queries, rows and log, the policies, and who reads. Under the rights of the read
//! itself: see [`View`].

mod document;

pub use document::*;

use crate::snapshot::Snapshot;
use crate::{CustomRequest, ExternalRequest, ResourceRequest, Target};
use leadsman_evaluation::Evaluations;

/// Who asks for an explanation, and of what it may tell.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The path with its parameters, as it reached the adapter.
    pub path: &'a str,
    /// The user, where requests have users.
    pub user: Option<&'a str>,
    /// What may be told.
    pub view: View,
}

/// What an explanation may tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// What belongs to the objects and the namespace that the read is for. Rows of which that is not
    /// known are left out.
    OfRead,
    /// Everything: for the operator alone.
    Everything,
}

/// Makes a read of a custom metric, and explains its answer.
pub async fn explain_custom(
    snapshot: &Snapshot,
    request: &CustomRequest<'_>,
    asker: &Asker<'_>,
) -> MetricExplanation {
    let asked = AskedFor {
        api: "custom".to_owned(),
        metric: Some(request.metric.to_owned()),
        namespace: request.namespace.map(str::to_owned),
        resource: Some(request.resource.to_owned()),
        object: object(request.target),
        label_selector: request.label_selector.to_owned(),
        metric_selector: request.metric_selector.to_owned(),
        ..asked_for(asker)
    };
    nothing(snapshot, asked)
}

/// Makes a read of an external metric, and explains its answer.
pub async fn explain_external(
    snapshot: &Snapshot,
    request: &ExternalRequest<'_>,
    asker: &Asker<'_>,
) -> MetricExplanation {
    let asked = AskedFor {
        api: "external".to_owned(),
        metric: Some(request.metric.to_owned()),
        namespace: Some(request.namespace.to_owned()),
        metric_selector: request.metric_selector.to_owned(),
        ..asked_for(asker)
    };
    nothing(snapshot, asked)
}

/// Makes a read of resource metrics, and explains its answer.
pub async fn explain_resource(
    snapshot: &Snapshot,
    request: &ResourceRequest<'_>,
    asker: &Asker<'_>,
) -> MetricExplanation {
    let asked = AskedFor {
        api: "resource".to_owned(),
        namespace: request.namespace.map(str::to_owned),
        resource: Some(request.kind.plural().to_owned()),
        object: object(request.target),
        label_selector: request.label_selector.to_owned(),
        field_selector: request.field_selector.to_owned(),
        ..asked_for(asker)
    };
    nothing(snapshot, asked)
}

/// Explains a mapping without a read of it: what it is, and all its evaluations in use.
pub fn explain_mapping(
    snapshot: &Snapshot,
    evaluations: &Evaluations,
    view: View,
) -> MappingExplanation {
    let _ = (snapshot, view);
    let mapping = evaluations.mapping();
    MappingExplanation { title: mapping.title(), mapping: None, evaluations: Vec::new() }
}

fn asked_for(asker: &Asker<'_>) -> AskedFor {
    AskedFor {
        path: asker.path.to_owned(),
        user: asker.user.map(str::to_owned),
        ..AskedFor::default()
    }
}

fn object(target: Target<'_>) -> Option<String> {
    match target {
        Target::All => None,
        Target::One(name) => Some(name.as_str().to_owned()),
    }
}

fn nothing(snapshot: &Snapshot, request: AskedFor) -> MetricExplanation {
    MetricExplanation {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        verdict: String::new(),
        time: String::new(),
        generation: snapshot.generation,
        request,
        metrics: Vec::new(),
        failure: None,
        warnings: Vec::new(),
        left_out: Vec::new(),
    }
}
