//! Holidays: dates, dates of each year, and those that move with Easter.

use jiff::civil::Date;

/// How far from Easter a holiday may be, in days: within the same year wherever Easter is.
const FROM_EASTER: std::ops::RangeInclusive<i16> = -80..=240;

/// A day that is a holiday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holiday {
    Once(Date),
    EachYear {
        month: i8,
        day: i8,
    },
    /// So many days after Easter Sunday of the western churches.
    Easter(i16),
}

impl Holiday {
    /// Reads `2026-12-25`, `12-25`, `easter`, `easter+39` or `easter-2`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            let short: String = text.chars().take(40).collect();
            format!(
                "\"{}\" is not a day such as 2026-12-25, 12-25 for each year, or easter-2",
                short.escape_debug()
            )
        };
        if let Some(offset) = text.strip_prefix("easter") {
            let digits = offset.strip_prefix(['+', '-']).unwrap_or(offset);
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let days = match offset {
                "" => Some(0),
                _ if !plain || digits.len() == offset.len() => None,
                _ => offset.parse().ok(),
            };
            let days = days.ok_or_else(wrong)?;
            if !FROM_EASTER.contains(&days) {
                return Err(format!(
                    "must be from easter{} to easter+{}",
                    FROM_EASTER.start(),
                    FROM_EASTER.end()
                ));
            }
            return Ok(Self::Easter(days));
        }
        if text.len() == 5 {
            // In a leap year every day of a year is there.
            let date = date(&format!("2024-{text}")).ok_or_else(wrong)?;
            return Ok(Self::EachYear { month: date.month(), day: date.day() });
        }
        date(text).map(Self::Once).ok_or_else(wrong)
    }

    pub(crate) fn is(self, date: Date) -> bool {
        match self {
            Self::Once(day) => day == date,
            Self::EachYear { month, day } => (month, day) == (date.month(), date.day()),
            Self::Easter(days) => easter(date.year())
                .is_some_and(|easter| easter.day_of_year() + days == date.day_of_year()),
        }
    }
}

/// Reads `2026-12-25`.
pub(crate) fn date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let mut part = |digits: usize| {
        let part = parts.next()?;
        let plain = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<i16>().ok().filter(|_| plain)
    };
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    if parts.next().is_some() {
        return None;
    }
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Easter Sunday of a year of the Gregorian calendar, by the rule of Meeus, Jones and Butcher.
fn easter(year: i16) -> Option<Date> {
    let year_of = i32::from(year);
    let golden = year_of % 19;
    let (century, rest) = (year_of / 100, year_of % 100);
    let moon =
        (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - moon - rest % 4) % 7;
    let late = (golden + 11 * moon + 22 * weekday) / 451;
    let days = moon + weekday - 7 * late + 114;
    let (month, day) = (days / 31, days % 31 + 1);
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easter_is_where_the_tables_have_it() {
        for (year, day) in [
            (1818, "1818-03-22"),
            (1943, "1943-04-25"),
            (2000, "2000-04-23"),
            (2024, "2024-03-31"),
            (2025, "2025-04-20"),
            (2026, "2026-04-05"),
            (2027, "2027-03-28"),
            (2038, "2038-04-25"),
        ] {
            assert_eq!(easter(year), date(day), "{year}");
        }
    }

    #[test]
    fn days_are_recognized() {
        let day = |text| date(text).unwrap();
        let is = |holiday, text| Holiday::parse(holiday).unwrap().is(day(text));
        assert!(is("2026-12-25", "2026-12-25") && !is("2026-12-25", "2027-12-25"));
        assert!(is("12-25", "2027-12-25") && !is("12-25", "2027-12-26"));
        assert!(is("02-29", "2028-02-29") && !is("02-29", "2027-03-01"));
        // Good Friday, Ascension and Whit Monday.
        assert!(is("easter-2", "2026-04-03") && is("easter+39", "2026-05-14"));
        assert!(is("easter+50", "2026-05-25") && is("easter", "2026-04-05"));
    }

    #[test]
    fn what_is_no_day_is_told() {
        for text in [
            "",
            "2026-02-29",
            "2026-13-01",
            "26-12-25",
            "12/25",
            "easter2",
            "easter+",
            "easter--2",
            "Easter",
            "2026-12-25-1",
            "+026-12-25",
            "\u{7}",
        ] {
            let told = Holiday::parse(text).unwrap_err();
            assert!(told.contains("is not a day such as"), "{text}: {told}");
        }
        assert!(Holiday::parse("easter+300").unwrap_err().contains("to easter+240"));
    }
}
