//! `cargo xtask test`: every test, with the real servers that it needs.

use crate::cargo;
use crate::failure::Failure;
use crate::servers::Servers;
use crate::setup;
use crate::steps::{Ran, Steps};
use crate::tally::Tally;
use crate::test_programs;

/// Builds everything that the tests run, including the adapter's binary. One command for both:
/// cargo would resolve other features for the binary alone, and build its dependencies twice.
const BUILD: &[&str] =
    &["build", "--workspace", "--bin", "leadsman", "--lib", "--tests", "--examples"];
const DOC_TESTS: &[&str] = &["test", "--workspace", "--doc", "--no-fail-fast"];

/// Runs the tests; the last line is their count.
pub(crate) fn run(filter: Option<&str>) -> Result<(), Failure> {
    let (steps, tally) = all(filter, |_| (), Vec::new);
    let outcome = steps.finish();
    println!("\n{tally}");
    outcome
}

/// The steps of a test run, and the number of passed tests. What could not be built or started
/// counts as a failed test, so that the count alone shows a failed run. `built` runs once everything is
/// built, before a test could change a source, and `beside` while the tests wait for their servers.
pub(crate) fn all(
    filter: Option<&str>,
    built: impl FnOnce(&mut Steps),
    beside: impl FnOnce() -> Vec<Ran> + Send,
) -> (Steps, Tally) {
    let mut steps = Steps::default();
    let mut tally = Tally::default();
    let servers = Servers::default();
    let well = std::thread::scope(|scope| {
        if !steps.run("setup", ready) {
            return false;
        }
        servers.start(scope);
        if !steps.run("build", build) {
            return false;
        }
        built(&mut steps);
        let (mut ran, mut docs) = (Vec::new(), None);
        let in_background = || {
            docs = Some(doc_tests(filter));
            ran = beside();
        };
        let units =
            steps.run("tests", || test_programs::run(filter, &servers, in_background, &mut tally));
        let docs = docs.is_some_and(|(docs, count)| {
            tally = tally.and(count);
            steps.ran(docs)
        });
        for step in ran {
            steps.ran(step);
        }
        let well = units && docs;
        // A misspelled filter must not look like a success.
        let none = well && tally == Tally::default();
        if none {
            steps.run("any test", || no_test(filter));
        }
        well && !none
    });
    if !well {
        tally.failed = tally.failed.max(1);
    }
    (steps, tally)
}

/// Builds everything that the tests run.
pub(crate) fn build() -> Result<String, Failure> {
    let mut line = BUILD.to_vec();
    if cargo::in_ci() {
        // The CI tests exactly what was submitted.
        line.push("--locked");
    }
    cargo::run(&line).map(|()| String::new())
}

/// Without the servers a developer can still run the other tests; in the CI it is a failure.
fn ready() -> Result<String, Failure> {
    match setup::for_tests() {
        Err(failure) if cargo::in_ci() => Err(failure),
        Err(failure) => {
            // Without a compiler for plugins nothing can be run.
            setup::plugins()?;
            println!("warning: {failure}");
            Ok("incomplete: tests that need what is missing fail".to_owned())
        }
        Ok(()) => Ok(String::new()),
    }
}

/// With what other work leaves of the cores.
fn doc_tests(filter: Option<&str>) -> (Ran, Tally) {
    let mut line = DOC_TESTS.to_vec();
    line.extend(filter);
    let mut ran = Ran::of("doc tests", cargo::gently(&line), &line);
    let mut tally = Tally::default();
    ran.printed.lines().for_each(|line| tally.line(line));
    ran.outcome = match ran.outcome {
        Ok(_) => Ok(tally.to_string()),
        // A test program that crashed has no summary.
        Err(_) if tally.failed == 0 => {
            Err(Failure::Message(format!("{tally}; a test program ended without a result")))
        }
        Err(_) => Err(Failure::Message(tally.to_string())),
    };
    (ran, tally)
}

fn no_test(filter: Option<&str>) -> Result<String, Failure> {
    Err(Failure::Message(match filter {
        Some(filter) => format!("no test's name contains `{filter}`"),
        None => "no test ran".to_owned(),
    }))
}
