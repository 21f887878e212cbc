//! The host's bindings of the plugin contract, generated from `wit/plugin.wit`.

#![allow(missing_docs, unreachable_pub, clippy::all)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "mapping",
});
