//! The subcommands.

mod check;
mod convert;
mod demo;
mod doctor;
mod explain;
mod plain;
mod plugin;
mod rules;
mod serve;
mod takeover;

use leadsman_document::Faults;
use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

pub(crate) use check::check;
pub(crate) use convert::convert;
pub(crate) use demo::demo;
pub(crate) use doctor::doctor;
pub(crate) use explain::{explain, try_mapping};
pub(crate) use plugin::plugin;
pub(crate) use rules::rules;
pub(crate) use serve::serve;
pub(crate) use takeover::takeover;

use plain::Plain;

use crate::cli::Schema;

/// A configuration or plugin has faults.
const FAULTS: u8 = 1;

/// The process could not start, or ended with an error.
const FAILED: u8 = 3;

/// Prints the JSON schema of the configuration.
pub(crate) fn schema(schema: &Schema) -> ExitCode {
    let printed = if schema.chart {
        leadsman_config::chart_definitions()
    } else {
        leadsman_config::published_schema()
    };
    match serde_json::to_string_pretty(&printed) {
        Ok(text) => {
            print_line(text);
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error.into()),
    }
}

/// How long the process waits for busy threads when it ends. A thread that reads from a volume that
/// hangs never ends.
const THREADS_TIMEOUT: Duration = Duration::from_secs(1);

/// Runs a command on an asynchronous runtime. Its threads for blocking work run plugins.
fn run<F: Future>(work: F) -> anyhow::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let output = runtime.block_on(work);
    runtime.shutdown_timeout(THREADS_TIMEOUT);
    Ok(output)
}

/// The total number of faults in several documents, as text.
fn count(documents: &[Faults]) -> String {
    match documents.iter().map(|faults| faults.numbers().0).sum::<usize>() {
        1 => "1 fault".to_owned(),
        many => format!("{many} faults"),
    }
}

/// Prints a result. A reader that closes the pipe early, such as `head`, is not an error.
fn print(text: impl fmt::Display) {
    printed(text);
}

/// The same, and says whether there is somebody who reads it yet.
fn printed(text: impl fmt::Display) -> bool {
    let mut output = io::stdout().lock();
    match write!(output, "{}", Plain(text)).and_then(|()| output.flush()) {
        Ok(()) => true,
        Err(error) => {
            if error.kind() != io::ErrorKind::BrokenPipe {
                eprintln!("leadsman: cannot print: {error}");
            }
            false
        }
    }
}

/// Prints a result and a line break.
fn print_line(text: impl fmt::Display) {
    print(format_args!("{text}\n"));
}

fn failed(error: &anyhow::Error) -> ExitCode {
    failed_with(error, FAILED)
}

fn failed_with(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("leadsman: {}", Plain(format_args!("{error:#}")));
    ExitCode::from(code)
}
