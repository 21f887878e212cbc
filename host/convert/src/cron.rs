//! Cron triggers: windows of the plugin `schedule`.

use std::collections::BTreeMap;

use crate::Context;
use crate::node::{Entries, Node};
use crate::note::Notes;
use crate::scaled_object::{ScaledObject, Trigger};
use crate::trigger::{Mapping, Metadata, Planned, Target, metric_name};
use crate::zero::Zero;

/// The most windows of a schedule.
const MAX_WINDOWS: usize = 100;

const MINUTES_OF_DAY: usize = 24 * 60;
const MINUTES_OF_WEEK: usize = 7 * MINUTES_OF_DAY;

/// From Sunday on, as cron counts.
const DAYS: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

pub(crate) fn plan(
    object: &ScaledObject,
    index: usize,
    trigger: &Trigger,
    zero: &Zero,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Option<Planned> {
    let mut metadata = Metadata::new(object, index, trigger, context);
    let place = metadata.place().to_owned();
    let (start, end) = (metadata.required("start", notes), metadata.required("end", notes));
    let zone = metadata.required("timezone", notes);
    let replicas = metadata.required("desiredReplicas", notes);
    metadata.finish(&[], notes);
    let (start, end, zone, replicas) = (start?, end?, zone?, replicas?);
    let mut wrong = Vec::new();
    if let Err(reason) = schedule::check_time_zone(&zone) {
        wrong.push(format!("its timezone {reason}"));
    }
    let replicas = replicas.trim().parse::<i64>().ok().filter(|replicas| *replicas > 0);
    if replicas.is_none() {
        wrong.push("its desiredReplicas is no whole number above 0".to_owned());
    }
    let mut events = |key: &str, text: &str| {
        let events = events(text);
        let text = leadsman_document::excerpt(text);
        events.map_err(|reason| wrong.push(format!("its {key} \"{text}\" {reason}"))).ok()
    };
    let (start, end) = (events("start", &start), events("end", &end));
    let windows = start.zip(end).map(|(start, end)| windows(&start, &end));
    if windows.as_ref().is_some_and(|windows| windows.len() > MAX_WINDOWS) {
        wrong.push(format!("it begins and ends more often than {MAX_WINDOWS} windows can say"));
    }
    if !wrong.is_empty() {
        for reason in wrong {
            notes.refuse(format!("{place}: {reason}"));
        }
        return None;
    }
    let target = Target::new(1.0, trigger.metric_type.as_deref(), &place, notes)?;
    let metric = metric_name(object, index, trigger);
    let (windows, replicas) = (windows?, replicas?);
    let windows: Vec<Node> = windows.iter().map(|window| window.node(replicas)).collect();
    let config =
        Entries::default().with("timeZone", zone).with("otherwise", 0_i64).with("windows", windows);
    Some(Planned {
        metric: target.external(&metric),
        mapping: Some(Mapping {
            metric,
            about: place.clone(),
            queries: Vec::new(),
            plugin: "schedule",
            config,
            policies: zero.activation(0.0, &place, notes),
        }),
    })
}

/// A part of days, in minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Window {
    days: Vec<usize>,
    from: usize,
    to: usize,
}

impl Window {
    fn node(&self, replicas: i64) -> Node {
        let time = |minutes: usize| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let days = self.days.iter().filter_map(|day| DAYS.get(*day));
        let days: Vec<Node> = days.map(|day| (*day).into()).collect();
        let days = (self.days.len() < DAYS.len()).then_some(days);
        Entries::default()
            .maybe("days", days)
            .with("from", time(self.from))
            .with("to", time(self.to))
            .with("value", replicas)
            .into()
    }
}

/// The windows between events of a week, as KEDA sees them: active while the next event is an end.
fn windows(starts: &[bool], ends: &[bool]) -> Vec<Window> {
    let at = |minute: usize| {
        let is = |events: &[bool]| events.get(minute).copied().unwrap_or_default();
        (is(starts), is(ends))
    };
    let events: Vec<usize> =
        (0..MINUTES_OF_WEEK).filter(|minute| at(*minute) != (false, false)).collect();
    // Whether each minute is within a window.
    let mut active = vec![false; MINUTES_OF_WEEK];
    for (number, event) in events.iter().enumerate() {
        let next = events[(number + 1) % events.len()];
        if !at(next).1 {
            continue;
        }
        let mut minute = *event;
        loop {
            active[minute] = true;
            minute = (minute + 1) % MINUTES_OF_WEEK;
            if minute == next {
                break;
            }
        }
    }
    // The days on which there is the same part.
    let mut parts: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for (day, minutes) in active.chunks(MINUTES_OF_DAY).enumerate() {
        let mut from = None;
        for minute in 0..=MINUTES_OF_DAY {
            match (from, minutes.get(minute).copied().unwrap_or_default()) {
                (None, true) => from = Some(minute),
                (Some(start), false) => {
                    parts.entry((start, minute)).or_default().push(day);
                    from = None;
                }
                _ => {}
            }
        }
    }
    parts.into_iter().map(|((from, to), days)| Window { days, from, to }).collect()
}

