//! The last hour of values, for trend lines on the page and for explanations.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

/// The length of a line, in milliseconds.
pub(super) const LOOKBACK_MS: i64 = 3600 * 1000;

/// Points are at least so far apart in the last minutes, and before them, in milliseconds.
const RECENT: i64 = 5 * 60 * 1000;
const STEP_OF_RECENT: i64 = 5 * 1000;
const STEP: i64 = 20 * 1000;

/// The most points of a line, before it is thinned.
const MAX_POINTS: usize = 240;

/// The most lines: 16 bytes a point, so all of them take less than 8 MB.
const MAX_LINES: usize = 2000;

/// Past values, by the name of their line.
#[derive(Debug, Default)]
pub(crate) struct Trends(HashMap<String, Line>);

/// Times in milliseconds since the epoch, with their values, the oldest first.
type Line = VecDeque<(i64, f64)>;

impl Trends {
    /// Adds a value. A line that is new when there are too many is not kept.
    pub(crate) fn add(&mut self, name: &str, at: i64, value: f64) {
        if !self.0.contains_key(name) {
            if self.0.len() >= MAX_LINES {
                self.0.retain(|_, line| {
                    line.back().is_some_and(|(last, _)| at - last <= LOOKBACK_MS)
                });
                self.forget_gone(at);
            }
            if self.0.len() >= MAX_LINES {
                return;
            }
        }
        let line = self.0.entry(name.to_owned()).or_default();
        // The newest value of a step is the one that counts.
        if line.len() > 1 && line.back().is_some_and(|(last, _)| at - last < STEP_OF_RECENT) {
            let before = line.get(line.len() - 2).map(|(at, _)| *at);
            if before.is_some_and(|before| at - before <= STEP_OF_RECENT) {
                line.pop_back();
            }
        }
        line.push_back((at, value));
        while line.front().is_some_and(|(first, _)| at - first > LOOKBACK_MS) {
            line.pop_front();
        }
        if line.len() > MAX_POINTS {
            thin(line, at);
        }
    }

    /// If there are too many, drops the line whose newest value is the oldest, unless that is recent.
    fn forget_gone(&mut self, at: i64) {
        if self.0.len() < MAX_LINES {
            return;
        }
        let oldest = self.0.iter().min_by_key(|(_, line)| newest(line));
        let gone = oldest.filter(|(_, line)| newest(line).is_none_or(|last| at - last > RECENT));
        if let Some(name) = gone.map(|(name, _)| name.clone()) {
            self.0.remove(&name);
        }
    }

    /// Drops a line.
    pub(super) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// The points of a line within the last hour, the oldest first.
    pub(super) fn points<'a>(
        &'a self,
        name: &str,
        now: i64,
    ) -> impl Iterator<Item = (i64, f64)> + use<'a> {
        let points = self.0.get(name).into_iter().flatten().copied();
        points.filter(move |(at, _)| now - at <= LOOKBACK_MS)
    }

    /// A line as pairs of seconds before `now` and value; `None` if there is none.
    pub(crate) fn line(&self, name: &str, now: i64) -> Option<Value> {
        let line = self.0.get(name)?;
        let pairs = line.iter().map(|(at, value)| json!([(now - at) / 1000, value]));
        Some(pairs.collect())
    }
}

/// When the newest value of a line was.
fn newest(line: &Line) -> Option<i64> {
    line.back().map(|(at, _)| *at)
}

/// Removes points that are close to the previous one, except in the last minutes.
fn thin(line: &mut Line, now: i64) {
    let mut last = i64::MIN;
    line.retain(|(at, _)| {
        let keep = now - at <= RECENT || at.saturating_sub(last) >= STEP;
        if keep {
            last = *at;
        }
        keep
    });
    // Clocks may be set back.
    while line.len() > MAX_POINTS {
        line.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_kept_in_a_bounded_number_of_points() {
        let mut trends = Trends::default();
        let second = 1000;
        for at in 0..2 * 3600 {
            trends.add("a", at * second, at as f64);
        }
        let line = &trends.0["a"];
        let newest = (2 * 3600 - 1) * second;
        assert_eq!(line.back(), Some(&(newest, 7199.0)));
        assert!(line.len() <= MAX_POINTS, "{}", line.len());
        let (first, _) = line[0];
        assert!(
            newest - first <= LOOKBACK_MS && newest - first > LOOKBACK_MS - 2 * STEP,
            "{first}"
        );
        let recent = line.iter().filter(|(at, _)| newest - at <= RECENT).count();
        assert!(recent >= 50, "{recent}");
    }

    #[test]
    fn a_line_is_told_in_seconds_before_now() {
        let mut trends = Trends::default();
        trends.add("a", 10_000, 1.5);
        trends.add("a", 25_000, 2.0);
        assert_eq!(trends.line("a", 26_000), Some(json!([[16, 1.5], [1, 2.0]])));
        assert_eq!(trends.line("b", 26_000), None);
    }

    #[test]
    fn the_number_of_lines_is_bounded_and_old_ones_make_room() {
        let mut trends = Trends::default();
        for number in 0..=MAX_LINES {
            trends.add(&number.to_string(), 0, 0.0);
        }
        assert_eq!(trends.0.len(), MAX_LINES);
        // One that goes on no more leaves its place, before all of it is old.
        trends.add("soon", RECENT, 0.0);
        assert!(!trends.0.contains_key("soon"));
        trends.add("late", RECENT + 1, 0.0);
        assert!(trends.0.contains_key("late") && trends.0.len() == MAX_LINES);
        trends.add("new", LOOKBACK_MS + RECENT + 2, 0.0);
        assert_eq!(trends.0.len(), 1);
    }
}
