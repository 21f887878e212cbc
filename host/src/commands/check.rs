//! `leadsman check`

use std::path::Path;
use std::process::ExitCode;

use leadsman::app;
use leadsman::config::ReadError;

use super::{FAULTS, failed};

/// Does all that `serve` does with a configuration, short of serving it.
pub(crate) fn check(config: &Path) -> ExitCode {
    let parts = match app::parts() {
        Ok(parts) => parts,
        Err(error) => return failed(&error),
    };
    match app::load(config, &parts) {
        Ok(snapshot) => {
            let count = snapshot.mappings().len();
            let mappings = if count == 1 { "mapping" } else { "mappings" };
            println!("{}: {count} {mappings}, no faults", config.display());
            ExitCode::SUCCESS
        }
        Err(ReadError::Faults(faults)) => {
            println!("{faults}");
            println!("{}", faults.count());
            ExitCode::from(FAULTS)
        }
        Err(error @ ReadError::File { .. }) => {
            println!("{:#}", anyhow::Error::from(error));
            ExitCode::from(FAULTS)
        }
    }
}
