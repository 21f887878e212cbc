//! The evaluations of one mapping, and how a read gets its values.

mod deadline;
mod refused;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::awaiting;
use super::driver::{Start, drive};
use super::error::{EvaluationError, ReadFailure};
use super::index::{EvaluationMap, evict_idle, name, remove};
use super::mapping::Mapping;
use super::policy::{ReadDecision, Retry, decide};
use super::quota::EvaluationQuota;
use super::record::{ReaderIdentity, ReaderNote, RunRecord};
use super::stand_in::StandIn;
use super::state::{Evaluated, Evaluation, EvaluationState};
use leadsman_model::names::Scope;
use leadsman_model::query_params::QueryParams;
use leadsman_runtime::telemetry::GaugeGuard;

/// The most evaluations of one mapping: requests choose namespaces and selectors.
const MAX_OF_MAPPING: usize = 5000;

/// Who reads.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// Whom evaluations are counted for that this read begins: a caller in a namespace.
    pub account: u64,
    /// Tells one repeated request from another.
    pub request: u64,
    /// The same for people.
    pub who: ReaderIdentity<'a>,
}

/// What a read gets.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The values.
    pub evaluated: Arc<Evaluated>,
    /// For stale values, served because newer ones are unavailable: their age, and why.
    pub stale: Option<(Duration, String)>,
    /// What stands for each value, since none is known: the values are empty.
    pub instead: Option<StandIn>,
}

impl Reading {
    pub(super) fn current(evaluated: Arc<Evaluated>) -> Self {
        Self { evaluated, stale: None, instead: None }
    }

    /// Stale values; `why` says why there are no newer ones.
    pub(super) fn old(evaluated: Arc<Evaluated>, why: String) -> Self {
        let stale = Some((evaluated.at.elapsed(), why));
        Self { evaluated, stale, instead: None }
    }

    /// A stated value for values that are not known; `why` says why they are not.
    fn stated(mapping: &Mapping, value: StandIn, why: String) -> Self {
        let evaluated = Arc::new(Evaluated::nothing(&mapping.serve));
        Self { evaluated, stale: Some((Duration::ZERO, why)), instead: Some(value) }
    }
}

/// What is recorded of one evaluation.
pub struct EvaluationRecord {
    /// The outcomes of its newest attempts.
    pub state: Arc<EvaluationState>,
    /// The cadence of its reads.
    pub every: Duration,
    /// Its last runs, the newest first.
    pub runs: Vec<Arc<RunRecord>>,
    /// Who reads it, the newest read first.
    pub readers: Vec<ReaderNote>,
}

/// The evaluations of one mapping.
pub struct Evaluations {
    pub(super) mapping: Arc<Mapping>,
    pub(super) evaluations: RwLock<EvaluationMap>,
    pub(super) quota: EvaluationQuota,
    pub(super) tasks: TaskTracker,
    pub(super) end: CancellationToken,
    // When the snapshot that these evaluations belong to is gone, their drivers end.
    _end_on_drop: DropGuard,
}

impl Evaluations {
    /// No evaluations yet. Their drivers belong to `tasks` and end with `end` at the latest.
    pub fn new(
        mapping: Arc<Mapping>,
        quota: EvaluationQuota,
        tasks: TaskTracker,
        end: &CancellationToken,
    ) -> Self {
        let end = end.child_token();
        let guard = end.clone().drop_guard();
        Self { mapping, evaluations: RwLock::default(), quota, tasks, end, _end_on_drop: guard }
    }

    /// The mapping.
    pub fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    /// Reads.
    pub async fn read(
        self: &Arc<Self>,
        scope: &Scope,
        params: &QueryParams,
        reader: Reader<'_>,
    ) -> Result<Reading, ReadFailure> {
        let read = self.read_known(scope, params, reader).await;
        if let Ok(reading) = &read {
            self.mapping.metrics.served(reading.evaluated.at.elapsed());
        }
        match (read, &self.mapping.policy.otherwise) {
            (Err(failure), Some(value)) if failure.is_of_evaluation() => {
                Ok(Reading::stated(&self.mapping, value.clone(), failure.to_string()))
            }
            (read, _) => read,
        }
    }

