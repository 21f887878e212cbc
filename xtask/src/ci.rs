//! `cargo xtask ci`: the checks that a change must pass.

use std::process::Command;

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
                let of_step = |(step, line): &(CiStep, &[&str])| {
                    Ran::of(step.name(), strict(cargo::gently(line)), line)
                };
                let beside = || -> Vec<Ran> { checks.iter().map(of_step).collect() };
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

/// A warning of the documentation is a failure, as one of clippy is.
fn strict(mut command: Command) -> Command {
    command.env("RUSTDOCFLAGS", "--deny warnings");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_a_step_with_one_command() {
        for (step, line) in CHECKS {
            assert!(CiStep::ALL.contains(&step), "{step:?}");
            assert_eq!(CHECKS.iter().filter(|(other, _)| *other == step).count(), 1, "{line:?}");
        }
    }
}
