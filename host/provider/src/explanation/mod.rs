//! How a read is answered, and all that led to it: the mapping, the recorded runs of its evaluations
//! with their queries, rows and log, the policies, and who reads. Under the rights of the read
//! itself: see [`View`].

mod document;
mod filter;
pub(crate) mod findings;
mod fixture;
mod mapping;
mod number;
mod runs;
mod verdict;

use std::time::{Duration, Instant};

pub use document::*;
pub use number::{both, decimal};

use crate::snapshot::Snapshot;
use crate::{
    CustomRead, CustomReading, CustomRequest, ExternalRead, ExternalRequest, ReadError,
    ResourceRead, ResourceRequest, Target,
};
use filter::Filter;
use findings::{ReadFindings, ReadValue, Requested, UsedEvaluation};
use leadsman_evaluation::{Evaluations, Missing, Recorded};
use leadsman_model::names::{Namespace, Scope};
use leadsman_model::query_params::QueryParams;
use leadsman_runtime::clock;
use number::rfc3339;
use runs::Room;

/// How many values of a metric, and evaluations of a mapping, an explanation contains.
const MAX_VALUES: usize = 500;
const MAX_EVALUATIONS: usize = 20;

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
pub async fn explain_custom(
    snapshot: &Snapshot,
    request: &CustomRequest<'_>,
    requester: &Requester<'_>,
) -> MetricExplanation {
    custom(snapshot, request, requester, With::default()).await.document
}

/// The same, with the error of the read.
pub async fn custom(
    snapshot: &Snapshot,
    request: &CustomRequest<'_>,
    requester: &Requester<'_>,
    with: With,
) -> Explained {
    let mut making = Making::new(
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
        Err(error) => return making.end(Some(error)),
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
    making.warn(reading.as_ref().ok().and_then(|reading| reading.warning()));
    let mut findings = read.findings(reading.as_ref().ok(), values.as_ref().ok(), &names);
    findings.missing = values.as_ref().ok().and_then(|values| values.missing.clone());
    making.add(&findings);
    drop(findings);
    let error = values.err();
    making.end(error)
}

/// Makes a read of an external metric, and explains its answer.
pub async fn explain_external(
    snapshot: &Snapshot,
    request: &ExternalRequest<'_>,
    requester: &Requester<'_>,
) -> MetricExplanation {
    external(snapshot, request, requester, With::default()).await.document
}

/// The same, with the error of the read.
pub async fn external(
    snapshot: &Snapshot,
    request: &ExternalRequest<'_>,
    requester: &Requester<'_>,
    with: With,
) -> Explained {
    let mut making = Making::new(
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
        Err(error) => return making.end(Some(error)),
    };
    let reading = read.read().await;
    let items = reading.as_ref().map_err(ReadError::clone).and_then(|reading| reading.items());
    making.warn(reading.as_ref().ok().and_then(|reading| reading.warning()));
    let mut findings = read.findings(reading.as_ref().ok(), items.as_ref().ok());
    findings.missing = items.as_ref().ok().and_then(|items| items.missing.clone());
    making.add(&findings);
    drop(findings);
    let error = items.err();
    making.end(error)
}

/// Makes a read of resource metrics, and explains its answer.
pub async fn explain_resource(
    snapshot: &Snapshot,
    request: &ResourceRequest<'_>,
    requester: &Requester<'_>,
) -> MetricExplanation {
    resource(snapshot, request, requester, With::default()).await.document
}

/// The same, with the error of the read.
pub async fn resource(
    snapshot: &Snapshot,
    request: &ResourceRequest<'_>,
    requester: &Requester<'_>,
    with: With,
) -> Explained {
    let mut making = Making::new(
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
        Err(error) => return making.end(Some(error)),
    };
    let reading = read.read(None).await;
    let values = reading.as_ref().map_err(ReadError::clone).and_then(|reading| reading.values());
    let names = if values.is_ok() { Vec::new() } else { read.requested() };
    making.warn(reading.as_ref().ok().and_then(|reading| reading.warning()));
    let missing = values.as_ref().ok().and_then(|values| values.missing.clone());
    for mut findings in read.findings(reading.as_ref().ok(), values.as_ref().ok(), &names) {
        findings.missing.clone_from(&missing);
        making.add(&findings);
    }
    let error = values.err();
    making.end(error)
}

/// Explains a mapping without a read of it: what it is, and its evaluations in use. Rows are shown to
/// the operator alone: without a read it is not known whose they are.
pub fn explain_mapping(
    snapshot: &Snapshot,
    evaluations: &Evaluations,
    view: View,
) -> MappingExplanation {
    let mut lens = Lens { view, with: With::default(), room: Room::new() };
    let list = evaluations.list();
    let reported = list.iter().take(MAX_EVALUATIONS).filter_map(|(scope, params, ..)| {
        let namespace = scope.namespace().map_or("", Namespace::as_str);
        let requested = Requested::Objects { namespace, names: Vec::new(), all: false };
        evaluation(evaluations, scope, params, &requested, &mut lens)
    });
    let reported = reported.collect();
    let mut left_out = full(&lens.room);
    left_out.extend(more_evaluations(list.len()));
    MappingExplanation {
        title: evaluations.mapping().title(),
        mapping: mapping::mapping(snapshot, evaluations, view),
        evaluations: reported,
        left_out,
    }
}

/// What is shown of evaluations, and how much more there is room for.
struct Lens {
    view: View,
    with: With,
    room: Room,
}

/// An explanation under construction.
struct Making<'a> {
    snapshot: &'a Snapshot,
    document: MetricExplanation,
    lens: Lens,
    /// One line of verdict for each metric.
    lines: Vec<String>,
}

