//! The last samples of one series, and the functions over them.
//!
//! A window ends with the newest sample and begins with the newest one that is at least nine tenths of the
//! window older. `rate` is the increase of the counter between these two samples, divided by the time
//! between them; `increase` is the rate times the window. `delta` is the difference between the two samples,
//! scaled to the window. `avg` is the average of the samples after the first. Nothing is extrapolated beyond
//! samples, and a window that is not filled gives no value.

use std::collections::VecDeque;
use std::time::Duration;

use super::query::Function;

/// The maximum number of samples in a window: closer ones replace each other.
const MAX_SAMPLES: i64 = 64;

/// The samples of a window must span at least nine tenths of it, for scrapes are not on the second,
/// and at most one and a half of it: what was before a pause says nothing of now.
const MIN_WINDOW_SHARE: (i64, i64) = (9, 10);
const MAX_WINDOW_SHARE: (i64, i64) = (3, 2);

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    time: i64,
    value: f64,
    /// The sum of all values before resets of the counter.
    lost: f64,
}

/// The bytes that a sample takes.
pub(super) const POINT_BYTES: usize = size_of::<Point>();

/// The last samples of one series.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct History(VecDeque<Point>);

/// Why there is no value yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfilled {
    /// The samples go back only so far.
    Since(Duration),
    /// The samples are too far apart for the window.
    Apart(Duration),
}

impl History {
    /// Adds a sample. Samples that the longest window no longer needs are dropped.
    pub(super) fn add(&mut self, time: i64, value: f64, longest: Duration) {
        let longest = milliseconds(longest);
        let mut lost = 0.0;
        if let Some(newest) = self.0.back() {
            // The same sample again, by the time that the page gives; or one that is older.
            if time <= newest.time {
                return;
            }
            lost = newest.lost + if value < newest.value { newest.value } else { 0.0 };
        }
        // The newer sample has the sum of the resets already.
        let spacing = longest / MAX_SAMPLES;
        if let [.., before, newest] = self.0.make_contiguous()
            && newest.time - before.time < spacing
        {
            self.0.pop_back();
        }
        self.0.push_back(Point { time, value, lost });
        let oldest = time.saturating_sub(scaled(longest, MAX_WINDOW_SHARE));
        while self.0.front().is_some_and(|point| point.time < oldest) {
            self.0.pop_front();
        }
    }

    /// The number of samples.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value of a function over a window, with the time of the newest sample.
    pub(super) fn value(&self, function: Function, over: Duration) -> Result<(i64, f64), Unfilled> {
        let Some(newest) = self.0.back() else { return Err(Unfilled::Since(Duration::ZERO)) };
        if function == Function::Last {
            return Ok((newest.time, newest.value));
        }
        let window = milliseconds(over);
        let is_before =
            |point: &&Point| newest.time - point.time >= scaled(window, MIN_WINDOW_SHARE);
        let Some(first) = self.0.iter().rev().find(is_before) else {
            let oldest = self.0.front().map_or(newest.time, |point| point.time);
            return Err(Unfilled::Since(length(newest.time - oldest)));
        };
        if newest.time - first.time > scaled(window, MAX_WINDOW_SHARE) {
            return Err(Unfilled::Apart(length(newest.time - first.time)));
        }
        let seconds = length(newest.time - first.time).as_secs_f64();
        let grown = (newest.value - first.value) + (newest.lost - first.lost);
        let value = match function {
            Function::Last => newest.value,
            Function::Rate => grown / seconds,
            Function::Increase => grown * (over.as_secs_f64() / seconds),
            Function::Delta => (newest.value - first.value) * (over.as_secs_f64() / seconds),
            Function::Avg => {
                let within = self.0.iter().filter(|point| point.time > first.time);
                let (count, sum) =
                    within.fold((0.0, 0.0), |(count, sum), point| (count + 1.0, sum + point.value));
                sum / count
            }
        };
        Ok((newest.time, value))
    }
}

