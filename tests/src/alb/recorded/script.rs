//! Which faults a request meets: without I/O or clock.

use std::time::{Duration, Instant};

use crate::reply::Reply;

/// Something that goes wrong.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) what: What,
    /// It is for requests of paths that begin so, and counts these.
    pub(super) path: String,
    pub(super) begin: Begin,
    pub(super) end: End,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// Another reply.
    Reply(Box<Reply>),
    /// The usual reply, later.
    Slow(Duration),
    /// All sessions end.
    ExpireSessions,
    /// The newest points are null.
    Gaps,
    /// Samples are older.
    OldSamples(Duration),
    /// The last page of a list is given again and again.
    RepeatPages,
    /// A node refuses connections.
    NodeDown(usize),
}

/// When a fault begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Begin {
    /// At a time since the start.
    At(Duration),
    /// After so many requests.
    AfterRequests(u32),
}

/// When a fault ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Never,
    /// So long after it began.
    After(Duration),
    /// After so many requests that met it.
    Times(u32),
}

/// What a request meets.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// The reply, in place of the usual one.
    pub(super) reply: Option<Reply>,
    /// How much later the usual one comes.
    pub(super) delay: Option<Duration>,
    /// Whether all sessions end before it.
    pub(super) expires: bool,
    pub(super) gaps: bool,
    pub(super) behind: Duration,
    pub(super) repeats: bool,
    /// The nodes that are down.
    pub(super) down: Vec<usize>,
}

/// All faults, and how far each is.
pub(super) struct Script {
    begun: Instant,
    faults: Vec<(Fault, Phase)>,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// So many requests of its path have been seen.
    Waiting(u32),
    /// Since a time, and met by so many requests.
    Active(Instant, u32),
    Over,
}

impl Script {
    pub(super) fn new(faults: Vec<Fault>, begun: Instant) -> Self {
        let faults = faults.into_iter().map(|fault| (fault, Phase::Waiting(0))).collect();
        Self { begun, faults }
    }

    /// How long ago the start was.
    pub(super) fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.begun)
    }

    /// What a request of a path meets, which counts from then on.
    pub(super) fn meets(&mut self, path: &str, now: Instant) -> Effects {
        self.advance(now);
        let mut effects = Effects { down: self.down(), ..Effects::default() };
        for (fault, phase) in &mut self.faults {
            let is_meant = path.starts_with(&fault.path);
            match phase {
                Phase::Waiting(seen) if is_meant => {
                    *seen += 1;
                    if matches!(fault.begin, Begin::AfterRequests(after) if *seen >= after) {
                        *phase = Phase::Active(now, 0);
                    }
                }
                Phase::Active(_, met) => {
                    if effects.add(&fault.what, is_meant) {
                        *met += 1;
                    }
                    let is_over = match (&fault.what, fault.end) {
                        (What::ExpireSessions, _) => true,
                        (_, End::Times(times)) => *met >= times,
                        _ => false,
                    };
                    if is_over {
                        *phase = Phase::Over;
                    }
                }
                _ => {}
            }
        }
        effects
    }

    /// The nodes that are down at a time, and the next time at which that may change by itself.
    pub(super) fn nodes_down(&mut self, now: Instant) -> (Vec<usize>, Option<Instant>) {
        self.advance(now);
        let of_nodes = |what: &What| matches!(what, What::NodeDown(_));
        let changes = self.faults.iter().filter(|(fault, _)| of_nodes(&fault.what));
        let next = changes.filter_map(|(fault, phase)| match (phase, fault.begin, fault.end) {
            (Phase::Waiting(_), Begin::At(time), _) => Some(self.begun + time),
            (Phase::Active(since, _), _, End::After(time)) => Some(*since + time),
            _ => None,
        });
        (self.down(), next.min())
    }

    /// Begins and ends what is due.
    fn advance(&mut self, now: Instant) {
        for (fault, phase) in &mut self.faults {
            if let (Phase::Waiting(_), Begin::At(time)) = (*phase, fault.begin)
                && self.begun + time <= now
            {
                *phase = Phase::Active(self.begun + time, 0);
            }
            if let (Phase::Active(since, _), End::After(time)) = (*phase, fault.end)
                && since + time <= now
            {
                *phase = Phase::Over;
            }
        }
    }

    fn down(&self) -> Vec<usize> {
        let down = self.faults.iter().filter_map(|(fault, phase)| match (&fault.what, phase) {
            (What::NodeDown(node), Phase::Active(..)) => Some(*node),
            _ => None,
        });
        down.collect()
    }
}

