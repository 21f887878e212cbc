//! Permits that are shared out fairly between tenants.

mod queue;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::tenant::Tenant;
use queue::{FairQueue, Limits};

/// A semaphore whose permits are given to tenants in turn, so that whoever asks for many at once
/// waits for its own and keeps nobody else waiting. One team holds at most its share of them.
#[derive(Debug, Clone)]
pub struct FairSemaphore(Arc<Mutex<FairQueue<oneshot::Sender<FairPermit>>>>);

/// A permit; given back when it is dropped.
#[derive(Debug)]
pub struct FairPermit {
    semaphore: FairSemaphore,
    tenant: Tenant,
}

impl FairSemaphore {
    /// So many permits. At once a team holds at most a quarter of them, and the operator's mappings
    /// hold at most half of them for one namespace; each may hold one.
    pub fn new(permits: usize) -> Self {
        let limits = Limits { scope: (permits / 2).max(1), team: (permits / 4).max(1) };
        Self(Arc::new(Mutex::new(FairQueue::new(permits, limits))))
    }

    /// Waits for a permit. Who no longer waits leaves the queue.
    pub async fn acquire(&self, tenant: &Tenant) -> FairPermit {
        let receiver = {
            let mut queue = self.queue();
            if queue.try_take(tenant) {
                drop(queue);
                return self.permit(tenant.clone());
            }
            let (sender, receiver) = oneshot::channel();
            queue.push(tenant, sender);
            receiver
        };
        match receiver.await {
            Ok(permit) => permit,
            // Queued waiters are dropped only when they gave up, and this one is still here.
            Err(_) => std::future::pending().await,
        }
    }

    fn permit(&self, tenant: Tenant) -> FairPermit {
        FairPermit { semaphore: self.clone(), tenant }
    }

    fn queue(&self) -> MutexGuard<'_, FairQueue<oneshot::Sender<FairPermit>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for FairPermit {
    fn drop(&mut self) {
        let granted = {
            let mut queue = self.semaphore.queue();
            queue.release(&self.tenant);
            queue.grant(oneshot::Sender::is_closed)
        };
        let Some((tenant, waiter)) = granted else { return };
        // Whoever gave up at this very moment gives the permit back by dropping it.
        drop(waiter.send(self.semaphore.permit(tenant)));
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    fn team(name: &str) -> Tenant {
        Tenant::Team { namespace: name.parse().unwrap() }
    }

    /// Whether it is ready without waiting.
    fn now<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn permits_go_round_and_those_who_left_get_none() {
        let semaphore = FairSemaphore::new(1);
        let [a, b] = [team("a"), team("b")];
        let held = now(pin!(semaphore.acquire(&a))).expect("a free permit");
        let mut first = pin!(semaphore.acquire(&a));
        let mut left = Box::pin(semaphore.acquire(&a));
        let mut second = pin!(semaphore.acquire(&a));
        let mut other = pin!(semaphore.acquire(&b));
        for waiting in [first.as_mut(), second.as_mut(), other.as_mut(), left.as_mut()] {
            assert!(now(waiting).is_none());
        }
        drop(left);
        drop(held);
        let first = now(first).expect("the oldest of a");
        assert!(now(other.as_mut()).is_none());
        drop(first);
        let other = now(other).expect("b's turn, although a waits for another");
        assert!(now(second.as_mut()).is_none());
        drop(other);
        assert!(now(second).is_some());
        assert!(now(pin!(semaphore.acquire(&b))).is_some(), "all were given back");
    }

    #[test]
    fn a_permit_that_nobody_takes_is_given_back() {
        let semaphore = FairSemaphore::new(1);
        let a = team("a");
        let held = now(pin!(semaphore.acquire(&a))).expect("a free permit");
        let mut granted = Box::pin(semaphore.acquire(&a));
        assert!(now(granted.as_mut()).is_none());
        drop(held);
        // It was granted and never looked at.
        drop(granted);
        assert!(now(pin!(semaphore.acquire(&a))).is_some());
    }
}
