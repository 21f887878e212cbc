//! The order in which permits are granted. Pure: without tasks or clocks.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use crate::tenant::Tenant;

/// Free permits and the waiters for them: round robin between tenants, FIFO within a tenant.
#[derive(Debug)]
pub(super) struct FairQueue<W> {
    free: usize,
    /// The maximum number of permits that one tenant holds at once.
    limits: Limits,
    tenants: HashMap<Tenant, TenantQueue<W>, RandomState>,
    /// The tenants with waiters, in round-robin order.
    round_robin: VecDeque<Tenant>,
}

/// The maximum number of permits that one tenant holds at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// For the operator's mappings in one namespace.
    pub(super) scope: usize,
    /// For one team.
    pub(super) team: usize,
}

/// The permits and waiters of one tenant. Exists while the tenant holds or waits for a permit.
#[derive(Debug)]
struct TenantQueue<W> {
    held: usize,
    waiting: VecDeque<W>,
}

impl<W> FairQueue<W> {
    /// A queue with `permits` free permits.
    pub(super) fn new(permits: usize, limits: Limits) -> Self {
        Self { free: permits, limits, tenants: HashMap::default(), round_robin: VecDeque::new() }
    }

    /// Takes a free permit, unless the tenant has waiters or has reached its limit. Returns whether
    /// it took one.
    pub(super) fn try_acquire(&mut self, tenant: &Tenant) -> bool {
        let limit = self.limit(tenant);
        let (held, waiting) = self
            .tenants
            .get(tenant)
            .map_or((0, false), |queue| (queue.held, !queue.waiting.is_empty()));
        if self.free == 0 || waiting || held >= limit {
            return false;
        }
        // If other tenants wait although a permit is free, they have reached their limits.
        self.free -= 1;
        self.tenant(tenant).held += 1;
        true
    }

    /// Appends a waiter to its tenant's queue.
    pub(super) fn push(&mut self, tenant: &Tenant, waiter: W) {
        let queue = self.tenant(tenant);
        queue.waiting.push_back(waiter);
        if queue.waiting.len() == 1 {
            self.round_robin.push_back(tenant.clone());
        }
    }

    /// Grants a free permit to the next waiter. Drops cancelled waiters on the way.
    pub(super) fn grant(&mut self, is_cancelled: impl Fn(&W) -> bool) -> Option<(Tenant, W)> {
        for _ in 0..self.round_robin.len() {
            if self.free == 0 {
                return None;
            }
            let tenant = self.round_robin.pop_front()?;
            let limit = self.limit(&tenant);
            let Some(queue) = self.tenants.get_mut(&tenant) else { continue };
            while queue.waiting.front().is_some_and(&is_cancelled) {
                queue.waiting.pop_front();
            }
            if queue.waiting.is_empty() {
                self.drop_unused(&tenant);
                continue;
            }
            if queue.held >= limit {
                self.round_robin.push_back(tenant);
                continue;
            }
            let Some(waiter) = queue.waiting.pop_front() else { continue };
            queue.held += 1;
            self.free -= 1;
            if !queue.waiting.is_empty() {
                self.round_robin.push_back(tenant.clone());
            }
            return Some((tenant, waiter));
        }
        None
    }

    /// Returns a permit of a tenant.
    pub(super) fn release(&mut self, tenant: &Tenant) {
        self.free += 1;
        if let Some(queue) = self.tenants.get_mut(tenant) {
            queue.held = queue.held.saturating_sub(1);
        }
        self.drop_unused(tenant);
    }

    fn limit(&self, tenant: &Tenant) -> usize {
        match tenant {
            Tenant::Operator { scope: None } => usize::MAX,
            Tenant::Operator { scope: Some(_) } => self.limits.scope,
            Tenant::Team { .. } => self.limits.team,
        }
    }

    fn tenant(&mut self, tenant: &Tenant) -> &mut TenantQueue<W> {
        let new = || TenantQueue { held: 0, waiting: VecDeque::new() };
        self.tenants.entry(tenant.clone()).or_insert_with(new)
    }

