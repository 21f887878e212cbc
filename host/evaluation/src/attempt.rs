//! One attempt: queries, then the plugin.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::timeout;

use super::basis::{Basis, QueryBasis};
use super::candidate::Candidate;
use super::circuit_breaker::Transition;
use super::error::EvaluationError;
use super::mapping::{BoundQuery, Mapping};
use super::plugin_run::{PluginRole, PluginRun, Traced, run};
use super::record::{QueryTracer, Tracer};
use super::state::{Evaluated, Evaluation, next_id};
use leadsman_model::data::{Answer, Data, Input};
use leadsman_model::names::Scope;
use leadsman_model::objects::{AddressesUnknown, SyncState};
use leadsman_model::query_params::QueryParams;
use leadsman_model::tenant::Tenant;
use leadsman_runtime::clock;
use leadsman_source::{AnswerRoom, Fetched, QueryKind, Request};
use leadsman_trace::{self as trace, SpanKind};

/// How much longer the other queries may take once one has failed.
const OTHERS_TIMEOUT: Duration = Duration::from_millis(100);

/// The result of one attempt of an evaluation.
pub(super) struct AttemptOutcome {
    pub(super) outcome: Result<Evaluated, EvaluationError>,
    /// For a shadow evaluation.
    pub(super) input: Option<ShadowInput>,
    /// What was done.
    pub(super) tracer: Tracer,
}

/// The input of an evaluation once more, with the room that its answers take.
pub(super) struct ShadowInput {
    input: Input,
    /// Those of its answers.
    bytes: usize,
    rooms: Vec<AnswerRoom>,
}

/// What a query gave: what is told of it, the room of its answer, and the answer with its name.
type Answered = ((QueryBasis, AnswerRoom), (String, Answer));

