//! How many evaluations the reads of one caller may have begun.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;

use super::error::ReadFailure;

/// The most evaluations in use that one caller began by reads in one namespace, over all metrics.
/// Namespaces, selectors and names come with requests: whoever makes them up is bounded alone.
const MAX_OF_CALLER: usize = 1000;

/// Evaluations in use by account: a caller in a namespace.
#[derive(Debug, Clone, Default)]
pub struct EvaluationQuota(Arc<Mutex<HashMap<u64, usize, RandomState>>>);

/// Counts an evaluation for as long as it is in use.
#[derive(Debug)]
pub(super) struct Counted {
    quota: EvaluationQuota,
    account: u64,
}

impl EvaluationQuota {
    /// Counts another evaluation, unless there are too many.
    pub(super) fn admit(&self, account: u64) -> Result<Counted, ReadFailure> {
        self.count(account, MAX_OF_CALLER)
            .ok_or(ReadFailure::TooManyOfCaller { limit: MAX_OF_CALLER })
    }

    /// Counts an evaluation that takes the place of another one.
    pub(super) fn hand_over(&self, account: u64) -> Option<Counted> {
        self.count(account, usize::MAX)
    }

    fn count(&self, account: u64, limit: usize) -> Option<Counted> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(account).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Counted { quota: self.clone(), account })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.quota.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.account);
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
        assert!(quota.0.lock().unwrap().is_empty(), "nothing is kept of what is not in use");
    }
}
