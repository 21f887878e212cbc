//! A semaphore whose permits are shared fairly between tenants.

mod queue;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::tenant::Tenant;
use queue::{FairQueue, Limits};

/// A semaphore that grants permits to tenants round robin, so that a tenant with many requests
/// delays only itself. Each team holds at most its share of the permits.
#[derive(Debug, Clone)]
pub struct FairSemaphore(Arc<Mutex<FairQueue<oneshot::Sender<FairPermit>>>>);

/// A permit, released when it is dropped.
#[derive(Debug)]
pub struct FairPermit {
    semaphore: FairSemaphore,
    tenant: Tenant,
}

impl FairSemaphore {
    /// A semaphore with `permits` permits. At once, a team holds at most a quarter of them, and the
    /// operator's mappings in one namespace hold at most half of them; one is always allowed.
    pub fn new(permits: usize) -> Self {
        let limits = Limits { scope: (permits / 2).max(1), team: (permits / 4).max(1) };
        Self(Arc::new(Mutex::new(FairQueue::new(permits, limits))))
    }

    /// Waits for a permit. Dropping the future cancels the request.
    pub async fn acquire(&self, tenant: &Tenant) -> FairPermit {
        let receiver = {
            let mut queue = self.queue();
            if queue.try_acquire(tenant) {
                drop(queue);
                return self.permit(tenant.clone());
            }
            let (sender, receiver) = oneshot::channel();
            queue.push(tenant, sender);
            receiver
        };
        match receiver.await {
            Ok(permit) => permit,
            // The queue drops only cancelled waiters, and this one is not cancelled.
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
        // If the waiter is cancelled at this moment, the permit is dropped and thereby released.
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

    /// Polls a future once.
    fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn permits_rotate_between_tenants_and_skip_cancelled_requests() {
        let semaphore = FairSemaphore::new(1);
        let [a, b] = [team("a"), team("b")];
        let held = poll_once(pin!(semaphore.acquire(&a))).expect("a free permit");
        let mut first = pin!(semaphore.acquire(&a));
        let mut left = Box::pin(semaphore.acquire(&a));
        let mut second = pin!(semaphore.acquire(&a));
        let mut other = pin!(semaphore.acquire(&b));
        for waiting in [first.as_mut(), second.as_mut(), other.as_mut(), left.as_mut()] {
            assert!(poll_once(waiting).is_none());
        }
        drop(left);
        drop(held);
        let first = poll_once(first).expect("the oldest of a");
        assert!(poll_once(other.as_mut()).is_none());
        drop(first);
        let other = poll_once(other).expect("b is next, although a waits for another");
        assert!(poll_once(second.as_mut()).is_none());
        drop(other);
        assert!(poll_once(second).is_some());
        assert!(poll_once(pin!(semaphore.acquire(&b))).is_some(), "all were released");
    }

    #[test]
    fn a_granted_permit_of_a_cancelled_request_is_released() {
        let semaphore = FairSemaphore::new(1);
        let a = team("a");
        let held = poll_once(pin!(semaphore.acquire(&a))).expect("a free permit");
        let mut granted = Box::pin(semaphore.acquire(&a));
        assert!(poll_once(granted.as_mut()).is_none());
        drop(held);
        // It was granted and never polled.
        drop(granted);
        assert!(poll_once(pin!(semaphore.acquire(&a))).is_some());
    }
}
