//! The plugins that ship with Leadsman, as WebAssembly components.

/// A plugin built into the adapter.
#[derive(Debug, Clone, Copy)]
pub struct ShippedPlugin {
    /// The name that mappings use.
    pub name: &'static str,
    /// The component.
    pub component: &'static [u8],
}

/// All of them, by name.
pub const SHIPPED_PLUGINS: &[ShippedPlugin] = include!(concat!(env!("OUT_DIR"), "/table.rs"));
