//! Bounds the calls under way: in total and for each user, so that one user leaves permits to others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;

use leadsman_api::Status;

/// A bounded number of permits for calls, in total and for each user.
pub(super) struct CallPermits {
    what: &'static str,
    most: usize,
    most_of_user: usize,
    taken: Arc<Mutex<Occupancy>>,
}

#[derive(Debug, Default)]
struct Occupancy {
    all: usize,
    of_user: HashMap<u64, usize>,
}

/// The right to make one call. It ends when this is dropped.
pub(super) struct CallPermit {
    user: u64,
    taken: Arc<Mutex<Occupancy>>,
}

impl CallPermits {
    /// `most` permits for calls of this kind, of which one user gets `most_of_user`.
    pub(super) fn new(what: &'static str, most: usize, most_of_user: usize) -> Self {
        Self { what, most, most_of_user, taken: Arc::default() }
    }

    /// Takes a permit for a user, or reports which bound is reached.
    pub(super) fn take(&self, user: u64) -> Result<CallPermit, Status> {
        let mut taken = lock(&self.taken);
        let own = taken.of_user.get(&user).copied().unwrap_or_default();
        let bounds =
            [(own, "of yours", self.most_of_user), (taken.all, "of all clients", self.most)];
        if let Some((_, whose, limit)) = bounds.into_iter().find(|(now, _, most)| now >= most) {
            let message = format!(
                "{limit} {} {whose} are under way, and no more may be; try again later",
                self.what
            );
            return Err(Status::new(StatusCode::TOO_MANY_REQUESTS, message));
        }
        taken.all += 1;
        taken.of_user.insert(user, own + 1);
        Ok(CallPermit { user, taken: self.taken.clone() })
    }
}

impl Drop for CallPermit {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.all = taken.all.saturating_sub(1);
        if let Some(own) = taken.of_user.get_mut(&self.user) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.of_user.remove(&self.user);
            }
        }
    }
}

fn lock(taken: &Mutex<Occupancy>) -> MutexGuard<'_, Occupancy> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_leaves_room_to_others_and_all_have_a_bound() {
        let permits = CallPermits::new("calls", 3, 2);
        let mut held = vec![permits.take(1).unwrap(), permits.take(1).unwrap()];
        let reported = permits.take(1).err().unwrap();
        assert_eq!(reported.code(), StatusCode::TOO_MANY_REQUESTS);
        assert!(reported.message().contains("2 calls of yours"), "{}", reported.message());
        held.push(permits.take(2).unwrap());
        let reported = permits.take(3).err().unwrap();
        assert!(reported.message().contains("3 calls of all clients"), "{}", reported.message());
        held.remove(0);
        drop(permits.take(1).unwrap());
        held.clear();
        assert!(lock(&permits.taken).of_user.is_empty());
    }
}
