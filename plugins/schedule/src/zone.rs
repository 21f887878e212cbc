//! Time zones by their names, without files: a plugin has none.

use jiff::tz::TimeZone;

/// Rules of POSIX with the names of the zones in which they hold.
///
/// A schedule is about the present, for which a rule is enough: what a zone had in the past makes
/// the full database twenty times as large.
const ZONES: &str = include_str!("zones.txt");

/// The names that no rule can stand for.
const MOVED_BY_RAMADAN: [&str; 4] =
    ["Africa/Casablanca", "Africa/El_Aaiun", "Asia/Gaza", "Asia/Hebron"];

/// The longest name or rule, in bytes.
const MAX_BYTES: usize = 64;

/// Finds a time zone by its name, or reads a rule.
pub(crate) fn zone(written: &str) -> Result<TimeZone, String> {
    if written.len() > MAX_BYTES {
        return Err(format!("is longer than {MAX_BYTES} bytes"));
    }
    if let Some(rule) = rule_of(written) {
        return TimeZone::posix(rule).map_err(|error| format!("cannot be read: {error}"));
    }
    let shown = written.escape_debug();
    if MOVED_BY_RAMADAN.contains(&written) {
        return Err(format!(
            "clocks in \"{shown}\" are moved for Ramadan, by dates that are not known here; write \
             the rule that holds now, as <+01>-1"
        ));
    }
    if written.bytes().any(|byte| byte.is_ascii_digit())
        && let Ok(zone) = TimeZone::posix(written)
    {
        return Ok(zone);
    }
    let meant =
        nearest(written).map_or_else(String::new, |name| format!("; did you mean \"{name}\"?"));
    Err(format!(
        "\"{shown}\" is neither the name of a time zone nor a rule of POSIX such as \
         CET-1CEST,M3.5.0,M10.5.0/3{meant}"
    ))
}

/// Each rule with its names.
fn zones() -> impl Iterator<Item = (&'static str, std::str::Split<'static, char>)> {
    ZONES.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?, words))
    })
}

fn rule_of(name: &str) -> Option<&'static str> {
    zones().find_map(|(rule, mut names)| names.any(|known| known == name).then_some(rule))
}

/// The name that is most like a text, if one is.
fn nearest(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&name.to_lowercase(), &text);
    let known = zones().flat_map(|(_, names)| names).map(|name| (likeness(name), name));
    let best = known.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.85).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_can_be_read_and_every_name_stands_once() {
        let mut all = std::collections::BTreeSet::new();
        for (rule, names) in zones() {
            assert!(TimeZone::posix(rule).is_ok(), "{rule}");
            for name in names {
                assert!(all.insert(name), "{name} stands twice");
                assert!(zone(name).is_ok(), "{name}");
            }
        }
        assert!(all.len() > 500, "{}", all.len());
        for name in ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Etc/GMT+5"] {
            assert!(all.contains(name), "{name}");
        }
    }

    #[test]
    fn offsets_follow_the_rules() {
        for (name, time, seconds) in [
            // The last second of winter time and the first of summer time.
            ("Europe/Berlin", "2026-03-29T00:59:59Z", 3600),
            ("Europe/Berlin", "2026-03-29T01:00:00Z", 7200),
            ("Europe/Berlin", "2026-10-25T01:00:00Z", 3600),
            ("America/New_York", "2026-07-01T12:00:00Z", -14_400),
            ("Asia/Kolkata", "2026-07-01T12:00:00Z", 19_800),
            ("Pacific/Auckland", "2026-01-01T00:00:00Z", 46_800),
            // Summer time is the standard in Ireland, winter time the exception.
            ("Europe/Dublin", "2026-01-01T00:00:00Z", 0),
            ("Europe/Dublin", "2026-07-01T00:00:00Z", 3600),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-07-01T00:00:00Z", 7200),
            ("<+0330>-3:30", "2026-07-01T00:00:00Z", 12_600),
        ] {
            let time: jiff::Timestamp = time.parse().unwrap();
            assert_eq!(zone(name).unwrap().to_offset(time).seconds(), seconds, "{name} {time}");
        }
    }

    #[test]
    fn what_is_no_time_zone_is_told() {
        for (written, says) in [
            ("Europe/Berln", "did you mean \"Europe/Berlin\"?"),
            ("europe/berlin", "did you mean \"Europe/Berlin\"?"),
            ("Africa/Casablanca", "Ramadan"),
            ("CET-1CEST,M3", "neither the name of a time zone nor a rule"),
            ("", "neither the name"),
            ("x\u{7}", "\\u{7}"),
        ] {
            let told = zone(written).unwrap_err();
            assert!(told.contains(says), "{written}: {told}");
        }
        assert!(zone(&"x".repeat(65)).unwrap_err().contains("longer than 64"));
    }
}
