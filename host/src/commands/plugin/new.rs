//! `leadsman plugin new`

use std::path::Path;
use std::process::ExitCode;

use leadsman_plugin_build::{Template, TemplateLanguage, create_project};

use super::super::print_line;
use super::refused;
use crate::cli::{NewPlugin, PluginLanguage, PluginTemplate};

/// What installs the tools that build and test, once for each project.
const PYTHON_TOOLS: &str = "python3 -m venv .venv && .venv/bin/pip install -r requirements-dev.txt";
const NPM_TOOLS: &str = "npm install";

/// Writes a project below the current folder, and says what comes next.
pub(super) fn new(new: &NewPlugin) -> ExitCode {
    // Its mapping would be refused.
    if leadsman_control::is_shipped(&new.name.to_string()) {
        return refused(format_args!(
            "a plugin named \"{}\" ships with Leadsman; choose another name",
            new.name
        ));
    }
    let (language, tools) = match new.language {
        PluginLanguage::Rust => (TemplateLanguage::Rust, None),
        PluginLanguage::Go => (TemplateLanguage::Go, None),
        PluginLanguage::Python => (TemplateLanguage::Python, Some(PYTHON_TOOLS)),
        PluginLanguage::JavaScript => (TemplateLanguage::JavaScript, Some(NPM_TOOLS)),
        PluginLanguage::TypeScript => (TemplateLanguage::TypeScript, Some(NPM_TOOLS)),
    };
    let template = match new.template {
        PluginTemplate::Ratio => Template::Ratio,
        PluginTemplate::PerObject => Template::PerObject,
        PluginTemplate::History => Template::History,
        PluginTemplate::Objects => Template::Objects,
        PluginTemplate::External => Template::External,
    };
    match create_project(Path::new(""), &new.name, language, template) {
        Ok(folder) => {
            let folder = folder.display();
            print_line(format_args!("{folder}: {}\n\ncd {folder}", template.about()));
            if let Some(tools) = tools {
                print_line(tools);
            }
            print_line(format_args!(
                "leadsman plugin test     # its tests, and its fixtures in the sandbox\n\
                 leadsman plugin build    # {folder}.wasm, to be named in a mapping: see mapping.yaml"
            ));
            ExitCode::SUCCESS
        }
        Err(error) => refused(format_args!("{:#}", anyhow::Error::from(error))),
    }
}
