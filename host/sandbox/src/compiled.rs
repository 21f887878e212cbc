//! Code that was compiled by another process of this program, made runnable. The only unsafe code.

#![allow(unsafe_code)]

use wasmtime::component::Component;

use super::engine::Engine;

/// Code for this engine, as [`super::compile`] made it.
pub(super) struct Compiled(Vec<u8>);

impl Compiled {
    /// Vouches for where the bytes come from: a child process of this program that this process
    /// started, or a file that this program wrote into a folder that nobody else may write to, and
    /// whose checksum is that of what was written.
    pub(super) fn made_by_us(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Makes it runnable. An error means that it was made for another engine.
    pub(super) fn component(&self, engine: &Engine) -> wasmtime::Result<Component> {
        // SAFETY: `deserialize` asks that the bytes are what an engine's `precompile_component`
        // gave, unchanged, since they hold native code that will run without further checks. They
        // are: `made_by_us` is called for nothing else, the bytes never come from outside of this
        // program, and what was kept on disk is compared with its checksum before. That they fit
        // the version and the settings of this engine is checked by `deserialize` itself.
        unsafe { Component::deserialize(engine.wasmtime(), &self.0) }
    }
}
