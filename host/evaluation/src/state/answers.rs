//! Charges values, and answers that wait for a plugin, to the reader whose parameters the evaluation has.
//! If answers are refused for that reader, others who read the same have attempts that count for them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::{Evaluated, Evaluation, EvaluationState};
use crate::error::ReadFailure;
use crate::policy::RETRY_INTERVAL;
use crate::quota::EvaluationQuota;

/// How many accounts may have attempts of their own while a failure stands.
const MAX_TRIES: usize = 16;

/// They count for as long as this is there.
pub(crate) struct HeldAnswers<'e>(&'e Evaluation);

/// The accounts that an evaluation came to count for, and when. Each does so once while a failure stands,
/// so that reads which are all refused cause no more attempts than others.
#[derive(Debug, Default)]
pub(super) struct Tries(Vec<(u64, Instant)>);

/// The attempt that a read waits for which was refused for the reads of others.
enum Turn {
    /// One that counts for itself.
    Own,
    /// One that is on its way, or has just ended.
    Others,
    /// It has had its own.
    Over,
}

impl Tries {
    fn admit(&mut self, account: u64, now: Instant) -> bool {
        self.0.retain(|(_, at)| now.saturating_duration_since(*at) < RETRY_INTERVAL);
        if self.0.len() >= MAX_TRIES || self.0.iter().any(|(known, _)| *known == account) {
            return false;
        }
        self.0.push((account, now));
        true
    }
}

impl EvaluationState {
    /// Whether the newest attempt was refused, since the answers for one caller take too much.
    pub(crate) fn is_refused(&self) -> bool {
        self.failed.as_ref().is_some_and(|failed| failed.error.is_of_answers())
    }
}

impl Evaluation {
    /// Whose reads it counts for.
    pub(crate) fn account(&self) -> u64 {
        self.account.load(Ordering::Relaxed)
    }

    /// Whether the newest values may be kept. Those of evaluations that a reader chose count; if they
    /// are too large, they are for those alone who wait for them.
    pub(crate) fn may_be_kept(&self) -> bool {
        if self.params.is_default() {
            return true;
        }
        let own = self.state.load().good.clone();
        let good = own.or_else(|| self.predecessor()?.good());
        let size = |good: Arc<Evaluated>| good.values.served.bytes() + good.last_known.bytes();
        let values = good.map_or(0, size);
        let bytes = size_of::<Self>() + 2 * self.params.bytes() + values;
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.as_mut().is_none_or(|counted| counted.resize(bytes))
    }

    /// Counts so many bytes of answers until its plugin has had them, if there is room. Those of
    /// evaluations that no reader chose do not count.
    pub(crate) fn hold_answers(&self, bytes: usize) -> Option<HeldAnswers<'_>> {
        self.count_answers(bytes).then(|| HeldAnswers(self))
    }

    fn count_answers(&self, bytes: usize) -> bool {
        if self.params.is_default() {
            return true;
        }
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.as_mut().is_none_or(|counted| counted.hold(bytes))
    }

    /// Requests an attempt that counts for this account, and waits for nothing. `attempts` have ended, the
    /// last of which was refused.
    pub(crate) fn request_attempt_for(&self, quota: &EvaluationQuota, account: u64, attempts: u64) {
        // Whoever has no turn is answered as if there were none.
        let _ = self.turn(quota, account, attempts);
    }

    /// Waits until an attempt was not refused, or was refused for this account. Attempts on their way are
    /// waited for; where there is none, the evaluation counts for this account from now on.
    pub(crate) async fn attempt_for(
        &self,
        quota: &EvaluationQuota,
        account: u64,
    ) -> Result<(), ReadFailure> {
        loop {
            let state = self.state();
            if !state.is_refused() {
                return Ok(());
            }
            match self.turn(quota, account, state.attempts)? {
                Turn::Over => return Ok(()),
                Turn::Others => self.attempt_or_end_after(state.attempts).await,
                Turn::Own => {
                    self.attempt_or_end_after(state.attempts).await;
                    return Ok(());
                }
            }
        }
    }

    /// Waits until more attempts have ended than these, or there will be none: an evaluation ends with its
    /// attempt where the values of the account that it counted for are too many.
    async fn attempt_or_end_after(&self, attempts: u64) {
        let mut ended = self.attempts.subscribe();
        // The sender lives in this evaluation, so the channel cannot close.
        let _ = ended.wait_for(|&ended| ended > attempts || !self.is_driven()).await;
    }

    /// `attempts` have ended, the last of which was refused.
    fn turn(
        &self,
        quota: &EvaluationQuota,
        account: u64,
        attempts: u64,
    ) -> Result<Turn, ReadFailure> {
        let now = Instant::now();
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_driven() {
            return Ok(Turn::Over);
        }
        let is_on_its_way = self.demanded.load(Ordering::Acquire) || self.waiting(now).is_some();
        if is_on_its_way {
            self.awaiting.note();
        }
        if is_on_its_way || self.state.load().attempts != attempts {
            return Ok(Turn::Others);
        }
        if self.account() == account {
            return Ok(Turn::Over);
        }
        // Who has too many is told so each time, and not that it has had its turn.
        let counted = quota.admit(account)?;
        if !tries.admit(account, now) {
            return Ok(Turn::Over);
        }
        self.awaiting.note();
        self.account.store(account, Ordering::Relaxed);
        self.count(Some(counted));
        self.request_attempt(now);
        Ok(Turn::Own)
    }
}

