//! The last hour of an autoscaler's metric, as the adapter recorded it: values, proposals and replicas. Gaps
//! are stated with their reason.

use k8s_openapi::jiff::Timestamp;
use leadsman_autoscaler::notation::ratio;
use leadsman_provider::explanation::{
    AutoscalerHour, HourChange, HourValue, MetricExplanation, MetricHour,
};
use serde::Serialize;

use super::record::{Line, clock};
use super::waits::{Moment, Timeline};

/// The most changes that the text shows, the newest.
const MAX_SHOWN: usize = 12;

/// An hour that begins so soon after the adapter, in milliseconds, begins with it.
const START_TOLERANCE: i64 = 60 * 1000;

/// How many characters a number may have in its column.
const MAX_NUMBER: usize = 10;

/// The last hour of a metric.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hour {
    /// Why nothing is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
    /// When the replica of the adapter that answers started. It knows nothing from before.
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<String>,
    /// Since when it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// When it was noted last.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// How often it is noted at least, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<f64>,
    /// The least and the greatest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    least: Option<HourValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    greatest: Option<HourValue>,
    /// All of it.
    #[serde(flatten)]
    series: Option<MetricHour>,
}

impl Hour {
    /// Nothing is known.
    pub(super) fn unknown(why: &str) -> Self {
        Self { unknown: Some(why.to_owned()), ..Self::default() }
    }

    /// Takes what the adapter says of the metric at a place of the autoscaler out of its explanation.
    pub(super) fn taken_from(record: Option<&mut MetricExplanation>, place: usize) -> Self {
        let Some(record) = record else {
            return Self::unknown("what answers reads of it explains nothing");
        };
        let Some(hour) = record.hour.take() else {
            return Self::unknown("the adapter keeps none: it is older than this command");
        };
        Self::of(hour, place)
    }

    fn of(hour: AutoscalerHour, place: usize) -> Self {
        let AutoscalerHour { unknown, started, since, until, every, metrics, .. } = hour;
        if let Some(why) = unknown {
            return Self::unknown(&why);
        }
        let Some(series) = metrics.into_iter().find(|metric| metric.place == place) else {
            return Self::unknown("the adapter knows the autoscaler with other metrics");
        };
        let by_value = |a: &&HourValue, b: &&HourValue| a.value.total_cmp(&b.value);
        Self {
            unknown: None,
            started,
            since,
            until,
            every,
            least: series.values.iter().min_by(by_value).cloned(),
            // Of several that are equal, the first.
            greatest: series.values.iter().rev().max_by(by_value).cloned(),
            series: Some(series),
        }
    }

    /// What was wanted and what there was, since when it is known without a gap.
    pub(super) fn timeline(&self) -> Option<Timeline> {
        let series = self.series.as_ref()?;
        let until = millisecond(self.until.as_deref()?)?;
        let begin = millisecond(series.changes_since.as_deref().or(self.since.as_deref())?)?;
        let is_gap = |of: &HourChange| of.wants.is_none() && of.replicas.is_none();
        let gap = series.changes.iter().rposition(is_gap);
        let whole = series.changes.get(gap.map_or(0, |at| at + 1)..)?;
        let moments = whole.iter().map(|change| {
            let HourChange { wants, replicas, .. } = *change;
            Some(Moment { at: millisecond(&change.time)?, wants, replicas })
        });
        let moments: Vec<_> = moments.collect::<Option<_>>()?;
        let since = if gap.is_some() { moments.first()?.at } else { begin };
        Some(Timeline { since, until, moments })
    }

    /// For people, in less than 80 columns.
    pub(super) fn lines(&self) -> Vec<Line> {
        let Some(series) = &self.series else {
            let why = self.unknown.as_deref().unwrap_or("the adapter says nothing of it");
            return vec![("hour", format!("not known: {why}"))];
        };
        let since = self.since.as_deref().unwrap_or_default();
        let until = self.until.as_deref().unwrap_or_default();
        let known = self.known_since().unwrap_or_default();
        let mut lines = vec![("hour", format!("{} to {} UTC{known}", clock(since), clock(until)))];
        let mut more = |text: String| lines.push(("", text));
        match self.least.as_ref().zip(self.greatest.as_ref()) {
            Some((least, greatest)) => {
                let value = |of: &HourValue| number(Some(of.value), series.percent);
                more(format!(
                    "least {} at {}, most {} at {}",
                    value(least),
                    clock(&least.time),
                    value(greatest),
                    clock(&greatest.time)
                ));
            }
            None if series.changes.iter().any(|of| of.value.is_some() && !is_before(of, since)) => {
                more("least and most are not known: too many values to keep all".to_owned());
            }
            None => more("no value is known".to_owned()),
        }
        if let Some(from) = &series.changes_since {
            more(format!("changes before {} were too many to keep", clock(from)));
        }
        more(format!(
            "{:<8}{:>12}{:>11}{:>9}{:>6}{:>9}",
            "time", "value", "target", "proposes", "wants", "replicas"
        ));
        let left_out = series.changes.len().saturating_sub(MAX_SHOWN);
        if left_out > 0 {
            more(format!("{left_out} earlier changes are in --output json"));
        }
        let shown = series.changes.iter().skip(left_out);
        shown.for_each(|change| more(row(change, since, series.percent)));
        lines
    }

