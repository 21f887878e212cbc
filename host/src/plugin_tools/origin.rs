//! The origin of a plugin: a file, the shipped ones, or a registry.

use std::path::Path;

use anyhow::Context as _;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::registry::{self, RegistryOptions};
use super::{PluginError, Provenance};
use crate::app;
use crate::explain::try_mapping::IS_FOLDER;
use leadsman_control as control;
use leadsman_oci::{Digest, Reference};
use leadsman_sandbox::{CompileOwner, Compiler, Engine, Plugin};

/// How many versions of a plugin that is edited have their code kept. With an interpreter, each has tens of
/// megabytes.
const MAX_EDITS: usize = 8;

/// The largest file that is read as a component, in bytes. The sandbox refuses smaller ones already.
const MAX_FILE: u64 = 64 << 20;

/// What loads plugins, as in `serve`.
pub struct Tools {
    engine: Engine,
    compiler: Compiler,
}

/// A plugin with where it is from.
pub struct Fetched {
    /// The plugin.
    pub plugin: Plugin,
    /// The size of the component, in bytes; `None` for one that ships with the adapter.
    pub bytes: Option<usize>,
    /// What a registry says about it.
    pub provenance: Option<Provenance>,
}

impl Tools {
    /// Starts an engine. `cache` keeps compiled code.
    pub fn new(cache: Option<&Path>) -> anyhow::Result<Self> {
        Ok(Self { engine: app::runtime()?.engine, compiler: app::compiler(cache)? })
    }

    /// The same for a plugin that is edited: what did not change is not compiled again.
    pub(super) fn for_edits(cache: &Path) -> anyhow::Result<Self> {
        let tools = Self::new(Some(cache))?;
        let compiler = tools.compiler.incremental().keeping(MAX_EDITS);
        Ok(Self { compiler, ..tools })
    }

    /// Loads a plugin: a file, the name of one that ships with the adapter, or a reference.
    pub async fn fetch(&self, from: &str, access: &RegistryOptions) -> anyhow::Result<Fetched> {
        let path = Path::new(from);
        if path.is_file() {
            let bytes = read(path)?;
            let (size, plugin) = (bytes.len(), self.load(from, bytes).await?);
            return Ok(Fetched { plugin, bytes: Some(size), provenance: None });
        }
        if let Some(shipped) = control::shipped_plugin(&self.engine, from) {
            return Ok(Fetched { plugin: shipped?, bytes: None, provenance: None });
        }
        if path.is_dir() {
            return Err(PluginError(format!("{from}: {IS_FOLDER}")).into());
        }
        let Ok(reference) = from.parse::<Reference>() else {
            return Err(PluginError(format!(
                "{from} is no file, no plugin that ships with Leadsman, and no reference such as \
                 registry.example/plugins/rate:1.2"
            ))
            .into());
        };
        let (bytes, provenance) = registry::fetch(&reference, access).await?;
        let size = bytes.len();
        let plugin = self.load(from, bytes).await?;
        Ok(Fetched { plugin, bytes: Some(size), provenance: Some(provenance) })
    }

    /// Loads a component. `name` is the name of it in messages.
    pub async fn load(&self, name: &str, bytes: Bytes) -> anyhow::Result<Plugin> {
        let loaded =
            Plugin::load(&self.engine, &self.compiler, &CompileOwner::Operator, bytes).await;
        loaded.map_err(|error| {
            let reason = anyhow::Error::from(error);
            PluginError(format!("{name} is not a plugin: {reason:#}")).into()
        })
    }
}

/// The content of a file that is a component, or should be.
pub(super) fn read(file: &Path) -> anyhow::Result<Bytes> {
    let bytes = leadsman_runtime::files::read_regular(file, MAX_FILE);
    let bytes =
        bytes.map_err(|error| PluginError(format!("cannot read {}: {error}", file.display())))?;
    Ok(bytes.into())
}

/// The fixtures that a plugin brings along, by their names.
pub fn fixtures(plugin: &Plugin) -> anyhow::Result<Vec<(String, Value)>> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
        fixture: Value,
    }
    let text = plugin.fixtures().unwrap_or(b"[]");
    let named: Vec<Named> = serde_json::from_slice(text).context("its fixtures cannot be read")?;
    Ok(named.into_iter().map(|of| (of.name, of.fixture)).collect())
}

/// The digest of a component, as `plugin.digest()` has it.
pub(super) fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).hex()
}
