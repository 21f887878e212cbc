//! Builds KEDA, whose operator asks Leadsman for values in the tests, and whose metrics server is one of
//! several adapters there.

use std::path::PathBuf;

use crate::built::{Copied, Manners, Module};
use crate::failure::Failure;

/// Its sources: no code of ours, only the commands that go.mod names as tools.
const MODULE: Module = Module {
    variable: "LEADSMAN_KEDA",
    name: "keda",
    sources: &["go.mod", "go.sum"],
    // It is built faster than it runs: a third of the time is what makes it fast, and the tests wait for
    // polls.
    compiler: &["-gcflags=all=-N -l -dwarf=false"],
    packages: &[
        "github.com/kedacore/keda/v2/cmd/operator",
        "github.com/kedacore/keda/v2/cmd/adapter",
    ],
    programs: &["operator", "adapter"],
    copied: Some(Copied {
        module: "github.com/kedacore/keda/v2",
        from: "config/crd/bases",
        to: "crds",
    }),
    takes: "five minutes",
};

/// Without debug information.
const FLAGS: &str = "-s -w";

/// Builds it unless it exists.
pub(crate) fn setup(manners: Manners) -> Result<(), Failure> {
    let folder = MODULE.setup(FLAGS, manners).map_err(|reason| advice(&reason))?;
    println!("tests: KEDA in {}", folder.display());
    Ok(())
}

/// The environment variable with its path for the tests, if it was built.
pub(crate) fn built() -> Option<(&'static str, PathBuf)> {
    Some((MODULE.variable, MODULE.built(FLAGS)?))
}

fn advice(reason: &str) -> Failure {
    Failure::Message(format!(
        "the tests use KEDA, which Go builds: {reason}\n\
         Install Go 1.26 or later (https://go.dev/dl), or an older one that may download it, then run \
         this again"
    ))
}
