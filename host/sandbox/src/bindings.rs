//! The host's side of the contract, made from `wit/plugin.wit`.

#![allow(missing_docs, unreachable_pub, clippy::all)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "mapping",
});