    /// Reads values that are known.
    async fn read_known(
        self: &Arc<Self>,
        scope: &Scope,
        params: &QueryParams,
        reader: Reader<'_>,
    ) -> Result<Reading, ReadFailure> {
        let begun = Instant::now();
        let evaluation = self.evaluation(scope, params, reader, begun)?;
        let policy = &self.mapping.policy;
        let until = begun + policy.deadline;
        let state = evaluation.state();
        // However it is answered: who is served old values would have none of its own else.
        if state.is_refused() {
            evaluation.request_attempt_for(&self.quota, reader.account, state.attempts);
        }
        match decide(&state, policy, begun) {
            ReadDecision::Serve(evaluated) => return Ok(Reading::current(evaluated)),
            ReadDecision::ServeStale(evaluated, error, retry) => {
                if retry == Retry::Now {
                    evaluation.awaiting.note();
                    evaluation.request_attempt(begun);
                }
                return Ok(Reading::old(evaluated, error.to_string()));
            }
            ReadDecision::Fail(failure) => {
                return self.instead(&evaluation, reader, until, failure).await;
            }
            ReadDecision::Wait => {}
        }
        // While it fails, its reads need not wait for another attempt: the mapping before may serve.
        if let Some(failed) = &state.failed
            && evaluation.predecessor().is_some()
        {
            evaluation.awaiting.note();
            evaluation.request_attempt(begun);
            let failure = ReadFailure::Failed { error: failed.error.clone(), last_good: None };
            if let Ok(reading) = self.fall_back(&evaluation, reader, until, failure).await {
                return Ok(reading);
            }
        }
        evaluation.awaiting.note();
        // The first attempt of a new evaluation is under way already.
        if state.attempts > 0 {
            evaluation.request_attempt(begun);
        }
        let known = state.attempts;
        let _waiting = awaiting::waiting(&self.mapping, scope);
        tokio::select! {
            () = evaluation.attempt_after(known) => {}
            () = tokio::time::sleep_until(until.into()) => {}
            () = self.end.cancelled() => return Err(ReadFailure::ShuttingDown),
        }
        match self.waited(&evaluation, known) {
            Err(failure) => self.instead(&evaluation, reader, until, failure).await,
            reading => reading,
        }
    }

    /// What a read gets that has waited for more attempts than the `known` ones, or until its
    /// deadline.
    fn waited(&self, evaluation: &Evaluation, known: u64) -> Result<Reading, ReadFailure> {
        // An attempt may end at the very moment of the deadline: its outcome counts.
        let state = evaluation.state();
        if state.attempts == known {
            return self.late(evaluation);
        }
        // The outcome that was waited for is the newest, however long it took.
        match (&state.failed, &state.good) {
            (None, Some(evaluated)) => Ok(Reading::current(evaluated.clone())),
            _ => match decide(&state, &self.mapping.policy, Instant::now()) {
                ReadDecision::ServeStale(evaluated, error, _) => {
                    Ok(Reading::old(evaluated, error.to_string()))
                }
                ReadDecision::Fail(failure) => Err(failure),
                ReadDecision::Serve(_) | ReadDecision::Wait => self.late(evaluation),
            },
        }
    }

    /// The evaluation of a scope, made if it is not there, with the read noted. It is noted while the
    /// evaluations are locked, so an evaluation that is read cannot be forgotten at the same time.
    fn evaluation(
        self: &Arc<Self>,
        scope: &Scope,
        params: &QueryParams,
        reader: Reader<'_>,
        now: Instant,
    ) -> Result<Arc<Evaluation>, ReadFailure> {
        {
            let evaluations = self.evaluations.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(evaluation) =
                evaluations.get(params).and_then(|evaluations| evaluations.get(name(scope)))
            {
                evaluation.read(reader.request, now);
                evaluation.readers.note(&reader.who, now);
                return Ok(evaluation.clone());
            }
        }
        let mut evaluations = self.evaluations.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(evaluation) =
            evaluations.get(params).and_then(|evaluations| evaluations.get(name(scope)))
        {
            evaluation.read(reader.request, now);
            evaluation.readers.note(&reader.who, now);
            return Ok(evaluation.clone());
        }
        if evaluations.values().map(HashMap::len).sum::<usize>() >= MAX_OF_MAPPING
            && !evict_idle(&mut evaluations, |_| true, now)
        {
            return Err(ReadFailure::TooMany { limit: MAX_OF_MAPPING });
        }
        let counted = loop {
            match self.quota.admit(reader.account) {
                Ok(counted) => break counted,
                // Idle ones of the same account make room.
                Err(failure) => {
                    if !evict_idle(
                        &mut evaluations,
                        |evaluation| evaluation.account() == reader.account,
                        now,
                    ) {
                        return Err(failure);
                    }
                }
            }
        };
        let scopes = evaluations.entry(params.clone()).or_default();
        let evaluation = Arc::new(Evaluation::new(
            scope.clone(),
            params.clone(),
            reader.account,
            self.mapping.policy.refresh_at_most_every,
            self.quota.records(),
        ));
        evaluation.read(reader.request, now);
        // Before its driver is there, so that its first attempt knows whose it is.
        evaluation.awaiting.note();
        evaluation.readers.note(&reader.who, now);
        scopes.insert(name(scope).into(), evaluation.clone());
        evaluation.count(Some(counted));
        self.begin(&evaluation, Start::Now);
        Ok(evaluation)
    }

