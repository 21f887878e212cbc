use leadsman_plugin_sdk::serde_json::{Value, from_value, json};
use proptest::prelude::*;

use crate::Config;
use crate::schedule::Schedule;

#[test]
fn fixtures() {
    leadsman_plugin_sdk::testing::fixtures(&super::plugin(), "fixtures");
}

fn schedule(config: Value) -> Schedule {
    let config: Config = from_value(config).unwrap();
    Schedule::new(&config).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// The value at a time of RFC 3339.
fn at(schedule: &Schedule, time: &str) -> Option<f64> {
    let time: jiff::Timestamp = time.parse().unwrap();
    schedule.value(time.as_millisecond()).unwrap()
}

#[test]
fn a_working_day_in_berlin() {
    let schedule = schedule(json!({
        "timeZone": "Europe/Berlin", "otherwise": 2, "holidays": ["12-25", "easter+1"],
        "windows": [{"days": ["weekdays"], "from": "08:00", "to": "18:00", "value": 10,
            "rampUp": "1h", "rampDown": "30m"}],
    }));
    for (time, expected) in [
        // A Wednesday in winter: Berlin is an hour ahead.
        ("2026-01-14T05:59:59Z", 2.0),
        ("2026-01-14T06:30:00Z", 6.0),
        ("2026-01-14T07:00:00Z", 10.0),
        ("2026-01-14T16:59:59Z", 10.0),
        ("2026-01-14T17:15:00Z", 6.0),
        ("2026-01-14T17:30:00Z", 2.0),
        // In summer it is two hours ahead.
        ("2026-07-15T06:00:00Z", 10.0),
        ("2026-07-15T05:15:00Z", 4.0),
        ("2026-07-15T16:00:01Z", 10.0 - 8.0 / 1800.0),
        // Saturday, Christmas, Easter Monday, and the day after it.
        ("2026-01-17T10:00:00Z", 2.0),
        ("2026-12-25T10:00:00Z", 2.0),
        ("2026-04-06T10:00:00Z", 2.0),
        ("2026-04-07T10:00:00Z", 10.0),
    ] {
        let found = at(&schedule, time).unwrap();
        assert!((found - expected).abs() < 1e-9, "{time}: {found}, expected {expected}");
    }
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_it_begins_on() {
    let schedule = schedule(json!({
        "timeZone": "UTC",
        "windows": [{"days": ["friday"], "from": "22:00", "to": "06:00", "value": 5}],
    }));
    // The 16th of January 2026 is a Friday.
    assert_eq!(at(&schedule, "2026-01-16T05:00:00Z"), None);
    assert_eq!(at(&schedule, "2026-01-16T22:00:00Z"), Some(5.0));
    assert_eq!(at(&schedule, "2026-01-17T05:59:59Z"), Some(5.0));
    assert_eq!(at(&schedule, "2026-01-17T06:00:00Z"), None);
    assert_eq!(at(&schedule, "2026-01-17T23:00:00Z"), None);
}

/// The night on which the clocks go forward has no 02:30, and that on which they go back has two.
#[test]
fn nights_on_which_clocks_are_changed() {
    let schedule = schedule(json!({
        "timeZone": "Europe/Berlin",
        "windows": [{"from": "02:30", "to": "04:00", "value": 1}],
    }));
    // 02:30 is 03:30 in summer time, at 01:30 UTC.
    assert_eq!(at(&schedule, "2026-03-29T01:29:59Z"), None);
    assert_eq!(at(&schedule, "2026-03-29T01:30:00Z"), Some(1.0));
    assert_eq!(at(&schedule, "2026-03-29T02:00:00Z"), None);
    // The first 02:30 is in summer time, at 00:30 UTC; 04:00 is at 03:00 UTC.
    assert_eq!(at(&schedule, "2026-10-25T00:29:59Z"), None);
    assert_eq!(at(&schedule, "2026-10-25T00:30:00Z"), Some(1.0));
    assert_eq!(at(&schedule, "2026-10-25T02:59:59Z"), Some(1.0));
    assert_eq!(at(&schedule, "2026-10-25T03:00:00Z"), None);
}

#[test]
fn the_largest_window_holds_and_dates_bound_it() {
    let schedule = schedule(json!({
        "timeZone": "America/New_York", "otherwise": 1, "holidays": ["2026-11-26"],
        "windows": [
            {"from": "00:00", "to": "24:00", "value": 3},
            {"from": "06:00", "to": "22:00", "value": 50,
                "dates": {"from": "2026-11-27", "to": "2026-11-30"}},
            {"from": "00:00", "to": "24:00", "value": 2, "onHolidays": "only"},
            {"from": "12:00", "to": "13:00", "value": 4, "onHolidays": "run"},
        ],
    }));
    for (time, expected) in [
        ("2026-11-25T15:00:00Z", 3.0),
        ("2026-11-26T15:00:00Z", 2.0),
        ("2026-11-26T17:30:00Z", 4.0),
        ("2026-11-27T15:00:00Z", 50.0),
        ("2026-11-28T03:00:00Z", 3.0),
        ("2026-11-30T15:00:00Z", 50.0),
        ("2026-12-01T15:00:00Z", 3.0),
    ] {
        assert_eq!(at(&schedule, time), Some(expected), "{time}");
    }
}

/// A window that lowers a value has no bump between two days on which it holds.
#[test]
fn a_value_may_be_lower_than_otherwise() {
    let schedule = schedule(json!({
        "timeZone": "UTC", "otherwise": 10,
        "windows": [{"days": ["weekend"], "from": "00:00", "to": "24:00", "value": 1,
            "rampUp": "2h", "rampDown": "2h"}],
    }));
    for (time, expected) in [
        ("2026-01-16T21:59:59Z", 10.0),
        ("2026-01-16T23:00:00Z", 5.5),
        ("2026-01-17T23:30:00Z", 1.0),
        ("2026-01-18T00:30:00Z", 1.0),
        ("2026-01-19T01:00:00Z", 5.5),
        ("2026-01-19T02:00:00Z", 10.0),
    ] {
        assert_eq!(at(&schedule, time), Some(expected), "{time}");
    }
}

proptest! {
    /// Whatever the time: between the value and what holds otherwise, or an error.
    #[test]
    fn any_time_has_a_value_within_bounds(now in any::<i64>(), near in 0i64..4_102_444_800_000) {
        let schedule = schedule(json!({
            "timeZone": "Australia/Lord_Howe", "otherwise": 2, "holidays": ["01-01", "easter"],
            "windows": [{"days": ["weekdays", "sunday"], "from": "21:30", "to": "02:15", "value": 9,
                "rampUp": "11h", "rampDown": "12h"}],
        }));
        for time in [now, near] {
            if let Ok(value) = schedule.value(time) {
                let value = value.unwrap();
                prop_assert!((2.0..=9.0).contains(&value), "{time}: {value}");
            }
        }
        prop_assert!(schedule.value(near).is_ok());
    }
}