/// The minutes of a week, from Sunday on, at which a cron expression is due.
fn events(text: &str) -> Result<Vec<bool>, String> {
    let fields: Vec<_> = text.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else {
        return Err("has not five fields: minute, hour, day, month, day of the week".to_owned());
    };
    let minutes = field(minute, 0, 59, &[])?;
    let hours = field(hour, 0, 23, &[])?;
    let days = field(day, 1, 31, &[])?;
    let months = field(month, 1, 12, &MONTHS)?;
    let short: Vec<&str> = DAYS.iter().map(|day| &day[..3]).collect();
    let weekdays = field(weekday, 0, 6, &short)?;
    if days.iter().any(|day| !day) || months.iter().any(|month| !month) {
        return Err(
            "names days of a month, or months, which a schedule has as dates of a year; write the \
                    windows with `dates`, and this ScaledObject without the trigger"
                .to_owned(),
        );
    }
    let mut due = vec![false; MINUTES_OF_WEEK];
    for (day, _) in weekdays.iter().enumerate().filter(|(_, is_due)| **is_due) {
        for (hour, _) in hours.iter().enumerate().filter(|(_, is_due)| **is_due) {
            for (minute, _) in minutes.iter().enumerate().filter(|(_, is_due)| **is_due) {
                due[day * MINUTES_OF_DAY + hour * 60 + minute] = true;
            }
        }
    }
    Ok(due)
}

/// Which values a field has, counted from its lowest one.
fn field(text: &str, lowest: usize, highest: usize, names: &[&str]) -> Result<Vec<bool>, String> {
    let mut is_due = vec![false; highest - lowest + 1];
    let number = |text: &str| {
        let named = names.iter().position(|name| text.eq_ignore_ascii_case(name));
        named.map(|at| at + lowest).or_else(|| text.parse().ok())
    };
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|step| *step > 0)),
            None => (part, Some(1)),
        };
        let bounds = match range {
            "*" | "?" => Some((lowest, highest)),
            range => match range.split_once('-') {
                Some((from, to)) => number(from).zip(number(to)),
                // One value with a step goes on to the end.
                None if part.contains('/') => number(range).map(|from| (from, highest)),
                None => number(range).map(|value| (value, value)),
            },
        };
        let (Some((from, to)), Some(step)) = (bounds, step) else {
            return Err(format!("has \"{part}\", which is not understood"));
        };
        if from < lowest || to > highest || from > to {
            return Err(format!("has \"{part}\", which is not within {lowest} to {highest}"));
        }
        for value in (from..=to).step_by(step) {
            is_due[value - lowest] = true;
        }
    }
    Ok(is_due)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The windows as text: `monday,friday 08:00-18:00`.
    fn of(start: &str, end: &str) -> Vec<String> {
        let windows = windows(&events(start).unwrap(), &events(end).unwrap());
        let text = |window: &Window| {
            let days: Vec<_> = window.days.iter().map(|day| DAYS[*day]).collect();
            let days = if days.len() == 7 { "daily".to_owned() } else { days.join(",") };
            let (from, to) = (window.from, window.to);
            format!("{days} {:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
        };
        windows.iter().map(text).collect()
    }

    #[test]
    fn windows_are_active_while_the_next_event_is_an_end() {
        let weekdays = "monday,tuesday,wednesday,thursday,friday";
        for (start, end, expected) in [
            ("0 8 * * *", "0 18 * * *", &["daily 08:00-18:00"][..]),
            ("30 8 * * 1-5", "0 18 * * 1-5", &[&*format!("{weekdays} 08:30-18:00")][..]),
            ("0 8 * * MON-FRI", "0 18 * * mon-fri", &[&*format!("{weekdays} 08:00-18:00")][..]),
            ("0 22 * * *", "0 6 * * *", &["daily 00:00-06:00", "daily 22:00-24:00"][..]),
            (
                "0 8 * * 1",
                "0 18 * * 3",
                &["wednesday 00:00-18:00", "tuesday 00:00-24:00", "monday 08:00-24:00"][..],
            ),
            ("0 20 * * 6", "0 4 * * 0", &["sunday 00:00-04:00", "saturday 20:00-24:00"][..]),
            ("0 8,14 * * *", "0 12,18 * * *", &["daily 08:00-12:00", "daily 14:00-18:00"][..]),
            // Between two ends the next event is an end, too.
            ("0 8 * * *", "0 18,20 * * *", &["daily 08:00-20:00"][..]),
            ("0 */12 * * *", "30 0/12 * * *", &["daily 00:00-00:30", "daily 12:00-12:30"][..]),
        ] {
            assert_eq!(of(start, end), expected, "{start} to {end}");
        }
    }

    #[test]
    fn what_is_no_week_is_refused() {
        for (text, message) in [
            ("0 8 * *", "five fields"),
            ("0 8 1 * *", "days of a month"),
            ("0 8 * 12 *", "days of a month, or months"),
            ("0 8 * * 7", "not within 0 to 6"),
            ("61 8 * * *", "not within 0 to 59"),
            ("0 8 * * FUN", "\"FUN\", which is not understood"),
            ("0 8/0 * * *", "not understood"),
            ("@daily", "five fields"),
            ("5-2 8 * * *", "not within"),
        ] {
            let error = events(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