impl<'a> Making<'a> {
    fn new(
        snapshot: &'a Snapshot,
        requester: &Requester<'_>,
        with: With,
        request: ExplainedRequest,
    ) -> Self {
        let document = MetricExplanation {
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            verdict: String::new(),
            time: rfc3339(clock::now()),
            generation: snapshot.generation,
            request,
            metrics: Vec::new(),
            delegate: None,
            failure: None,
            warnings: Vec::new(),
            left_out: Vec::new(),
        };
        let lens = Lens { view: requester.view, with, room: Room::new() };
        Self { snapshot, document, lens, lines: Vec::new() }
    }

    fn warn(&mut self, warning: Option<String>) {
        self.document.warnings.extend(warning);
    }

    fn add(&mut self, findings: &ReadFindings<'_>) {
        let ReadFindings { evaluations, evaluations_used, values, missing } = findings;
        let mapping = evaluations.mapping();
        self.lines.push(verdict::of_values(&mapping.title(), values));
        let reported = evaluations_used.iter().take(MAX_EVALUATIONS).filter_map(|used| {
            let UsedEvaluation { scope, params, requested } = used;
            evaluation(evaluations, scope, params, requested, &mut self.lens)
        });
        let reported = reported.collect();
        self.document.left_out.extend(more_evaluations(evaluations_used.len()));
        if values.len() > MAX_VALUES {
            let more = values.len() - MAX_VALUES;
            self.document.left_out.push(format!("{more} values: the first {MAX_VALUES} are told"));
        }
        let recorded: Vec<_> = evaluations_used
            .iter()
            .filter_map(|used| {
                let recorded = evaluations.recorded(&used.scope, &used.params)?;
                let namespace = used.scope.namespace().map_or("", Namespace::as_str);
                Some((namespace, recorded))
            })
            .collect();
        let policies: Vec<_> = recorded
            .iter()
            .flat_map(|(namespace, recorded)| {
                recorded.runs.iter().map(move |run| (*namespace, run))
            })
            .filter(|(_, run)| values.iter().any(|value| value.run == Some(run.id)))
            .map(|(namespace, run)| (run.id, runs::policies(run, &mapping.policy, namespace)))
            .collect();
        let explained_values = values.iter().take(MAX_VALUES).map(|value| {
            let run = policies.iter().find(|(id, _)| value.run == Some(*id));
            let labels = value.labels.iter().map(|(name, of)| (&**name, &**of));
            let key = runs::key(value.namespace, value.object, labels);
            explained_value(value, run.and_then(|(_, policies)| policies.get(&key)))
        });
        let explained_values = explained_values.collect();
        self.document.metrics.push(ExplainedMetric {
            mapping: mapping::mapping(self.snapshot, evaluations, self.lens.view),
            values: explained_values,
            values_total: values.len(),
            missing: missing.as_ref().map(missing_values),
            evaluations: reported,
        });
    }

