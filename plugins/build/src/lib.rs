//! Builds plugin crates into WebAssembly components with whatever toolchain the machine has.
//!
//! Two toolchains will do: rustup's `wasm32-unknown-unknown` target, or, where rustup cannot
//! download it, Debian's `rustc-web` with the source of the standard library, which is then built
//! with the plugins. [`Toolchain::find`] says which one it is, or what to install.

#[cfg(feature = "build")]
mod component;
#[cfg(feature = "build")]
mod fixtures;
#[cfg(feature = "build")]
mod script;
mod toolchain;

#[cfg(feature = "build")]
pub use component::{BuildError, Component, Request};
#[cfg(feature = "build")]
pub use fixtures::embed as embed_fixtures;
#[cfg(feature = "build")]
pub use script::Script;
pub use toolchain::{Missing, Toolchain};

/// The target that plugins are built for: no operating system, so no imports but the contract's.
pub const TARGET: &str = "wasm32-unknown-unknown";