    /// Why it is less than an hour; `None` if it is a whole one.
    fn known_since(&self) -> Option<String> {
        let time = |text: &Option<String>| millisecond(text.as_deref()?);
        let (started, since) = (time(&self.started)?, time(&self.since)?);
        let until = time(&self.until)?;
        if until.saturating_sub(since) >= 3600 * 1000 {
            return None;
        }
        Some(if since.saturating_sub(started) <= START_TOLERANCE {
            ", known since the adapter's start".to_owned()
        } else {
            ", not known before (new, or changed)".to_owned()
        })
    }
}

/// One change. `since` is when the hour begins.
fn row(change: &HourChange, since: &str, percent: bool) -> String {
    let HourChange { time, value, target, proposes, wants, replicas, state } = change;
    // What there was when the hour began has its own time and value from before.
    let (time, value) =
        if is_before(change, since) { ("before", None) } else { (clock(time), *value) };
    let count = |of: &Option<i32>| of.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let state = if state == "current" { "" } else { state.as_str() };
    let row = format!(
        "{time:<8}{:>12}{:>11}{:>9}{:>6}{:>9}  {state}",
        number(value, percent),
        number(*target, percent),
        count(proposes),
        count(wants),
        count(replicas)
    );
    row.trim_end().to_owned()
}

/// Whether a change is from before the hour began.
fn is_before(change: &HourChange, since: &str) -> bool {
    let times = millisecond(&change.time).zip(millisecond(since));
    times.is_some_and(|(at, begin)| at < begin)
}

/// A number that fits its column.
fn number(of: Option<f64>, percent: bool) -> String {
    let Some(of) = of else { return "-".to_owned() };
    let text = ratio(of);
    let text = if text.len() > MAX_NUMBER { format!("{of:.3e}") } else { text };
    if percent { format!("{text}%") } else { text }
}

