//! The binary: parse the command line, start the runtime, run a command.
//!
//! Exit codes: 1 for a configuration or plugin with faults, 2 for a wrong command line, 3 for a
//! start that failed.

mod cli;
mod commands;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // What these print is not to scroll away.
    let quiet = matches!(cli.command, Command::Demo(_) | Command::Doctor(_));
    let usual = if quiet { "warn" } else { "info" };
    let level = cli.logs.log_level.as_deref().unwrap_or(usual);
    if let Err(error) = leadsman::telemetry::start_logging(cli.logs.log_format, level) {
        eprintln!("leadsman: cannot log: {error:#}");
        return ExitCode::from(2);
    }
    match cli.command {
        Command::Serve(serve) => commands::serve(serve),
        Command::Check { config } => commands::check(&config),
        Command::Demo(demo) => commands::demo(demo),
        Command::Doctor(doctor) => commands::doctor(doctor),
        Command::Schema => commands::schema(),
        Command::Plugin(cli::Plugin::Inspect { file }) => commands::inspect(&file),
    }
}
