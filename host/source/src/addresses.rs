//! The addresses of one source: the order in which they are tried, which have failed, and when a failed one
//! is probed again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use leadsman_runtime::backoff::Backoff;
use leadsman_runtime::telemetry::{CallOutcome, SourceMetrics};

/// The back-off of an address that failed.
const MIN_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// Which address is tried first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Preference {
    /// The first one in the configuration that is up.
    Written,
    /// The one that answered last, since a session is with one address.
    Last,
}

/// The addresses of one source.
pub(crate) struct Addresses {
    all: Vec<Address>,
    preference: Preference,
    /// The one that answered last.
    current: AtomicUsize,
    metrics: SourceMetrics,
}

struct Address {
    url: String,
    state: Mutex<AddressHealth>,
}

struct AddressHealth {
    down: Option<Outage>,
    /// When it answered last.
    answered: Option<Instant>,
    backoff: Backoff,
}

/// The failure of an address.
struct Outage {
    since: Instant,
    /// When it failed last.
    failed: Instant,
    /// Until when others are preferred.
    until: Instant,
    reason: String,
}

/// An address to which a request is sent next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NextAddress {
    /// Its index in the list.
    pub(crate) at: usize,
    /// Whether it failed before, so that this request is a probe.
    pub(crate) is_probe: bool,
}

impl Addresses {
    pub(crate) fn new(urls: &[String], preference: Preference, metrics: SourceMetrics) -> Self {
        let address = |url: &String| {
            let backoff = Backoff::new(MIN_BACKOFF, MAX_BACKOFF);
            let state = Mutex::new(AddressHealth { down: None, answered: None, backoff });
            Address { url: url.clone(), state }
        };
        let all = urls.iter().map(address).collect();
        if preference == Preference::Written {
            urls.iter().for_each(|url| metrics.will_ask(url));
        }
        Self { all, preference, current: AtomicUsize::new(0), metrics }
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn urls(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|address| address.url.as_str())
    }

    /// The address at an index.
    pub(crate) fn url(&self, at: usize) -> &str {
        self.all.get(at).map_or("", |address| &address.url)
    }

    /// The index of the one that answered last.
    pub(crate) fn current(&self) -> usize {
        self.current.load(Ordering::Relaxed)
    }

    /// The addresses in the order in which a request that ends at `until` tries them, each once. Those that
    /// failed come last. A preferred one whose back-off is over comes first for one request, its probe;
    /// other requests leave it alone until that one has ended.
    pub(crate) fn in_order(&self, now: Instant, until: Instant) -> Vec<NextAddress> {
        let count = self.all.len();
        if self.preference == Preference::Last {
            let first = self.current();
            let next = |offset| NextAddress { at: (first + offset) % count, is_probe: false };
            return (0..count).map(next).collect();
        }
        let (mut order, mut backing_off) = (Vec::new(), Vec::new());
        let mut is_found = false;
        for (at, address) in self.all.iter().enumerate() {
            match &mut address.state().down {
                None => {
                    is_found = true;
                    order.push(NextAddress { at, is_probe: false });
                }
                Some(down) if down.until <= now && !is_found => {
                    down.until = until;
                    order.push(NextAddress { at, is_probe: true });
                }
                Some(down) => backing_off.push((down.until, at)),
            }
        }
        backing_off.sort_unstable();
        order.extend(backing_off.into_iter().map(|(_, at)| NextAddress { at, is_probe: true }));
        order
    }

    /// An address answered.
    pub(crate) fn answered(&self, at: usize, now: Instant) {
        let Some(address) = self.all.get(at) else { return };
        let was_down = {
            let mut state = address.state();
            state.answered = Some(now);
            state.down.take().inspect(|_| state.backoff.reset())
        };
        self.current.store(at, Ordering::Relaxed);
        self.metrics.address_up(&address.url, true);
        self.count(address, CallOutcome::Ok);
        if let (Some(down), true) = (was_down, self.all.len() > 1) {
            let (source, address) = (self.metrics.source(), &address.url);
            let seconds = now.saturating_duration_since(down.since).as_secs();
            tracing::info!(source, address, seconds, "an address of the source answers again");
        }
    }

    /// A request that was sent to an address at a time failed in a way that is the address' own.
    pub(crate) fn failed(&self, at: usize, reason: &str, sent: Instant, now: Instant) {
        let Some(address) = self.all.get(at) else { return };
        self.count(address, CallOutcome::Failed);
        let is_news = {
            let mut state = address.state();
            // Sent before the known failure: such requests must not extend the back-off.
            if state.down.as_ref().is_some_and(|down| sent < down.failed) {
                return;
            }
            let delay = state.backoff.next_delay();
            let before = state.down.take();
            let since = before.as_ref().map_or(now, |down| down.since);
            let (until, reason) = (now + delay, reason.to_owned());
            state.down = Some(Outage { since, failed: now, until, reason });
            before.is_none()
        };
        self.metrics.address_up(&address.url, false);
        if is_news && self.all.len() > 1 {
            let (source, address) = (self.metrics.source(), &address.url);
            tracing::warn!(
                source,
                address,
                reason,
                "an address of the source failed; the others are asked before it"
            );
        }
    }