    fn end(mut self, error: Option<ReadError>) -> Explained {
        self.document.failure = error.as_ref().map(|error| NoAnswer {
            reason: error.reason().to_owned(),
            message: error.to_string(),
            code: None,
        });
        self.document.left_out.extend(full(&self.lens.room));
        self.document.verdict = verdict::of(&self.document, &self.lines);
        Explained { document: self.document, error }
    }
}

/// One evaluation, if it is in use.
fn evaluation(
    evaluations: &Evaluations,
    scope: &Scope,
    params: &QueryParams,
    requested: &Requested<'_>,
    lens: &mut Lens,
) -> Option<ExplainedEvaluation> {
    let Recorded { state, every, runs, readers } = evaluations.recorded(scope, params)?;
    let mapping = &**evaluations.mapping();
    let filter = Filter::new(lens.view, mapping, scope, requested);
    let (fixture, no_fixture) = match runs.first().filter(|_| lens.with.fixture) {
        Some(newest) => match fixture::of(newest, mapping, &filter) {
            Ok(fixture) => (Some(fixture), None),
            Err(why) => (None, Some(why)),
        },
        None => (None, None),
    };
    let handover = evaluations.handover(scope, params);
    let now = Instant::now();
    let age = state.good.as_ref().map(|good| now.saturating_duration_since(good.at));
    let last_good = mapping.policy.last_good;
    let left = match (age, last_good) {
        (Some(age), Some(oldest)) => Some(oldest.saturating_sub(age)),
        (None, Some(_)) => Some(Duration::ZERO),
        (_, None) => None,
    };
    let serves = left.is_some_and(|left| !left.is_zero());
    let name = match (&state.failed, age) {
        (Some(_), _) if serves => "lastGood",
        (Some(_), _) => "failing",
        (None, None) => "pending",
        (None, Some(_)) => "ok",
    };
    let failing = state.failed.as_ref().map(|failed| {
        let since = now.saturating_duration_since(failed.since).as_millis();
        clock::now().saturating_sub(i64::try_from(since).unwrap_or(i64::MAX))
    });
    Some(ExplainedEvaluation {
        namespace: scope.namespace().map(ToString::to_string),
        selector: params.to_string(),
        state: name.to_owned(),
        every: every.as_secs_f64(),
        age: age.map(|age| age.as_secs_f64()),
        last_good_ends_in: state.failed.as_ref().and(left).map(|left| left.as_secs_f64()),
        failing_since: failing.map(rfc3339),
        handover: handover.map(|handover| {
            let serving = if handover.serving { "serves" } else { "cannot serve" };
            let since = findings::seconds(handover.since);
            format!(
                "the mapping was changed {since} ago; the one before {serving} until the changed one \
                 has values"
            )
        }),
        runs: runs.iter().map(|run| runs::run(run, mapping, &filter, &mut lens.room)).collect(),
        readers: runs::readers(&readers, &filter),
        fixture,
        no_fixture,
    })
}

fn explained_value(value: &ReadValue<'_>, policy: Option<&String>) -> ExplainedValue {
    let labels = value.labels.iter().map(|(name, of)| (name.to_string(), of.to_string()));
    ExplainedValue {
        namespace: value.namespace.to_owned(),
        object: value.object.to_owned(),
        container: value.container.to_owned(),
        labels: labels.collect(),
        value: Number::of(value.value.quantity),
        time: rfc3339(value.value.time),
        window: value.value.window,
        from: value.from,
        run: value.run,
        policies: policy.into_iter().chain(&value.policies).cloned().collect(),
    }
}

fn missing_values(missing: &Missing) -> MissingValues {
    MissingValues { reason: missing.reason.as_str().to_owned(), message: missing.message.clone() }
}

fn full(room: &Room) -> Vec<String> {
    let reported = || format!("rows and measures beyond {} KiB", runs::MAX_BYTES >> 10);
    room.full.then(reported).into_iter().collect()
}

fn more_evaluations(count: usize) -> Option<String> {
    let more = count.checked_sub(MAX_EVALUATIONS).filter(|&more| more > 0)?;
    Some(format!("{more} evaluations: the first {MAX_EVALUATIONS} are told"))
}

fn explained_request(requester: &Requester<'_>) -> ExplainedRequest {
    ExplainedRequest {
        path: requester.path.to_owned(),
        user: requester.user.map(str::to_owned),
        ..ExplainedRequest::default()
    }
}

fn object(target: Target<'_>) -> Option<String> {
    match target {
        Target::All => None,
        Target::One(name) => Some(name.as_str().to_owned()),
    }
}
