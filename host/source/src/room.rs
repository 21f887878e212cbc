//! The memory that answers for teams take, from their first byte until a plugin has had them.
//!
//! Teams write their queries themselves, as many as they have mappings for, and a query may ask for
//! everything that a source has. So each team has a bound, all have one together, and nobody waits for
//! room: whoever holds some would wait for whoever waits. The operator's queries are the operator's own.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use super::QueryError;
use leadsman_model::names::Namespace;
use leadsman_model::tenant::Tenant;

/// What the answers for one team may take at once, in bytes.
const MAX_OF_TEAM: usize = 64 << 20;

/// What those for all teams may take together.
const MAX_OF_TEAMS: usize = 128 << 20;

/// What a team may take whatever others do.
const MIN_OF_TEAM: usize = 1 << 20;

/// That of the process.
static ROOM: LazyLock<Room> = LazyLock::new(Room::default);

/// The room of all answers.
#[derive(Debug, Clone, Default)]
struct Room(Arc<Mutex<Used>>);

#[derive(Debug, Default)]
struct Used {
    teams: usize,
    by_team: HashMap<Namespace, usize>,
}

/// The room that an answer takes, until it is dropped.
#[derive(Debug)]
pub struct AnswerRoom {
    all: Room,
    team: Option<Namespace>,
    bytes: usize,
}

impl AnswerRoom {
    /// None yet.
    pub(crate) fn of(tenant: &Tenant) -> Self {
        Self::within(&ROOM, tenant)
    }

    fn within(all: &Room, tenant: &Tenant) -> Self {
        let team = match tenant {
            Tenant::Team { namespace } => Some(namespace.clone()),
            Tenant::Operator { .. } => None,
        };
        Self { all: all.clone(), team, bytes: 0 }
    }

    /// Whether half of what there may be is free: what can be left out takes no more.
    pub fn leaves_half(&self) -> bool {
        let Some(team) = &self.team else { return true };
        let used = self.all.used();
        let own = used.by_team.get(team).copied().unwrap_or_default();
        own <= MAX_OF_TEAM / 2 && used.teams <= MAX_OF_TEAMS / 2
    }

    /// Takes so many bytes more.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), QueryError> {
        self.resize(self.bytes.saturating_add(bytes))
    }

    /// The answer has so many bytes from now on.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), QueryError> {
        let Some(team) = &self.team else { return Ok(()) };
        let mut used = self.all.used();
        let own = used.by_team.get(team).copied().unwrap_or_default();
        let own = own.saturating_sub(self.bytes).saturating_add(bytes);
        let teams = used.teams.saturating_sub(self.bytes).saturating_add(bytes);
        let is_too_much = own > MAX_OF_TEAM || (teams > MAX_OF_TEAMS && own > MIN_OF_TEAM);
        if is_too_much && bytes > self.bytes {
            return Err(QueryError::NoRoom { limit: MAX_OF_TEAM >> 20 });
        }
        used.teams = teams;
        used.by_team.insert(team.clone(), own);
        drop(used);
        self.bytes = bytes;
        Ok(())
    }
}

impl Room {
    fn used(&self) -> MutexGuard<'_, Used> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AnswerRoom {
    fn drop(&mut self) {
        let Some(team) = &self.team else { return };
        let mut used = self.all.used();
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

    fn of_team(all: &Room, namespace: &str) -> AnswerRoom {
        AnswerRoom::within(all, &Tenant::Team { namespace: namespace.parse().unwrap() })
    }

    #[test]
    fn the_answers_of_a_team_have_room_and_leave_some_to_others() {
        let all = Room::default();
        let (mut one, mut other) = (of_team(&all, "shop"), of_team(&all, "shop"));
        one.take(MAX_OF_TEAM / 2).unwrap();
        assert!(one.leaves_half());
        other.take(MAX_OF_TEAM / 2).unwrap();
        assert!(!one.leaves_half() && of_team(&all, "bank").leaves_half());
        let refused = other.take(1).unwrap_err().to_string();
        assert!(refused.contains("64 MiB") && refused.contains("aggregate"), "{refused}");
        // An answer takes less than what it arrived as.
        one.resize(1000).unwrap();
        other.take(1).unwrap();
        one.take(MAX_OF_TEAM / 2 - 1001).unwrap();
        // What another team has is its own, and the operator's queries have no bound here.
        let mut bank = of_team(&all, "bank");
        bank.take(MAX_OF_TEAM).unwrap();
        let mut operator = AnswerRoom::within(&all, &Tenant::default());
        operator.take(usize::MAX).unwrap();
        assert!(operator.leaves_half() && !of_team(&all, "third").leaves_half());
        // All have no more together, and yet a third one gets what is little.
        let mut third = of_team(&all, "third");
        third.take(MIN_OF_TEAM).unwrap();
        assert!(third.take(1).is_err());
        drop(bank);
        third.take(1).unwrap();
        drop((one, other, third));
        let used = all.used();
        assert!(used.teams == 0 && used.by_team.is_empty(), "{used:?}");
    }
}
