//! One attempt: queries, then the plugin.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::try_join_all;

use super::breaker::Change;
use super::candidate::Candidate;
use super::cell::{Cell, Evaluated, next_id};
use super::error::EvaluationError;
use super::mapping::{BoundQuery, Mapping};
use super::plugin_run::{Which, run};
use leadsman_model::asked::Asked;
use leadsman_model::data::{Answer, Input};
use leadsman_model::names::Scope;
use leadsman_model::tenant::Tenant;
use leadsman_runtime::clock;
use leadsman_source::Request;

/// What an evaluation gave, and what a candidate is to be tried on.
pub(super) type Outcome = (Result<Evaluated, EvaluationError>, Option<Input>);

/// Evaluates a mapping for what a cell is about.
pub(super) async fn evaluate(mapping: &Arc<Mapping>, cell: &Cell) -> Outcome {
    let now = Instant::now();
    if let Err(error) = mapping.breaker.admit(now) {
        return (Err(error), None);
    }
    let (outcome, input) = match attempt(mapping, cell).await {
        Ok((evaluated, input)) => (Ok(evaluated), input),
        Err(error) => (Err(error), None),
    };
    match mapping.breaker.ended(&outcome, Instant::now()) {
        Change::None => {}
        Change::Unavailable => {
            let reason = mapping.breaker.unavailable();
            tracing::error!(mapping = mapping.title(), reason, "the mapping is unavailable");
        }
        Change::Recovered => {
            tracing::info!(mapping = mapping.title(), "the mapping is available again");
        }
    }
    (outcome, input)
}

async fn attempt(
    mapping: &Arc<Mapping>,
    cell: &Cell,
) -> Result<(Evaluated, Option<Input>), EvaluationError> {
    let (scope, asked) = (&cell.scope, &cell.asked);
    let (at, time) = (Instant::now(), clock::now());
    if let Some(budget) = &mapping.budget {
        budget.admit(at)?;
    }
    let queries = mapping.queries.iter().map(|query| fetch(mapping, query, scope, asked, time));
    let answers = try_join_all(queries).await?;
    let querying = at.elapsed();
    let input = Input::new(scope.clone(), time, answers);
    if let (Some(_), Some(kind)) = (&mapping.object_labels, &mapping.kind) {
        kind.ready()?;
    }
    let again = mapping.candidate.is_some().then(|| input.clone());
    let stage = |stage| cell.enter(stage);
    let (values, running) = run(mapping, Which::Serving, input, scope, stage).await?;
    mapping.metrics.refused(values.refused_count);
    let (id, evaluation) = (next_id(), cell.id);
    Ok((Evaluated { id, evaluation, values, at, time, querying, running }, again))
}

/// Tries the candidate on what the serving plugin ran on.
pub(super) async fn trial(mapping: &Arc<Mapping>, served: &Evaluated, input: Input, scope: &Scope) {
    let Some(candidate) = &mapping.candidate else { return };
    let under_way = UnderWay { mapping, candidate };
    let values = match run(mapping, Which::Candidate, input, scope, |_| ()).await {
        // There was no time left for it, which says nothing of the candidate.
        Err(EvaluationError::Budget(_)) => return,
        ended => ended.map(|(values, _)| values),
    };
    std::mem::forget(under_way);
    let (outcome, differences) = candidate.note(&served.values, values);
    mapping.metrics.tried(outcome, differences);
}

/// A trial that is dropped before it has ended is counted as such.
struct UnderWay<'a> {
    mapping: &'a Mapping,
    candidate: &'a Candidate,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.mapping.metrics.tried(self.candidate.skipped(), 0);
    }
}

async fn fetch(
    mapping: &Mapping,
    query: &BoundQuery,
    scope: &Scope,
    asked: &Asked,
    now: i64,
) -> Result<(String, Answer), EvaluationError> {
    let refuse = |reason: String| EvaluationError::Selector { query: query.name.clone(), reason };
    let selector = &asked.selector;
    let promql = query
        .promql
        .fill(scope.namespace(), asked)
        .map_err(|reason| refuse(format!("{reason}; the selector is {selector}")))?;
    let begun = Instant::now();
    let tenant = &Tenant::new(&mapping.owner, scope);
    let request = Request { promql: &promql, range: query.range, now, tenant };
    let answer = query.source.fetch(&request).await;
    mapping.metrics.queried(&query.name, begun.elapsed(), answer.is_err());
    let mut answer = answer.map_err(|source| EvaluationError::Query {
        query: query.name.clone(),
        source_name: query.source_name.clone(),
        source,
    })?;
    // Where the query has no place for the selector, it picks from what came back.
    if !query.promql.uses_selector() && !selector.is_empty() {
        answer.select(selector).map_err(|label| {
            refuse(format!(
                "its answer has no label \"{label}\"; keep the label in the query's by (…), or \
                 put ${{selector}} among the query's matchers"
            ))
        })?;
    }
    Ok((query.name.clone(), answer))
}
