//! The shared code of the benchmarks. The figures that decided the shape of the plugin contract,
//! and the conclusions, are in `wit/README.md`.

pub mod comparison;
mod data;
pub mod floor;
mod input;
pub mod load;
pub mod process;
mod sandbox;
pub mod scene;

#[doc(hidden)]
#[allow(missing_docs, unsafe_code, clippy::all, unreachable_pub)]
pub mod bindings {
    wasmtime::component::bindgen!({
        path: ["../wit", "guests/shapes/wit"],
        world: "leadsman:bench-shapes/shapes",
    });

    /// The plugin contract, for the shipped plugins.
    pub mod contract {
        wasmtime::component::bindgen!({
            path: "../wit",
            world: "leadsman:plugin/mapping",
            with: { "leadsman:plugin/types": super::leadsman::plugin::types },
        });
    }
}

pub use data::{LABELS, Table};
pub use input::sandboxed_input;
pub use sandbox::{CONFIG, Memory, Sandbox};
