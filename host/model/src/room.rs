//! Memory that owners share: a bound for each and one for all of them together. What is taken is given
//! back when it is dropped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::names::Namespace;

/// How many bytes there are.
#[derive(Debug, Clone, Copy)]
pub struct RoomBounds {
    /// What one owner may take.
    pub each: usize,
    /// What all owners may take together.
    pub all: usize,
    /// What an owner may take however much others have.
    pub least: usize,
}

/// The memory that owners share.
#[derive(Debug, Clone)]
pub struct Room {
    bounds: RoomBounds,
    used: Arc<Mutex<Used>>,
}

#[derive(Debug, Default)]
struct Used {
    all: usize,
    by_owner: HashMap<Option<Namespace>, usize>,
}

/// What is taken of a room for one owner, until it is dropped.
#[derive(Debug)]
pub struct Share {
    room: Room,
    owner: Option<Namespace>,
    bytes: usize,
}

impl RoomBounds {
    /// As many as anybody takes.
    pub const NONE: Self = Self { each: usize::MAX, all: usize::MAX, least: usize::MAX };
}

impl Room {
    /// Nothing of it is taken.
    pub fn new(bounds: RoomBounds) -> Self {
        Self { bounds, used: Arc::default() }
    }

    /// A share of a team, by its namespace, or of the operator. It has no bytes yet.
    pub fn share(&self, owner: Option<Namespace>) -> Share {
        Share { room: self.clone(), owner, bytes: 0 }
    }

    /// The bytes that all owners have.
    pub fn bytes(&self) -> usize {
        self.used().all
    }

    /// How many owners are known: those who have some.
    pub fn owners(&self) -> usize {
        self.used().by_owner.len()
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Used {
    fn of(&self, owner: &Option<Namespace>) -> usize {
        self.by_owner.get(owner).copied().unwrap_or_default()
    }
}

impl Share {
    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// It has so many bytes from now on, if there is room for them. Fewer than before always have it.
    pub fn resize(&mut self, bytes: usize) -> bool {
        let RoomBounds { each, all, least } = self.room.bounds;
        let mut used = self.room.used();
        let own = used.of(&self.owner).saturating_sub(self.bytes).saturating_add(bytes);
        let together = used.all.saturating_sub(self.bytes).saturating_add(bytes);
        let is_too_much = own > each || (together > all && own > least);
        if is_too_much && bytes > self.bytes {
            return false;
        }
        used.all = together;
        // Nothing is kept of who has nothing: owners come and go.
        match own {
            0 => used.by_owner.remove(&self.owner),
            _ => used.by_owner.insert(self.owner.clone(), own),
        };
        drop(used);
        self.bytes = bytes;
        true
    }

    /// Whether half of what there is for its owner, and for all, is free.
    pub fn leaves_half(&self) -> bool {
        let RoomBounds { each, all, .. } = self.room.bounds;
        let used = self.room.used();
        used.of(&self.owner) <= each / 2 && used.all <= all / 2
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: RoomBounds = RoomBounds { each: 100, all: 150, least: 10 };

    fn share(room: &Room, namespace: &str) -> Share {
        room.share(Some(namespace.parse().unwrap()))
    }

    #[test]
    fn each_owner_has_a_bound_and_all_have_one_together() {
        let room = Room::new(BOUNDS);
        let [mut one, mut same] = ["shop", "shop"].map(|namespace| share(&room, namespace));
        let [mut other, mut third] = ["bank", "third"].map(|namespace| share(&room, namespace));
        assert!(one.resize(60) && same.resize(40));
        assert!(!same.resize(41), "one byte more than an owner may have");
        assert_eq!((same.bytes(), room.bytes()), (40, 100), "what is refused changes nothing");
        assert!(other.resize(50));
        assert!(!other.resize(51), "one byte more than all may have");
        assert!(third.resize(10), "who has little gets it nevertheless");
        assert!(!third.resize(11));
        assert!(other.resize(49) && other.resize(20), "fewer always have room");
        assert!(third.resize(11));
    }

    #[test]
    fn what_is_dropped_is_given_back_and_its_owner_forgotten() {
        let room = Room::new(BOUNDS);
        let [mut one, mut same] = ["shop", "shop"].map(|namespace| share(&room, namespace));
        let mut operator = room.share(None);
        assert!(one.resize(60) && same.resize(40) && operator.resize(50));
        drop(one);
        assert!(same.resize(100), "the share before is free");
        assert_eq!((room.bytes(), room.owners()), (150, 2));
        assert!(same.resize(0));
        assert_eq!((room.bytes(), room.owners()), (50, 1));
        drop((same, operator, share(&room, "bank")));
        assert_eq!((room.bytes(), room.owners()), (0, 0));
    }

    #[test]
    fn half_is_free_for_an_owner_while_it_is_free_for_all() {
        let room = Room::new(BOUNDS);
        let [mut one, mut other] = ["shop", "bank"].map(|namespace| share(&room, namespace));
        assert!(one.resize(50) && one.leaves_half() && other.leaves_half());
        assert!(one.resize(51) && !one.leaves_half() && other.leaves_half());
        assert!(other.resize(25) && !other.leaves_half(), "all have more than half");
    }

    #[test]
    fn without_bounds_there_is_room_for_all_that_is_taken() {
        let room = Room::new(RoomBounds::NONE);
        let [mut one, mut other] = ["shop", "bank"].map(|namespace| share(&room, namespace));
        assert!(one.resize(usize::MAX) && other.resize(usize::MAX));
        assert_eq!(room.bytes(), usize::MAX);
    }
}
