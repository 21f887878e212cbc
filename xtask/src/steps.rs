//! Timed steps with a summary.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::cargo;
use crate::failure::Failure;
use crate::programs;

/// The steps done so far.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<Done>,
}

/// A step that ran beside others, with what it would have printed between their lines.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) name: &'static str,
    pub(crate) took: Duration,
    pub(crate) printed: String,
    pub(crate) outcome: Result<String, Failure>,
}

impl Ran {
    /// Runs a command of cargo, and keeps what it prints.
    pub(crate) fn of(name: &'static str, mut command: Command, line: &[&str]) -> Self {
        let began = Instant::now();
        let (printed, outcome) = match command.output() {
            Ok(Output { status, stdout, stderr }) => {
                let printed = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
                let failed = || Failure::Exit { command: cargo::shown(line), status };
                let well = "beside the tests".to_owned();
                (printed, status.success().then_some(well).ok_or_else(failed))
            }
            Err(source) => (String::new(), Err(programs::cannot_start(&command, source))),
        };
        Self { name, took: began.elapsed(), printed, outcome }
    }
}

#[derive(Debug)]
struct Done {
    name: &'static str,
    took: Duration,
    /// Whether another step took this time, too.
    was_beside: bool,
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
        self.done.push(Done { name, took, was_beside: false, outcome });
        well
    }

    /// Adds a step that ran beside others, and returns whether it succeeded.
    pub(crate) fn ran(&mut self, step: Ran) -> bool {
        let Ran { name, took, printed, outcome } = step;
        let well = outcome.is_ok();
        println!("\n=== {name}\n{}", printed.trim_matches('\n'));
        println!("=== {name}: {} in {}", verdict(well), seconds(took));
        let outcome = outcome.map_err(|failure| failure.to_string());
        self.done.push(Done { name, took, was_beside: true, outcome });
        well
    }

    /// Whether a step was done.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.done.iter().any(|done| done.name == name)
    }

    /// Adds the steps of a part.
    pub(crate) fn extend(&mut self, part: Self) {
        self.done.extend(part.done);
    }

    /// Prints the summary, and fails if a step failed.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let waited_for = self.done.iter().filter(|done| !done.was_beside);
        let total = waited_for.map(|done| done.took).sum();
        println!("\n=== summary, {}", seconds(total));
        for Done { name, took, outcome, .. } in &self.done {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ran_beside_others_has_what_it_printed() {
        let mut steps = Steps::default();
        let of = |line: &[&str]| Ran::of("a step", cargo::gently(line), line);
        let well = of(&["--version"]);
        assert!(well.printed.starts_with("cargo "), "{well:?}");
        assert!(!steps.has("a step"));
        assert!(steps.ran(well));
        assert!(steps.has("a step"));
        let failed = of(&["no-such-command"]);
        assert!(failed.printed.contains("no-such-command"), "{failed:?}");
        assert!(!steps.ran(failed));
        assert!(steps.finish().is_err());
    }
}
