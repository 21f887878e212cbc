//! Explanations of reads: the mapping, the recorded runs of its evaluations with queries, rows and log, the
//! policies, and the readers. What they contain depends on the rights of the requester: see [`View`].

mod assembly;
mod document;
mod filter;
pub(crate) mod findings;
mod fixture;
mod mapping;
mod number;
mod runs;
mod verdict;

pub use document::*;
pub use number::rfc3339;

use std::collections::HashSet;

use crate::snapshot::Snapshot;
use crate::{
    CustomRead, CustomReading, CustomRequest, ExternalRead, ExternalRequest, ObjectSelection,
    ReadError, ResourceRead, ResourceRequest,
};
use assembly::{
    ExplanationBuilder, ExplanationLimits, MAX_EVALUATIONS, evaluation, full, more_evaluations,
};
use findings::Requested;
use leadsman_evaluation::Evaluations;
use leadsman_model::names::Namespace;
use runs::Room;

/// Who requested an explanation, and what it may contain.
#[derive(Debug, Clone, Copy)]
pub struct Requester<'a> {
    /// The path with its parameters, as it reached the adapter.
    pub path: &'a str,
    /// The user, where requests have users.
    pub user: Option<&'a str>,
    /// What the explanation may contain.
    pub view: View,
}

/// What an explanation contains in addition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct With {
    /// The newest run as a fixture.
    pub fixture: bool,
}

/// What an explanation may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// What belongs to the objects and the namespace that the read is for. Rows of which that is not
    /// known are left out.
    OfRead,
    /// Everything: for the operator alone.
    Everything,
}

/// An explanation, and the error that the read itself ends with.
#[derive(Debug)]
pub struct Explained {
    /// The explanation.
    pub document: MetricExplanation,
    /// Why the read gets nothing.
    pub error: Option<ReadError>,
}

/// Makes a read of a custom metric, and explains its answer.
pub async fn custom(
    snapshot: &Snapshot,
    request: &CustomRequest<'_>,
    requester: &Requester<'_>,
    with: With,
) -> Explained {
    let mut builder = ExplanationBuilder::new(
        snapshot,
        requester,
        with,
        ExplainedRequest {
            api: "custom".to_owned(),
            metric: Some(request.metric.to_owned()),
            namespace: request.namespace.map(str::to_owned),
            resource: Some(request.resource.to_owned()),
            object: object(request.target),
            label_selector: request.label_selector.to_owned(),
            metric_selector: request.metric_selector.to_owned(),
            ..explained_request(requester)
        },
    );
    let read = match CustomRead::new(snapshot, request).await {
        Ok(read) => read,
        Err(error) => return builder.end(Some(error)),
    };
    let reading = read.read(None).await;
    if requester.view == View::Everything
        && reading.as_ref().is_ok_and(CustomReading::is_of_nothing)
    {
        // The operator sees what it would give, if there were objects. Its failure is among its runs.
        read.evaluate().await;
    }
    let values = reading.as_ref().map_err(ReadError::clone).and_then(|reading| reading.values());
    let names = if values.is_ok() { Vec::new() } else { read.requested() };
    builder.warn(reading.as_ref().ok().and_then(|reading| reading.warning()));
    let mut findings = read.findings(reading.as_ref().ok(), values.as_ref().ok(), &names);
    findings.missing = values.as_ref().ok().and_then(|values| values.missing.clone());
    builder.add(&findings);
    drop(findings);
    let error = values.err();
    builder.end(error)
}

/// Makes a read of an external metric, and explains its answer.
pub async fn external(
    snapshot: &Snapshot,
    request: &ExternalRequest<'_>,
    requester: &Requester<'_>,
    with: With,
) -> Explained {
    let mut builder = ExplanationBuilder::new(
        snapshot,
        requester,
        with,
        ExplainedRequest {
            api: "external".to_owned(),
            metric: Some(request.metric.to_owned()),
            namespace: Some(request.namespace.to_owned()),
            metric_selector: request.metric_selector.to_owned(),
            ..explained_request(requester)
        },
    );
    let read = match ExternalRead::new(snapshot, request).await {
        Ok(read) => read,
        Err(error) => return builder.end(Some(error)),
    };
    let reading = read.read().await;
    let items = reading.as_ref().map_err(ReadError::clone).and_then(|reading| reading.items());
    builder.warn(reading.as_ref().ok().and_then(|reading| reading.warning()));
    let mut findings = read.findings(reading.as_ref().ok(), items.as_ref().ok());
    findings.missing = items.as_ref().ok().and_then(|items| items.missing.clone());
    builder.add(&findings);
    drop(findings);
    let error = items.err();
    builder.end(error)
}

/// Makes a read of resource metrics, and explains its answer.
pub async fn resource(
    snapshot: &Snapshot,
    request: &ResourceRequest<'_>,
    requester: &Requester<'_>,
    with: With,
) -> Explained {
    let mut builder = ExplanationBuilder::new(
        snapshot,
        requester,
        with,
        ExplainedRequest {
            api: "resource".to_owned(),
            namespace: request.namespace.map(str::to_owned),
            resource: Some(request.kind.plural().to_owned()),
            object: object(request.target),
            label_selector: request.label_selector.to_owned(),
            field_selector: request.field_selector.to_owned(),
            ..explained_request(requester)
        },
    );
    let read = match ResourceRead::new(snapshot, request).await {
        Ok(read) => read,
        Err(error) => return builder.end(Some(error)),
    };
    let reading = read.read(None).await;
    let values = reading.as_ref().map_err(ReadError::clone).and_then(|reading| reading.values());
    let names = if values.is_ok() { Vec::new() } else { read.requested() };
    builder.warn(reading.as_ref().ok().and_then(|reading| reading.warning()));
    let missing = values.as_ref().ok().and_then(|values| values.missing.clone());
    for mut findings in read.findings(reading.as_ref().ok(), values.as_ref().ok(), &names) {
        findings.missing.clone_from(&missing);
        builder.add(&findings);
    }
    let error = values.err();
    builder.end(error)
}

/// Explains a mapping without a read of it: what it is, and its evaluations in use. Rows are shown to
/// the operator alone: without a read it is not known whose they are.
pub fn explain_mapping(
    snapshot: &Snapshot,
    evaluations: &Evaluations,
    view: View,
) -> MappingExplanation {
    let mut limits = ExplanationLimits { view, with: With::default(), room: Room::new() };
    let list = evaluations.list();
    let reported = list.iter().take(MAX_EVALUATIONS).filter_map(|(scope, params, ..)| {
        let namespace = scope.namespace().map_or("", Namespace::as_str);
        let requested = Requested::Objects { namespace, names: HashSet::new(), all: false };
        evaluation(evaluations, scope, params, &requested, &mut limits)
    });
    let reported = reported.collect();
    let mut left_out = full(&limits.room);
    left_out.extend(more_evaluations(list.len()));
    MappingExplanation {
        title: evaluations.mapping().title(),
        mapping: mapping::mapping(snapshot, evaluations, view),
        evaluations: reported,
        left_out,
    }
}

fn explained_request(requester: &Requester<'_>) -> ExplainedRequest {
    ExplainedRequest {
        path: requester.path.to_owned(),
        user: requester.user.map(str::to_owned),
        ..ExplainedRequest::default()
    }
}

fn object(target: ObjectSelection<'_>) -> Option<String> {
    match target {
        ObjectSelection::All => None,
        ObjectSelection::One(name) => Some(name.as_str().to_owned()),
    }
}
