//! How values went while somebody watched.

use std::collections::{HashMap, VecDeque};

/// How many points a trend line has.
const POINTS: usize = 60;

/// Trends that were not asked for in so many looks are dropped.
const FORGOTTEN: u64 = 600;

/// Past values, noted each time that the status is asked for: nothing is kept while nobody looks.
#[derive(Debug, Default)]
pub(super) struct Trends {
    looks: u64,
    lines: HashMap<String, Line>,
}

#[derive(Debug, Default)]
struct Line {
    points: VecDeque<f64>,
    evaluated: i64,
    look: u64,
}

impl Trends {
    pub(super) fn look(&mut self) {
        self.looks += 1;
        let oldest = self.looks.saturating_sub(FORGOTTEN);
        self.lines.retain(|_, line| line.look >= oldest);
    }

    /// Notes a value of an evaluation, once, and gives the line.
    pub(super) fn note(&mut self, key: String, evaluated: i64, value: f64) -> Vec<f64> {
        let line = self.lines.entry(key).or_default();
        line.look = self.looks;
        if line.evaluated != evaluated || line.points.is_empty() {
            line.evaluated = evaluated;
            line.points.push_back(value);
            if line.points.len() > POINTS {
                line.points.pop_front();
            }
        }
        line.points.iter().copied().collect()
    }
}
