//! The room that all records of a process take.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{MAX_BYTES, MAX_TEAM_BYTES};
use leadsman_model::names::Namespace;
use leadsman_model::owner::Owner;

/// The room of all records. The operator has its own, so no team takes it away.
#[derive(Debug, Clone, Default)]
pub struct RecordPool {
    used: Arc<Mutex<Used>>,
    /// Whether rows are kept whole, however many bytes they take.
    whole: bool,
}

#[derive(Debug, Default)]
struct Used {
    /// The bytes of the operator's evaluations.
    operator: usize,
    /// The bytes of all teams' together.
    teams: usize,
    by_team: HashMap<Namespace, usize>,
}

/// Room that is taken, until it is dropped.
#[derive(Debug)]
pub(super) struct Reserved {
    pool: RecordPool,
    team: Option<Namespace>,
    bytes: usize,
}

impl RecordPool {
    /// One for a process that evaluates once for whoever started it: rows are kept whole, however many
    /// bytes they take.
    pub fn whole() -> Self {
        Self { used: Arc::default(), whole: true }
    }

    /// Whether rows are kept whole, however many bytes they take.
    pub(super) fn keeps_whole(&self) -> bool {
        self.whole
    }

    /// Takes room for an owner's evaluation, if there is enough.
    pub(super) fn reserve(&self, owner: &Owner, bytes: usize) -> Option<Reserved> {
        let team = owner.namespace().cloned();
        let mut used = self.used();
        match &team {
            None if !self.whole && used.operator.saturating_add(bytes) > MAX_BYTES => return None,
            None => used.operator += bytes,
            Some(team) => {
                let own = used.by_team.get(team).copied().unwrap_or_default();
                let too_many = own.saturating_add(bytes) > MAX_TEAM_BYTES
                    || used.teams.saturating_add(bytes) > MAX_BYTES;
                if too_many && !self.whole {
                    return None;
                }
                used.teams += bytes;
                used.by_team.insert(team.clone(), own + bytes);
            }
        }
        drop(used);
        Some(Reserved { pool: self.clone(), team, bytes })
    }

    /// The bytes that are taken: by the operator's evaluations, and by those of teams.
    pub fn bytes(&self) -> (usize, usize) {
        let used = self.used();
        (used.operator, used.teams)
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let mut used = self.pool.used();
        let Some(team) = &self.team else {
            used.operator = used.operator.saturating_sub(self.bytes);
            return;
        };
        used.teams = used.teams.saturating_sub(self.bytes);
        if let Some(own) = used.by_team.get_mut(team) {
            *own = own.saturating_sub(self.bytes);
            if *own == 0 {
                used.by_team.remove(team);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(namespace: &str) -> Owner {
        Owner::Team { namespace: namespace.parse().unwrap(), name: "c".into() }
    }

    #[test]
    fn teams_are_bounded_each_and_together_and_leave_the_operator_its_room() {
        let pool = RecordPool::default();
        let first = pool.reserve(&team("shop"), MAX_TEAM_BYTES).unwrap();
        assert!(pool.reserve(&team("shop"), 1).is_none());
        let others = (0..MAX_BYTES / MAX_TEAM_BYTES)
            .filter_map(|number| pool.reserve(&team(&format!("team-{number}")), MAX_TEAM_BYTES));
        let others: Vec<_> = others.collect();
        assert_eq!(others.len() + 1, MAX_BYTES / MAX_TEAM_BYTES);
        let operator = pool.reserve(&Owner::Operator, MAX_BYTES).unwrap();
        assert!(pool.reserve(&Owner::Operator, 1).is_none());
        assert_eq!(pool.bytes(), (MAX_BYTES, MAX_BYTES));
        drop((first, others, operator));
        assert_eq!(pool.bytes(), (0, 0));
        assert!(pool.used().by_team.is_empty(), "nothing is kept of who has nothing");
    }
}
