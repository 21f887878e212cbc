//! Timed steps with a summary.

use std::time::{Duration, Instant};

use crate::failure::Failure;

/// The steps done so far.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<Done>,
}

#[derive(Debug)]
struct Done {
    name: &'static str,
    took: Duration,
    outcome: Result<String, String>,
}

impl Steps {
    /// Runs a step under a heading and returns whether it succeeded. Failures are in the summary.
    pub(crate) fn run(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> Result<String, Failure>,
    ) -> bool {
        println!("\n=== {name}");
        let began = Instant::now();
        let outcome = step().map_err(|failure| failure.to_string());
        let took = began.elapsed();
        let well = outcome.is_ok();
        println!("=== {name}: {} in {}", verdict(well), seconds(took));
        self.done.push(Done { name, took, outcome });
        well
    }

    /// Adds the steps of a part.
    pub(crate) fn extend(&mut self, part: Self) {
        self.done.extend(part.done);
    }

    /// Prints the summary, and fails if a step failed.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let total = self.done.iter().map(|done| done.took).sum();
        println!("\n=== summary, {}", seconds(total));
        for Done { name, took, outcome } in &self.done {
            let well = verdict(outcome.is_ok());
            let (Ok(note) | Err(note)) = outcome;
            println!("{}", format!("{name:12} {well:6} {:>9}  {note}", seconds(*took)).trim_end());
        }
        if self.done.iter().all(|done| done.outcome.is_ok()) { Ok(()) } else { Err(Failure::Shown) }
    }
}

fn verdict(well: bool) -> &'static str {
    if well { "ok" } else { "FAILED" }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}
