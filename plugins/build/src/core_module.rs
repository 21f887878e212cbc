//! From a core module that any compiler made to a component of the plugin world.

use std::collections::BTreeSet;

use wasmparser::{DataKind, ExternalKind, Operator, Parser, Payload};
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

/// The same for programs in Go, which keeps its lines below their data: a page that is added to their
/// memory would be used by both.
const STUB_OF_GO: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/preview1-stub-go.wasm"));

/// Where the data of a program in Go begins at the earliest. What is below is for arguments and variables
/// in browsers; with WASI it stays empty.
const GO_DATA_START: u32 = 12_288;

/// How Go's compiler calls itself in the custom section of producers.
const PRODUCERS: &str = "producers";
const GO_COMPILER: &[u8] = b"Go cmd/compile";

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
    let found = ModuleSummary::of(module).map_err(CoreModuleError::Invalid)?;
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
        let mut stub = found.stub().to_vec();
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
struct ModuleSummary {
    /// Module and name of each import.
    imports: Vec<(String, String)>,
    exports: BTreeSet<String>,
    has_metadata: bool,
    is_of_go: bool,
    /// The lowest address that has data.
    data_start: u32,
}

impl ModuleSummary {
    fn of(module: &[u8]) -> Result<Self, InvalidModule> {
        let mut found = Self {
            imports: Vec::new(),
            exports: BTreeSet::new(),
            has_metadata: false,
            is_of_go: false,
            data_start: u32::MAX,
        };
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
                    let mut parts = section.data().windows(GO_COMPILER.len());
                    found.is_of_go |=
                        section.name() == PRODUCERS && parts.any(|part| part == GO_COMPILER);
                }
                Payload::DataSection(section) => {
                    for data in section {
                        let DataKind::Active { offset_expr, .. } = data?.kind else { continue };
                        let start = match offset_expr.get_operators_reader().read()? {
                            Operator::I32Const { value } => value.cast_unsigned(),
                            // Not known before it runs.
                            _ => 0,
                        };
                        found.data_start = found.data_start.min(start);
                    }
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

impl ModuleSummary {
    /// What answers WASI for it.
    fn stub(&self) -> &'static [u8] {
        if self.is_of_go && self.data_start >= GO_DATA_START { STUB_OF_GO } else { STUB }
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
