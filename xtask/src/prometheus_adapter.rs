//! Builds prometheus-adapter, whose answers the tests compare with Leadsman's.

use std::path::PathBuf;

use crate::built::{Manners, Module};
use crate::failure::Failure;

/// Its sources: no code of ours, only the command that go.mod names as a tool.
const MODULE: Module = Module {
    variable: "LEADSMAN_PROMETHEUS_ADAPTER",
    name: "prometheus-adapter",
    sources: &["go.mod", "go.sum"],
    compiler: &[],
    packages: &["sigs.k8s.io/prometheus-adapter/cmd/adapter"],
    programs: &["adapter"],
    copied: None,
    takes: "three minutes",
};

/// Without debug information.
const FLAGS: &str = "-s -w";

/// Builds it unless it exists.
pub(crate) fn setup(manners: Manners) -> Result<(), Failure> {
    let folder = MODULE.setup(FLAGS, manners).map_err(|reason| advice(&reason))?;
    println!("tests: prometheus-adapter in {}", folder.display());
    Ok(())
}

/// The environment variable with its path for the tests, if it was built.
pub(crate) fn built() -> Option<(&'static str, PathBuf)> {
    Some((MODULE.variable, MODULE.built(FLAGS)?))
}

fn advice(reason: &str) -> Failure {
    Failure::Message(format!(
        "the tests compare with prometheus-adapter, which Go builds: {reason}\n\
         Install Go 1.24 or later (https://go.dev/dl, or the distribution's package), then run \
         this again"
    ))
}