fn scaled(window: i64, (times, by): (i64, i64)) -> i64 {
    window.saturating_mul(times).div_euclid(by)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn length(milliseconds: i64) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn of(samples: &[(i64, f64)]) -> History {
        let mut history = History::default();
        for (seconds, value) in samples {
            history.add(seconds * 1000, *value, MINUTE);
        }
        history
    }

    fn value(samples: &[(i64, f64)], function: Function) -> Result<f64, Unfilled> {
        of(samples).value(function, MINUTE).map(|(_, value)| value)
    }

    #[test]
    fn functions_are_made_of_the_samples_of_a_filled_window() {
        let counter = [(0, 10.0), (15, 25.0), (30, 40.0), (45, 55.0), (60, 130.0)];
        assert_eq!(value(&counter, Function::Last), Ok(130.0));
        assert_eq!(value(&counter, Function::Rate), Ok(2.0));
        assert_eq!(value(&counter, Function::Increase), Ok(120.0));
        let gauge = [(0, 1.0), (15, 4.0), (30, 1.0), (45, 5.0), (60, 0.0)];
        assert_eq!(value(&gauge, Function::Delta), Ok(-1.0));
        assert_eq!(value(&gauge, Function::Avg), Ok(2.5));
        // The youngest sample that is far enough back counts.
        let early = [(-20, 0.0), (4, 10.0), (20, 20.0), (60, 122.0)];
        assert_eq!(value(&early, Function::Rate), Ok(2.0));
    }

    #[test]
    fn what_resets_took_away_counts() {
        let counter = [(0, 100.0), (15, 130.0), (30, 5.0), (45, 20.0), (60, 10.0)];
        // 30, then 5 after a reset, then 15, then 10 after another.
        assert_eq!(value(&counter, Function::Rate), Ok(1.0));
        assert_eq!(value(&counter, Function::Increase), Ok(60.0));
        let is_even = |second: i64| f64::from(u8::from(second % 2 == 0));
        let many: Vec<_> = (0..=600).map(|second| (second, is_even(second))).collect();
        let Ok(rate) = value(&many, Function::Rate) else { panic!() };
        assert!((rate - 0.5).abs() < 0.02, "{rate}");
    }

    #[test]
    fn a_window_that_is_not_filled_has_no_value() {
        let since = |seconds| Err(Unfilled::Since(Duration::from_secs(seconds)));
        assert_eq!(value(&[], Function::Last), since(0));
        assert_eq!(value(&[(5, 1.0)], Function::Rate), since(0));
        assert_eq!(value(&[(5, 1.0)], Function::Last), Ok(1.0));
        assert_eq!(value(&[(0, 1.0), (53, 2.0)], Function::Avg), since(53));
        assert!(value(&[(0, 1.0), (54, 2.0)], Function::Rate).is_ok());
        assert!(value(&[(0, 1.0), (90, 2.0)], Function::Rate).is_ok());
        // A longer window of another query keeps what is too old for this one.
        let mut history = History::default();
        for (time, value) in [(0, 1.0), (100_000, 2.0)] {
            history.add(time, value, 5 * MINUTE);
        }
        let apart = Unfilled::Apart(Duration::from_secs(100));
        assert_eq!(history.value(Function::Rate, MINUTE), Err(apart));
        // What is not newer is no sample of its own.
        let mut history = of(&[(0, 1.0), (60, 2.0)]);
        let before = history.clone();
        history.add(60_000, 3.0, MINUTE);
        history.add(30_000, 3.0, MINUTE);
        assert_eq!(history, before);
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        let rate = value(&[(0, 1.0), (30, f64::NAN), (60, 3.0)], Function::Rate);
        assert_eq!(rate, Ok(2.0 / 60.0));
        assert!(value(&[(0, 1.0), (60, f64::NAN)], Function::Rate).is_ok_and(f64::is_nan));
        assert!(
            value(&[(0, 1.0), (30, f64::NAN), (60, 3.0)], Function::Avg).is_ok_and(f64::is_nan)
        );
    }

    /// How much a counter grew between two of its samples, one step after the other.
    fn grown(samples: &[(i64, f64)]) -> f64 {
        let steps = samples.iter().zip(&samples[1..]);
        steps.map(|((_, old), (_, new))| if new < old { *new } else { new - old }).sum()
    }

    proptest! {
        #[test]
        fn few_samples_are_kept_and_nothing_is_lost_of_what_a_counter_grew(
            steps in proptest::collection::vec((100_u32..20_000, 0_u32..50, any::<bool>()), 1..400),
        ) {
            let mut history = History::default();
            let (mut time, mut counter) = (0_i64, 0.0);
            let mut all: Vec<(i64, f64)> = vec![];
            for (pause, growth, reset) in steps {
                time += i64::from(pause);
                counter = f64::from(growth) + if reset { 0.0 } else { counter };
                all.push((time, counter));
                history.add(time, counter, MINUTE);
            }
            prop_assert!(history.len() <= 100);
            if let Ok((_, rate)) = history.value(Function::Rate, MINUTE) {
                let is_it = |first: usize| {
                    let length = Duration::from_millis((time - all[first].0).unsigned_abs());
                    let is_a_window = (54_000..=90_000).contains(&length.as_millis());
                    is_a_window && (grown(&all[first..]) / length.as_secs_f64() - rate).abs() < 1e-6
                };
                prop_assert!((0..all.len()).any(is_it), "{rate}");
            }
        }
    }
}
