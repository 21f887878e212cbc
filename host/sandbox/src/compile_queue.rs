//! The order of compilations: round robin between owners, one at a time for each owner.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use leadsman_model::names::Namespace;
use leadsman_model::owner::Owner;

/// The owner that a compilation is charged to. Each owner has a queue of its own, so that expensive
/// components of one owner do not delay those of others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CompileOwner {
    /// The plugin ships with Leadsman.
    Shipped,
    /// The operator's configuration names the plugin.
    Operator,
    /// A document of a team in this namespace names the plugin.
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

/// Runs at most two compilations, of different owners: one that takes long and one that is still
/// short. More would need too much memory.
#[derive(Clone, Default)]
pub(super) struct CompileQueue(Arc<Mutex<QueueState>>);

#[derive(Default)]
struct QueueState {
    running: Vec<(CompileOwner, Lane)>,
    /// The owners that wait, in round-robin order, with their requests.
    waiting: VecDeque<(CompileOwner, VecDeque<oneshot::Sender<CompilePermit>>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Short,
    Long,
}

/// A permit to compile, released when it is dropped.
pub(super) struct CompilePermit {
    owner: CompileOwner,
    /// `None` if there is nothing to release.
    queue: Option<CompileQueue>,
}

impl CompileQueue {
    /// Waits for a permit.
    pub(super) async fn acquire(&self, owner: &CompileOwner) -> Option<CompilePermit> {
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
        // Pending requests are dropped only with the queue, which `self` keeps alive.
        started.await.ok()
    }

    /// Grants permits to the next requests while the limits allow it.
    fn start_next(&self, state: &mut QueueState) {
        while state.running.iter().all(|(_, lane)| *lane != Lane::Short) {
            let is_running =
                |owner: &CompileOwner| state.running.iter().any(|(running, _)| running == owner);
            let Some(at) = state.waiting.iter().position(|(owner, _)| !is_running(owner)) else {
                return;
            };
            let Some((owner, mut requests)) = state.waiting.remove(at) else { return };
            let request = requests.pop_front();
            if !requests.is_empty() {
                // The owner's other requests wait behind all other owners.
                state.waiting.push_back((owner.clone(), requests));
            }
            let permit = CompilePermit { owner: owner.clone(), queue: Some(self.clone()) };
            match request.map(|request| request.send(permit)) {
                Some(Ok(())) => state.running.push((owner, Lane::Short)),
                // The request was cancelled. The drop of its permit must not take the lock, which
                // is held here.
                Some(Err(mut permit)) => permit.queue = None,
                None => {}
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, QueueState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CompilePermit {
    /// Marks this compilation as long, so that another one may start. Only one can be long at a
    /// time.
    pub(super) fn mark_long(&self) {
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

impl Drop for CompilePermit {
    fn drop(&mut self) {
        let Some(queue) = self.queue.take() else { return };
        let mut state = queue.state();
        state.running.retain(|(owner, _)| *owner != self.owner);
        // The owner waits behind all others now.
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
    fn long_compilations_of_one_team_leave_room_for_another() {
        let (queue, bombs, small) = (CompileQueue::default(), team("bombs"), team("small"));
        let mut first = Box::pin(queue.acquire(&bombs));
        let first = first.as_mut().now_or_never().unwrap().unwrap();
        let mut rest: Vec<_> = (0..7).map(|_| Box::pin(queue.acquire(&bombs))).collect();
        assert!(rest.iter_mut().all(|request| request.as_mut().now_or_never().is_none()));
        first.mark_long();
        assert!(
            rest.iter_mut().all(|request| request.as_mut().now_or_never().is_none()),
            "one at a time"
        );
        let other = queue.acquire(&small).now_or_never().unwrap().unwrap();
        drop(other);
        // The second bomb runs. Although it is marked as long, the third one cannot start.
        drop(first);
        let second = rest[0].as_mut().now_or_never().unwrap().unwrap();
        second.mark_long();
        assert!(queue.acquire(&small).now_or_never().unwrap().is_some());
        assert!(rest[1].as_mut().now_or_never().is_none());
    }

    #[test]
    fn owners_alternate_and_cancelled_requests_are_skipped() {
        let (queue, many, one, other) =
            (CompileQueue::default(), team("many"), team("one"), team("other"));
        let running = queue.acquire(&many).now_or_never().unwrap().unwrap();
        let mut more: Vec<_> = (0..2).map(|_| Box::pin(queue.acquire(&many))).collect();
        let mut gone = Box::pin(queue.acquire(&one));
        let mut waits = Box::pin(queue.acquire(&other));
        assert!(more.iter_mut().all(|request| request.as_mut().now_or_never().is_none()));
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
