//! The arguments of `leadsman plugin`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use leadsman_plugin_build::ProjectName;

use super::plugin_tools::{
    BenchPlugin, DevPlugin, DiffPlugins, InspectPlugin, PullPlugin, PushPlugin, RunPlugin,
    SignPlugin,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    /// Write a project that builds, tests and runs at once, with the SDK in it: nothing is downloaded.
    New(NewPlugin),
    /// Build a plugin with its language's own tool, pack its fixtures into it, and print its size and
    /// digest. The same sources give the same digest. Exits with 1 if that fails.
    Build(BuildPlugin),
    /// Run every fixture on the component, within the limits that it has when it serves, and the
    /// project's own tests with its language's own tool; show what came of each fixture in both, side by
    /// side where it differs. Exits with 1 if one gives something else than it expects.
    Test(TestPlugin),
    /// Run a plugin once: for a mapping on its real source, which shows queries, rows, log lines, values,
    /// time and memory, or on a fixture, which says whether it passes. Exits with 1 if there are no
    /// values, or not those that the fixture expects.
    Run(RunPlugin),
    /// Measure time and memory at 10, 100, 1,000 and 10,000 series, against the limits of a mapping.
    /// Exits with 1 if a limit is exceeded.
    Bench(BenchPlugin),
    /// Watch a project; build, test and serve it at each change, from an adapter on this machine, and
    /// show the value.
    Dev(DevPlugin),
    /// Run two versions on the same fixtures and recorded inputs, and show what differs. Exits with 1 if
    /// anything does.
    Diff(DiffPlugins),
    /// Load a plugin as `serve` does, run its fixtures, and print its description, what it needs, and
    /// what its registry says about it. Exits with 1 if it would not be served.
    Inspect(InspectPlugin),
    /// Push a component to a registry, as an OCI artifact.
    Push(PushPlugin),
    /// Print the commands that sign an artifact and check its signature.
    Sign(SignPlugin),
    /// Pull a component from a registry. With --key, only a signed one.
    Pull(PullPlugin),
}

#[derive(Debug, Args)]
pub(crate) struct NewPlugin {
    /// The name of the plugin and of its folder.
    pub(crate) name: ProjectName,
    /// The language of the sources.
    #[arg(long, value_enum)]
    pub(crate) language: PluginLanguage,
    /// What the plugin does, to begin with.
    #[arg(long, value_enum, default_value_t = PluginTemplate::Ratio)]
    pub(crate) template: PluginTemplate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PluginTemplate {
    /// One query divided by another, for each pod.
    Ratio,
    /// A value for each pod, from one query.
    PerObject,
    /// A value for each pod, from the samples of a range query.
    History,
    /// A total, divided among the pods that exist.
    Objects,
    /// Items of an external metric.
    External,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PluginLanguage {
    Rust,
    Python,
    #[value(name = "javascript")]
    JavaScript,
    #[value(name = "typescript")]
    TypeScript,
    Go,
}

#[derive(Debug, Args)]
pub(crate) struct BuildPlugin {
    /// The folder of a project (one with Cargo.toml, go.mod, package.json or pyproject.toml), or a core
    /// module that another tool made, whose fixtures are in the folder `fixtures` beside it.
    #[arg(default_value = ".", value_name = "DIR|FILE")]
    pub(crate) path: PathBuf,
    /// Where the component is written: NAME.wasm in the project's folder if left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// For `plugin dev`, which builds again and again: the snapshot of an interpreter that is used again.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) dev_snapshot: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct TestPlugin {
    /// The folder of a project, which is built first, or a component with fixtures in it.
    #[arg(default_value = ".", value_name = "DIR|FILE")]
    pub(crate) path: PathBuf,
    /// Write what the plugin gives into fixtures that expect something else. For a project.
    #[arg(long)]
    pub(crate) bless: bool,
    /// Run the fixtures on the component alone, and not natively with the project's own tests.
    #[arg(long)]
    pub(crate) no_native: bool,
    /// Write the results of both for a CI, as JUnit's XML.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}
