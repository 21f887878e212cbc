//! Assembles an explanation from the findings of a read and the records of its evaluations.

use std::time::{Duration, Instant};

use super::filter::Filter;
use super::findings::{self, ReadFindings, ReadValue, Requested, UsedEvaluation};
use super::number::rfc3339;
use super::runs::{self, Room};
use super::{
    API_VERSION, Explained, ExplainedEvaluation, ExplainedMetric, ExplainedRequest, ExplainedValue,
    KIND, MetricExplanation, MissingValues, NoAnswer, Number, Requester, View, With, fixture,
    mapping, verdict,
};
use crate::ReadError;
use crate::snapshot::Snapshot;
use leadsman_evaluation::{EvaluationRecord, Evaluations, Missing};
use leadsman_model::names::{Namespace, Scope};
use leadsman_model::query_params::QueryParams;
use leadsman_runtime::clock;

/// How many values of a metric, and evaluations of a mapping, an explanation contains.
const MAX_VALUES: usize = 500;
pub(super) const MAX_EVALUATIONS: usize = 20;

/// What an explanation may show of evaluations, and how many bytes are left for it.
pub(super) struct ExplanationLimits {
    pub(super) view: View,
    pub(super) with: With,
    pub(super) room: Room,
}

/// An explanation under construction.
pub(super) struct ExplanationBuilder<'a> {
    snapshot: &'a Snapshot,
    document: MetricExplanation,
    limits: ExplanationLimits,
    /// One line of verdict for each metric.
    lines: Vec<String>,
}

impl<'a> ExplanationBuilder<'a> {
    pub(super) fn new(
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
            hour: None,
            left_out: Vec::new(),
        };
        let limits = ExplanationLimits { view: requester.view, with, room: Room::new() };
        Self { snapshot, document, limits, lines: Vec::new() }
    }

    pub(super) fn warn(&mut self, warning: Option<String>) {
        self.document.warnings.extend(warning);
    }

    pub(super) fn add(&mut self, findings: &ReadFindings<'_>) {
        let ReadFindings { evaluations, evaluations_used, values, missing } = findings;
        let mapping = evaluations.mapping();
        self.lines.push(verdict::of_values(&mapping.title(), values));
        let reported = evaluations_used.iter().take(MAX_EVALUATIONS).filter_map(|used| {
            let UsedEvaluation { scope, params, requested } = used;
            evaluation(evaluations, scope, params, requested, &mut self.limits)
        });
        let reported = reported.collect();
        self.document.left_out.extend(more_evaluations(evaluations_used.len()));
        if values.len() > MAX_VALUES {
            let more = values.len() - MAX_VALUES;
            self.document.left_out.push(format!("{more} values: the first {MAX_VALUES} are shown"));
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
            mapping: mapping::mapping(self.snapshot, evaluations, self.limits.view),
            values: explained_values,
            values_total: values.len(),
            missing: missing.as_ref().map(missing_values),
            evaluations: reported,
        });
    }

    pub(super) fn end(mut self, error: Option<ReadError>) -> Explained {
        self.document.failure = error.as_ref().map(|error| NoAnswer {
            reason: error.reason().to_owned(),
            message: error.to_string(),
            code: None,
        });
        self.document.left_out.extend(full(&self.limits.room));
        self.document.verdict = verdict::of(&self.document, &self.lines);
        Explained { document: self.document, error }
    }
}

/// One evaluation, if it is in use.
pub(super) fn evaluation(
    evaluations: &Evaluations,
    scope: &Scope,
    params: &QueryParams,
    requested: &Requested<'_>,
    limits: &mut ExplanationLimits,
) -> Option<ExplainedEvaluation> {
    let EvaluationRecord { state, every, runs, readers } = evaluations.recorded(scope, params)?;
    let mapping = &**evaluations.mapping();
    let filter = Filter::new(limits.view, mapping, scope, requested);
    let (fixture, no_fixture) = match runs.first().filter(|_| limits.with.fixture) {
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
        runs: runs.iter().map(|run| runs::run(run, mapping, &filter, &mut limits.room)).collect(),
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

pub(super) fn full(room: &Room) -> Vec<String> {
    let reported = || format!("rows and measures beyond {} KiB", runs::MAX_BYTES >> 10);
    room.full.then(reported).into_iter().collect()
}

pub(super) fn more_evaluations(count: usize) -> Option<String> {
    let more = count.checked_sub(MAX_EVALUATIONS).filter(|&more| more > 0)?;
    Some(format!("{more} evaluations: the first {MAX_EVALUATIONS} are shown"))
}