    fn drop_unused(&mut self, tenant: &Tenant) {
        let unused = |queue: &TenantQueue<W>| queue.held == 0 && queue.waiting.is_empty();
        if self.tenants.get(tenant).is_some_and(unused) {
            self.tenants.remove(tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(name: &str) -> Tenant {
        Tenant::Team { namespace: name.parse().unwrap() }
    }

    fn operator() -> Tenant {
        Tenant::Operator { scope: None }
    }

    fn queue(permits: usize, limit: usize) -> FairQueue<u32> {
        FairQueue::new(permits, Limits { scope: limit, team: limit })
    }

    fn granted(queue: &mut FairQueue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.grant(|_| false)).map(|(_, waiter)| waiter).collect()
    }

    #[test]
    fn waiters_of_one_team_alternate_with_those_of_others() {
        let mut queue = queue(1, 1);
        assert!(queue.try_acquire(&team("a")));
        (0..100).for_each(|waiter| queue.push(&team("a"), waiter));
        queue.push(&team("b"), 200);
        queue.push(&operator(), 300);
        assert!(queue.grant(|_| false).is_none(), "there is no permit");
        queue.release(&team("a"));
        assert_eq!(queue.grant(|_| false), Some((team("a"), 0)));
        queue.release(&team("a"));
        assert_eq!(queue.grant(|_| false), Some((team("b"), 200)));
        queue.release(&team("b"));
        assert_eq!(queue.grant(|_| false), Some((operator(), 300)));
        queue.release(&operator());
        assert_eq!(queue.grant(|_| false), Some((team("a"), 1)));
    }

    #[test]
    fn a_team_never_holds_more_than_its_share() {
        let mut queue = queue(8, 2);
        assert!(queue.try_acquire(&team("a")) && queue.try_acquire(&team("a")));
        assert!(!queue.try_acquire(&team("a")));
        (0..10).for_each(|waiter| queue.push(&team("a"), waiter));
        assert_eq!(granted(&mut queue), [] as [u32; 0]);
        // Others take the remaining permits, although a team waits at its limit.
        (0..6).for_each(|_| assert!(queue.try_acquire(&operator())));
        assert!(!queue.try_acquire(&operator()), "all are taken");
        queue.release(&team("a"));
        assert_eq!(granted(&mut queue), [0]);
    }

    #[test]
    fn namespaces_of_the_operators_mappings_are_served_in_turn() {
        let scope = |name: &str| Tenant::Operator { scope: Some(name.parse().unwrap()) };
        let mut queue = queue(1, 1);
        assert!(queue.try_acquire(&scope("busy")));
        (0..5000).for_each(|waiter| queue.push(&scope("busy"), waiter));
        queue.push(&scope("quiet"), 9999);
        queue.release(&scope("busy"));
        assert_eq!(queue.grant(|_| false).unwrap().1, 0);
        queue.release(&scope("busy"));
        assert_eq!(queue.grant(|_| false).unwrap().1, 9999);
    }

    #[test]
    fn cancelled_waiters_get_no_permit_and_leave_nothing_behind() {
        let mut queue = queue(1, 1);
        assert!(queue.try_acquire(&team("a")));
        (0..100).for_each(|waiter| queue.push(&team("b"), waiter));
        queue.release(&team("a"));
        assert_eq!(queue.grant(|&waiter| waiter < 99), Some((team("b"), 99)));
        queue.release(&team("b"));
        assert!(queue.tenants.is_empty() && queue.round_robin.is_empty() && queue.free == 1);
    }

    #[test]
    fn a_later_request_does_not_overtake_the_queue_of_its_tenant() {
        let mut queue = queue(2, 1);
        assert!(queue.try_acquire(&team("a")));
        queue.push(&team("a"), 1);
        queue.release(&team("a"));
        assert!(!queue.try_acquire(&team("a")), "one waiter is first");
        assert_eq!(granted(&mut queue), [1]);
    }
}
