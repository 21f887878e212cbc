//! The memory that answers for teams take, from their first byte until a plugin has had them.
//!
//! Teams write their queries themselves, as many as they have mappings for, and a query may ask for
//! everything that a source has. So each team has a bound, all have one together, and nobody waits for
//! room: whoever holds some would wait for whoever waits. The operator's queries are the operator's own.

use std::sync::LazyLock;

use super::QueryError;
use leadsman_model::room::{Room, RoomBounds, Share};
use leadsman_model::tenant::Tenant;

/// What the answers for one team may take at once, in bytes.
const MAX_OF_TEAM: usize = 64 << 20;

/// What those for all teams may take together.
const MAX_OF_TEAMS: usize = 128 << 20;

/// What a team may take whatever others do.
const MIN_OF_TEAM: usize = 1 << 20;

const BOUNDS: RoomBounds = RoomBounds { each: MAX_OF_TEAM, all: MAX_OF_TEAMS, least: MIN_OF_TEAM };

/// That of the process.
static ROOM: LazyLock<Room> = LazyLock::new(|| Room::new(BOUNDS));

/// The room that an answer takes, until it is dropped.
#[derive(Debug)]
pub struct AnswerRoom {
    /// That of a team.
    share: Option<Share>,
}

impl AnswerRoom {
    /// None yet.
    pub(crate) fn of(tenant: &Tenant) -> Self {
        Self::within(&ROOM, tenant)
    }

    fn within(all: &Room, tenant: &Tenant) -> Self {
        let share = match tenant {
            Tenant::Team { namespace } => Some(all.share(Some(namespace.clone()))),
            Tenant::Operator { .. } => None,
        };
        Self { share }
    }

    /// Whether half of what there may be is free: what can be left out takes no more.
    pub fn leaves_half(&self) -> bool {
        self.share.as_ref().is_none_or(Share::leaves_half)
    }

    /// Takes so many bytes more.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), QueryError> {
        let before = self.share.as_ref().map_or(0, Share::bytes);
        self.resize(before.saturating_add(bytes))
    }

    /// The answer has so many bytes from now on.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), QueryError> {
        let has_room = self.share.as_mut().is_none_or(|share| share.resize(bytes));
        if has_room { Ok(()) } else { Err(QueryError::NoRoom { limit: MAX_OF_TEAM >> 20 }) }
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
        let all = Room::new(BOUNDS);
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
        assert_eq!((all.bytes(), all.owners()), (0, 0));
    }
}
