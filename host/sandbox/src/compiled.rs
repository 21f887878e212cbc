//! Turns compiled code into a runnable component. The only unsafe code.

#![allow(unsafe_code)]

use std::path::PathBuf;

use bytes::Bytes;
use wasmtime::component::Component;

use super::compile::MAX_CODE;
use super::engine::Engine;
use leadsman_runtime::files;

/// Compiled code from [`super::compile`].
pub(super) struct Compiled(Code);

enum Code {
    /// In memory.
    Bytes(Bytes),
    /// In a file of the code store, which is mapped and not copied.
    File(PathBuf),
}

impl Compiled {
    /// The caller guarantees the origin of the bytes: a compiler process that this process started,
    /// or the compiler in this process.
    pub(super) fn from_compiler(bytes: Vec<u8>) -> Self {
        Self(Code::Bytes(bytes.into()))
    }

    /// A file of the code store. The caller guarantees:
    ///
    /// - Permissions: only this user can write to the store's folder, otherwise opening it fails.
    ///   Its files are read-only.
    /// - Content: the bytes of [`Self::from_compiler`] and nothing else. A file gets its name after
    ///   it is complete.
    /// - Integrity: the caller has just compared the SHA-256 of the content with the one in the
    ///   name, on a regular file.
    /// - Immutability: no process of this program opens a file of the store for writing. A file is
    ///   removed, or replaced by a rename of another file with the same content; existing mappings
    ///   keep the old file.
    ///
    /// A process of the same user could still change the file, but it could also change this
    /// process.
    pub(super) fn from_store(file: PathBuf) -> Self {
        Self(Code::File(file))
    }

    /// The code, if it is in memory.
    pub(super) fn bytes(&self) -> Option<Bytes> {
        match &self.0 {
            Code::Bytes(bytes) => Some(bytes.clone()),
            Code::File(_) => None,
        }
    }

    /// Loads the code into an engine. Fails if it was compiled with other settings. Blocks on disk
    /// I/O.
    pub(super) fn component(&self, engine: &Engine) -> wasmtime::Result<Component> {
        let wasmtime = engine.wasmtime();
        match &self.0 {
            // SAFETY: `deserialize` requires unchanged bytes from `precompile_component`, since
            // they contain native code that runs without further checks. `from_compiler` guarantees
            // this. `deserialize` itself checks that the version and settings of the engine match.
            Code::Bytes(bytes) => unsafe { Component::deserialize(wasmtime, bytes) },
            // SAFETY: `deserialize_file` requires the same, and that the file does not change while
            // it is mapped. `from_store` guarantees both.
            Code::File(path) => match unsafe { Component::deserialize_file(wasmtime, path) } {
                Ok(component) => Ok(component),
                // A volume that is mounted `noexec` cannot be mapped as executable; a copy can.
                Err(error) => match files::read_regular(path, MAX_CODE) {
                    Ok(bytes) => Self(Code::Bytes(bytes.into())).component(engine),
                    Err(_) => Err(error),
                },
            },
        }
    }
}
