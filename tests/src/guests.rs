//! Files that tests load as plugins.

mod bombs;
mod broken;
mod by_hand;

pub use bombs::{dear_to_compile, instances_of_instances, nested_types, values_through_loops};
pub use broken::{alien_component, core_module, gzip, oversized, text, truncated, wasi_component};
pub use by_hand::{describe_loops, describe_traps, schema_is_no_json, start_loops, table_grower};

/// The path of a plugin whose misbehaviour is configurable.
pub const HOSTILE: &str = concat!(env!("OUT_DIR"), "/hostile.wasm");
/// The path of the same plugin with the import `acme:storage/keys`.
pub const REACHING: &str = concat!(env!("OUT_DIR"), "/reaching.wasm");

fn parse(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("WebAssembly text")
}
