//! The history of values, for trend lines on the status page.

use std::collections::{HashMap, VecDeque};

/// The most points of a trend line.
const MAX_POINTS: usize = 60;

/// A line that no value was added to in so many requests is dropped.
const MAX_IDLE_REQUESTS: u64 = 600;

/// Past values, added each time that the status is requested: nothing is stored while nobody looks.
#[derive(Debug, Default)]
pub(super) struct Trends {
    requests: u64,
    lines: HashMap<String, Line>,
}

#[derive(Debug, Default)]
struct Line {
    points: VecDeque<f64>,
    evaluated: i64,
    last_request: u64,
}

impl Trends {
    pub(super) fn begin_request(&mut self) {
        self.requests += 1;
        let oldest = self.requests.saturating_sub(MAX_IDLE_REQUESTS);
        self.lines.retain(|_, line| line.last_request >= oldest);
    }

    /// Adds a value of an evaluation, once for each evaluation, and returns the line.
    pub(super) fn add(&mut self, key: String, evaluated: i64, value: f64) -> Vec<f64> {
        let line = self.lines.entry(key).or_default();
        line.last_request = self.requests;
        if line.evaluated != evaluated || line.points.is_empty() {
            line.evaluated = evaluated;
            line.points.push_back(value);
            if line.points.len() > MAX_POINTS {
                line.points.pop_front();
            }
        }
        line.points.iter().copied().collect()
    }
}
