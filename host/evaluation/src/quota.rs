//! How many evaluations the reads of one caller may begin, and how much these may hold.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

use super::error::ReadFailure;

/// The most evaluations in use that one caller began by reads in one namespace, over all metrics.
/// Namespaces, selectors and names come with requests: whoever makes them up is bounded alone.
const MAX_OF_CALLER: usize = 1000;

/// While the values of a caller's evaluations take more bytes, none is begun for another selector or
/// other names. Evaluations without these are as many as there are metrics.
const MAX_BYTES_OF_CALLER: usize = 64 << 20;

/// Evaluations in use by account: a caller in a namespace.
#[derive(Debug, Clone, Default)]
pub struct EvaluationQuota(Arc<Mutex<Accounts>>);

type Accounts = HashMap<u64, Account, RandomState>;

#[derive(Debug, Default)]
struct Account {
    evaluations: usize,
    bytes: usize,
}

/// Counts an evaluation for as long as it is in use.
#[derive(Debug)]
pub(super) struct Counted {
    quota: EvaluationQuota,
    account: u64,
    /// How many bytes are counted for it.
    bytes: Mutex<usize>,
}

impl EvaluationQuota {
    /// Counts another evaluation, unless there are too many. `made_up` says whether it is for a
    /// selector or for names.
    pub(super) fn admit(&self, account: u64, made_up: bool) -> Result<Counted, ReadFailure> {
        {
            let mut accounts = self.accounts();
            let known = accounts.entry(account).or_default();
            if known.evaluations >= MAX_OF_CALLER {
                return Err(ReadFailure::TooManyOfCaller { limit: MAX_OF_CALLER });
            }
            if made_up && known.bytes > MAX_BYTES_OF_CALLER {
                return Err(ReadFailure::TooLargeOfCaller { mebibytes: MAX_BYTES_OF_CALLER >> 20 });
            }
        }
        Ok(self.count(account))
    }

    fn count(&self, account: u64) -> Counted {
        self.accounts().entry(account).or_default().evaluations += 1;
        Counted { quota: self.clone(), account, bytes: Mutex::default() }
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    /// Counts the evaluation that takes the place of this one, however many there are.
    pub(super) fn hand_over(&self) -> Self {
        self.quota.count(self.account)
    }

    /// Takes note of how many bytes its values take now.
    pub(super) fn set_bytes(&self, bytes: usize) {
        let mut counted = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = self.quota.accounts().get_mut(&self.account) {
            account.bytes = account.bytes.saturating_sub(*counted).saturating_add(bytes);
        }
        *counted = bytes;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.set_bytes(0);
        let mut accounts = self.quota.accounts();
        if let Some(account) = accounts.get_mut(&self.account) {
            account.evaluations = account.evaluations.saturating_sub(1);
            if account.evaluations == 0 {
                accounts.remove(&self.account);
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
        let mut begun: Vec<_> =
            (0..MAX_OF_CALLER).map(|_| quota.admit(1, false).unwrap()).collect();
        assert!(matches!(
            quota.admit(1, false),
            Err(ReadFailure::TooManyOfCaller { limit: MAX_OF_CALLER })
        ));
        let other = quota.admit(2, true).unwrap();
        let successor = begun[0].hand_over();
        begun.pop();
        assert!(quota.admit(1, false).is_err(), "the successor counts");
        drop(successor);
        begun.push(quota.admit(1, false).unwrap());
        drop((begun, other));
        assert!(quota.accounts().is_empty(), "nothing is kept of what is not in use");
    }

    #[test]
    fn values_of_made_up_selectors_are_bounded_in_bytes() {
        let quota = EvaluationQuota::default();
        let (one, other) = (quota.admit(1, true).unwrap(), quota.admit(1, true).unwrap());
        one.set_bytes(MAX_BYTES_OF_CALLER);
        other.set_bytes(1);
        assert!(matches!(quota.admit(1, true), Err(ReadFailure::TooLargeOfCaller { .. })));
        quota.admit(1, false).unwrap();
        quota.admit(2, true).unwrap();
        other.set_bytes(0);
        quota.admit(1, true).unwrap();
        other.set_bytes(1);
        drop(one);
        quota.admit(1, true).unwrap();
    }
}
