//! `leadsman plugin …`

mod build;
mod inspect;
mod junit;
mod new;
mod side_by_side;
mod test;

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use leadsman::app;
use leadsman_control::Runtime;
use leadsman_sandbox::{CompileOwner, Compiler, LoadError};

use super::{FAULTS, print_line};
use crate::cli;

/// Runs a command.
pub(crate) fn plugin(plugin: cli::Plugin) -> ExitCode {
    match plugin {
        cli::Plugin::New(new) => new::new(&new),
        cli::Plugin::Build(build) => build::build(&build),
        cli::Plugin::Test(test) => test::test(&test),
        cli::Plugin::Inspect { file } => inspect::inspect(&file),
    }
}

/// What loads plugins as `serve` does.
struct Loader {
    runtime: Runtime,
    compiler: Compiler,
}

impl Loader {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { runtime: app::runtime()?, compiler: app::compiler(None)? })
    }

    async fn load(&self, component: Vec<u8>) -> Result<leadsman_sandbox::Plugin, Refused> {
        let bytes = bytes::Bytes::from(component);
        let engine = &self.runtime.engine;
        leadsman_sandbox::Plugin::load(engine, &self.compiler, &CompileOwner::Operator, bytes)
            .await
            .map_err(Refused)
    }
}

/// A component that is not a plugin.
struct Refused(LoadError);

impl Refused {
    fn print(self, file: &Path) -> ExitCode {
        let error = anyhow::Error::from(self.0);
        refused(format_args!("{} is not a plugin: {error:#}", file.display()))
    }
}

/// Prints what is wrong with a project or a plugin.
fn refused(reason: impl fmt::Display) -> ExitCode {
    print_line(reason);
    ExitCode::from(FAULTS)
}
