//! The plugins of a mapping that has several, as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// One of several plugins of a mapping.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Chained {
    /// A plugin without a configuration.
    Named(String),
    /// A plugin with its configuration.
    Plugin(ChainedPlugin),
}

/// One of several plugins of a mapping, with its configuration.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChainedPlugin {
    /// The plugin: one that ships with Leadsman, or one under `plugins`.
    pub plugin: String,
    /// Its configuration.
    #[serde(default)]
    pub config: BTreeMap<String, Value>,
    /// The queries whose answers it gets beside `previous`. The first plugin gets all of them.
    #[serde(default)]
    pub queries: Vec<String>,
}

impl Chained {
    /// With nothing left out.
    pub fn into_plugin(self) -> ChainedPlugin {
        match self {
            Self::Named(plugin) => {
                ChainedPlugin { plugin, config: BTreeMap::new(), queries: Vec::new() }
            }
            Self::Plugin(plugin) => plugin,
        }
    }
}
