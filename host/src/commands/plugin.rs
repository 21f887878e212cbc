//! `leadsman plugin …`

use std::path::Path;
use std::process::ExitCode;

use leadsman::app;
use leadsman_control as control;
use leadsman_sandbox::Plugin;

use super::{FAULTS, failed, runtime};

/// Loads a plugin as the adapter does, runs its fixtures, and prints what it says of itself.
pub(crate) fn inspect(file: &Path) -> ExitCode {
    let parts = match app::runtime() {
        Ok(parts) => parts,
        Err(error) => return failed(&error),
    };
    let compiler = match app::compiler(None) {
        Ok(compiler) => compiler,
        Err(error) => return failed(&error),
    };
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            println!("cannot read {}: {error}", file.display());
            return ExitCode::from(FAULTS);
        }
    };
    let loaded = runtime().map(|runtime| {
        runtime.block_on(async {
            let plugin = Plugin::load(&parts.engine, &compiler, &bytes).await?;
            let tested = control::self_test(&plugin).await;
            Ok::<_, leadsman_sandbox::LoadError>((plugin, tested))
        })
    });
    let (plugin, tested) = match loaded {
        Ok(Ok(loaded)) => loaded,
        Ok(Err(error)) => {
            println!("{} is not a plugin: {:#}", file.display(), anyhow::Error::from(error));
            return ExitCode::from(FAULTS);
        }
        Err(error) => return failed(&error),
    };
    let description = plugin.description();
    println!("name     {}", description.name);
    println!("version  {}", description.version);
    println!("about    {}", description.about);
    println!("digest   sha256:{}", plugin.digest());
    match serde_json::to_string_pretty(&description.config_schema) {
        Ok(schema) => println!("config   {schema}"),
        Err(error) => return failed(&error.into()),
    }
    match tested {
        Ok(0) => println!("fixtures it brings none"),
        Ok(count) => println!("fixtures {count} passed"),
        Err(reason) => {
            println!("fixtures {reason}");
            return ExitCode::from(FAULTS);
        }
    }
    ExitCode::SUCCESS
}
