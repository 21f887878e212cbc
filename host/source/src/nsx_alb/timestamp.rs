//! Times as a controller writes them: `2015-11-17T00:00:00+00:00`.

use time::{Date, Month, Time, UtcOffset};

/// A time in milliseconds since the epoch; `None` if the text is none.
pub(super) fn parse(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let time = rest.strip_prefix(['T', ' '])?;
    let zone = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (time, zone) = time.split_at_checked(zone)?;
    let date = match *numbers(date, '-')?.as_slice() {
        [year, month, day] => {
            let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
            Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?)
        }
        _ => return None,
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let time = match *numbers(time, ':')?.as_slice() {
        [hour, minute, second] => Time::from_hms(
            u8::try_from(hour).ok()?,
            u8::try_from(minute).ok()?,
            u8::try_from(second).ok()?,
        ),
        _ => return None,
    };
    let offset = match zone {
        "" | "Z" | "z" => UtcOffset::UTC,
        _ => offset(zone)?,
    };
    let seconds = date.ok()?.with_time(time.ok()?).assume_offset(offset).unix_timestamp();
    Some(seconds * 1000 + milliseconds(fraction)?)
}

/// The whole numbers between separators.
fn numbers(text: &str, separator: char) -> Option<Vec<u32>> {
    let number = |part: &str| match part.bytes().all(|b| b.is_ascii_digit()) {
        true => part.parse().ok(),
        false => None,
    };
    text.split(separator).map(number).collect()
}

fn offset(text: &str) -> Option<UtcOffset> {
    let (sign, rest) = text.split_at_checked(1)?;
    let sign = if sign == "-" { -1 } else { 1 };
    let digits = rest.replace(':', "");
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i8 = digits.get(..2)?.parse().ok()?;
    let minutes: i8 = digits.get(2..)?.parse().ok()?;
    UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()
}

fn milliseconds(fraction: &str) -> Option<i64> {
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_all_their_spellings() {
        for (text, expected) in [
            ("2015-11-17T00:00:00+00:00", 1_447_718_400_000),
            ("2015-11-17T00:00:00", 1_447_718_400_000),
            ("2015-11-17 00:00:00Z", 1_447_718_400_000),
            ("2015-11-17T01:30:00.25+01:30", 1_447_718_400_250),
            ("2015-11-16T22:00:00-0200", 1_447_718_400_000),
            ("1970-01-01T00:00:01Z", 1000),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "now",
            "2015-13-17T00:00:00Z",
            "2015-11-17",
            "2015-11-17T24:00:00Z",
            "2015-11-17T00:00:00+1",
            "2015-11-17T00:00Z",
            "ä015-11-17T00:00:00Z",
            "2015-11-17T0é:00:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
