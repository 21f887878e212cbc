//! The project's own commands, run as `cargo xtask COMMAND`.

use std::process::ExitCode;

mod apt;
mod arguments;
mod author_tools;
mod bench;
mod built;
mod cargo;
mod ci;
mod control_plane;
mod crates;
mod demo;
mod deny;
mod drift;
mod failure;
mod fuzz;
mod go;
mod keda;
mod layout;
mod programs;
mod prometheus_adapter;
mod servers;
mod setup;
mod steps;
mod tally;
mod test;
mod test_programs;

use arguments::{Command, USAGE};
use failure::Failure;

fn main() -> ExitCode {
    let arguments = std::env::args().skip(1).collect();
    match arguments::parse(arguments).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Help => {
            println!("{USAGE}");
            Ok(())
        }
        Command::Setup { tests } => setup::run(tests),
        Command::SetupDeny => deny::setup(),
        Command::Demo { arguments } => demo::run(&arguments),
        Command::Test { filter } => test::run(filter.as_deref()),
        Command::Ci { steps } => ci::run(&steps),
        Command::Bench { name, arguments } => bench::run(name, &arguments),
        Command::Fuzz(fuzz) => fuzz.run(),
        Command::Crates => crates::run(),
        Command::Layout => layout::run(),
    }
}