impl Drop for HeldAnswers<'_> {
    fn drop(&mut self) {
        self.0.count_answers(0);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::super::tests::{FASTEST, evaluated};
    use super::*;
    use crate::error::EvaluationError;
    use crate::quota::{MAX_ANSWERS_OF_CALLER, QuotaShare};
    use crate::record::RecordPool;
    use leadsman_model::names::Scope;
    use leadsman_model::query_params::QueryParams;

    /// One that the first account chose.
    fn evaluation(quota: &EvaluationQuota) -> Evaluation {
        let params = QueryParams { selector: "!made-up".parse().unwrap(), names: vec![] };
        let pool = RecordPool::default();
        let evaluation = Evaluation::new(Scope::Cluster, params, 1, FASTEST, &pool);
        evaluation.count(Some(quota.admit(1).unwrap()));
        evaluation
    }

    /// All that answers for an account may take.
    fn full(quota: &EvaluationQuota, account: u64) -> QuotaShare {
        let mut share = quota.admit(account).unwrap();
        assert!(share.hold(MAX_ANSWERS_OF_CALLER));
        share
    }

    /// What a driver does. Says whether the answers were refused.
    fn attempt(evaluation: &Evaluation) -> bool {
        evaluation.begin(false, Instant::now());
        let held = evaluation.hold_answers(1000);
        let is_refused = held.is_none();
        drop(held);
        evaluation.publish(match is_refused {
            true => Err(Arc::new(EvaluationError::AnswersOfCaller)),
            false => Ok(evaluated(evaluation)),
        });
        is_refused
    }

    #[tokio::test]
    async fn who_is_refused_for_the_reads_of_another_has_an_attempt_of_its_own() {
        let quota = EvaluationQuota::default();
        let (evaluation, _full) = (evaluation(&quota), full(&quota, 1));
        assert!(attempt(&evaluation));
        let mine = evaluation.attempt_for(&quota, 1).now_or_never();
        assert!(mine.is_some(), "who is refused for its own reads waits for nothing");
        let mut other = pin!(evaluation.attempt_for(&quota, 2));
        assert!(other.as_mut().now_or_never().is_none());
        evaluation.attempt_requested().await;
        assert_eq!(evaluation.account(), 2);
        let mut third = pin!(evaluation.attempt_for(&quota, 3));
        assert!(third.as_mut().now_or_never().is_none(), "it waits for the same attempt");
        assert!(!attempt(&evaluation));
        other.await.unwrap();
        third.await.unwrap();
        assert!(evaluation.state().good.is_some() && !evaluation.state().is_refused());
        assert_eq!(evaluation.account(), 2);
    }

    #[tokio::test]
    async fn who_is_refused_for_several_in_a_row_has_an_attempt_of_its_own() {
        let quota = EvaluationQuota::default();
        let (evaluation, _full) = (evaluation(&quota), [1, 2].map(|account| full(&quota, account)));
        assert!(attempt(&evaluation));
        let mut other = pin!(evaluation.attempt_for(&quota, 2));
        let mut third = pin!(evaluation.attempt_for(&quota, 3));
        assert!(other.as_mut().now_or_never().is_none());
        assert!(third.as_mut().now_or_never().is_none());
        assert!(attempt(&evaluation), "that of the other one is refused, too");
        assert!(other.as_mut().now_or_never().is_some());
        assert!(third.as_mut().now_or_never().is_none(), "now it has its own");
        assert_eq!(evaluation.account(), 3);
        let mut again = pin!(evaluation.attempt_for(&quota, 2));
        assert!(again.as_mut().now_or_never().is_none(), "there is one to wait for");
        assert!(!attempt(&evaluation));
        third.await.unwrap();
        again.await.unwrap();
        assert!(evaluation.state().good.is_some());
    }

    /// Old values, or those of the mapping before, are served to who waits for nothing.
    #[tokio::test]
    async fn who_waits_for_nothing_has_an_attempt_of_its_own() {
        let quota = EvaluationQuota::default();
        let (evaluation, _full) = (evaluation(&quota), full(&quota, 1));
        assert!(attempt(&evaluation));
        evaluation.request_attempt_for(&quota, 1, 1);
        assert!(evaluation.attempt_requested().now_or_never().is_none(), "those are its own reads");
        evaluation.request_attempt_for(&quota, 2, 0);
        assert_eq!(evaluation.account(), 1, "another attempt has ended");
        evaluation.request_attempt_for(&quota, 2, 1);
        evaluation.attempt_requested().await;
        assert_eq!(evaluation.account(), 2);
        evaluation.request_attempt_for(&quota, 3, 1);
        assert_eq!(evaluation.account(), 2, "there is an attempt to wait for");
        assert!(!attempt(&evaluation));
        assert!(evaluation.attempt_requested().now_or_never().is_none());
    }

    #[tokio::test]
    async fn nobody_waits_for_the_attempt_of_an_evaluation_that_has_ended() {
        let quota = EvaluationQuota::default();
        let (evaluation, _full) = (evaluation(&quota), full(&quota, 1));
        assert!(attempt(&evaluation));
        evaluation.request_attempt(Instant::now());
        evaluation.driver_ended();
        let waited = evaluation.attempt_for(&quota, 2).now_or_never();
        assert!(waited.is_some() && evaluation.account() == 1);
    }

    #[tokio::test]
    async fn who_waits_for_an_attempt_is_told_when_the_evaluation_ends() {
        let quota = EvaluationQuota::default();
        let (evaluation, _full) = (evaluation(&quota), full(&quota, 1));
        assert!(attempt(&evaluation));
        let mut own = pin!(evaluation.attempt_for(&quota, 2));
        let mut others = pin!(evaluation.attempt_for(&quota, 3));
        assert!(own.as_mut().now_or_never().is_none());
        assert!(others.as_mut().now_or_never().is_none());
        evaluation.driver_ended();
        own.await.unwrap();
        others.await.unwrap();
        assert_eq!(evaluation.state().attempts, 1);
    }

    #[test]
    fn each_account_has_one_attempt_while_a_failure_stands() {
        let (mut tries, start) = (Tries::default(), Instant::now());
        assert!(tries.admit(1, start) && tries.admit(2, start));
        assert!(!tries.admit(1, start + RETRY_INTERVAL / 2));
        assert!(tries.admit(1, start + RETRY_INTERVAL));
        let of_many = (10..).take_while(|&account| tries.admit(account, start + RETRY_INTERVAL));
        assert_eq!(of_many.count(), MAX_TRIES - 1, "beside that of the first one");
    }

    #[tokio::test]
    async fn who_has_too_many_evaluations_has_no_attempt() {
        let quota = EvaluationQuota::default();
        let (evaluation, _full) = (evaluation(&quota), full(&quota, 1));
        assert!(attempt(&evaluation));
        let many: Vec<_> = std::iter::from_fn(|| quota.admit(2).ok()).collect();
        let refused = evaluation.attempt_for(&quota, 2).await.unwrap_err();
        assert_eq!(refused.reason(), "too_many_evaluations_of_reader");
        let again = evaluation.attempt_for(&quota, 2).await.unwrap_err();
        assert_eq!(again.reason(), refused.reason(), "it has had no attempt");
        assert_eq!(evaluation.account(), 1);
        drop(many);
    }
}
