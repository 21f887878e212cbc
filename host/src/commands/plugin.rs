//! `leadsman plugin …`

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use leadsman::app;
use leadsman_control as control;
use leadsman_document::json_schema;
use leadsman_sandbox::{CompileOwner, Plugin};

use super::{FAULTS, failed, print_line, run};

/// Loads a plugin as `serve` does, runs its fixtures, and prints its description.
pub(crate) fn inspect(file: &Path) -> ExitCode {
    let runtime = match app::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let compiler = match app::compiler(None) {
        Ok(compiler) => compiler,
        Err(error) => return failed(&error),
    };
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes::Bytes::from(bytes),
        Err(error) => {
            print_line(format_args!("cannot read {}: {error}", file.display()));
            return ExitCode::from(FAULTS);
        }
    };
    let loaded = run(async {
        let plugin =
            Plugin::load(&runtime.engine, &compiler, &CompileOwner::Operator, bytes).await?;
        let tested = control::self_test(&plugin).await;
        Ok::<_, leadsman_sandbox::LoadError>((plugin, tested))
    });
    let (plugin, tested) = match loaded {
        Ok(Ok(loaded)) => loaded,
        Ok(Err(error)) => {
            print_line(format_args!(
                "{} is not a plugin: {:#}",
                file.display(),
                anyhow::Error::from(error)
            ));
            return ExitCode::from(FAULTS);
        }
        Err(error) => return failed(&error),
    };
    let description = plugin.description();
    print_line(format_args!("name     {}", description.name));
    print_line(format_args!("version  {}", description.version));
    print_line(format_args!("about    {}", description.about));
    print_line(format_args!("digest   sha256:{}", plugin.digest()));
    match serde_json::to_string_pretty(&description.config_schema) {
        Ok(schema) => print_line(format_args!("config   {schema}")),
        Err(error) => return failed(&error.into()),
    }
    if let Err(reason) = json_schema::check(&description.config_schema) {
        print_line(format_args!("schema   {reason}"));
        return ExitCode::from(FAULTS);
    }
    match tested {
        Ok(0) => print_line("fixtures it brings none"),
        Ok(count) => print_line(format_args!("fixtures {count} passed")),
        Err(reason) => {
            print_line(format_args!("fixtures {reason}"));
            return ExitCode::from(FAULTS);
        }
    }
    ExitCode::SUCCESS
}

/// Runs a plugin on a fixture.
pub(crate) fn run_fixture(plugin: &str, fixture: &Path) -> ExitCode {
    let loaded = app::runtime().and_then(|runtime| Ok((runtime, app::compiler(None)?)));
    let (runtime, compiler) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return failed(&error),
    };
    let text = match std::fs::read(fixture) {
        Ok(text) => text,
        Err(error) => {
            print_line(format_args!("cannot read {}: {error}", fixture.display()));
            return ExitCode::from(FAULTS);
        }
    };
    let done = run(async {
        let plugin = match control::shipped_plugin(&runtime.engine, plugin) {
            Some(shipped) => shipped.map_err(anyhow::Error::from)?,
            None => {
                let bytes = std::fs::read(plugin).with_context(|| {
                    format!("{plugin} is no plugin that ships with Leadsman, and no file")
                })?;
                let (engine, owner) = (&runtime.engine, CompileOwner::Operator);
                Plugin::load(engine, &compiler, &owner, bytes::Bytes::from(bytes)).await?
            }
        };
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
        Err(error) => failed(&error),
    }
}
