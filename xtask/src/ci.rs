//! `cargo xtask ci`: the checks that a change must pass.

use crate::cargo;
use crate::deny;
use crate::drift;
use crate::failure::Failure;
use crate::programs;
use crate::setup;
use crate::steps::Steps;
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
    /// All steps, in an order that reuses builds: drift runs the binary that the tests built, docs
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

/// Runs all of these steps even if one fails, so that one run reports all failures.
pub(crate) fn run(chosen: &[CiStep]) -> Result<(), Failure> {
    let mut steps = Steps::default();
    let mut count = None;
    for step in chosen {
        match step {
            CiStep::Test => {
                let (part, tally) = test::all(None);
                steps.extend(part);
                count = Some(tally);
            }
            CiStep::Format => single(&mut steps, *step, format),
            CiStep::Clippy => single(&mut steps, *step, clippy),
            CiStep::Docs => single(&mut steps, *step, docs),
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

fn single(steps: &mut Steps, step: CiStep, run: fn() -> Result<String, Failure>) {
    steps.run(step.name(), run);
}

fn format() -> Result<String, Failure> {
    cargo::run(&["fmt", "--all", "--check"]).map(|()| String::new())
}

fn clippy() -> Result<String, Failure> {
    setup::plugins()?;
    cargo::run(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"])
        .map(|()| String::new())
}

fn docs() -> Result<String, Failure> {
    setup::plugins()?;
    let line = ["doc", "--workspace", "--no-deps"];
    let mut command = cargo::cargo(&line);
    command.env("RUSTDOCFLAGS", "--deny warnings");
    programs::run(&mut command, &cargo::shown(&line)).map(|()| String::new())
}
