//! Handover: a changed mapping takes over from the mapping that it replaces.
//!
//! Where it evaluates the very same, what is known is carried over. Where it does not, because a
//! plugin or a query changed, each of its evaluations takes over with its first good values, and
//! until then reads are answered by the mapping before (see [`Predecessor`]).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::driver::Start;
use super::error::ReadFailure;
use super::evaluations::{Evaluations, Reader, Reading};
use super::index::name;
use super::policy::{ReadDecision, decide};
use super::predecessor::{Fallback, HandoverStatus, Predecessor, PredecessorState};
use super::state::{Evaluation, EvaluationState};
use leadsman_model::names::Scope;
use leadsman_model::query_params::QueryParams;
use leadsman_runtime::telemetry::HandoverEvent;

impl Evaluations {
    /// Takes over from the mapping that this one replaces: carries over what is known, starts the
    /// evaluations in use here, and waits until each was attempted once, for at most `most`, so that
    /// the first reads after the change need not wait.
    pub async fn take_over(self: &Arc<Self>, old: &Arc<Self>, most: Duration) {
        let now = Instant::now();
        let begun = self.carry_over(old, now);
        self.end_in_time(now);
        let all = async {
            for (evaluation, attempts) in &begun {
                evaluation.attempt_after(*attempts).await;
            }
        };
        // Those that take longer are waited for by their readers, as always.
        let _ = tokio::time::timeout(most, all).await;
    }

    /// Begins the successors of what there is. Those that are attempted at once, each with how many
    /// attempts it has seen.
    fn carry_over(self: &Arc<Self>, old: &Arc<Self>, now: Instant) -> Vec<(Arc<Evaluation>, u64)> {
        let before: Vec<_> = {
            let evaluations = old.evaluations.read().unwrap_or_else(PoisonError::into_inner);
            evaluations.values().flat_map(HashMap::values).cloned().collect()
        };
        let expected = |evaluation: &&Arc<Evaluation>| match &evaluation.scope {
            Scope::Namespace(namespace) => self.mapping.scope(namespace) == evaluation.scope,
            Scope::Cluster => !self.mapping.per_namespace(),
        };
        let same = self.mapping.evaluates_like(&old.mapping);
        let mut evaluations = self.evaluations.write().unwrap_or_else(PoisonError::into_inner);
        let mut begun = Vec::new();
        for evaluation in before.iter().filter(expected) {
            let in_use = evaluation.unread_for(now) < evaluation.interval() * 2;
            let Some(successor) = self.successor(evaluation, old, same, in_use, now) else {
                continue;
            };
            let successor = Arc::new(successor);
            let scopes = evaluations.entry(successor.params.clone()).or_default();
            scopes.insert(name(&successor.scope).into(), successor.clone());
            successor.count(self.quota.hand_over(successor.account()));
            if in_use {
                begun.push((successor.clone(), successor.state().attempts));
                self.begin(&successor, Start::Now);
            } else {
                self.begin(&successor, Start::WhenRead);
            }
        }
        begun
    }

    /// The successor of an evaluation, if it is in use or has values that may be wanted yet.
    fn successor(
        &self,
        evaluation: &Arc<Evaluation>,
        old: &Arc<Self>,
        same: bool,
        in_use: bool,
        now: Instant,
    ) -> Option<Evaluation> {
        let policy = &self.mapping.policy;
        let (mut state, predecessor) = if same {
            (EvaluationState::clone(&evaluation.state()), evaluation.predecessor())
        } else {
            (EvaluationState::default(), Predecessor::of(evaluation, old, now))
        };
        let predecessor = predecessor.and_then(|of| of.kept_by(&self.mapping, in_use, now));
        if !in_use {
            let oldest = policy.last_good.max(policy.last_known).unwrap_or_default();
            let oldest = oldest.max(policy.max_age);
            let is_of_use = |at: Instant| now.saturating_duration_since(at) <= oldest;
            state.good = state.good.take().filter(|good| is_of_use(good.at));
            if state.good.is_none() && predecessor.is_none() {
                return None;
            }
            // Its next read asks for an attempt, as of any evaluation that has seen one.
            state.attempts = state.attempts.max(1);
        }
        Some(evaluation.successor(policy.refresh_at_most_every, &state, predecessor, same))
    }

