//! The driver of one evaluation: a task that evaluates when it is needed and ends when it is not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use super::attempt;
use super::error::EvaluationError;
use super::mapping::Mapping;
use super::state::Evaluation;
use leadsman_runtime::clock;
use leadsman_runtime::telemetry::HandoverEvent;

/// An evaluation is kept at least this long after its last read.
const MIN_KEPT_UNREAD: Duration = Duration::from_secs(60);

/// Why an attempt is made.
enum Cause {
    /// A read waits for it.
    Demand,
    /// The next read will come soon.
    Ahead,
}

/// When a driver makes its first attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// At once.
    Now,
    /// With the next read that values from before the start are too old for.
    WhenRead,
}

/// Evaluates until there was no read for a while and `forget` confirms that there is none now.
pub(super) async fn drive(
    evaluation: &Evaluation,
    mapping: &Arc<Mapping>,
    start: Start,
    forget: impl Fn() -> bool,
) {
    let mut cause = Cause::Demand;
    if start == Start::WhenRead {
        match next(evaluation, mapping, Duration::ZERO).await {
            Some(next) => cause = next,
            None if forget() => return,
            None => {}
        }
    }
    loop {
        let begun = Instant::now();
        let is_ahead = matches!(cause, Cause::Ahead);
        evaluation.begin(is_ahead, begun);
        let time = clock::now();
        let span = evaluation.awaiting.begin(mapping, &evaluation.scope, is_ahead);
        let attempt::AttemptOutcome { outcome, input, tracer } =
            span.within(attempt::evaluate(mapping, evaluation)).await;
        let took = begun.elapsed();
        let context = span.context();
        evaluation.awaiting.end(span, &outcome);
        let outcome = outcome.map_err(Arc::new);
        report(evaluation, mapping, &outcome);
        mapping.metrics.evaluated(took, outcome.as_ref().err().map(|error| error.reason()));
        report_handover(evaluation, mapping, outcome.is_ok());
        let before = evaluation.state().good.clone();
        let (policy, most) = (&mapping.policy, mapping.limits.measures);
        // Before the values: who gets them finds the run that gave them.
        let ended = outcome.as_ref().map(|now| (now.id, now.values.clone())).map_err(Arc::clone);
        if let Some(run) = tracer.finish(ended, time, took, is_ahead) {
            evaluation.runs.add(&mapping.owner, run);
        }
        evaluation.publish(outcome.map(|now| now.with_last_known(before.as_deref(), policy, most)));
        if !evaluation.may_be_kept() {
            return;
        }
        let shadow = shadow_evaluation(evaluation, mapping, input);
        let shadow = leadsman_trace::within(context, shadow);
        match run_concurrently(next(evaluation, mapping, took), shadow).await {
            Some(next) => cause = next,
            None if forget() => return,
            None => cause = Cause::Demand,
        }
    }
}

/// Runs the candidate, if there is one, on the input of the evaluation that just ended.
async fn shadow_evaluation(
    evaluation: &Evaluation,
    mapping: &Arc<Mapping>,
    input: Option<attempt::ShadowInput>,
) {
    if let (Some(input), Some(good)) = (input, evaluation.state().good.clone()) {
        attempt::run_shadow(mapping, &good, input, evaluation).await;
    }
}

/// Drives both until the first is done, and drops the other: a shadow evaluation never delays an
/// evaluation, and one that has not ended when the next is due is not compared.
async fn run_concurrently<T>(one: impl Future<Output = T>, other: impl Future<Output = ()>) -> T {
    let (mut one, mut other) = (std::pin::pin!(one), std::pin::pin!(other));
    tokio::select! {
        biased;
        done = &mut one => done,
        () = &mut other => one.await,
    }
}

/// Waits for a cause to evaluate again; `None` when the evaluation is not read any more.
async fn next(evaluation: &Evaluation, mapping: &Mapping, took: Duration) -> Option<Cause> {
    loop {
        let now = Instant::now();
        let due = evaluation.due(took);
        // Good values are kept for as long as the policy may want to serve them.
        let kept = (evaluation.interval() * 4)
            .max(MIN_KEPT_UNREAD)
            .max(mapping.policy.last_good.unwrap_or_default())
            .max(mapping.policy.last_known.unwrap_or_default());
        let idle = kept.saturating_sub(evaluation.unread_for(now));
        let wake = due.unwrap_or(now + idle.max(Duration::from_millis(10)));
        tokio::select! {
            () = evaluation.attempt_requested() => return Some(Cause::Demand),
            // Now that the values were read, it is known when they will be due.
            () = evaluation.noticed.notified() => {}
            () = sleep_until(wake.into()) => {
                if due.is_some() {
                    return Some(Cause::Ahead);
                }
                if evaluation.unread_for(Instant::now()) >= kept {
                    return None;
                }
            }
        }
    }
}

/// Failures are logged when they begin, change and end, not each time they repeat.
fn report(
    evaluation: &Evaluation,
    mapping: &Mapping,
    outcome: &Result<super::Evaluated, Arc<EvaluationError>>,
) {
    let before = evaluation.state();
    let known = before.failed.as_ref().map(|failed| failed.error.to_string());
    let (title, scope) = (mapping.title(), &evaluation.scope);
    match (outcome, known) {
        (Err(error), known) => {
            let message = error.to_string();
            if known.as_ref() != Some(&message) {
                tracing::warn!(mapping = title, %scope, error = message, "evaluation failed");
            }
        }
        (Ok(_), Some(_)) => tracing::info!(mapping = title, %scope, "evaluation works again"),
        (Ok(evaluated), None) => {
            let (querying, running) = (evaluated.querying, evaluated.running);
            tracing::debug!(mapping = title, %scope, ?querying, ?running, "evaluated");
        }
    }
}

/// The end of a handover, and the first failure that keeps it from ending.
fn report_handover(evaluation: &Evaluation, mapping: &Mapping, good: bool) {
    if evaluation.predecessor().is_none() {
        return;
    }
    let (title, scope) = (mapping.title(), &evaluation.scope);
    if good {
        mapping.metrics.handed_over(HandoverEvent::TakenOver);
        tracing::info!(mapping = title, %scope, "the changed mapping has taken over");
    } else if evaluation.state().failed.is_none() {
        mapping.metrics.handed_over(HandoverEvent::FellBack);
        let most = mapping.policy.handover;
        tracing::warn!(
            mapping = title,
            %scope,
            ?most,
            "the changed mapping fails; reads get what it replaces, as far as that may be served"
        );
    }
}
