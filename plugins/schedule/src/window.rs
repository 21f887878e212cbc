//! Windows: the days and hours at which a value holds, and the ramps around them.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::holiday::Holiday;
use crate::{Days, OnHolidays};

/// A time of day. 24:00 is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Clock {
    hour: i8,
    minute: i8,
}

impl Clock {
    /// Reads `08:30`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let two = |part: &str| {
            let plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<i8>().ok().filter(|_| plain)
        };
        let parts = text.split_once(':').and_then(|(hour, minute)| two(hour).zip(two(minute)));
        match parts {
            Some((hour, minute)) if hour < 24 && minute < 60 || (hour, minute) == (24, 0) => {
                Ok(Self { hour, minute })
            }
            _ => {
                let short: String = text.chars().take(40).collect();
                Err(format!("\"{}\" is not a time such as 08:30", short.escape_debug()))
            }
        }
    }

    /// When it is so late on a day, in milliseconds since the epoch. A time that the clocks leave
    /// out is as much later, and of one that comes twice it is the first.
    fn on(self, date: Date, zone: &TimeZone) -> Option<i64> {
        let (date, hour) = match self.hour {
            24 => (date.tomorrow().ok()?, 0),
            hour => (date, hour),
        };
        let time = zone.to_timestamp(date.at(hour, self.minute, 0, 0)).ok()?;
        Some(time.as_millisecond())
    }
}

/// A value for some days and hours.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Window {
    /// From Monday on.
    pub(crate) days: [bool; 7],
    pub(crate) from: Clock,
    /// Of the next day if it is not after `from`.
    pub(crate) to: Clock,
    pub(crate) value: f64,
    /// How long before `from` the value begins to rise, in milliseconds.
    pub(crate) ramp_up: i64,
    /// How long after `to` it has fallen, in milliseconds.
    pub(crate) ramp_down: i64,
    pub(crate) first: Option<Date>,
    pub(crate) last: Option<Date>,
    pub(crate) on_holidays: OnHolidays,
}

impl Window {
    /// How much of the value holds at a time, from 0 to 1; nothing outside of window and ramps.
    pub(crate) fn share(
        &self,
        now: i64,
        today: Date,
        zone: &TimeZone,
        holidays: &[Holiday],
    ) -> Option<f64> {
        // A window of two days ago may still fall, and one of tomorrow already rise: neither a
        // window nor a ramp is longer than a day.
        let yesterday = today.yesterday().ok()?;
        let days = [yesterday.yesterday().ok()?, yesterday, today, today.tomorrow().ok()?];
        let days = days.into_iter().filter(|date| self.begins_on(*date, holidays));
        days.filter_map(|date| self.share_of(now, date, zone)).reduce(f64::max)
    }

    fn share_of(&self, now: i64, date: Date, zone: &TimeZone) -> Option<f64> {
        let from = self.from.on(date, zone)?;
        let ends_on = if self.to > self.from { date } else { date.tomorrow().ok()? };
        let to = self.to.on(ends_on, zone)?;
        if (from..to).contains(&now) {
            return Some(1.0);
        }
        if (from - self.ramp_up..from).contains(&now) {
            return Some(ratio(now - (from - self.ramp_up), self.ramp_up));
        }
        if (to..to + self.ramp_down).contains(&now) {
            return Some(1.0 - ratio(now - to, self.ramp_down));
        }
        None
    }

    fn begins_on(&self, date: Date, holidays: &[Holiday]) -> bool {
        let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        let is_holiday = || holidays.iter().any(|holiday| holiday.is(date));
        self.days.get(weekday) == Some(&true)
            && self.first.is_none_or(|first| first <= date)
            && self.last.is_none_or(|last| date <= last)
            && match self.on_holidays {
                OnHolidays::Skip => !is_holiday(),
                OnHolidays::Only => is_holiday(),
                OnHolidays::Run => true,
            }
    }
}

/// The days of a week that are named; all of them if none is.
pub(crate) fn week(named: &[Days]) -> [bool; 7] {
    if named.is_empty() {
        return [true; 7];
    }
    let mut week = [false; 7];
    for days in named {
        let range = match days {
            Days::Weekdays => 0..=4,
            Days::Weekend => 5..=6,
            Days::Monday => 0..=0,
            Days::Tuesday => 1..=1,
            Days::Wednesday => 2..=2,
            Days::Thursday => 3..=3,
            Days::Friday => 4..=4,
            Days::Saturday => 5..=5,
            Days::Sunday => 6..=6,
        };
        range.for_each(|day| week[day] = true);
    }
    week
}

#[allow(clippy::cast_precision_loss)] // milliseconds of a day
fn ratio(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}
