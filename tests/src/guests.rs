//! Files that Leadsman loads as plugins in tests.

mod bombs;
mod broken;
mod by_hand;

pub use bombs::{dear_to_compile, instances_of_instances, nested_types, values_through_loops};
pub use broken::{alien_component, core_module, gzip, oversized, text, truncated, wasi_component};
pub use by_hand::{describe_loops, describe_traps, schema_is_no_json, start_loops, table_grower};

/// The file of the plugin that misbehaves as configured.
pub const HOSTILE: &str = concat!(env!("OUT_DIR"), "/hostile.wasm");
/// The file of the plugin that also imports `acme:storage/keys`.
pub const REACHING: &str = concat!(env!("OUT_DIR"), "/reaching.wasm");

fn parse(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("WebAssembly text")
}
