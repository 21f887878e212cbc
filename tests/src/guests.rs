//! Files that tests load as plugins.

mod bombs;
mod broken;
mod by_hand;

pub use bombs::{instances_of_instances, nested_loops, nested_types, slow_to_compile};
pub use broken::{
    core_module, gzip, other_world_component, oversized, text, truncated, wasi_component,
};
pub use by_hand::{
    endless_describe, endless_start, schema_not_json, schema_of, table_grower, trapping_describe,
};

/// The path of a plugin whose misbehaviour is configurable.
pub const HOSTILE: &str = concat!(env!("OUT_DIR"), "/hostile.wasm");
/// The path of the same plugin with the import `acme:storage/keys`.
pub const EXTRA_IMPORT: &str = concat!(env!("OUT_DIR"), "/reaching.wasm");

fn parse(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("WebAssembly text")
}
