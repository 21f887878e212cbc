//! One attempt: queries, then the plugin.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::try_join_all;

use super::candidate::Candidate;
use super::circuit_breaker::Transition;
use super::error::EvaluationError;
use super::mapping::{BoundQuery, Mapping};
use super::plugin_run::{Which, run};
use super::state::{Evaluated, Evaluation, next_id};
use leadsman_model::data::{Answer, Input};
use leadsman_model::names::Scope;
use leadsman_model::query_params::QueryParams;
use leadsman_model::tenant::Tenant;
use leadsman_runtime::clock;
use leadsman_source::Request;

/// The outcome of an evaluation, and the input for a shadow evaluation.
pub(super) type Outcome = (Result<Evaluated, EvaluationError>, Option<Input>);

/// Evaluates a mapping for one scope and its parameters.
pub(super) async fn evaluate(mapping: &Arc<Mapping>, evaluation: &Evaluation) -> Outcome {
    let now = Instant::now();
    if let Err(error) = mapping.breaker.admit(now) {
        return (Err(error), None);
    }
    let (outcome, input) = match attempt(mapping, evaluation).await {
        Ok((evaluated, input)) => (Ok(evaluated), input),
        Err(error) => (Err(error), None),
    };
    match mapping.breaker.ended(&outcome, Instant::now()) {
        Transition::Unchanged => {}
        Transition::Opened => {
            let reason = mapping.breaker.unavailable();
            tracing::error!(mapping = mapping.title(), reason, "the mapping is unavailable");
        }
        Transition::Closed => {
            tracing::info!(mapping = mapping.title(), "the mapping is available again");
        }
    }
    (outcome, input)
}

async fn attempt(
    mapping: &Arc<Mapping>,
    evaluation: &Evaluation,
) -> Result<(Evaluated, Option<Input>), EvaluationError> {
    let (scope, params) = (&evaluation.scope, &evaluation.params);
    let (at, time) = (Instant::now(), clock::now());
    if let Some(budget) = &mapping.budget {
        budget.admit(at)?;
    }
    let queries = mapping.queries.iter().map(|query| fetch(mapping, query, scope, params, time));
    let answers = try_join_all(queries).await?;
    let querying = at.elapsed();
    let input = Input::new(scope.clone(), time, answers);
    if let (Some(_), Some(kind)) = (&mapping.object_labels, &mapping.kind) {
        kind.ready()?;
    }
    let again = mapping.candidate.is_some().then(|| input.clone());
    let stage = |stage| evaluation.enter(stage);
    let (values, running) = run(mapping, Which::Serving, input, scope, stage).await?;
    mapping.metrics.refused(values.refused_count);
    let (id, evaluation) = (next_id(), evaluation.id);
    Ok((Evaluated { id, evaluation, values, at, time, querying, running }, again))
}

/// Runs the candidate on the input that the serving plugin had, and records how it compares.
pub(super) async fn run_shadow(
    mapping: &Arc<Mapping>,
    served: &Evaluated,
    input: Input,
    scope: &Scope,
) {
    let Some(candidate) = &mapping.candidate else { return };
    let under_way = ShadowGuard { mapping, candidate };
    let values = match run(mapping, Which::Candidate, input, scope, |_| ()).await {
        // There was no time left for it, which says nothing of the candidate.
        Err(EvaluationError::Budget(_)) => return,
        ended => ended.map(|(values, _)| values),
    };
    std::mem::forget(under_way);
    let (outcome, differences) = candidate.record(&served.values, values);
    mapping.metrics.shadow_evaluated(outcome, differences);
}

/// Counts a shadow evaluation as skipped if it is dropped before it has ended.
struct ShadowGuard<'a> {
    mapping: &'a Mapping,
    candidate: &'a Candidate,
}

impl Drop for ShadowGuard<'_> {
    fn drop(&mut self) {
        self.mapping.metrics.shadow_evaluated(self.candidate.skipped(), 0);
    }
}

async fn fetch(
    mapping: &Mapping,
    query: &BoundQuery,
    scope: &Scope,
    params: &QueryParams,
    now: i64,
) -> Result<(String, Answer), EvaluationError> {
    let refuse = |reason: String| EvaluationError::Selector { query: query.name.clone(), reason };
    let selector = &params.selector;
    let filled = query
        .kind
        .fill(scope.namespace(), params)
        .map_err(|reason| refuse(format!("{reason}; the selector is {selector}")))?;
    let begun = Instant::now();
    let tenant = &Tenant::new(&mapping.owner, scope);
    let request = Request { query: &filled, max_sample_age: query.max_sample_age, now, tenant };
    let answer = query.source.fetch(&request).await;
    mapping.metrics.queried(&query.name, begun.elapsed(), answer.is_err());
    let mut answer = answer.map_err(|source| EvaluationError::Query {
        query: query.name.clone(),
        source_name: query.source_name.clone(),
        source,
    })?;
    // Where the query has no place for the selector, it picks from what came back.
    if !query.kind.uses_selector() && !selector.is_empty() {
        answer.select(selector).map_err(|label| {
            refuse(format!(
                "its answer has no label \"{label}\"; keep the label in the query's by (…), or \
                 put ${{selector}} among the query's matchers"
            ))
        })?;
    }
    Ok((query.name.clone(), answer))
}
