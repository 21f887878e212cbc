//! From bytes to a plugin that can be run.

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::bindings::MappingPre;
use super::engine::Engine;
use super::error::{LOG, LoadError};
use super::run::Description;
use super::store::State;

/// The largest component: far more than a compiled language needs.
const MAX_BYTES: u64 = 8 << 20;

/// What a plugin exports.
const EXPORTS: [&str; 3] = ["describe", "configure", "evaluate"];

/// The version words of WebAssembly: a component's and a module's.
const COMPONENT: [u8; 8] = [0x00, b'a', b's', b'm', 0x0d, 0x00, 0x01, 0x00];
const MODULE: [u8; 8] = [0x00, b'a', b's', b'm', 0x01, 0x00, 0x00, 0x00];

/// A plugin, compiled and checked. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

struct Loaded {
    engine: Engine,
    pre: MappingPre<State>,
    digest: String,
    description: Description,
}

impl Plugin {
    /// Reads a file and loads it.
    pub fn read(engine: &Engine, path: &Path) -> Result<Self, LoadError> {
        let unreadable = |source| LoadError::Read { path: path.to_owned(), source };
        let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes > MAX_BYTES {
            return Err(LoadError::TooLarge { bytes, limit: MAX_BYTES });
        }
        Self::load(engine, &std::fs::read(path).map_err(unreadable)?)
    }

    /// Compiles a component and checks that it is a plugin.
    pub fn load(engine: &Engine, bytes: &[u8]) -> Result<Self, LoadError> {
        sniff(bytes)?;
        let component = Component::from_binary(engine.wasmtime(), bytes)
            .map_err(|error| LoadError::Invalid(format!("{error:#}")))?;
        check_world(engine, &component)?;
        let pre = engine
            .linker()
            .instantiate_pre(&component)
            .and_then(MappingPre::new)
            .map_err(|error| LoadError::OtherTypes(format!("{error:#}")))?;
        let digest = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let description = super::run::describe(engine, &pre).map_err(LoadError::Describe)?;
        Ok(Self(Arc::new(Loaded { engine: engine.clone(), pre, digest, description })))
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(super) fn pre(&self) -> &MappingPre<State> {
        &self.0.pre
    }

    /// Limits how many plugins run at once; take one for a run.
    pub fn slots(&self) -> Arc<tokio::sync::Semaphore> {
        self.0.engine.slots()
    }

    /// The SHA-256 of the component, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// What the plugin says of itself.
    pub fn description(&self) -> &Description {
        &self.0.description
    }
}

/// Tells apart what people load by mistake, before the compiler sees it.
fn sniff(bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.is_empty() {
        return Err(LoadError::Empty);
    }
    let size = bytes.len() as u64;
    if size > MAX_BYTES {
        return Err(LoadError::TooLarge { bytes: size, limit: MAX_BYTES });
    }
    match bytes.get(..8) {
        Some(start) if start == COMPONENT => Ok(()),
        Some(start) if start == MODULE => Err(LoadError::CoreModule),
        _ => {
            let start = &bytes[..bytes.len().min(16)];
            let start = match std::str::from_utf8(start) {
                Ok(text) => format!("the text {text:?}"),
                Err(_) => {
                    let hex: Vec<_> = start.iter().map(|byte| format!("{byte:02x}")).collect();
                    format!("the bytes {}", hex.join(" "))
                }
            };
            Err(LoadError::NotWasm { start })
        }
    }
}

/// Names what a component wants beyond what plugins get, and what it lacks, by name.
fn check_world(engine: &Engine, component: &Component) -> Result<(), LoadError> {
    let types = component.component_type();
    let engine = engine.wasmtime();
    let imports: Vec<_> = types
        .imports(engine)
        // An interface of types alone asks for nothing.
        .filter(|(name, item)| *name != LOG && asks_for_something(engine, &item.ty))
        .map(|(name, _)| name.to_owned())
        .collect();
    if !imports.is_empty() {
        return Err(LoadError::UnknownImports { imports });
    }
    let exports: Vec<_> = types.exports(engine).map(|(name, _)| name.to_owned()).collect();
    let missing: Vec<_> = EXPORTS
        .into_iter()
        .filter(|name| !exports.iter().any(|export| export == name))
        .map(str::to_owned)
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(LoadError::OtherWorld { missing, exports }) }
}

fn asks_for_something(engine: &wasmtime::Engine, item: &ComponentItem) -> bool {
    match item {
        ComponentItem::Type(_) => false,
        ComponentItem::ComponentInstance(instance) => {
            instance.exports(engine).any(|(_, item)| asks_for_something(engine, &item.ty))
        }
        _ => true,
    }
}
