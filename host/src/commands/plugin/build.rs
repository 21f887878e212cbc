//! `leadsman plugin build`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use leadsman_plugin_build::{Project, component_of_module, embed_fixtures};
use leadsman_sandbox::limits::{self, StructuralLimits};
use ring::digest::{SHA256, digest};

use super::super::print_line;
use super::refused;
use crate::cli::BuildPlugin;

/// A component with its fixtures.
pub(super) struct Built {
    pub(super) component: Vec<u8>,
    /// Where its fixtures are.
    pub(super) fixtures: PathBuf,
    /// How many there are.
    pub(super) count: usize,
    /// Where the component belongs if nobody says so.
    output: PathBuf,
}

/// Builds a component, writes it, and prints its size and digest.
pub(super) fn build(arguments: &BuildPlugin) -> ExitCode {
    let snapshot = arguments.dev_snapshot.as_deref();
    let written = Built::of(&arguments.path, snapshot).and_then(|built| {
        let output = arguments.output.as_ref().unwrap_or(&built.output);
        std::fs::write(output, &built.component)
            .with_context(|| format!("cannot write {}", output.display()))?;
        print_line(format_args!("file     {}", output.display()));
        print_line(format_args!("size     {} bytes", built.component.len()));
        print_line(format_args!("digest   sha256:{}", hex(&built.component)));
        print_line(format_args!("fixtures {}", built.count));
        if is_large(&built.component) {
            print_line(format_args!(
                "load     with `maxBytes: {}` beside its file",
                limits::MAX_BYTES
            ));
        }
        Ok(())
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refused(format_args!("{error:#}")),
    }
}

impl Built {
    /// Builds a project, or takes a core module that another tool made.
    pub(super) fn of(path: &Path, dev_snapshot: Option<&Path>) -> anyhow::Result<Self> {
        let (mut component, fixtures, output) = if path.is_dir() {
            let project = Project::find(path)?;
            let output = path.join(project.component_name());
            (project.build(dev_snapshot)?, project.fixtures(), output)
        } else {
            let module =
                std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let component = component_of_module(&module)
                .with_context(|| format!("{} cannot become a plugin", path.display()))?;
            (component, path.with_file_name("fixtures"), path.with_extension("component.wasm"))
        };
        let count = embed_fixtures(&mut component, &fixtures)?;
        check_structure(&component)?;
        Ok(Self { component, fixtures, count, output })
    }
}

/// Checks what `serve` checks before it compiles, so that a component that is refused later is refused
/// here.
fn check_structure(component: &[u8]) -> anyhow::Result<()> {
    let structure =
        if is_large(component) { StructuralLimits::INTERPRETER } else { StructuralLimits::DEFAULT };
    limits::check(component, &structure).context("it is larger within than plugins may be")
}

/// Whether it must have an interpreter in it, for which the operator allows more.
fn is_large(component: &[u8]) -> bool {
    component.len() as u64 > StructuralLimits::DEFAULT.bytes
}

fn hex(component: &[u8]) -> String {
    digest(&SHA256, component).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
