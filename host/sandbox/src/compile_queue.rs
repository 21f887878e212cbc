//! Who compiles next: owners in turn, each with one compilation at a time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use leadsman_model::names::Namespace;
use leadsman_model::owner::Owner;

/// On whose behalf a component is compiled. Each has a queue of its own, so that components of one
/// that are expensive to compile delay nobody else's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CompileOwner {
    /// The plugin ships with Leadsman.
    Shipped,
    /// The operator's configuration names it.
    Operator,
    /// A document of this namespace names it.
    Team(Namespace),
}

impl From<&Owner> for CompileOwner {
    fn from(owner: &Owner) -> Self {
        match owner.namespace() {
            None => Self::Operator,
            Some(namespace) => Self::Team(namespace.clone()),
        }
    }
}

/// Two compilations run at most, of different owners: one that may take long, and one beside it.
/// More would need too much memory.
#[derive(Clone, Default)]
pub(super) struct CompileQueue(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    running: Vec<(CompileOwner, Lane)>,
    /// The owners that wait, in the order in which they are next, with their requests.
    waiting: VecDeque<(CompileOwner, VecDeque<oneshot::Sender<Turn>>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Short,
    Long,
}

/// The right to compile, until it is dropped.
pub(super) struct Turn {
    owner: CompileOwner,
    /// `None` once it was handed back.
    queue: Option<CompileQueue>,
}

impl CompileQueue {
    /// Waits for the owner's turn.
    pub(super) async fn turn(&self, owner: &CompileOwner) -> Option<Turn> {
        let (start, started) = oneshot::channel();
        {
            let mut state = self.state();
            match state.waiting.iter_mut().find(|(known, _)| known == owner) {
                Some((_, requests)) => {
                    requests.retain(|request| !request.is_closed());
                    requests.push_back(start);
                }
                None => state.waiting.push_back((owner.clone(), VecDeque::from([start]))),
            }
            self.start_next(&mut state);
        }
        // Requests are dropped with the queue alone, which `self` keeps.
        started.await.ok()
    }

    /// Starts the next request, if there is room for it.
    fn start_next(&self, state: &mut State) {
        while state.running.iter().all(|(_, lane)| *lane != Lane::Short) {
            let is_running =
                |owner: &CompileOwner| state.running.iter().any(|(running, _)| running == owner);
            let Some(at) = state.waiting.iter().position(|(owner, _)| !is_running(owner)) else {
                return;
            };
            let Some((owner, mut requests)) = state.waiting.remove(at) else { return };
            let request = requests.pop_front();
            if !requests.is_empty() {
                // Behind all that wait now.
                state.waiting.push_back((owner.clone(), requests));
            }
            let turn = Turn { owner: owner.clone(), queue: Some(self.clone()) };
            match request.map(|request| request.send(turn)) {
                Some(Ok(())) => state.running.push((owner, Lane::Short)),
                // Nobody waits for it any more; what comes back must not ask for the lock.
                Some(Err(mut turn)) => turn.queue = None,
                None => {}
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Lets others compile meanwhile, as this one takes long. Only one at a time can do so.
    pub(super) fn takes_long(&self) {
        let Some(queue) = &self.queue else { return };
        let mut state = queue.state();
        if state.running.iter().any(|(_, lane)| *lane == Lane::Long) {
            return;
        }
        if let Some((_, lane)) = state.running.iter_mut().find(|(owner, _)| *owner == self.owner) {
            *lane = Lane::Long;
        }
        queue.start_next(&mut state);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(queue) = self.queue.take() else { return };
        let mut state = queue.state();
        state.running.retain(|(owner, _)| *owner != self.owner);
        // Who had a turn just now is behind all others.
        if let Some(at) = state.waiting.iter().position(|(owner, _)| *owner == self.owner)
            && let Some(own) = state.waiting.remove(at)
        {
            state.waiting.push_back(own);
        }
        queue.start_next(&mut state);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn team(name: &str) -> CompileOwner {
        CompileOwner::Team(name.parse().unwrap())
    }

    #[test]
    fn eight_of_one_team_that_take_long_leave_room_for_another() {
        let (queue, bombs, small) = (CompileQueue::default(), team("bombs"), team("small"));
        let mut first = Box::pin(queue.turn(&bombs));
        let first = first.as_mut().now_or_never().unwrap().unwrap();
        let mut rest: Vec<_> = (0..7).map(|_| Box::pin(queue.turn(&bombs))).collect();
        assert!(rest.iter_mut().all(|turn| turn.as_mut().now_or_never().is_none()));
        first.takes_long();
        assert!(
            rest.iter_mut().all(|turn| turn.as_mut().now_or_never().is_none()),
            "one at a time"
        );
        let other = queue.turn(&small).now_or_never().unwrap().unwrap();
        drop(other);
        // The second bomb runs, takes long, and cannot leave the lane as the third one cannot start.
        drop(first);
        let second = rest[0].as_mut().now_or_never().unwrap().unwrap();
        second.takes_long();
        assert!(queue.turn(&small).now_or_never().unwrap().is_some());
        assert!(rest[1].as_mut().now_or_never().is_none());
    }

    #[test]
    fn owners_are_next_in_turn_and_who_has_left_is_passed_over() {
        let (queue, many, one, other) =
            (CompileQueue::default(), team("many"), team("one"), team("other"));
        let running = queue.turn(&many).now_or_never().unwrap().unwrap();
        let mut more: Vec<_> = (0..2).map(|_| Box::pin(queue.turn(&many))).collect();
        let mut gone = Box::pin(queue.turn(&one));
        let mut waits = Box::pin(queue.turn(&other));
        assert!(more.iter_mut().all(|turn| turn.as_mut().now_or_never().is_none()));
        assert!(gone.as_mut().now_or_never().is_none());
        assert!(waits.as_mut().now_or_never().is_none());
        drop(gone);
        drop(running);
        assert!(more[0].as_mut().now_or_never().is_none());
        let next = waits.as_mut().now_or_never().unwrap().unwrap();
        drop(next);
        assert!(more[0].as_mut().now_or_never().unwrap().is_some());
    }
}
