//! The binary: parse the command line, start the runtime, run a command.
//!
//! Exit codes: 1 for a configuration or plugin with faults, 2 for a wrong command line, 3 for a
//! start that failed.

mod cli;
mod commands;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

/// What it is configured with is in `.cargo/config.toml`, as it is compiled in.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // A child process that compiles does not parse the command line.
    if std::env::args_os().nth(1).is_some_and(|first| first == leadsman_sandbox::SUBCOMMAND) {
        let time = std::env::args().nth(2).and_then(|time| time.parse().ok());
        return ExitCode::from(leadsman_sandbox::compile_as_child(time));
    }
    let mut arguments = std::env::args();
    let program = arguments.next().unwrap_or_default();
    let translated = cli::translate(&program, arguments.collect());
    let cli = Cli::parse_from(std::iter::once("leadsman".to_owned()).chain(translated.arguments));
    // Log lines would hide what these print.
    let quiet = matches!(
        cli.command,
        Command::Demo(_)
            | Command::Doctor(_)
            | Command::Explain(_)
            | Command::Plugin(_)
            | Command::Try(_)
            | Command::Takeover(_)
    );
    let default = match cli.command {
        // They print the faults themselves.
        Command::Check(_) | Command::Rules(_) | Command::Convert(_) => "off",
        // They may serve a configuration, whose faults they print themselves.
        Command::Try(_) | Command::Plugin(_) => "warn,kube_client=off,leadsman_control::report=off",
        // What kube-apiserver refuses is reported by the command itself.
        _ if quiet => "warn,kube_client=off",
        _ => "info",
    };
    let level = cli.logs.log_level.as_deref().unwrap_or(default);
    if let Err(error) = leadsman_runtime::telemetry::start_logging(cli.logs.log_format, level) {
        eprintln!("leadsman: cannot log: {error:#}");
        return ExitCode::from(2);
    }
    for note in translated.notes {
        tracing::warn!("{note}");
    }
    match cli.command {
        Command::Serve(serve) => commands::serve(*serve),
        Command::Check(check) => commands::check(check),
        Command::Demo(demo) => commands::demo(demo),
        Command::Doctor(doctor) => commands::doctor(doctor),
        Command::Explain(explain) => commands::explain(explain),
        Command::Try(of) => commands::try_mapping(&of),
        Command::Rules(rules) => commands::rules(rules),
        Command::Takeover(takeover) => commands::takeover(&takeover),
        Command::Convert(convert) => commands::convert(convert),
        Command::Schema(schema) => commands::schema(&schema),
        Command::Plugin(plugin) => commands::plugin(plugin),
    }
}
