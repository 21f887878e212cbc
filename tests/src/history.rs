//! Series with a past and a future, for a Prometheus that scrapes nothing.
//!
//! Rates are exactly as asked for at any time: there is no scrape that could be late.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::process::Command;
use tokio::time::timeout;

use crate::process::{PROCESS_TIMEOUT, program};

/// Series by their names as in an exposition: `requests{pod="web-0"}`.
#[derive(Debug, Clone, Default)]
pub struct History(Vec<Series>);

#[derive(Debug, Clone)]
struct Series {
    name: String,
    value: f64,
    per_second: f64,
    step: u64,
}

/// How long the series are there already, in seconds: longer than the range of any rate.
const PAST: u64 = 1200;
/// How long they continue, in seconds: longer than any test runs.
const FUTURE: u64 = 7200;
/// The interval of samples of a counter, in seconds.
const COUNTER_STEP: u64 = 15;
/// That of a gauge. Prometheus uses a sample for five minutes.
const GAUGE_STEP: u64 = 60;

impl History {
    /// No series.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a series that does not change.
    pub fn gauge(mut self, series: &str, value: f64) -> Self {
        let name = series.to_owned();
        self.0.push(Series { name, value, per_second: 0.0, step: GAUGE_STEP });
        self
    }

    /// Adds a series that increases by this each second.
    pub fn counter(mut self, series: &str, per_second: f64) -> Self {
        let name = series.to_owned();
        self.0.push(Series { name, value: 1000.0, per_second, step: COUNTER_STEP });
        self
    }

    /// The names of the metrics.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|series| series.name.split('{').next().unwrap_or_default())
    }

    /// Writes the series where a Prometheus that is not running yet has its data.
    ///
    /// # Panics
    /// If promtool refuses them.
    pub(crate) async fn write(&self, beside: &Path, data: &Path) {
        let input = beside.join("series.om");
        std::fs::write(&input, self.exposition()).expect("a file of series");
        let promtool = program("promtool", "prometheus");
        let mut command = Command::new(promtool);
        command.args(["tsdb", "create-blocks-from", "openmetrics"]).arg(&input).arg(data);
        let ran = timeout(PROCESS_TIMEOUT, command.kill_on_drop(true).output()).await;
        let output = ran.expect("promtool ends").expect("promtool can be run");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "promtool: {said}");
    }

    /// All samples of a series beside each other, as the format wants it.
    fn exposition(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut series: Vec<_> = self.0.iter().collect();
        series.sort_by(|a, b| a.name.cmp(&b.name));
        let mut text = String::new();
        for Series { name, value, per_second, step } in series {
            for after in (0..=PAST + FUTURE).step_by(usize::try_from(*step).unwrap_or(1)) {
                let (value, time) = (value + per_second * after as f64, now - PAST + after);
                let _ = writeln!(text, "{name} {value} {time}");
            }
        }
        text.push_str("# EOF\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{FUTURE, GAUGE_STEP, History, PAST};

    #[test]
    fn samples_reach_from_the_past_into_the_future() {
        let history = History::new().counter("b{x=\"1\"}", 2.0).gauge("a", 7.5);
        let text = history.exposition();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("a 7.5 "), "{}", lines[0]);
        assert_eq!(lines.last(), Some(&"# EOF"));
        let of_a = lines.iter().filter(|line| line.starts_with("a ")).count();
        assert_eq!(of_a as u64, (PAST + FUTURE) / GAUGE_STEP + 1);
        let of_b: Vec<_> = lines.iter().filter(|line| line.starts_with("b{")).collect();
        assert!(of_b[0].starts_with("b{x=\"1\"} 1000 "), "{}", of_b[0]);
        assert!(of_b[1].starts_with("b{x=\"1\"} 1030 "), "{}", of_b[1]);
    }
}
