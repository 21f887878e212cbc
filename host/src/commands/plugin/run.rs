//! `leadsman plugin run`

use std::path::Path;
use std::process::ExitCode;

use leadsman::plugin_tools::{RegistryOptions, Tools};
use leadsman_control as control;

use super::super::explain::tried;
use super::super::{FAULTS, print_line, run as run_async};
use super::refused;
use crate::cli::RunPlugin;

/// Runs a plugin once.
pub(super) fn run(of: &RunPlugin) -> ExitCode {
    match (of.try_options(), &of.fixture) {
        (Some(options), _) => tried(&options, of.output, of.record.as_deref()),
        (None, Some(fixture)) => run_fixture(&of.plugin, fixture),
        // The command line requires one of the two.
        (None, None) => refused("name a mapping or a fixture"),
    }
}

fn run_fixture(plugin: &str, fixture: &Path) -> ExitCode {
    let text = match std::fs::read(fixture) {
        Ok(text) => text,
        Err(error) => return refused(format_args!("cannot read {}: {error}", fixture.display())),
    };
    let done = run_async(async {
        let tools = Tools::new(None)?;
        let plugin = tools.fetch(plugin, &RegistryOptions::default()).await?.plugin;
        anyhow::Ok(control::run_fixture(&plugin, text).await)
    });
    match done.flatten() {
        Ok(Ok(())) => {
            print_line(format_args!("{} passed", fixture.display()));
            ExitCode::SUCCESS
        }
        Ok(Err(reason)) => {
            print_line(format_args!("{}: {reason}", fixture.display()));
            ExitCode::from(FAULTS)
        }
        Err(error) => super::tools::wrong(&error),
    }
}
