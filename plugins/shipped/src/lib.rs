//! The plugins that ship with Leadsman, as WebAssembly components.

/// A plugin built into the adapter.
#[derive(Debug, Clone, Copy)]
pub struct ShippedPlugin {
    /// The name that mappings use.
    pub name: &'static str,
    /// The component.
    pub component: &'static [u8],
}

/// The plugin that the build script built for a crate.
macro_rules! shipped {
    ($name:literal) => {
        ShippedPlugin {
            name: $name,
            component: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".wasm")),
        }
    };
}

/// All of them, by name.
pub const SHIPPED_PLUGINS: &[ShippedPlugin] = &[
    shipped!("alb-pool"),
    shipped!("external"),
    shipped!("forecast"),
    shipped!("formula"),
    shipped!("per-object"),
    shipped!("percentile"),
    shipped!("ratio"),
    shipped!("schedule"),
    shipped!("threshold"),
];
