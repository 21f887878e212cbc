//! `cargo xtask ci`: the checks that a change must pass.

use std::process::{Command, Output};
use std::time::Instant;

use crate::cargo;
use crate::deny;
use crate::drift;
use crate::failure::Failure;
use crate::programs;
use crate::setup;
use crate::steps::{Ran, Steps};
use crate::test;

/// A step of the CI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CiStep {
    Format,
    Test,
    Clippy,
    Docs,
    Deny,
    Drift,
}

impl CiStep {
    /// All steps, in an order that reuses builds: drift runs the binary that the tests run, docs
    /// uses what clippy checked, and formatting needs no build.
    pub(crate) const ALL: [Self; 6] =
        [Self::Format, Self::Test, Self::Drift, Self::Clippy, Self::Docs, Self::Deny];

    /// The step of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Test => "test",
            Self::Clippy => "clippy",
            Self::Docs => "docs",
            Self::Deny => "deny",
            Self::Drift => "drift",
        }
    }
}

/// The steps that look at code alone, with their commands: they can run beside tests.
const CHECKS: [(CiStep, &[&str]); 2] = [
    (CiStep::Clippy, &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]),
    (CiStep::Docs, &["doc", "--workspace", "--no-deps"]),
];

/// Runs all of these steps even if one fails, so that one run reports all failures. Those that can run
/// beside the tests do, if the tests are one of the steps.
pub(crate) fn run(chosen: &[CiStep]) -> Result<(), Failure> {
    let mut steps = Steps::default();
    let mut count = None;
    for step in chosen {
        if steps.has(step.name()) {
            continue;
        }
        match step {
            CiStep::Test => {
                let is_left = |step: CiStep| chosen.contains(&step) && !steps.has(step.name());
                let with_drift = is_left(CiStep::Drift);
                let checks = CHECKS.into_iter().filter(|(step, _)| is_left(*step));
                let checks: Vec<_> = checks.collect();
                let built = |steps: &mut Steps| {
                    if with_drift {
                        single(steps, CiStep::Drift, drift::run);
                    }
                };
                let beside =
                    || -> Vec<Ran> { checks.iter().map(|(step, line)| ran(*step, line)).collect() };
                let (part, tally) = test::all(None, built, beside);
                steps.extend(part);
                count = Some(tally);
            }
            CiStep::Format => single(&mut steps, *step, format),
            CiStep::Clippy | CiStep::Docs => single(&mut steps, *step, || check(*step)),
            CiStep::Deny => single(&mut steps, *step, deny::run),
            CiStep::Drift => single(&mut steps, *step, drift::run),
        }
    }
    let outcome = steps.finish();
    if let Some(tally) = count {
        println!("\n{tally}");
    }
    outcome
}

fn single(steps: &mut Steps, step: CiStep, run: impl FnOnce() -> Result<String, Failure>) {
    steps.run(step.name(), run);
}

fn format() -> Result<String, Failure> {
    cargo::run(&["fmt", "--all", "--check"]).map(|()| String::new())
}

/// Runs a check that is waited for.
fn check(step: CiStep) -> Result<String, Failure> {
    setup::plugins()?;
    for (_, line) in CHECKS.iter().filter(|(of, _)| *of == step) {
        programs::run(&mut strict(cargo::cargo(line)), &cargo::shown(line))?;
    }
    Ok(String::new())
}

/// Runs a check with what other work leaves of the cores, and keeps what it prints.
fn ran(step: CiStep, line: &[&str]) -> Ran {
    let began = Instant::now();
    let mut command = strict(cargo::gently(line));
    let (printed, outcome) = match command.output() {
        Ok(Output { status, stdout, stderr }) => {
            let printed = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
            let failed = || Failure::Exit { command: cargo::shown(line), status };
            let well = "beside the tests".to_owned();
            (printed, status.success().then_some(well).ok_or_else(failed))
        }
        Err(source) => (String::new(), Err(programs::cannot_start(&command, source))),
    };
    Ran { name: step.name(), took: began.elapsed(), printed, outcome }
}

/// A warning of the documentation is a failure, as one of clippy is.
fn strict(mut command: Command) -> Command {
    command.env("RUSTDOCFLAGS", "--deny warnings");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_a_step_that_runs_beside_tests_and_alone() {
        for (step, line) in CHECKS {
            assert!(CiStep::ALL.contains(&step), "{step:?}");
            assert_eq!(CHECKS.iter().filter(|(other, _)| *other == step).count(), 1, "{line:?}");
        }
        let failed = ran(CiStep::Docs, &["no-such-command"]);
        assert!(failed.printed.contains("no-such-command"), "{failed:?}");
        assert!(failed.outcome.is_err(), "{failed:?}");
        let well = ran(CiStep::Docs, &["--version"]);
        assert!(well.printed.starts_with("cargo "), "{well:?}");
        assert!(well.outcome.is_ok(), "{well:?}");
    }
}
