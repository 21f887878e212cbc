//! How many evaluations the reads of one caller may have begun, and how much memory they may take.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

use super::error::ReadFailure;
use super::record::RecordPool;

/// The most evaluations in use that one caller began by reads in one namespace, over all metrics.
/// Namespaces, selectors and names come with requests: whoever makes them up is bounded alone.
const MAX_OF_CALLER: usize = 1000;

/// The most bytes of the values of those among them that the caller chose by selectors or names, as
/// estimated.
pub(super) const MAX_BYTES_OF_CALLER: usize = 32 << 20;

/// The most bytes of answers that wait for plugins in those evaluations. One alone may have more: what
/// a query gives is the choice of whoever wrote it.
pub(super) const MAX_ANSWERS_OF_CALLER: usize = 64 << 20;

/// The same bytes of all callers together, for whoever has many names is bounded, too. Who has little has
/// it nevertheless.
const MAX_BYTES: usize = 128 << 20;
const MAX_ANSWERS: usize = 128 << 20;
const MIN_BYTES_OF_CALLER: usize = 1 << 20;

/// Evaluations in use by account: a caller in a namespace. And the room of what is recorded of them.
#[derive(Debug, Clone, Default)]
pub struct EvaluationQuota {
    accounts: Arc<Mutex<Accounts>>,
    records: RecordPool,
}

#[derive(Debug, Default)]
struct Accounts {
    by_account: HashMap<u64, Used, RandomState>,
    /// The bytes of all accounts.
    bytes: usize,
    answers: usize,
}

#[derive(Debug, Default)]
struct Used {
    evaluations: usize,
    bytes: usize,
    answers: usize,
}

/// Counts an evaluation for as long as it is in use.
#[derive(Debug)]
pub(super) struct QuotaShare {
    quota: EvaluationQuota,
    account: u64,
    bytes: usize,
    answers: usize,
}

impl EvaluationQuota {
    /// One for a process that evaluates for whoever started it, and records all of it.
    pub fn recording_whole() -> Self {
        Self { records: RecordPool::whole(), ..Self::default() }
    }

    /// Counts another evaluation, unless there are too many.
    pub(super) fn admit(&self, account: u64) -> Result<QuotaShare, ReadFailure> {
        self.count(account, MAX_OF_CALLER)
            .ok_or(ReadFailure::TooManyOfCaller { limit: MAX_OF_CALLER })
    }

    /// Counts an evaluation that takes the place of another one.
    pub(super) fn hand_over(&self, account: u64) -> Option<QuotaShare> {
        self.count(account, usize::MAX)
    }

    fn count(&self, account: u64, limit: usize) -> Option<QuotaShare> {
        let mut accounts = self.accounts();
        let used = accounts.by_account.entry(account).or_default();
        if used.evaluations >= limit || (used.bytes > MAX_BYTES_OF_CALLER && limit < usize::MAX) {
            return None;
        }
        used.evaluations += 1;
        drop(accounts);
        Some(QuotaShare { quota: self.clone(), account, bytes: 0, answers: 0 })
    }

