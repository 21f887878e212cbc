//! Builds KEDA, whose operator asks Leadsman for values in the tests, and whose metrics server is one of
//! several adapters there.

use std::io;
use std::path::PathBuf;
use std::thread::{Builder, JoinHandle};

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

/// A build beside other work.
pub(crate) struct Background(io::Result<JoinHandle<Result<PathBuf, String>>>);

/// Builds it unless it exists.
pub(crate) fn setup() -> Result<(), Failure> {
    let folder = MODULE.setup(FLAGS).map_err(|reason| advice(&reason))?;
    println!("tests: KEDA in {}", folder.display());
    Ok(())
}

/// Builds it unless it exists, on what other work leaves: few tests need it, and it takes the longest.
pub(crate) fn in_background() -> Background {
    let build = || MODULE.setup_with(FLAGS, Manners::GivesWay);
    Background(Builder::new().name("keda".to_owned()).spawn(build))
}

impl Background {
    /// Waits for the build. Returns the environment variable with its path for the tests.
    pub(crate) fn wait(self) -> Result<(&'static str, PathBuf), Failure> {
        let thread = self.0.map_err(|error| advice(&error.to_string()))?;
        let built = thread.join().unwrap_or_else(|_| Err("the build panicked".to_owned()));
        Ok((MODULE.variable, built.map_err(|reason| advice(&reason))?))
    }
}

fn advice(reason: &str) -> Failure {
    Failure::Message(format!(
        "the tests use KEDA, which Go builds: {reason}\n\
         Install Go 1.26 or later (https://go.dev/dl), or an older one that may download it, then run \
         this again"
    ))
}
