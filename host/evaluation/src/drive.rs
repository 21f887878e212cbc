//! The driver of one evaluation: a task that evaluates when it is needed and ends when it is not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use super::cell::Cell;
use super::error::EvaluationError;
use super::mapping::Mapping;
use super::run;
use leadsman_model::data::Input;

/// An evaluation that is read at longer intervals is begun anew each time.
const KEPT_UNREAD: Duration = Duration::from_secs(60);

/// Why an attempt is made.
enum Cause {
    /// A read waits for it.
    Demand,
    /// The next read will come soon.
    Ahead,
}

/// Evaluates until nobody has read for a while and `forget` agrees that nobody just did.
pub(super) async fn drive(cell: &Cell, mapping: &Arc<Mapping>, forget: impl Fn() -> bool) {
    let mut cause = Cause::Demand;
    loop {
        let begun = Instant::now();
        cell.begin(matches!(cause, Cause::Ahead), begun);
        let (outcome, input) = run::evaluate(mapping, cell).await;
        let took = begun.elapsed();
        report(cell, mapping, &outcome);
        mapping.metrics.evaluated(took, outcome.as_ref().err().map(EvaluationError::reason));
        cell.publish(outcome);
        let trial = trial(cell, mapping, input);
        match beside(next(cell, mapping, took), trial).await {
            Some(next) => cause = next,
            None if forget() => return,
            None => cause = Cause::Demand,
        }
    }
}

/// Tries the candidate, if there is one, on what was just evaluated.
async fn trial(cell: &Cell, mapping: &Arc<Mapping>, input: Option<Input>) {
    if let (Some(input), Some(good)) = (input, cell.state().good.clone()) {
        run::trial(mapping, &good, input, &cell.scope).await;
    }
}

/// Waits for the one, and meanwhile for the other. A trial never keeps an evaluation waiting: one
/// that has not ended when the next evaluation is due is not compared.
async fn beside<T>(one: impl Future<Output = T>, other: impl Future<Output = ()>) -> T {
    let (mut one, mut other) = (std::pin::pin!(one), std::pin::pin!(other));
    tokio::select! {
        biased;
        done = &mut one => done,
        () = &mut other => one.await,
    }
}

/// Waits for a cause to evaluate again; `None` when nobody reads any more.
async fn next(cell: &Cell, mapping: &Mapping, took: Duration) -> Option<Cause> {
    loop {
        let now = Instant::now();
        let due = cell.due(took);
        // Good values are kept for as long as the policy may want to serve them.
        let kept = (cell.interval() * 4)
            .max(KEPT_UNREAD)
            .max(mapping.policy.last_good.unwrap_or_default());
        let idle = kept.saturating_sub(cell.unread_for(now));
        let wake = due.unwrap_or(now + idle.max(Duration::from_millis(10)));
        tokio::select! {
            () = cell.wanted() => return Some(Cause::Demand),
            // Now that the values were read, it is known when they will be due.
            () = cell.noticed.notified() => {}
            () = sleep_until(wake.into()) => {
                if due.is_some() {
                    return Some(Cause::Ahead);
                }
                if cell.unread_for(Instant::now()) >= kept {
                    return None;
                }
            }
        }
    }
}

/// Failures are logged when they begin, change and end, not each time they repeat.
fn report(
    cell: &Cell,
    mapping: &Mapping,
    outcome: &Result<super::Evaluated, super::EvaluationError>,
) {
    let before = cell.state();
    let known = before.failed.as_ref().map(|failed| failed.error.to_string());
    let (title, scope) = (mapping.title(), &cell.scope);
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