    /// Starts the driver of a new evaluation.
    pub(super) fn begin(self: &Arc<Self>, evaluation: &Arc<Evaluation>, start: Start) {
        let in_use = self.mapping.metrics.evaluation_began();
        let guard = ForgetOnDrop {
            evaluations: Arc::downgrade(self),
            evaluation: evaluation.clone(),
            _in_use: in_use,
        };
        self.tasks.spawn(driver(guard, self.mapping.clone(), self.end.clone(), start));
    }

    /// Removes an evaluation unless it was read in the meantime.
    fn forget(&self, evaluation: &Arc<Evaluation>, unread: Duration) -> bool {
        let mut evaluations = self.evaluations.write().unwrap_or_else(PoisonError::into_inner);
        if evaluation.unread_for(Instant::now()) < unread {
            return false;
        }
        remove(&mut evaluations, evaluation);
        true
    }

    /// The last good values of an evaluation in use. Does not count as a read.
    pub fn peek(&self, scope: &Scope, params: &QueryParams) -> Option<Arc<Evaluated>> {
        let evaluations = self.evaluations.read().unwrap_or_else(PoisonError::into_inner);
        evaluations.get(params)?.get(name(scope))?.state().good.clone()
    }

    /// The outcomes of the newest attempts of an evaluation in use. Does not count as a read.
    pub fn known(&self, scope: &Scope, params: &QueryParams) -> Option<Arc<EvaluationState>> {
        let evaluations = self.evaluations.read().unwrap_or_else(PoisonError::into_inner);
        Some(evaluations.get(params)?.get(name(scope))?.state())
    }

    /// What is recorded of an evaluation in use: its last runs, the newest first, and who reads it.
    /// Does not count as a read.
    pub fn recorded(&self, scope: &Scope, params: &QueryParams) -> Option<EvaluationRecord> {
        let evaluations = self.evaluations.read().unwrap_or_else(PoisonError::into_inner);
        let evaluation = evaluations.get(params)?.get(name(scope))?.clone();
        drop(evaluations);
        Some(EvaluationRecord {
            state: evaluation.state(),
            every: evaluation.interval(),
            runs: evaluation.runs.list(),
            readers: evaluation.readers.list(),
        })
    }

    /// All evaluations in use: scope, its parameters, state and cadence.
    pub fn list(&self) -> Vec<(Scope, QueryParams, Arc<EvaluationState>, Duration)> {
        let evaluations = self.evaluations.read().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<_> = evaluations
            .values()
            .flat_map(HashMap::values)
            .map(|evaluation| {
                (
                    evaluation.scope.clone(),
                    evaluation.params.clone(),
                    evaluation.state(),
                    evaluation.interval(),
                )
            })
            .collect();
        list.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        list
    }
}

/// The task behind an evaluation. It does not keep the evaluations alive.
async fn driver(guard: ForgetOnDrop, mapping: Arc<Mapping>, end: CancellationToken, start: Start) {
    let forget = || match guard.evaluations.upgrade() {
        Some(evaluations) => evaluations.forget(&guard.evaluation, Duration::from_secs(1)),
        None => true,
    };
    tokio::select! {
        () = drive(&guard.evaluation, &mapping, start, forget) => {}
        () = guard.evaluation.evicted() => {}
        () = end.cancelled() => {}
    }
}

/// However a driver ends, even by a panic, its evaluation goes with it, and the next read begins anew.
struct ForgetOnDrop {
    evaluations: Weak<Evaluations>,
    evaluation: Arc<Evaluation>,
    _in_use: GaugeGuard,
}

impl Drop for ForgetOnDrop {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Waiting readers get this error at once instead of waiting for their deadline.
            self.evaluation.publish(Err(Arc::new(EvaluationError::Internal)));
        }
        if let Some(evaluations) = self.evaluations.upgrade() {
            evaluations.forget(&self.evaluation, Duration::ZERO);
        }
        self.evaluation.driver_ended();
        self.evaluation.count(None);
    }
}
