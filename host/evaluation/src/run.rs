//! One attempt: queries, then the plugin.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::breaker::Change;
use super::candidate::Candidate;
use super::cell::{Cell, Evaluated, next_id};
use super::error::EvaluationError;
use super::mapping::{BoundQuery, Mapping};
use leadsman_model::asked::Asked;
use leadsman_model::data::{Answer, Input};
use leadsman_model::names::Scope;
use leadsman_model::values::Values;
use leadsman_runtime::clock;
use leadsman_sandbox::{Expected, Run, RunError};
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
    cell.answered();
    let mut input = Input::new(scope.clone(), time, answers);
    if mapping.wants_objects
        && let Some(kind) = &mapping.kind
    {
        kind.ready()?;
        input = input.with_objects(&kind.table(scope));
    }
    let series: usize = input.answers.iter().map(|(_, data, _)| data.series()).sum();
    let again = mapping.candidate.is_some().then(|| input.clone());
    let (values, running) = run(mapping, Which::Serving, input, scope).await;
    mapping.metrics.plugin_ran(running, series);
    let values = values.map_err(|source| EvaluationError::Plugin {
        plugin: mapping.plugin_name.clone(),
        source,
    })?;
    mapping.metrics.refused(values.refused_count);
    let (id, evaluation) = (next_id(), cell.id);
    Ok((Evaluated { id, evaluation, values, at, time, querying, running }, again))
}

/// Tries the candidate on what the serving plugin ran on.
pub(super) async fn trial(mapping: &Arc<Mapping>, served: &Evaluated, input: Input, scope: &Scope) {
    let Some(candidate) = &mapping.candidate else { return };
    let under_way = UnderWay { mapping, candidate };
    let (values, _) = run(mapping, Which::Candidate, input, scope).await;
    let values = values.map_err(|source| EvaluationError::Plugin {
        plugin: candidate.plugin_name.clone(),
        source,
    });
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

/// Which of the two plugins of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Serving,
    Candidate,
}

/// Runs a plugin where it may block, and says how long it ran. The slot belongs to the run: it
/// stays taken until the plugin has ended, even if nobody waits for it any more.
async fn run(
    mapping: &Arc<Mapping>,
    which: Which,
    input: Input,
    scope: &Scope,
) -> (Result<Values, RunError>, Duration) {
    let memory = match &mapping.budget {
        Some(budget) => budget.memory(mapping.limits.memory).await,
        None => None,
    };
    // Never closed, so there are always permits to wait for. The mapping's own comes first: who
    // waits for it takes no slot from others.
    let turn = mapping.turns.clone().acquire_owned().await.ok();
    let slot = mapping.plugin.slots().acquire_owned().await.ok();
    let begun = Instant::now();
    let (mapping, scope) = (mapping.clone(), scope.clone());
    let task = tokio::task::spawn_blocking(move || {
        let _held = (memory, turn, slot);
        let begun = Instant::now();
        let (plugin, config, name) = match (which, &mapping.candidate) {
            (Which::Candidate, Some(candidate)) => {
                let name = format!("{} (candidate)", mapping.title());
                (&candidate.plugin, &candidate.config, name)
            }
            _ => (&mapping.plugin, &mapping.config, mapping.title()),
        };
        let run = Run {
            name: &name,
            config,
            limits: &mapping.limits,
            expected: Expected {
                serve: &mapping.serve,
                scope: &scope,
                activation: mapping.policy.activation,
            },
        };
        let values = plugin.evaluate(&run, input);
        if let Some(budget) = &mapping.budget {
            budget.spent(begun.elapsed());
        }
        values
    });
    let values = task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "running a plugin panicked");
        Err(RunError::Host("the adapter failed while it ran the plugin".to_owned()))
    });
    (values, begun.elapsed())
}