    /// A request that was sent to an address at a time was not answered in time. That is the address'
    /// own failure only if it has answered nothing else meanwhile: some requests take long.
    pub(crate) fn silent(&self, at: usize, reason: &str, sent: Instant, now: Instant) {
        let answered = self.all.get(at).and_then(|address| address.state().answered);
        if answered.is_none_or(|answered| answered < sent) {
            self.failed(at, reason, sent, now);
        }
    }

    fn count(&self, address: &Address, outcome: CallOutcome) {
        // A node of a controller may have been left alone; the calls to it are counted as such.
        if self.preference == Preference::Written {
            self.metrics.address_asked(&address.url, outcome);
        }
    }

    /// Their state, for people.
    pub(crate) fn state(&self, now: Instant) -> String {
        let reported = self.all.iter().map(|Address { url, state }| {
            let state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let ago = |time| now.saturating_duration_since(time).as_secs();
            match (&state.down, state.answered) {
                (Some(down), _) => {
                    format!("{url} has failed for {}s: {}", ago(down.since), down.reason)
                }
                (None, Some(answered)) => format!("{url} answered {}s ago", ago(answered)),
                (None, None) => format!("{url} was not asked yet"),
            }
        });
        reported.collect::<Vec<_>>().join("; ")
    }
}

impl Address {
    fn state(&self) -> MutexGuard<'_, AddressHealth> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(preference: Preference) -> Addresses {
        let urls = ["http://a", "http://b", "http://c"].map(str::to_owned);
        Addresses::new(&urls, preference, SourceMetrics::uncounted())
    }

    fn order(addresses: &Addresses, now: Instant) -> Vec<(usize, bool)> {
        let order = addresses.in_order(now, now + Duration::from_secs(5));
        order.into_iter().map(|next| (next.at, next.is_probe)).collect()
    }

    #[test]
    fn the_first_that_is_up_comes_first_and_one_that_failed_last() {
        let (all, start) = (addresses(Preference::Written), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert_eq!(order(&all, start), [(0, false), (1, false), (2, false)]);
        all.failed(0, "refused", start, start);
        assert_eq!(order(&all, at(999)), [(1, false), (2, false), (0, true)]);
        all.answered(1, at(999));
        assert_eq!(all.current(), 1);
        // It is tried again by one request, and the others leave it alone.
        assert_eq!(order(&all, at(1000)), [(0, true), (1, false), (2, false)]);
        assert_eq!(order(&all, at(1001)), [(1, false), (2, false), (0, true)]);
        all.failed(0, "refused", at(1000), at(1100));
        assert_eq!(order(&all, at(3000)), [(1, false), (2, false), (0, true)], "after 2 s");
        assert_eq!(order(&all, at(3100)), [(0, true), (1, false), (2, false)]);
        all.answered(0, at(3200));
        assert_eq!(order(&all, at(3200)), [(0, false), (1, false), (2, false)]);
        all.failed(0, "refused", at(3300), at(3300));
        assert_eq!(order(&all, at(4300)), [(0, true), (1, false), (2, false)], "after 1 s again");
    }

    #[test]
    fn one_that_is_not_preferred_is_not_tried_before_one_that_answers() {
        let (all, start) = (addresses(Preference::Written), Instant::now());
        all.failed(1, "refused", start, start);
        let later = start + Duration::from_secs(60);
        assert_eq!(order(&all, later), [(0, false), (2, false), (1, true)]);
    }

    #[test]
    fn all_are_asked_while_all_are_down() {
        let (all, start) = (addresses(Preference::Written), Instant::now());
        for at in [2, 0, 1] {
            all.failed(at, "refused", start, start + Duration::from_millis(at as u64));
        }
        assert_eq!(order(&all, start), [(0, true), (1, true), (2, true)]);
    }

    #[test]
    fn failures_of_one_moment_are_one() {
        let (all, start) = (addresses(Preference::Written), Instant::now());
        for after in 1..20 {
            all.failed(0, "refused", start, start + Duration::from_millis(after));
        }
        assert_eq!(order(&all, start + Duration::from_millis(1001))[0], (0, true));
    }

    #[test]
    fn what_is_slow_and_answers_others_is_not_down() {
        let (all, start) = (addresses(Preference::Written), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        all.answered(0, at(1));
        all.silent(0, "silent", start, at(5));
        assert_eq!(order(&all, at(5))[0], (0, false));
        all.silent(0, "silent", at(2), at(7));
        assert_eq!(order(&all, at(7))[0], (1, false));
        assert_eq!(
            all.state(at(9)),
            "http://a has failed for 2s: silent; http://b was not asked yet; http://c was not asked \
             yet"
        );
    }

    #[test]
    fn a_session_stays_where_it_is() {
        let (all, now) = (addresses(Preference::Last), Instant::now());
        all.failed(0, "refused", now, now);
        all.answered(1, now);
        let later = now + Duration::from_secs(60);
        assert_eq!(order(&all, later), [(1, false), (2, false), (0, false)]);
    }
}