/// Evaluates a mapping for one scope and its parameters.
pub(super) async fn evaluate(mapping: &Arc<Mapping>, evaluation: &Evaluation) -> AttemptOutcome {
    let now = Instant::now();
    let tracer = Tracer::new(mapping.queries.len());
    if let Err(error) = mapping.breaker.admit(now) {
        return AttemptOutcome { outcome: Err(error), input: None, tracer };
    }
    let (outcome, input) = match attempt(mapping, evaluation, &tracer).await {
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
    AttemptOutcome { outcome, input, tracer }
}

async fn attempt(
    mapping: &Arc<Mapping>,
    evaluation: &Evaluation,
    tracer: &Tracer,
) -> Result<(Evaluated, Option<ShadowInput>), EvaluationError> {
    let (scope, params) = (&evaluation.scope, &evaluation.params);
    let (at, time) = (Instant::now(), clock::now());
    if let Some(budget) = &mapping.budget {
        budget.admit(at)?;
    }
    let queries = mapping.queries.iter().enumerate();
    let queries =
        queries.map(|(at, query)| traced(mapping, query, scope, params, time, tracer.query(at)));
    let fetched = all_or_first_error(queries.collect()).await?;
    let bytes: usize = fetched.iter().map(|(_, (_, answer))| answer.bytes()).sum();
    let _held = evaluation.hold_answers(bytes).ok_or(EvaluationError::AnswersOfCaller)?;
    let (queries, answers): (Vec<_>, Vec<_>) = fetched.into_iter().unzip();
    // The room is taken until the plugin has had the answers.
    let (queries, rooms): (Vec<_>, Vec<_>) = queries.into_iter().unzip();
    let querying = at.elapsed();
    let checked = check_rule(mapping, &queries, &answers);
    let input = Input::new(scope.clone(), time, answers);
    let ready = match checked {
        Ok(()) => objects_known(mapping).await,
        Err(error) => Err(error),
    };
    if let Err(error) = ready {
        tracer.not_run(input);
        return Err(error);
    }
    let again = mapping.candidate.is_some().then(|| input.clone());
    let stage = |stage| evaluation.enter(stage);
    let (ran, traced) = run(mapping, PluginRole::Serving, input, scope, stage).await;
    if let Some(Traced { trace, took }) = traced {
        tracer.ran(trace, took);
    }
    let PluginRun { values, disputes, took: running } = ran?;
    mapping.metrics.refused(values.refused_count);
    let (id, evaluation, values) = (next_id(), evaluation.id, Arc::new(values));
    let basis = Basis { queries, disputes: disputes.list, disputed: disputes.count };
    let last_known = Arc::default();
    let evaluated =
        Evaluated { id, evaluation, values, basis, last_known, at, time, querying, running };
    Ok((evaluated, again.map(|input| ShadowInput { input, bytes, rooms })))
}

/// Waits until the objects that the plugin asks for are known, for as long as a read may.
async fn objects_known(mapping: &Mapping) -> Result<(), EvaluationError> {
    let Some(kind) = mapping.kind.as_ref().filter(|_| mapping.all_columns().next().is_some())
    else {
        return Ok(());
    };
    if *kind.state() == SyncState::Starting {
        let _ = timeout(mapping.policy.deadline, kind.first_list()).await;
    }
    kind.ready()?;
    if mapping.all_columns().any(|columns| columns.addresses) {
        timeout(mapping.policy.deadline, kind.addresses()).await.unwrap_or_else(|_| {
            let reason = "they are being listed for the first time".to_owned();
            Err(AddressesUnknown { resource: kind.resource().clone(), reason })
        })?;
    }
    Ok(())
}

/// Runs the candidate on the input that the serving plugin had, and records how it compares.
pub(super) async fn run_shadow(
    mapping: &Arc<Mapping>,
    served: &Evaluated,
    given: ShadowInput,
    evaluation: &Evaluation,
) {
    let Some(candidate) = &mapping.candidate else { return };
    let ShadowInput { input, bytes, rooms } = given;
    let under_way = ShadowGuard { mapping, candidate };
    // Answers that wait for a candidate leave room to those of evaluations.
    if !rooms.iter().all(AnswerRoom::leaves_half) {
        return;
    }
    let Some(_held) = evaluation.hold_answers(bytes) else { return };
    let (ran, _) = run(mapping, PluginRole::Candidate, input, &evaluation.scope, |_| ()).await;
    let values = match ran {
        // There was no time left for it, which says nothing of the candidate.
        Err(EvaluationError::Budget(_)) => return,
        ended => ended.map(|ran| ran.values),
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

/// All answers in the order of the queries. If several fail, the error is that of the first of them in
/// this order, and not of whichever was faster: logs and conditions would name another one each time.
async fn all_or_first_error<T, F>(queries: Vec<F>) -> Result<Vec<T>, EvaluationError>
where
    F: Future<Output = Result<T, EvaluationError>>,
{
    let numbered =
        queries.into_iter().enumerate().map(|(at, query)| async move { (at, query.await) });
    let mut under_way: FuturesUnordered<_> = numbered.collect();
    let mut answers = Vec::new();
    let mut failed: Option<(usize, EvaluationError)> = None;
    let mut until = None;
    loop {
        let ended = match until {
            None => under_way.next().await,
            Some(until) => {
                tokio::time::timeout_at(until, under_way.next()).await.unwrap_or_default()
            }
        };
        match ended {
            None => break,
            Some((at, Ok(answer))) => answers.push((at, answer)),
            Some((at, Err(error))) => {
                until.get_or_insert_with(|| tokio::time::Instant::now() + OTHERS_TIMEOUT);
                if failed.as_ref().is_none_or(|(first, _)| at < *first) {
                    failed = Some((at, error));
                }
                if at == 0 {
                    break;
                }
            }
        }
    }
    if let Some((_, error)) = failed {
        return Err(error);
    }
    answers.sort_unstable_by_key(|(at, _)| *at);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

/// The same as [`fetch`], with how it ended noted.
async fn traced(
    mapping: &Mapping,
    query: &BoundQuery,
    scope: &Scope,
    params: &QueryParams,
    now: i64,
    tracer: QueryTracer<'_>,
) -> Result<Answered, EvaluationError> {
    let begun = Instant::now();
    let fetched = fetch(mapping, query, scope, params, now, tracer).await;
    match &fetched {
        Ok(((basis, _), (_, answer))) => {
            tracer.answered(begun.elapsed(), answer, basis.before_selection);
        }
        Err(error) => tracer.failed(begun.elapsed(), error),
    }
    fetched
}

async fn fetch(
    mapping: &Mapping,
    query: &BoundQuery,
    scope: &Scope,
    params: &QueryParams,
    now: i64,
    tracer: QueryTracer<'_>,
) -> Result<Answered, EvaluationError> {
    let refuse = |reason: String| EvaluationError::Selector { query: query.name.clone(), reason };
    let selector = &params.selector;
    let filled = query.kind.fill(scope.namespace(), params);
    tracer.sent(&query.name, filled.as_ref().ok());
    let filled =
        filled.map_err(|reason| refuse(format!("{reason}; the selector is {selector}")))?;
    let begun = Instant::now();
    let tenant = &Tenant::new(&mapping.owner, scope);
    let request = Request { query: &filled, max_sample_age: query.max_sample_age, now, tenant };
    let mut span = trace::child("query", SpanKind::Client);
    if span.is_sampled() {
        span.set("leadsman.query", query.name.as_str());
        span.set("leadsman.source", query.source_name.as_str());
        span.set("db.query.text", filled.to_string());
    }
    let under_way = query.traffic.begin();
    let answer = span.within(query.source.fetch_with_gaps(&request)).await;
    under_way.ended(answer.as_ref().err().map(ToString::to_string));
    match &answer {
        Ok(fetched) => span.set("leadsman.series", fetched.answer.data.series()),
        Err(error) if span.is_sampled() => span.fail(error.to_string()),
        Err(_) => {}
    }
    drop(span);
    mapping.metrics.queried(&query.name, begun.elapsed(), answer.is_err());
    let Fetched { mut answer, room, mut gaps, stale } =
        answer.map_err(|source| EvaluationError::Query {
            query: query.name.clone(),
            source_name: query.source_name.clone(),
            source: Box::new(source),
        })?;
    if let Some(names) = &mapping.object_names {
        gaps.extend(names.stale(scope, stale));
    }
    let before_selection = answer.data.series();
    // Where the query has no place for the selector, it picks from what came back.
    if !query.kind.uses_selector() && !selector.is_empty() {
        answer.select(selector).map_err(|label| {
            let hint = match &query.kind {
                QueryKind::NsxAlb(_) => "its labels are those that markers of AKO give".to_owned(),
                QueryKind::Exposition(_) => {
                    "its labels are those of the page and of its pod".to_owned()
                }
                QueryKind::PromQl { .. } => {
                    let place = if mapping.of_rule { "<<.LabelMatchers>>" } else { "${selector}" };
                    format!(
                        "keep the label in the query's by (…), or put {place} among the query's \
                         matchers"
                    )
                }
            };
            refuse(format!("its answer has no label \"{label}\"; {hint}"))
        })?;
    }
    let series = answer.data.series();
    let warning = answer.warnings.first();
    let warning = warning.map(|text| leadsman_source::redacted(text, &filled.to_string()));
    let name = query.name.clone();
    let basis = QueryBasis { name, series, before_selection, gaps, warning };
    Ok(((basis, room), (query.name.clone(), answer)))
}

/// Says in the words of rules what the plugin of a rule would say in its own: that no series has the
/// label that names the object.
fn check_rule(
    mapping: &Mapping,
    queries: &[QueryBasis],
    answers: &[(String, Answer)],
) -> Result<(), EvaluationError> {
    let Some(names) =
        mapping.object_names.as_ref().filter(|names| mapping.of_rule && names.required)
    else {
        return Ok(());
    };
    for (basis, (_, answer)) in queries.iter().zip(answers) {
        let Data::Vector(vector) = &answer.data else { continue };
        let texts = &answer.dictionary;
        let named = texts.find(&names.object).and_then(|name| vector.labels.column(name));
        if basis.series > 0 && named.is_none() {
            let present: Vec<_> = vector.labels.row(0).map(|(name, _)| texts.get(name)).collect();
            return Err(EvaluationError::RuleLabel {
                label: names.object.clone(),
                present: match present.as_slice() {
                    [] => "none".to_owned(),
                    present => present.join(", "),
                },
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Never.
    const NEVER: u64 = u64::MAX;

    async fn query(number: u64, after: u64, fails: bool) -> Result<u64, EvaluationError> {
        for _ in 0..after {
            tokio::task::yield_now().await;
        }
        if fails { Err(EvaluationError::Budget(number.to_string())) } else { Ok(number) }
    }

    async fn of(queries: &[(u64, bool)]) -> Result<Vec<u64>, String> {
        let queries = queries.iter().zip(0..);
        let queries = queries.map(|(&(after, fails), number)| query(number, after, fails));
        match all_or_first_error(queries.collect()).await {
            Ok(answers) => Ok(answers),
            Err(EvaluationError::Budget(number)) => Err(number),
            Err(other) => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn the_error_is_that_of_the_first_query_that_fails() {
        assert_eq!(of(&[(20, false), (10, false)]).await, Ok(vec![0, 1]));
        assert_eq!(of(&[(20, true), (10, true)]).await, Err("0".to_owned()));
        assert_eq!(of(&[(10, true), (20, true)]).await, Err("0".to_owned()));
        // Nobody waits for long for one that may fail, too.
        assert_eq!(of(&[(NEVER, true), (10, true)]).await, Err("1".to_owned()));
        assert_eq!(of(&[(10, false), (20, true), (30, true)]).await, Err("1".to_owned()));
    }
}
