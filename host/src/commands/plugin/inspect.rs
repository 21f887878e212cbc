//! `leadsman plugin inspect`

use std::path::Path;
use std::process::ExitCode;

use leadsman_control as control;
use leadsman_document::json_schema;

use super::super::{FAULTS, failed, print_line, run};
use super::{Loader, Refused};

/// Loads a plugin as `serve` does, runs its fixtures, and prints its description.
pub(crate) fn inspect(file: &Path) -> ExitCode {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            print_line(format_args!("cannot read {}: {error}", file.display()));
            return ExitCode::from(FAULTS);
        }
    };
    let loaded = Loader::new().and_then(|loader| {
        run(async {
            let plugin = loader.load(bytes).await?;
            let tested = control::self_test(&plugin).await;
            Ok::<_, Refused>((plugin, tested))
        })
    });
    let (plugin, tested) = match loaded {
        Ok(Ok(loaded)) => loaded,
        Ok(Err(refused)) => return refused.print(file),
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
