//! The open connections, and which of them is closed in favor of a new one.
//!
//! A new connection is always accepted: a probe or a client with credentials must not wait for the
//! time-outs of idle connections. At a limit, the connection of the lowest priority is closed instead.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::activity::{Activity, Priority};
use super::limits::ConnectionLimits;

/// How often it is logged that connections are closed to make room.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// The connections of a listener.
#[derive(Debug)]
pub(super) struct Admission {
    limits: ConnectionLimits,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    connections: HashMap<u64, Entry>,
    next: u64,
    logged: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    source: IpAddr,
    activity: Arc<Activity>,
    evicted: CancellationToken,
}

/// A connection's entry, which ends with it.
#[derive(Debug)]
pub(super) struct Admitted {
    admission: Arc<Admission>,
    id: u64,
    pub(super) activity: Arc<Activity>,
    /// Cancelled when the connection is to make room for another.
    pub(super) evicted: CancellationToken,
}

impl Admission {
    pub(super) fn new(limits: ConnectionLimits) -> Arc<Self> {
        Arc::new(Self { limits, table: Mutex::default() })
    }

    /// Admits a connection, and closes another if there are too many.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr, now: Instant) -> Admitted {
        let source = source(address);
        let mut table = self.lock();
        if let Some(id) = table.excess(source, self.limits, now) {
            table.evict(id, now);
        }
        let id = table.next;
        table.next += 1;
        let (activity, evicted) = (Activity::new(now), CancellationToken::new());
        let entry = Entry { source, activity: activity.clone(), evicted: evicted.clone() };
        table.connections.insert(id, entry);
        Admitted { admission: self.clone(), id, activity, evicted }
    }

    /// Closes the least valuable connection, for want of another resource.
    pub(super) fn make_room(&self, now: Instant) {
        let mut table = self.lock();
        let places = table.connections.len();
        if let Some(id) = table.least(now, places, |_, _| true) {
            table.evict(id, now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.lock().connections.remove(&self.id);
    }
}

impl Table {
    /// The connection that has to go before one of this source can come.
    fn excess(&self, source: IpAddr, limits: ConnectionLimits, now: Instant) -> Option<u64> {
        if self.connections.len() >= limits.unauthorized_per_address {
            let unauthorized =
                |entry: &Entry, priority| entry.source == source && priority < Priority::Authorized;
            let count = self.connections.values();
            let count = count.filter(|entry| unauthorized(entry, entry.activity.priority(now)));
            let places = limits.unauthorized_per_address;
            if count.count() >= places {
                return self.least(now, places, unauthorized);
            }
        }
        if self.connections.len() < limits.total {
            return None;
        }
        self.least(now, limits.total, |_, _| true)
    }

    /// The least valuable of the connections that `may` go, which have so many places: of the lowest
    /// priority, from the source that has most of these, the one without a request for longest.
    ///
    /// Connections that are too new to have made a request have half of the places. Within it, they
    /// displace those that made one and wait for the next: a client that has just connected must not
    /// lose its connection in the middle of the handshake. Beyond it, they displace each other: a
    /// flood of silent ones takes no connection that is in use, whoever it is from.
    fn least(
        &self,
        now: Instant,
        places: usize,
        may: impl Fn(&Entry, Priority) -> bool,
    ) -> Option<u64> {
        let connections = self.connections.iter();
        let mut candidates: Vec<(Priority, u64, &Entry)> = connections
            .map(|(id, entry)| (entry.activity.priority(now), *id, entry))
            .filter(|(priority, _, entry)| may(entry, *priority))
            .collect();
        let new = candidates.iter().filter(|(priority, ..)| *priority == Priority::New).count();
        let lowest = match candidates.iter().map(|(priority, ..)| *priority).min()? {
            Priority::Idle if 2 * new > places => Priority::New,
            lowest => lowest,
        };
        candidates.retain(|(priority, ..)| *priority == lowest);
        let mut of_source: HashMap<IpAddr, usize> = HashMap::new();
        for (.., entry) in &candidates {
            *of_source.entry(entry.source).or_default() += 1;
        }
        let least = candidates.into_iter().min_by_key(|(_, id, entry)| {
            let many = of_source.get(&entry.source).copied().unwrap_or_default();
            (std::cmp::Reverse(many), entry.activity.last(), *id)
        });
        least.map(|(_, id, _)| id)
    }

    fn evict(&mut self, id: u64, now: Instant) {
        let Some(entry) = self.connections.remove(&id) else { return };
        entry.evicted.cancel();
        if self.logged.is_none_or(|at| now.saturating_duration_since(at) >= LOG_INTERVAL) {
            self.logged = Some(now);
            let (address, connections) = (entry.source, self.connections.len());
            tracing::warn!(
                %address,
                connections,
                "there are too many connections; those without authorized requests are closed for new ones"
            );
        }
    }
}

/// What counts as one address: a network of IPv6 is one client's, and one of IPv4 in IPv6 is itself.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mut segments = address.segments();
            segments[4..].fill(0);
            IpAddr::V6(Ipv6Addr::from(segments))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::HANDSHAKE_GRACE;
    use super::*;
    use crate::auth::Peer;

    const LIMITS: ConnectionLimits = ConnectionLimits { total: 4, unauthorized_per_address: 3 };

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn authorized(admitted: &Admitted, now: Instant) {
        let peer = Arc::new(Peer::default());
        admitted.activity.established(peer.clone(), now);
        drop(admitted.activity.request());
        peer.set_authorized();
    }

    #[test]
    fn the_connection_that_was_silent_for_longest_makes_room() {
        let (admission, now) = (Admission::new(LIMITS), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        let proxy = admission.admit(address(1), at(0));
        authorized(&proxy, now);
        let probe = admission.admit(address(2), at(0));
        drop(probe.activity.request());
        let old = admission.admit(address(3), at(1));
        let young = admission.admit(address(3), at(2));
        let _first = admission.admit(address(2), at(10));
        assert!(old.evicted.is_cancelled() && !young.evicted.is_cancelled());
        let _second = admission.admit(address(4), at(10));
        assert!(young.evicted.is_cancelled() && !probe.evicted.is_cancelled());
        // A new connection has the time to make its first request.
        let _third = admission.admit(address(5), at(10));
        assert!(probe.evicted.is_cancelled() && !proxy.evicted.is_cancelled());
    }

    #[test]
    fn a_flood_from_one_address_displaces_its_own() {
        let (admission, now) = (Admission::new(LIMITS), Instant::now());
        let other = admission.admit(address(1), now);
        let mut flood = Vec::new();
        for _ in 0..10 {
            flood.push(admission.admit(address(2), now));
        }
        let open = flood.iter().filter(|one| !one.evicted.is_cancelled()).count();
        assert_eq!((open, other.evicted.is_cancelled()), (3, false));
        // Clients at the same address that have authenticated are not among those that are closed.
        let proxy = admission.admit(address(2), now + HANDSHAKE_GRACE);
        authorized(&proxy, now);
        for _ in 0..10 {
            flood.push(admission.admit(address(2), now + HANDSHAKE_GRACE));
        }
        assert!(!proxy.evicted.is_cancelled());
        let open = flood.iter().filter(|one| !one.evicted.is_cancelled()).count();
        assert!(open <= 3, "{open}");
    }

    #[test]
    fn where_all_are_authorized_the_address_with_most_gives_one() {
        let (admission, now) = (Admission::new(LIMITS), Instant::now());
        let proxy = admission.admit(address(1), now);
        authorized(&proxy, now);
        let many: Vec<_> = (0..3).map(|_| admission.admit(address(2), now)).collect();
        many.iter().for_each(|one| authorized(one, now));
        let _new = admission.admit(address(3), now);
        assert!(!proxy.evicted.is_cancelled());
        assert_eq!(many.iter().filter(|one| one.evicted.is_cancelled()).count(), 1);
    }

    #[test]
    fn silent_connections_do_not_displace_one_that_is_in_use() {
        let (admission, now) = (Admission::new(LIMITS), Instant::now());
        let reader = admission.admit(address(1), now);
        drop(reader.activity.request());
        // Of the same address, at once and after they had the time for a request.
        let at_once: Vec<_> = (0..10).map(|_| admission.admit(address(1), now)).collect();
        let later: Vec<_> =
            (0..10).map(|_| admission.admit(address(1), now + HANDSHAKE_GRACE)).collect();
        // Of others, as many as there may be in all.
        let others: Vec<_> = (2..20).map(|last| admission.admit(address(last), now)).collect();
        assert!(!reader.evicted.is_cancelled());
        for silent in [at_once, later, others] {
            assert!(silent.iter().filter(|one| !one.evicted.is_cancelled()).count() < 4);
        }
    }

    #[test]
    fn connections_in_use_leave_places_to_new_ones() {
        let limits = ConnectionLimits { total: 100, unauthorized_per_address: 8 };
        let (admission, now) = (Admission::new(limits), Instant::now());
        let used: Vec<_> = (0..20).map(|_| admission.admit(address(1), now)).collect();
        used.iter().for_each(|one| drop(one.activity.request()));
        // Half of the places are there for clients that connect at the same time.
        let new: Vec<_> = (0..4).map(|_| admission.admit(address(1), now)).collect();
        assert!(new.iter().all(|one| !one.evicted.is_cancelled()));
        assert_eq!(used.iter().filter(|one| !one.evicted.is_cancelled()).count(), 4);
    }

    #[test]
    fn a_connection_that_ended_leaves_its_place() {
        let (admission, now) = (Admission::new(LIMITS), Instant::now());
        for last in 0..10 {
            let one = admission.admit(address(last), now);
            assert!(!one.evicted.is_cancelled());
        }
        assert!(admission.lock().connections.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        let of = |text: &str| source(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:0:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    }
}
