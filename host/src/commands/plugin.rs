//! `leadsman plugin …`

use std::path::Path;
use std::process::ExitCode;

use leadsman::app;
use leadsman::plugin::Plugin;

use super::{FAULTS, failed};

/// Loads a plugin as the adapter does and prints what it says of itself.
pub(crate) fn inspect(file: &Path) -> ExitCode {
    let parts = match app::parts() {
        Ok(parts) => parts,
        Err(error) => return failed(&error),
    };
    match Plugin::read(&parts.engine, file) {
        Ok(plugin) => {
            let description = plugin.description();
            println!("name     {}", description.name);
            println!("version  {}", description.version);
            println!("about    {}", description.about);
            println!("digest   sha256:{}", plugin.digest());
            match serde_json::to_string_pretty(&description.config_schema) {
                Ok(schema) => println!("config   {schema}"),
                Err(error) => return failed(&error.into()),
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{} is not a plugin: {:#}", file.display(), anyhow::Error::from(error));
            ExitCode::from(FAULTS)
        }
    }
}