impl Effects {
    /// Adds what a fault does to a request, which is one of those that it is meant for or not.
    /// Returns whether the request has met it.
    fn add(&mut self, what: &What, is_meant: bool) -> bool {
        match what {
            // Of several the first is given, and the others are for later requests.
            What::Reply(_) | What::Slow(_) if self.reply.is_some() || self.delay.is_some() => false,
            What::Reply(_) | What::Slow(_) if !is_meant => false,
            What::Reply(reply) => {
                self.reply = Some((**reply).clone());
                true
            }
            What::Slow(by) => {
                self.delay = Some(*by);
                true
            }
            What::ExpireSessions => {
                self.expires = true;
                true
            }
            What::Gaps => {
                self.gaps = true;
                is_meant
            }
            What::OldSamples(by) => {
                self.behind = self.behind.max(*by);
                is_meant
            }
            What::RepeatPages => {
                self.repeats = true;
                is_meant
            }
            What::NodeDown(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const METRICS: &str = "/api/analytics/metrics/collection";

    fn status(status: u16) -> What {
        What::Reply(Box::new(Reply::json(status, &json!({"error": "no"}))))
    }

    fn fault(what: What, begin: Begin, end: End) -> Fault {
        Fault { what, path: "/api/analytics".to_owned(), begin, end }
    }

    fn status_of(effects: &Effects) -> Option<u16> {
        match &effects.reply {
            Some(Reply::Complete(response)) => Some(response.status),
            _ => None,
        }
    }

    #[test]
    fn a_counted_fault_begins_and_ends_with_requests_of_its_path() {
        let begun = Instant::now();
        let counted = fault(status(500), Begin::AfterRequests(2), End::Times(2));
        let mut script = Script::new(vec![counted], begun);
        let mut met = |path| status_of(&script.meets(path, begun));
        assert_eq!([met(METRICS), met("/login"), met(METRICS)], [None, None, None]);
        assert_eq!([met("/login"), met(METRICS), met("/login")], [None, Some(500), None]);
        assert_eq!([met(METRICS), met(METRICS)], [Some(500), None]);
    }

    #[test]
    fn a_timed_fault_begins_and_ends_by_the_clock() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let time = Duration::from_secs;
        let slow = fault(What::Slow(time(3)), Begin::At(time(10)), End::After(time(5)));
        let gaps = fault(What::Gaps, Begin::At(time(0)), End::Never);
        let mut script = Script::new(vec![slow, gaps], begun);
        for (seconds, delay) in [(0, None), (9, None), (10, Some(time(3))), (15, None)] {
            let met = script.meets(METRICS, at(seconds));
            assert_eq!((met.delay, met.gaps), (delay, true), "{seconds}");
        }
    }

    #[test]
    fn sessions_end_once() {
        let begun = Instant::now();
        let expired = fault(What::ExpireSessions, Begin::AfterRequests(1), End::Never);
        let mut script = Script::new(vec![expired], begun);
        let mut expires = |path| script.meets(path, begun).expires;
        assert_eq!([expires("/login"), expires(METRICS)], [false, false]);
        assert_eq!([expires("/api/pool/"), expires(METRICS)], [true, false]);
    }

    #[test]
    fn nodes_are_down_for_a_time_that_is_known_before() {
        let begun = Instant::now();
        let (at, time) = (|seconds| begun + Duration::from_secs(seconds), Duration::from_secs);
        let first = fault(What::NodeDown(0), Begin::At(time(10)), End::After(time(5)));
        let second = fault(What::NodeDown(1), Begin::AfterRequests(1), End::Never);
        let mut script = Script::new(vec![first, second], begun);
        assert_eq!(script.nodes_down(at(0)), (vec![], Some(at(10))));
        assert_eq!(script.nodes_down(at(10)), (vec![0], Some(at(15))));
        assert!(script.meets(METRICS, at(11)).down.contains(&0));
        assert_eq!(script.nodes_down(at(15)), (vec![1], None));
    }
}
