//! Samples of a range query on a grid: one place for each step, empty where a sample is missing.

use leadsman_plugin_sdk::{Answer, Failure, Range};

/// The most steps from the first sample to the last. Prometheus gives at most 11,000.
const MAX_POINTS: i64 = 12_000;

/// The times of all series of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Milliseconds from one place to the next.
    pub(crate) step: i64,
    /// The time of the last place.
    pub(crate) end: i64,
    points: usize,
}

/// The samples of one series, from its first one on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct History {
    /// NaN and infinite samples count as missing.
    pub(crate) values: Vec<Option<f64>>,
    /// The last sample, and when it was taken.
    pub(crate) current: f64,
    pub(crate) time: i64,
}

impl Grid {
    /// The grid of an answer: nothing if no series has two samples.
    pub(crate) fn of(answer: &Answer<'_>) -> Result<Option<Self>, Failure> {
        let (mut start, mut end, mut step) = (i64::MAX, i64::MIN, i64::MAX);
        for range in answer.ranges()? {
            let mut before: Option<i64> = None;
            for sample in range.samples() {
                (start, end) = (start.min(sample.time), end.max(sample.time));
                let passed = before.map(|before| sample.time.saturating_sub(before));
                step = passed.filter(|passed| *passed > 0).map_or(step, |passed| step.min(passed));
                before = Some(sample.time);
            }
        }
        if step == i64::MAX {
            return Ok(None);
        }
        let points = end.saturating_sub(start) / step + 1;
        if points > MAX_POINTS {
            let message = format!(
                "its samples span {points} times the shortest time between two of them; at most \
                 {MAX_POINTS} may be: lengthen the `step` of its `range`"
            );
            return Err(Failure::in_query(answer.query(), message));
        }
        Ok(Some(Self { step, end, points: usize::try_from(points).unwrap_or(0) }))
    }

    /// The samples of a series: nothing if it has none.
    pub(crate) fn history(&self, range: &Range<'_>) -> Option<History> {
        let mut values = vec![None; self.points];
        let mut last = None;
        for sample in range.samples().filter(|sample| sample.value.is_finite()) {
            let before_end = self.end.saturating_sub(sample.time);
            let from_end = before_end.saturating_add(self.step / 2) / self.step;
            let place = usize::try_from(from_end).ok().and_then(|places| {
                let last = values.len().checked_sub(1)?;
                last.checked_sub(places)
            });
            if let Some(place) = place {
                values[place] = Some(sample.value);
                last = Some(sample);
            }
        }
        let first = values.iter().position(Option::is_some)?;
        values.drain(..first);
        last.map(|last| History { values, current: last.value, time: last.time })
    }
}
