//! `leadsman plugin inspect`, `bench`, `diff`, `push`, `sign`, `pull` and `dev`

use std::process::ExitCode;

use leadsman::plugin_tools::{self as tools, PluginError};

use super::super::{FAULTS, failed, print, run, serve};
use super::refused;
use crate::cli::{
    BenchPlugin, DevPlugin, DiffPlugins, InspectPlugin, PullPlugin, PushPlugin, SignPlugin,
};

/// Loads a plugin as `serve` does, runs its fixtures, and prints its description.
pub(super) fn inspect(of: &InspectPlugin) -> ExitCode {
    ended(run(tools::inspect(&of.plugin, &of.access())), |inspection| inspection.is_good())
}

/// Measures a plugin.
pub(super) fn bench(of: &BenchPlugin) -> ExitCode {
    ended(run(tools::bench(&of.options())), |bench| bench.is_good())
}

/// Compares two plugins.
pub(super) fn diff(of: &DiffPlugins) -> ExitCode {
    let compared = run(tools::diff(&of.old, &of.new, &of.fixture, &of.access()));
    ended(compared, |differences| differences.is_same())
}

/// Pushes a component.
pub(super) fn push(of: &PushPlugin) -> ExitCode {
    ended(run(tools::push(&of.options())), |_| true)
}

/// Prints how an artifact is signed.
pub(super) fn sign(of: &SignPlugin) -> ExitCode {
    let (access, key) = (of.access(), of.key.as_deref());
    let lines = run(async {
        let digest = access.resolve(&of.reference).await?;
        anyhow::Ok(tools::sign_lines(&of.reference, &digest, key, &access))
    });
    ended(lines, |_| true)
}

/// Pulls a component.
pub(super) fn pull(of: &PullPlugin) -> ExitCode {
    ended(run(tools::pull(&of.reference, &of.output(), &of.access())), |_| true)
}

/// Serves a plugin while it is edited.
pub(super) fn dev(of: &DevPlugin) -> ExitCode {
    let show = |text: &str| print(text);
    match run(tools::dev(of.options(), show, serve::ended_by_signal())).flatten() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => wrong(&error),
    }
}

/// Prints what came, and whether it is as it should be.
fn ended<T: std::fmt::Display>(
    done: anyhow::Result<anyhow::Result<T>>,
    is_good: impl Fn(&T) -> bool,
) -> ExitCode {
    match done.flatten() {
        Ok(result) => {
            print(&result);
            if is_good(&result) { ExitCode::SUCCESS } else { ExitCode::from(FAULTS) }
        }
        Err(error) => wrong(&error),
    }
}

/// A plugin that is at fault is told from a command that failed.
pub(super) fn wrong(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<PluginError>() {
        Some(fault) => refused(fault),
        None => failed(error),
    }
}
