//! How long an autoscaler that is held at its replicas still waits: until an earlier recommendation or change
//! leaves its window.
//!
//! The controller does not publish that. The record of the last hour and the Events of changes allow an
//! estimate. It is given only if they also explain what the controller reports, and it is approximate: the
//! adapter records every 15 s, and the metrics may change meanwhile.

use std::time::Duration;

use leadsman_autoscaler::manifest::AutoscalerStatus;
use leadsman_autoscaler::verdict::is_held;
use leadsman_hpa::{Decision, History, Outcome, Recommendation, Situation, decide};
use leadsman_provider::explanation::rfc3339;
use serde::Serialize;

use super::hour::millisecond;
use super::past::PastEvent;
use super::record::clock;

/// A recommendation or change leaves its window just after its end.
const TICK: Duration = Duration::from_millis(1);

/// A change of replicas is noted this long after it at most, in milliseconds: at a look of the controller
/// and a note of the adapter.
const MAX_NOTE_DELAY: i64 = 60 * 1000;

/// For how long an autoscaler waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Waits {
    /// For about so many seconds.
    about_seconds: u64,
    /// Until about then.
    until: String,
    /// What leaves its window then.
    because: String,
}

/// The replicas that were proposed and that there were, without a gap.
#[derive(Debug)]
pub(super) struct Timeline {
    /// Since when all of it is known, and until when, in milliseconds since the epoch.
    pub(super) since: i64,
    pub(super) until: i64,
    /// The changes, the oldest first.
    pub(super) moments: Vec<Moment>,
}

/// The replicas from a time on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) at: i64,
    /// The proposed replicas.
    pub(super) wants: Option<i32>,
    pub(super) replicas: Option<i32>,
}

impl Waits {
    /// For how long an autoscaler waits that its controller reports to be held where it is; `None` if that
    /// is not so, or not explained by what is known. `past` are its Events, if they are known.
    pub(super) fn of(
        (situation, decision): (&Situation, &Decision),
        status: &AutoscalerStatus,
        timeline: &Timeline,
        past: Option<&[PastEvent]>,
    ) -> Option<Self> {
        let Outcome::Recommended { recommended, .. } = &decision.outcome else { return None };
        let current = situation.replicas;
        let now = timeline.moments.last()?;
        let is_noted = (now.wants, now.replicas) == (Some(*recommended), Some(current));
        let is_there = status.desired_replicas == current;
        if !is_noted || !is_there || !is_held(situation, decision, status) {
            return None;
        }
        let before = PastChanges::of(timeline, past);
        let mut ends = before.ends(situation, *recommended < current);
        ends.sort_by_key(|end| end.after);
        let mut later = situation.clone();
        let mut stays = |after: Duration| {
            later.history = before.history(after);
            decide(&later).replicas == current
        };
        if !stays(Duration::ZERO) {
            return None;
        }
        let end = ends.into_iter().find(|end| !stays(end.after + TICK))?;
        // A change that is not known would count, too.
        if matches!(end.what, Counted::Changed(_)) && timeline.since > before.now - end.span {
            return None;
        }
        let until = before.now.saturating_add(milliseconds(end.after));
        let about_seconds = end.after.as_secs();
        Some(Self { about_seconds, until: rfc3339(until), because: end.because() })
    }

    /// `3m12s`
    pub(super) fn about(&self) -> String {
        short(self.about_seconds)
    }

    /// For people.
    pub(super) fn lines(&self) -> [String; 2] {
        [
            format!(
                "about {} more, to {} UTC, if its metrics stay as they are:",
                self.about(),
                clock(&self.until)
            ),
            self.because.clone(),
        ]
    }
}

/// The known earlier recommendations and changes.
struct PastChanges {
    now: i64,
    recommended: Vec<(i64, i32)>,
    changed: Vec<(i64, i32)>,
}

/// What counts within a window.
enum Counted {
    Recommended(i32),
    Changed(i32),
}

/// The end of the time for which something counts.
struct End {
    after: Duration,
    what: Counted,
    at: i64,
    /// For how long it counts, in milliseconds.
    span: i64,
    /// Whether only the controller knows for how long, and this is its default.
    is_default: bool,
}

