//! A configuration as it is valid, and its value at a time.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use leadsman_plugin_sdk::{Fault, parse_duration};

use crate::holiday::{Holiday, date};
use crate::window::{Clock, Window, week};
use crate::{Config, OnHolidays, WindowConfig, zone};

/// The most windows of a schedule.
const MAX_WINDOWS: usize = 100;
/// The most holidays of a schedule.
const MAX_HOLIDAYS: usize = 400;
/// The longest ramp.
const MAX_RAMP: Duration = Duration::from_secs(12 * 3600);

/// Windows in a time zone.
#[derive(Debug)]
pub(crate) struct Schedule {
    zone: TimeZone,
    windows: Vec<Window>,
    holidays: Vec<Holiday>,
    otherwise: Option<f64>,
}

impl Schedule {
    /// Checks a configuration. The error is all faults.
    pub(crate) fn new(config: &Config) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults(Vec::new());
        let zone = faults.take("/timeZone", zone::zone(&config.time_zone));
        faults.at_most("/windows", config.windows.len(), MAX_WINDOWS);
        faults.at_most("/holidays", config.holidays.len(), MAX_HOLIDAYS);
        if config.windows.is_empty() {
            faults.add("/windows", "names no window");
        }
        if config.otherwise.is_some_and(|value| !value.is_finite()) {
            faults.add("/otherwise", "must be a finite number");
        }
        let holidays = config.holidays.iter().take(MAX_HOLIDAYS).enumerate();
        let holidays = holidays
            .filter_map(|(at, day)| faults.take(&format!("/holidays/{at}"), Holiday::parse(day)))
            .collect();
        let windows = config.windows.iter().take(MAX_WINDOWS).enumerate();
        let windows = windows
            .filter_map(|(at, written)| {
                window(written, config, &format!("/windows/{at}"), &mut faults)
            })
            .collect();
        match (zone, faults.0) {
            (Some(zone), none) if none.is_empty() => {
                Ok(Self { zone, windows, holidays, otherwise: config.otherwise })
            }
            (_, faults) => Err(faults),
        }
    }

    /// The value at a time in milliseconds since the epoch: the largest of the windows that hold,
    /// else what holds otherwise. The error is a time beyond the calendar.
    pub(crate) fn value(&self, now: i64) -> Result<Option<f64>, String> {
        let time = Timestamp::from_millisecond(now).map_err(|error| error.to_string())?;
        let today = self.zone.to_datetime(time).date();
        let held = self.windows.iter().filter_map(|window| {
            let share = window.share(now, today, &self.zone, &self.holidays)?;
            // A ramp begins at what holds otherwise, so there is one without it only in full.
            let base = self.otherwise.unwrap_or(window.value);
            Some(base + (window.value - base) * share)
        });
        Ok(held.reduce(f64::max).or(self.otherwise))
    }
}

fn window(
    written: &WindowConfig,
    config: &Config,
    place: &str,
    faults: &mut Faults,
) -> Option<Window> {
    let at = |key: &str| format!("{place}/{key}");
    let from = faults.take(&at("from"), Clock::parse(&written.from));
    let to = faults.take(&at("to"), Clock::parse(&written.to));
    if from.is_some() && from == to {
        faults.add(&at("to"), "is the same as `from`; a whole day is from 00:00 to 24:00");
    }
    if written.from == "24:00" {
        faults.add(&at("from"), "24:00 ends a day; the next one begins at 00:00");
    }
    if !written.value.is_finite() {
        faults.add(&at("value"), "must be a finite number");
    }
    if written.on_holidays == OnHolidays::Only && config.holidays.is_empty() {
        faults.add(&at("onHolidays"), "there are no `holidays`, so that this window never holds");
    }
    let mut ramp = |key: &str, written: Option<&String>| {
        let Some(written) = written else { return 0 };
        let place = at(key);
        let Some(ramp) = faults.take(&place, parse_duration(written)) else { return 0 };
        if ramp > MAX_RAMP {
            faults.add(&place, "must be at most 12h");
        } else if config.otherwise.is_none() && !ramp.is_zero() {
            faults.add(&place, "a ramp needs `otherwise`, the value that it begins or ends at");
        }
        i64::try_from(ramp.as_millis()).unwrap_or(0)
    };
    let ramp_up = ramp("rampUp", written.ramp_up.as_ref());
    let ramp_down = ramp("rampDown", written.ramp_down.as_ref());
    let mut day = |key: &str, written: Option<&String>| {
        let written = written?;
        let wrong = || {
            let short: String = written.chars().take(40).collect();
            format!("\"{}\" is not a day such as 2026-12-25", short.escape_debug())
        };
        faults.take(&at(&format!("dates/{key}")), date(written).ok_or_else(wrong))
    };
    let dates = written.dates.as_ref();
    let first = day("from", dates.and_then(|dates| dates.from.as_ref()));
    let last = day("to", dates.and_then(|dates| dates.to.as_ref()));
    if let (Some(first), Some(last)) = (first, last)
        && last < first
    {
        faults.add(&at("dates"), "ends before it begins");
    }
    Some(Window {
        days: week(&written.days),
        from: from?,
        to: to?,
        value: written.value,
        ramp_up,
        ramp_down,
        first,
        last,
        on_holidays: written.on_holidays,
    })
}

/// All faults so far.
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, place: &str, message: &str) {
        self.0.push(Fault::at(place, message));
    }

    fn take<T>(&mut self, place: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|message| self.0.push(Fault::at(place, message))).ok()
    }

    fn at_most(&mut self, place: &str, count: usize, most: usize) {
        if count > most {
            self.0.push(Fault::at(place, format!("has {count} entries; at most {most} may be")));
        }
    }
}
