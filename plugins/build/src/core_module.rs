//! From a core module that any compiler made to a component of the plugin world.

use std::collections::BTreeSet;

use wasmparser::{ExternalKind, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::segments::{InvalidModule, MAX_GAP, merge_data_segments};

/// The contract.
const WIT: &str = include_str!("../../../wit/plugin.wit");

/// What the stub of WASI imports, in the contract's own package.
const STUB_WORLD: &str = "\nworld stub {\n  import log;\n}\n";

/// The functions of WASI preview 1, answered within the component. Assembled when this crate is
/// built.
const STUB: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/preview1-stub.wasm"));

/// The module of imports that the stub answers.
const WASI: &str = "wasi_snapshot_preview1";

/// The import that the adapter answers.
const LOG: &str = "leadsman:plugin/log@0.1.0";

/// What a plugin exports, besides memory and `cabi_realloc`.
const EXPORTS: [&str; 3] = ["describe", "configure", "evaluate"];

/// The custom section by which a compiler says for which world a module is.
const METADATA: &str = "component-type";

/// The first bytes of a component.
const COMPONENT: [u8; 8] = [0x00, b'a', b's', b'm', 0x0d, 0x00, 0x01, 0x00];

/// Why a core module is not a plugin.
#[derive(Debug, thiserror::Error)]
pub enum CoreModuleError {
    /// It is a component.
    #[error("it is a component already: `leadsman plugin test` runs it as it is")]
    Component,
    /// It cannot be read.
    #[error("it is not a core WebAssembly module")]
    Invalid(#[source] InvalidModule),
    /// It has imports that nothing answers.
    #[error(
        "it imports {}, which plugins do not get: there are the functions of {WASI}, answered \
         without files and network, and {LOG}; {}",
        .imports.join(", "),
        advice(.imports)
    )]
    Imports {
        /// Modules and names.
        imports: Vec<String>,
    },
    /// It lacks exports of the plugin world.
    #[error(
        "it does not export {}; build it as a library (Go: -buildmode=c-shared; C: \
         -mexec-model=reactor; Rust: crate-type = [\"cdylib\"]) that exports the functions of \
         leadsman:plugin/mapping, as the SDKs do",
        .missing.join(", ")
    )]
    Exports {
        /// Their names.
        missing: Vec<String>,
    },
    /// The contract cannot be put into it.
    #[error("the contract of plugins cannot be put into it")]
    Contract(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It does not fit the contract.
    #[error("its functions are not those of leadsman:plugin/mapping")]
    Encode(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What helps against imports that nothing answers.
fn advice(imports: &[String]) -> &'static str {
    let any = |start: &str| imports.iter().any(|import| import.starts_with(start));
    if any("wasi_unstable") {
        "build it for WASI preview 1, whose functions are in that module"
    } else if any("wasi:") {
        "build it for WASI preview 1 (wasm32-wasip1, GOOS=wasip1), not for preview 2"
    } else if any("env.") || any("GOT.") {
        "a function was declared that no library has: link what defines it"
    } else if any("gojs") || any("go.") {
        "build it with GOOS=wasip1, not with GOOS=js"
    } else {
        "remove what needs it, or build for a target without it"
    }
}

/// Makes a component of a core module: merges its data segments, adds the contract where the compiler
/// has not, and answers WASI within. The same module gives the same component.
pub fn component_of_module(module: &[u8]) -> Result<Vec<u8>, CoreModuleError> {
    if module.starts_with(&COMPONENT) {
        return Err(CoreModuleError::Component);
    }
    let found = Found::of(module).map_err(CoreModuleError::Invalid)?;
    found.check()?;
    let merged = merge_data_segments(module, MAX_GAP).map_err(CoreModuleError::Invalid)?;
    let mut module = merged.into_owned();
    if !found.has_metadata {
        embed(&mut module, WIT, "mapping")?;
    }
    let mut encoder = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .map_err(|error| CoreModuleError::Encode(error.into()))?;
    if found.imports.iter().any(|(module, _)| module == WASI) {
        let mut stub = STUB.to_vec();
        embed(&mut stub, &format!("{WIT}{STUB_WORLD}"), "stub")?;
        encoder =
            encoder.adapter(WASI, &stub).map_err(|error| CoreModuleError::Encode(error.into()))?;
    }
    encoder.encode().map_err(|error| CoreModuleError::Encode(error.into()))
}

/// Says for which world a module is.
fn embed(module: &mut Vec<u8>, wit: &str, world: &str) -> Result<(), CoreModuleError> {
    let mut resolve = Resolve::default();
    let embedded = resolve.push_str("plugin.wit", wit).and_then(|package| {
        let world = resolve.select_world(&[package], Some(world))?;
        embed_component_metadata(module, &resolve, world, StringEncoding::UTF8)
    });
    embedded.map_err(|error| CoreModuleError::Contract(error.into()))
}

/// What matters of a module.
struct Found {
    /// Module and name of each import.
    imports: Vec<(String, String)>,
    exports: BTreeSet<String>,
    has_metadata: bool,
}

impl Found {
    fn of(module: &[u8]) -> Result<Self, InvalidModule> {
        let mut found = Self { imports: Vec::new(), exports: BTreeSet::new(), has_metadata: false };
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        found.imports.push((import.module.to_owned(), import.name.to_owned()));
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        found.exports.insert(export?.name.to_owned());
                    }
                }
                Payload::CustomSection(section) => {
                    found.has_metadata |= section.name().starts_with(METADATA);
                }
                _ => {}
            }
        }
        Ok(found)
    }

    fn check(&self) -> Result<(), CoreModuleError> {
        let answered = stub_functions().map_err(CoreModuleError::Invalid)?;
        let imports = self.imports.iter().filter(|(module, name)| match module.as_str() {
            WASI => !answered.contains(name),
            module => (module, name.as_str()) != (LOG, "write"),
        });
        let imports: Vec<_> = imports.map(|(module, name)| format!("{module}.{name}")).collect();
        if !imports.is_empty() {
            return Err(CoreModuleError::Imports { imports });
        }
        let required = EXPORTS.into_iter().chain(["memory", "cabi_realloc"]);
        let missing = required.filter(|name| !self.exports.contains(*name));
        let missing: Vec<_> = missing.map(str::to_owned).collect();
        if !missing.is_empty() {
            return Err(CoreModuleError::Exports { missing });
        }
        Ok(())
    }
}

/// The functions that the stub answers.
fn stub_functions() -> Result<BTreeSet<String>, InvalidModule> {
    let mut names = BTreeSet::new();
    for payload in Parser::new(0).parse_all(STUB) {
        if let Payload::ExportSection(section) = payload? {
            for export in section {
                let export = export?;
                if export.kind == ExternalKind::Func {
                    names.insert(export.name.to_owned());
                }
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
