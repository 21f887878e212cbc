//! `leadsman plugin new`

use std::path::Path;
use std::process::ExitCode;

use leadsman_plugin_build::{TemplateLanguage, create_project};

use super::super::print_line;
use super::refused;
use crate::cli::{NewPlugin, PluginLanguage};

/// Writes a project below the current folder, and says what comes next.
pub(super) fn new(new: &NewPlugin) -> ExitCode {
    let (language, native) = match new.language {
        PluginLanguage::Rust => (TemplateLanguage::Rust, "cargo test"),
        PluginLanguage::Go => (TemplateLanguage::Go, "go test ./..."),
    };
    match create_project(Path::new(""), &new.name, language) {
        Ok(folder) => {
            print_line(format_args!(
                "{}: a plugin that divides one query by another, for each pod\n\n\
                 cd {0}\n{native:24} # its fixtures, natively\n\
                 leadsman plugin test     # builds it and runs its fixtures in the sandbox\n\
                 leadsman plugin build    # {0}.wasm, to be named in a mapping: see mapping.yaml",
                folder.display(),
            ));
            ExitCode::SUCCESS
        }
        Err(error) => refused(format_args!("{:#}", anyhow::Error::from(error))),
    }
}
