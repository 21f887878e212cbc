//! Who gets the next permit: a pure structure without tasks or clocks.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use crate::tenant::Tenant;

/// Permits, and who waits for one: round robin between tenants, in order within a tenant.
#[derive(Debug)]
pub(super) struct FairQueue<W> {
    free: usize,
    /// The most permits that one tenant holds at once.
    limits: Limits,
    lanes: HashMap<Tenant, Lane<W>, RandomState>,
    /// The tenants that wait, in the order in which they are served next.
    turns: VecDeque<Tenant>,
}

/// How many permits one tenant holds at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// For one namespace, for mappings of the operator.
    pub(super) scope: usize,
    /// For one team.
    pub(super) team: usize,
}

/// One tenant's share. Exists while it holds or waits for a permit.
#[derive(Debug)]
struct Lane<W> {
    held: usize,
    waiting: VecDeque<W>,
}

impl<W> FairQueue<W> {
    /// So many permits.
    pub(super) fn new(permits: usize, limits: Limits) -> Self {
        Self { free: permits, limits, lanes: HashMap::default(), turns: VecDeque::new() }
    }

    /// Takes a permit if there is one and nobody has to be served before. Says whether it did.
    pub(super) fn try_take(&mut self, tenant: &Tenant) -> bool {
        let limit = self.limit(tenant);
        let (held, waiting) =
            self.lanes.get(tenant).map_or((0, false), |lane| (lane.held, !lane.waiting.is_empty()));
        if self.free == 0 || waiting || held >= limit {
            return false;
        }
        // A free permit that others wait for is one that they may not have now.
        self.free -= 1;
        self.lane(tenant).held += 1;
        true
    }

    /// Puts a waiter at the end of its tenant's queue.
    pub(super) fn push(&mut self, tenant: &Tenant, waiter: W) {
        let lane = self.lane(tenant);
        lane.waiting.push_back(waiter);
        if lane.waiting.len() == 1 {
            self.turns.push_back(tenant.clone());
        }
    }

    /// Gives a free permit to the waiter whose turn it is. Those that `gave_up` are dropped.
    pub(super) fn grant(&mut self, gave_up: impl Fn(&W) -> bool) -> Option<(Tenant, W)> {
        for _ in 0..self.turns.len() {
            if self.free == 0 {
                return None;
            }
            let tenant = self.turns.pop_front()?;
            let limit = self.limit(&tenant);
            let Some(lane) = self.lanes.get_mut(&tenant) else { continue };
            while lane.waiting.front().is_some_and(&gave_up) {
                lane.waiting.pop_front();
            }
            if lane.waiting.is_empty() {
                self.drop_unused(&tenant);
                continue;
            }
            if lane.held >= limit {
                self.turns.push_back(tenant);
                continue;
            }
            let Some(waiter) = lane.waiting.pop_front() else { continue };
            lane.held += 1;
            self.free -= 1;
            if !lane.waiting.is_empty() {
                self.turns.push_back(tenant.clone());
            }
            return Some((tenant, waiter));
        }
        None
    }

    /// A tenant gives a permit back.
    pub(super) fn release(&mut self, tenant: &Tenant) {
        self.free += 1;
        if let Some(lane) = self.lanes.get_mut(tenant) {
            lane.held = lane.held.saturating_sub(1);
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

    fn lane(&mut self, tenant: &Tenant) -> &mut Lane<W> {
        let new = || Lane { held: 0, waiting: VecDeque::new() };
        self.lanes.entry(tenant.clone()).or_insert_with(new)
    }

    fn drop_unused(&mut self, tenant: &Tenant) {
        let unused = |lane: &Lane<W>| lane.held == 0 && lane.waiting.is_empty();
        if self.lanes.get(tenant).is_some_and(unused) {
            self.lanes.remove(tenant);
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
    fn a_team_with_many_waiters_lets_others_in_between() {
        let mut queue = queue(1, 1);
        assert!(queue.try_take(&team("a")));
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
        assert!(queue.try_take(&team("a")) && queue.try_take(&team("a")));
        assert!(!queue.try_take(&team("a")));
        (0..10).for_each(|waiter| queue.push(&team("a"), waiter));
        assert_eq!(granted(&mut queue), [] as [u32; 0]);
        // The others take what is left, although somebody waits.
        (0..6).for_each(|_| assert!(queue.try_take(&operator())));
        assert!(!queue.try_take(&operator()), "all are taken");
        queue.release(&team("a"));
        assert_eq!(granted(&mut queue), [0]);
    }

    #[test]
    fn namespaces_of_the_operators_mappings_are_served_in_turn() {
        let scope = |name: &str| Tenant::Operator { scope: Some(name.parse().unwrap()) };
        let mut queue = queue(1, 1);
        assert!(queue.try_take(&scope("busy")));
        (0..5000).for_each(|waiter| queue.push(&scope("busy"), waiter));
        queue.push(&scope("quiet"), 9999);
        queue.release(&scope("busy"));
        assert_eq!(queue.grant(|_| false).unwrap().1, 0);
        queue.release(&scope("busy"));
        assert_eq!(queue.grant(|_| false).unwrap().1, 9999);
    }

    #[test]
    fn whoever_gave_up_takes_no_permit_and_nothing_is_left_behind() {
        let mut queue = queue(1, 1);
        assert!(queue.try_take(&team("a")));
        (0..100).for_each(|waiter| queue.push(&team("b"), waiter));
        queue.release(&team("a"));
        assert_eq!(queue.grant(|&waiter| waiter < 99), Some((team("b"), 99)));
        queue.release(&team("b"));
        assert!(queue.lanes.is_empty() && queue.turns.is_empty() && queue.free == 1);
    }

    #[test]
    fn whoever_comes_later_does_not_overtake_its_own_queue() {
        let mut queue = queue(2, 1);
        assert!(queue.try_take(&team("a")));
        queue.push(&team("a"), 1);
        queue.release(&team("a"));
        assert!(!queue.try_take(&team("a")), "one waits already");
        assert_eq!(granted(&mut queue), [1]);
    }
}