    /// Sees to it that what is replaced is evaluated no longer than the policy says.
    fn end_in_time(self: &Arc<Self>, now: Instant) {
        let Some(mut next) = self.end_predecessors(now) else { return };
        let (evaluations, end) = (Arc::downgrade(self), self.end.clone());
        self.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep_until(next.into()) => {}
                    () = end.cancelled() => return,
                }
                let Some(evaluations) = evaluations.upgrade() else { return };
                match evaluations.end_predecessors(Instant::now()) {
                    Some(later) => next = later,
                    None => return,
                }
            }
        });
    }

    /// Ends what is replaced and has no time left. Returns when the next one has none.
    fn end_predecessors(&self, now: Instant) -> Option<Instant> {
        let all: Vec<_> = {
            let evaluations = self.evaluations.read().unwrap_or_else(PoisonError::into_inner);
            evaluations.values().flat_map(HashMap::values).cloned().collect()
        };
        let (policy, mut next) = (&self.mapping.policy, None);
        for evaluation in all {
            let Some(end) = evaluation.predecessor().and_then(|of| of.ends(policy)) else {
                continue;
            };
            if end > now {
                next = Some(next.map_or(end, |next: Instant| next.min(end)));
                continue;
            }
            evaluation.end_predecessor(policy, now);
            self.mapping.metrics.handed_over(HandoverEvent::Expired);
            let (title, scope) = (self.mapping.title(), &evaluation.scope);
            tracing::warn!(
                mapping = title,
                %scope,
                after = ?policy.handover,
                "the changed mapping has given no values, and what it replaces is evaluated no more"
            );
        }
        next
    }

    /// What is replaced is evaluated no more, whatever time it has left. Its last good values stay,
    /// as far as they may be served.
    pub fn end_handovers(&self) {
        let all: Vec<_> = {
            let evaluations = self.evaluations.read().unwrap_or_else(PoisonError::into_inner);
            evaluations.values().flat_map(HashMap::values).cloned().collect()
        };
        let now = Instant::now();
        all.iter().for_each(|evaluation| evaluation.end_predecessor(&self.mapping.policy, now));
    }

    /// What a read gets from the mapping before, in the place of a failure of this one, which has
    /// given nothing yet.
    pub(super) async fn fall_back(
        &self,
        evaluation: &Evaluation,
        reader: Reader<'_>,
        until: Instant,
        failure: ReadFailure,
    ) -> Result<Reading, ReadFailure> {
        let (policy, now) = (&self.mapping.policy, Instant::now());
        let Some(predecessor) = evaluation.predecessor() else {
            // It may have taken over this very moment.
            return match decide(&evaluation.state(), policy, now) {
                ReadDecision::Serve(evaluated) => Ok(Reading::current(evaluated)),
                _ => Err(failure),
            };
        };
        let mut found = predecessor.decide(policy, now);
        if let PredecessorState::Running(old, _) = &predecessor.held {
            old.read(reader.request, now);
            if matches!(found, Fallback::Refresh(_)) {
                let attempts = old.state().attempts;
                old.request_attempt(now);
                let attempt = old.attempt_after(attempts);
                let _ = tokio::time::timeout_at(until.into(), attempt).await;
                found = predecessor.decide(policy, Instant::now());
            }
        }
        let (Fallback::Serve(good) | Fallback::Refresh(Some(good))) = found else {
            return Err(failure);
        };
        let why = why(&failure, predecessor.failure());
        Ok(Reading::old(Arc::new(good.carried_to(evaluation.id)), why))
    }

    /// The handover of an evaluation in use, while it is not over.
    pub fn handover(&self, scope: &Scope, params: &QueryParams) -> Option<HandoverStatus> {
        let evaluations = self.evaluations.read().unwrap_or_else(PoisonError::into_inner);
        let evaluation = evaluations.get(params)?.get(name(scope))?.clone();
        drop(evaluations);
        let predecessor = evaluation.predecessor()?;
        Some(HandoverStatus::of(&predecessor, &self.mapping.policy, Instant::now()))
    }
}

/// Why values of the mapping before are served.
fn why(failure: &ReadFailure, of_before: Option<String>) -> String {
    let now = failure.to_string();
    let reported =
        format!("it is of the mapping before its last change, as the changed one fails: {now}");
    match of_before {
        Some(before) if before != now => format!("{reported}; the one before fails, too: {before}"),
        _ => reported,
    }
}