impl PastChanges {
    fn of(timeline: &Timeline, past: Option<&[PastEvent]>) -> Self {
        let (mut recommended, mut changed) = (Vec::new(), Vec::new());
        for pair in timeline.moments.windows(2) {
            let [one, next] = [pair[0], pair[1]];
            // What was wanted was recommended until the next one.
            if let Some(wants) = one.wants {
                recommended.push((next.at, wants));
            }
            if let (Some(from), Some(to)) = (one.replicas, next.replicas)
                && from != to
                && let Some(at) = changed_at(next.at, to, past)
            {
                changed.push((at, to.saturating_sub(from)));
            }
        }
        Self { now: timeline.until, recommended, changed }
    }

    /// What the controller remembers of it after a time.
    fn history(&self, after: Duration) -> History {
        let age = |at: i64| self.age(at) + after;
        let mut history = History::default();
        let recommended = self.recommended.iter();
        history
            .recommendations
            .extend(recommended.map(|&(at, replicas)| Recommendation { age: age(at), replicas }));
        for &(at, by) in &self.changed {
            let changes = if by > 0 { &mut history.added } else { &mut history.removed };
            changes.push((age(at), by.saturating_abs()));
        }
        history
    }

    fn age(&self, at: i64) -> Duration {
        Duration::from_millis(u64::try_from(self.now - at).unwrap_or_default())
    }

    /// When each of it counts no more, in the direction of a recommendation.
    fn ends(&self, situation: &Situation, is_down: bool) -> Vec<End> {
        let behavior = situation.behavior.as_ref();
        let rules = behavior.map(|of| if is_down { &of.down } else { &of.up });
        let own = rules.and_then(|rules| rules.window);
        let default = if is_down { situation.default_window } else { Duration::ZERO };
        let end = |(at, what): (i64, Counted), span: Duration, is_default: bool| {
            let after = span.checked_sub(self.age(at))?;
            Some(End { after, what, at, span: milliseconds(span), is_default })
        };
        let recommended = self.recommended.iter().filter_map(|&(at, replicas)| {
            let span = own.unwrap_or(default);
            end((at, Counted::Recommended(replicas)), span, own.is_none())
        });
        let policies = rules.map(|rules| rules.policies.as_slice()).unwrap_or_default();
        let changed = self.changed.iter().flat_map(|&(at, by)| {
            policies
                .iter()
                .filter_map(move |policy| end((at, Counted::Changed(by)), policy.period, false))
        });
        recommended.chain(changed).collect()
    }
}

impl End {
    fn because(&self) -> String {
        let at = rfc3339(self.at);
        let (at, span) = (clock(&at), self.span / 1000);
        let default = if self.is_default { ", the controller's default" } else { "" };
        match self.what {
            Counted::Recommended(replicas) => {
                format!(
                    "{replicas} was recommended until about {at}; it counts for {span}s{default}"
                )
            }
            Counted::Changed(by) => {
                format!("{by:+} replicas at about {at}, which a policy counts for {span}s")
            }
        }
    }
}

/// When the controller changed the replicas to a number, which was noted at a time; `None` if somebody
/// else did: policies do not count that.
fn changed_at(noted: i64, to: i32, past: Option<&[PastEvent]>) -> Option<i64> {
    let Some(past) = past else { return Some(noted) };
    let size = format!("New size: {to};");
    let of_size =
        past.iter().filter(|of| of.reason == "SuccessfulRescale" && of.message.starts_with(&size));
    let mut at = None;
    for event in of_size {
        let Some(time) = millisecond(&event.time) else { continue };
        if time <= noted && noted - time <= MAX_NOTE_DELAY {
            return Some(time);
        }
        // Of several, the Event has the time of the last one.
        if event.times > 1 && time > noted {
            at = Some(noted);
        }
    }
    at
}

fn milliseconds(of: Duration) -> i64 {
    i64::try_from(of.as_millis()).unwrap_or(i64::MAX)
}

/// `3m12s`
fn short(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, _) => format!("{hours}h{minutes}m"),
    }
}

#[cfg(test)]
mod tests;
