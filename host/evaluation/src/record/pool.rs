//! The room that all records of a process take.

use super::{MAX_BYTES, MAX_TEAM_BYTES};
use leadsman_model::owner::Owner;
use leadsman_model::room::{Room, RoomBounds, Share};

/// The room of all records. The operator has its own, so no team takes it away.
#[derive(Debug, Clone)]
pub struct RecordPool {
    operator: Room,
    teams: Room,
    /// Whether rows are kept whole, however many bytes they take.
    whole: bool,
}

impl Default for RecordPool {
    fn default() -> Self {
        let bounds = |each| RoomBounds { each, all: MAX_BYTES, least: 0 };
        Self {
            operator: Room::new(bounds(MAX_BYTES)),
            teams: Room::new(bounds(MAX_TEAM_BYTES)),
            whole: false,
        }
    }
}

impl RecordPool {
    /// One for a process that evaluates once for whoever started it: rows are kept whole, however many
    /// bytes they take.
    pub fn whole() -> Self {
        let unbounded = || Room::new(RoomBounds::NONE);
        Self { operator: unbounded(), teams: unbounded(), whole: true }
    }

    /// Whether rows are kept whole, however many bytes they take.
    pub(super) fn keeps_whole(&self) -> bool {
        self.whole
    }

    /// Takes room for an owner's evaluation, if there is enough.
    pub(super) fn reserve(&self, owner: &Owner, bytes: usize) -> Option<Share> {
        let team = owner.namespace().cloned();
        let room = if team.is_some() { &self.teams } else { &self.operator };
        let mut share = room.share(team);
        share.resize(bytes).then_some(share)
    }

    /// The bytes that are taken: by the operator's evaluations, and by those of teams.
    pub fn bytes(&self) -> (usize, usize) {
        (self.operator.bytes(), self.teams.bytes())
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
        assert_eq!(pool.teams.owners(), 0, "nothing is kept of who has nothing");
    }
}
