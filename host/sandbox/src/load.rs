//! Loads a plugin: compiles the component, checks its imports and exports, and calls `describe`.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::bindings::MappingPre;
use super::compile;
use super::compile_queue::CompileOwner;
use super::compiled::Compiled;
use super::compiler::Compiler;
use super::compiler_process::CompileCost;
use super::engine::Engine;
use super::error::{LOG, LoadError};
use super::fixtures;
use super::run::Description;
use super::store::StoreState;
use leadsman_model::reference::Digest;

/// The exports of the plugin world.
const EXPORTS: [&str; 3] = ["describe", "configure", "evaluate"];

/// The first bytes of components and of core modules: magic number and version.
const COMPONENT: [u8; 8] = [0x00, b'a', b's', b'm', 0x0d, 0x00, 0x01, 0x00];
const MODULE: [u8; 8] = [0x00, b'a', b's', b'm', 0x01, 0x00, 0x00, 0x00];

/// A plugin, compiled and checked. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

/// A reference to a loaded plugin that does not keep it loaded.
pub(super) struct WeakPlugin(Weak<Loaded>);

impl WeakPlugin {
    pub(super) fn upgrade(&self) -> Option<Plugin> {
        self.0.upgrade().map(Plugin)
    }
}

struct Loaded {
    engine: Engine,
    pre: MappingPre<StoreState>,
    digest: String,
    description: Description,
    fixtures: Option<Box<[u8]>>,
    cost: Option<CompileCost>,
}

impl Plugin {
    /// Compiles a component on behalf of its owner and checks that it is a plugin. Returns the
    /// loaded plugin if the same component is in use already.
    pub async fn load(
        engine: &Engine,
        compiler: &Compiler,
        owner: &CompileOwner,
        bytes: Bytes,
    ) -> Result<Self, LoadError> {
        sniff(&bytes)?;
        let component = bytes.clone();
        let read = move || (Digest::of(&component).hex(), fixtures::section(&component));
        let (digest, fixtures) = blocking(read).await?;
        if let Some(plugin) = compiler.loaded(&digest) {
            return Ok(plugin);
        }
        let (code, cost) = compiler.compile(engine, owner, &digest, &bytes).await?;
        let engine = engine.clone();
        let permit = engine.loading().await;
        // `describe` runs plugin code, which may use all of its time limit.
        let link = move || {
            let _permit = permit;
            Self::link(engine, digest, fixtures, (&code, cost))
        };
        let plugin = blocking(link).await??;
        compiler.share(&plugin);
        Ok(plugin)
    }

    pub(super) fn downgrade(&self) -> WeakPlugin {
        WeakPlugin(Arc::downgrade(&self.0))
    }

    /// Loads a trusted component: compiles it in this process and blocks meanwhile.
    pub fn load_trusted(engine: &Engine, bytes: &[u8]) -> Result<Self, LoadError> {
        sniff(bytes)?;
        let code = Compiled::from_compiler(compile::compile(bytes, None)?);
        Self::link(engine.clone(), Digest::of(bytes).hex(), fixtures::section(bytes), (&code, None))
    }

    fn link(
        engine: Engine,
        digest: String,
        fixtures: Option<Box<[u8]>>,
        (code, cost): (&Compiled, Option<CompileCost>),
    ) -> Result<Self, LoadError> {
        let component =
            code.component(&engine).map_err(|error| LoadError::Engine(format!("{error:#}")))?;
        check_world(&engine, &component)?;
        let pre = engine
            .linker()
            .instantiate_pre(&component)
            .and_then(MappingPre::new)
            .map_err(|error| LoadError::OtherTypes(format!("{error:#}")))?;
        let description = super::run::describe(&engine, &pre).map_err(LoadError::Describe)?;
        Ok(Self(Arc::new(Loaded { engine, pre, digest, description, fixtures, cost })))
    }

    /// The fixtures in the component, as JSON.
    pub fn fixtures(&self) -> Option<&[u8]> {
        self.0.fixtures.as_deref()
    }

    /// What compiling it took, if that was done in this process and not from a cache.
    pub fn compile_cost(&self) -> Option<CompileCost> {
        self.0.cost
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(super) fn pre(&self) -> &MappingPre<StoreState> {
        &self.0.pre
    }

    /// Limits the number of concurrent runs. Every run needs a permit.
    pub fn slots(&self) -> &leadsman_model::permits::FairSemaphore {
        self.0.engine.slots()
    }

    /// Waits for a permit to configure or test the plugin.
    pub async fn loading(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        self.0.engine.loading().await
    }

    /// The SHA-256 of the component, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// The plugin's description of itself.
    pub fn description(&self) -> &Description {
        &self.0.description
    }
}

/// Runs work on a thread for blocking work.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, LoadError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "loading a plugin panicked");
        LoadError::Engine("the adapter failed while it loaded the plugin".to_owned())
    })
}

/// Recognizes common mistakes by the first bytes, before compilation.
fn sniff(bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.is_empty() {
        return Err(LoadError::Empty);
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

/// Checks the imports and exports of a component by name.
fn check_world(engine: &Engine, component: &Component) -> Result<(), LoadError> {
    let types = component.component_type();
    let engine = engine.wasmtime();
    let imports: Vec<_> = types
        .imports(engine)
        // Interfaces that contain only types are allowed.
        .filter(|(name, item)| *name != LOG && imports_functions(engine, &item.ty))
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

fn imports_functions(engine: &wasmtime::Engine, item: &ComponentItem) -> bool {
    match item {
        ComponentItem::Type(_) => false,
        ComponentItem::ComponentInstance(instance) => {
            instance.exports(engine).any(|(_, item)| imports_functions(engine, &item.ty))
        }
        _ => true,
    }
}