/// A time in milliseconds since 1970.
pub(super) fn millisecond(time: &str) -> Option<i64> {
    time.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn change(time: &str, value: f64, proposes: i32, replicas: i32) -> Value {
        json!({
            "time": time, "value": value, "target": 10.0, "proposes": proposes, "wants": proposes,
            "replicas": replicas, "state": "current",
        })
    }

    fn hour(started: &str, changes: &[Value]) -> AutoscalerHour {
        let values: Vec<_> = changes
            .iter()
            .map(|of| json!({"time": of["time"], "value": of["value"]}))
            .filter(|of| of["value"].is_number())
            .collect();
        serde_json::from_value(json!({
            "autoscaler": "web", "started": started, "since": "2026-01-01T13:12:30.000Z",
            "until": "2026-01-01T14:12:15.000Z", "every": 15.0,
            "metrics": [{"place": 1, "values": values, "changes": changes}],
        }))
        .unwrap()
    }

    fn text(hour: &Hour) -> Vec<String> {
        hour.lines().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn an_hour_is_a_table_of_what_changed_with_its_bounds() {
        let mut failing = change("2026-01-01T13:50:00.000Z", 0.0, 0, 5);
        for key in ["value", "proposes", "wants"] {
            failing[key] = Value::Null;
        }
        failing["state"] = json!("failing");
        let changes = [
            change("2026-01-01T13:12:30.000Z", 20.0, 2, 2),
            change("2026-01-01T13:41:00.000Z", 1_234_567_890.5, 5, 2),
            failing,
        ];
        let hour = Hour::of(hour("2026-01-01T13:12:10.000Z", &changes), 1);
        assert_eq!(
            text(&hour),
            [
                "13:12:30 to 14:12:15 UTC, known since the adapter's start",
                "least 20 at 13:12:30, most 1.235e9 at 13:41:00",
                "time           value     target proposes wants replicas",
                "13:12:30          20         10        2     2        2",
                "13:41:00     1.235e9         10        5     5        2",
                "13:50:00           -         10        -     -        5  failing",
            ]
        );
        let reported = serde_json::to_value(&hour).unwrap();
        assert_eq!(reported["greatest"]["time"], "2026-01-01T13:41:00.000Z");
        assert_eq!(reported["changes"].as_array().map(Vec::len), Some(3));
        assert_eq!(reported["values"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn the_newest_changes_are_shown_and_the_others_counted() {
        let changes: Vec<_> = (0..40)
            .map(|minute| {
                change(&format!("2026-01-01T13:{:02}:00.000Z", minute + 13), 1.0, minute, 1)
            })
            .collect();
        let text = text(&Hour::of(hour("2026-01-01T09:00:00.000Z", &changes), 1));
        assert_eq!(text[0], "13:12:30 to 14:12:15 UTC, not known before (new, or changed)");
        assert!(text.contains(&"28 earlier changes are in --output json".to_owned()), "{text:#?}");
        assert_eq!(text.len(), 4 + MAX_SHOWN);
        assert!(text.last().unwrap().starts_with("13:52:00 "), "{text:#?}");
    }

    #[test]
    fn what_held_when_the_hour_began_has_no_value_of_the_hour() {
        let changes = [change("2026-01-01T09:00:00.000Z", 77.0, 2, 2)];
        let mut told = hour("2026-01-01T08:00:00.000Z", &changes);
        told.until = Some("2026-01-01T14:12:30.000Z".to_owned());
        told.metrics[0].values.clear();
        told.metrics[0].percent = true;
        let text = text(&Hour::of(told, 1));
        assert_eq!(text[0], "13:12:30 to 14:12:30 UTC");
        assert_eq!(text[1], "no value is known");
        assert_eq!(text[3], "before             -        10%        2     2        2");
    }

    #[test]
    fn values_that_were_too_many_to_keep_are_not_said_to_be_unknown() {
        let mut told =
            hour("2026-01-01T09:00:00.000Z", &[change("2026-01-01T13:41:00.000Z", 77.0, 2, 2)]);
        told.metrics[0].values.clear();
        let text = text(&Hour::of(told, 1));
        assert_eq!(text[1], "least and most are not known: too many values to keep all");
        assert!(text[3].starts_with("13:41:00          77 "), "{text:#?}");
    }

    #[test]
    fn every_line_fits_eighty_columns() {
        let mut widest = change("2026-01-01T13:41:00.000Z", -123_456_789_012.5, 99_999, 99_999);
        widest["target"] = json!(-1e300);
        widest["state"] = json!("failing");
        let mut told = hour("2026-01-01T09:00:00.000Z", &vec![widest; 100]);
        told.metrics[0].percent = true;
        told.metrics[0].changes_since = Some("2026-01-01T13:41:00.000Z".to_owned());
        for line in text(&Hour::of(told, 1)) {
            assert!(line.len() + "  hour      ".len() <= 80, "{line}");
        }
    }

    #[test]
    fn the_course_of_an_hour_begins_after_its_last_gap() {
        let changes = [
            change("2026-01-01T13:20:00.000Z", 20.0, 2, 2),
            change("2026-01-01T13:41:00.000Z", 50.0, 5, 2),
        ];
        let told = |changes: &[Value]| {
            Hour::of(hour("2026-01-01T09:00:00.000Z", changes), 1).timeline().unwrap()
        };
        let whole = told(&changes);
        let of = |timeline: &Timeline| -> Vec<_> {
            timeline.moments.iter().map(|of| (of.wants, of.replicas)).collect()
        };
        assert_eq!(of(&whole), [(Some(2), Some(2)), (Some(5), Some(2))]);
        assert_eq!(whole.until - whole.since, (59 * 60 + 45) * 1000);
        let mut gap = change("2026-01-01T13:30:00.000Z", 0.0, 0, 0);
        for key in ["wants", "replicas"] {
            gap[key] = Value::Null;
        }
        let [first, second] = changes;
        let after = told(&[first, gap, second]);
        assert_eq!(of(&after), [(Some(5), Some(2))]);
        assert_eq!(after.since, after.moments[0].at);
        assert!(Hour::unknown("it is forbidden").timeline().is_none());
    }

    #[test]
    fn what_is_not_known_is_said() {
        let other = Hour::of(hour("2026-01-01T09:00:00.000Z", &[]), 0);
        let told = "not known: the adapter knows the autoscaler with other metrics";
        assert_eq!(text(&other), [told]);
        let refused = AutoscalerHour::unknown("web", "it is forbidden".to_owned());
        assert_eq!(text(&Hour::of(refused, 0)), ["not known: it is forbidden"]);
        assert!(text(&Hour::taken_from(None, 0))[0].contains("explains nothing"));
    }
}
