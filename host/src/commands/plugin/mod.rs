//! `leadsman plugin …`

mod build;
mod junit;
mod native;
mod new;
mod report;
mod run;
mod side_by_side;
mod test;
mod tools;

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
        cli::Plugin::Run(of) => run::run(&of),
        cli::Plugin::Bench(bench) => tools::bench(&bench),
        cli::Plugin::Dev(dev) => tools::dev(&dev),
        cli::Plugin::Diff(diff) => tools::diff(&diff),
        cli::Plugin::Inspect(inspect) => tools::inspect(&inspect),
        cli::Plugin::Push(push) => tools::push(&push),
        cli::Plugin::Sign(sign) => tools::sign(&sign),
        cli::Plugin::Pull(pull) => tools::pull(&pull),
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
