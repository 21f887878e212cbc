//! Code that was compiled by another process of this program, made runnable. The only unsafe code.

#![allow(unsafe_code)]

use std::path::PathBuf;

use bytes::Bytes;
use wasmtime::component::Component;

use super::compile::MAX_CODE;
use super::engine::Engine;
use leadsman_runtime::files;

/// Code for this engine, as [`super::compile`] made it.
pub(super) struct Compiled(Code);

enum Code {
    /// In memory.
    Bytes(Bytes),
    /// In a file of the code store, which is mapped and not copied.
    File(PathBuf),
}

impl Compiled {
    /// Vouches for where the bytes come from: from a child process of this program that this
    /// process started, or from the compiler in this process.
    pub(super) fn made_here(bytes: Vec<u8>) -> Self {
        Self(Code::Bytes(bytes.into()))
    }

    /// Vouches for a file of the code store:
    ///
    /// - Who may write it: this user alone. The store's folder is refused unless it belongs to this
    ///   user and nobody else may write to it, and its files can be written by nobody.
    /// - What was written: the bytes of [`Self::made_here`] and nothing else, into a file that gets
    ///   its name once it is whole.
    /// - How it was checked: the name holds the SHA-256 of the content, and the caller has compared
    ///   the two just now, on a regular file.
    /// - That it stays so: no process of this program opens a file of the store for writing. A file
    ///   is replaced by another one under the same name, which then has the same content, or its
    ///   name is removed; the mapping keeps what it has mapped.
    ///
    /// Whoever is this user could change it all the same, as they could change this process itself.
    pub(super) fn in_store(file: PathBuf) -> Self {
        Self(Code::File(file))
    }

    /// The code, if it is in memory.
    pub(super) fn bytes(&self) -> Option<Bytes> {
        match &self.0 {
            Code::Bytes(bytes) => Some(bytes.clone()),
            Code::File(_) => None,
        }
    }

    /// Makes it runnable. An error means that it was made for another engine. May block on disk.
    pub(super) fn component(&self, engine: &Engine) -> wasmtime::Result<Component> {
        let wasmtime = engine.wasmtime();
        match &self.0 {
            // SAFETY: `deserialize` asks that the bytes are what an engine's `precompile_component`
            // gave, unchanged, since they hold native code that runs without further checks. They
            // are: `made_here` is called for nothing else. That they fit the version and the
            // settings of this engine is checked by `deserialize` itself.
            Code::Bytes(bytes) => unsafe { Component::deserialize(wasmtime, bytes) },
            // SAFETY: `deserialize_file` asks for the same, and that the file does not change while
            // it is mapped. `in_store` says why both hold.
            Code::File(path) => match unsafe { Component::deserialize_file(wasmtime, path) } {
                Ok(component) => Ok(component),
                // A volume that nothing may be run from cannot be mapped so; a copy can.
                Err(error) => match files::read_regular(path, MAX_CODE) {
                    Ok(bytes) => Self(Code::Bytes(bytes.into())).component(engine),
                    Err(_) => Err(error),
                },
            },
        }
    }
}
