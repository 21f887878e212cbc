//! One attempt: queries, then the plugin.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::cell::Evaluated;
use super::error::EvaluationError;
use super::mapping::{BoundQuery, Mapping};
use crate::clock;
use crate::memo::Memo;
use crate::model::data::{Answer, Input};
use crate::model::names::Scope;
use crate::model::selector::Selector;
use crate::model::values::Values;
use crate::plugin::{Expected, Run, RunError};
use crate::source::Request;

/// Evaluates a mapping for a scope. `selector` picks series.
pub(super) async fn evaluate(
    mapping: &Arc<Mapping>,
    scope: &Scope,
    selector: &Selector,
) -> Result<Evaluated, EvaluationError> {
    let (at, time) = (Instant::now(), clock::now());
    let queries = mapping.queries.iter().map(|query| fetch(mapping, query, scope, selector, time));
    let answers = try_join_all(queries).await?;
    let querying = at.elapsed();
    let mut input = Input::new(scope.clone(), time, answers);
    if mapping.wants_objects
        && let Some(kind) = &mapping.kind
    {
        kind.ready()?;
        input = input.with_objects(&kind.table(scope));
    }
    let series: usize = input.answers.iter().map(|(_, data, _)| data.series()).sum();
    let (values, running) = run(mapping, input, scope).await;
    mapping.metrics.plugin_ran(running, series);
    let values = values.map_err(|source| EvaluationError::Plugin {
        plugin: mapping.plugin_name.clone(),
        source,
    })?;
    mapping.metrics.refused(values.refused_count);
    Ok(Evaluated { values, at, time, querying, running, answers: Memo::default() })
}

async fn fetch(
    mapping: &Mapping,
    query: &BoundQuery,
    scope: &Scope,
    selector: &Selector,
    now: i64,
) -> Result<(String, Answer), EvaluationError> {
    let refuse = |reason: String| EvaluationError::Selector { query: query.name.clone(), reason };
    let promql = query
        .promql
        .fill(scope.namespace(), selector)
        .map_err(|reason| refuse(format!("{reason}; the selector is {selector}")))?;
    let begun = Instant::now();
    let answer = query.source.fetch(&Request { promql: &promql, range: query.range, now }).await;
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

/// Runs the plugin where it may block, and says how long it ran. The slot belongs to the run: it stays taken until the
/// plugin has ended, even if nobody waits for it any more.
async fn run(
    mapping: &Arc<Mapping>,
    input: Input,
    scope: &Scope,
) -> (Result<Values, RunError>, Duration) {
    // Never closed, so there is always a permit to wait for.
    let slot = mapping.plugin.slots().acquire_owned().await.ok();
    let begun = Instant::now();
    let (mapping, scope) = (mapping.clone(), scope.clone());
    let task = tokio::task::spawn_blocking(move || {
        let _slot = slot;
        let run = Run {
            name: &mapping.title(),
            config: &mapping.config,
            limits: &mapping.limits,
            expected: Expected {
                serve: &mapping.serve,
                scope: &scope,
                activation: mapping.policy.activation,
            },
        };
        mapping.plugin.evaluate(&run, input)
    });
    let values = task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "running a plugin panicked");
        Err(RunError::Host("the adapter failed while it ran the plugin".to_owned()))
    });
    (values, begun.elapsed())
}