    /// The room of what is recorded of evaluations.
    pub fn records(&self) -> &RecordPool {
        &self.records
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QuotaShare {
    /// The values of the evaluation take so many bytes from now on. Says whether that is allowed.
    pub(super) fn resize(&mut self, bytes: usize) -> bool {
        let mut guard = self.quota.accounts();
        let accounts = &mut *guard;
        let Some(used) = accounts.by_account.get_mut(&self.account) else { return true };
        used.bytes = used.bytes.saturating_sub(self.bytes).saturating_add(bytes);
        accounts.bytes = accounts.bytes.saturating_sub(self.bytes).saturating_add(bytes);
        self.bytes = bytes;
        used.bytes <= MAX_BYTES_OF_CALLER
            && (accounts.bytes <= MAX_BYTES || used.bytes <= MIN_BYTES_OF_CALLER)
    }

    /// So many bytes of answers wait for its plugin from now on, if there is room for them.
    pub(super) fn hold(&mut self, bytes: usize) -> bool {
        let mut guard = self.quota.accounts();
        let accounts = &mut *guard;
        let Some(used) = accounts.by_account.get_mut(&self.account) else { return true };
        let others = used.answers.saturating_sub(self.answers);
        let own = others.saturating_add(bytes);
        let all = accounts.answers.saturating_sub(self.answers).saturating_add(bytes);
        let is_too_much =
            own > MAX_ANSWERS_OF_CALLER || (all > MAX_ANSWERS && own > MIN_BYTES_OF_CALLER);
        if is_too_much && others > 0 && bytes > self.answers {
            return false;
        }
        (used.answers, accounts.answers) = (own, all);
        self.answers = bytes;
        true
    }
}

impl Drop for QuotaShare {
    fn drop(&mut self) {
        let mut guard = self.quota.accounts();
        let accounts = &mut *guard;
        accounts.bytes = accounts.bytes.saturating_sub(self.bytes);
        accounts.answers = accounts.answers.saturating_sub(self.answers);
        if let Some(used) = accounts.by_account.get_mut(&self.account) {
            used.evaluations = used.evaluations.saturating_sub(1);
            used.bytes = used.bytes.saturating_sub(self.bytes);
            used.answers = used.answers.saturating_sub(self.answers);
            if used.evaluations == 0 {
                accounts.by_account.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_is_bounded_and_no_other() {
        let quota = EvaluationQuota::default();
        let mut begun: Vec<_> = (0..MAX_OF_CALLER).map(|_| quota.admit(1).unwrap()).collect();
        assert!(matches!(quota.admit(1), Err(ReadFailure::TooManyOfCaller { limit: 1000 })));
        let other = quota.admit(2).unwrap();
        let successor = quota.hand_over(1).unwrap();
        begun.pop();
        assert!(quota.admit(1).is_err(), "the successor counts");
        drop(successor);
        begun.push(quota.admit(1).unwrap());
        drop((begun, other));
        let accounts = quota.accounts();
        assert!(accounts.by_account.is_empty(), "nothing is kept of what is not in use");
    }

    #[test]
    fn values_of_one_account_are_bounded_in_bytes() {
        let quota = EvaluationQuota::default();
        let [mut first, mut second] = [1, 1].map(|account| quota.admit(account).unwrap());
        assert!(first.resize(MAX_BYTES_OF_CALLER - 100) && second.resize(100));
        assert!(!second.resize(101), "one byte more than there may be");
        assert!(quota.admit(1).is_err());
        assert!(quota.admit(2).is_ok(), "another account has its own");
        drop(first);
        assert!(second.resize(101) && quota.admit(1).is_ok());
    }

    #[test]
    fn answers_of_one_account_are_bounded_until_plugins_have_had_them() {
        let quota = EvaluationQuota::default();
        let [mut first, mut second] = [1, 1].map(|account| quota.admit(account).unwrap());
        assert!(first.hold(MAX_ANSWERS_OF_CALLER + 1), "one alone");
        assert!(!second.hold(1));
        assert!(first.hold(MAX_ANSWERS_OF_CALLER - 1) && second.hold(1));
        assert!(!second.hold(2), "one byte more than there may be");
        let mut other = quota.admit(2).unwrap();
        assert!(other.hold(MAX_ANSWERS_OF_CALLER), "another account has its own");
        assert!(first.hold(0) && second.hold(2));
        drop(second);
        assert!(first.hold(1) && quota.accounts().by_account[&1].answers == 1);
        drop((first, other));
        assert_eq!(quota.accounts().answers, 0);
    }

    #[test]
    fn whoever_has_many_names_is_bounded_and_who_has_little_keeps_it() {
        let quota = EvaluationQuota::default();
        let many = || (0..8).map(|account| quota.admit(account).unwrap());
        let (mut values, mut answers): (Vec<_>, Vec<_>) = (many().collect(), many().collect());
        let room = MAX_BYTES / MAX_BYTES_OF_CALLER;
        let kept =
            values.iter_mut().filter_map(|share| share.resize(MAX_BYTES_OF_CALLER).then_some(()));
        assert_eq!(kept.count(), room);
        let mut small = quota.admit(100).unwrap();
        assert!(small.resize(MIN_BYTES_OF_CALLER) && !small.resize(MIN_BYTES_OF_CALLER + 1));
        drop(values);
        assert!(small.resize(MIN_BYTES_OF_CALLER + 1), "what was not kept takes nothing");
        // Two evaluations of each account, of which the first always has its answer.
        let mut more: Vec<_> = many().collect();
        assert!(answers.iter_mut().all(|share| share.hold(MAX_ANSWERS / 8)));
        assert!(more.iter_mut().all(|share| !share.hold(1)));
        let mut little = [100, 100].map(|account| quota.admit(account).unwrap());
        assert!(little.iter_mut().all(|share| share.hold(MIN_BYTES_OF_CALLER / 2)));
        assert!(!little[1].hold(MIN_BYTES_OF_CALLER), "that is more than little");
        drop(answers);
        assert!(more.iter_mut().all(|share| share.hold(1)));
    }
}
