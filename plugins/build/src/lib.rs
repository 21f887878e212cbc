//! Builds plugins into WebAssembly components with whatever toolchain the machine has.
//!
//! [`Project`] builds an author's project in any language, with that language's own tool;
//! [`component_of_module`] turns what a compiler made into a component; [`create_project`] writes a new
//! project. [`Request`] and [`Script`] build the crates of a workspace, for build scripts.
//!
//! For Rust two toolchains will do: rustup's `wasm32-unknown-unknown` target, or, where rustup cannot
//! download it, Debian's `rustc-web` with the source of the standard library, which is then built
//! with the plugins. [`Toolchain::find`] says which one it is, or what to install.

#[cfg(feature = "build")]
mod component;
#[cfg(feature = "build")]
mod core_module;
#[cfg(feature = "build")]
mod fixtures;
#[cfg(feature = "build")]
mod languages;
#[cfg(feature = "build")]
mod script;
#[cfg(feature = "build")]
mod segments;
#[cfg(feature = "build")]
mod template;
mod toolchain;

#[cfg(feature = "build")]
pub use component::{BuildError, Component, Request};
#[cfg(feature = "build")]
pub use core_module::{CoreModuleError, component_of_module};
#[cfg(feature = "build")]
pub use fixtures::{FixturesError, NamedFixture, embed as embed_fixtures, read as read_fixtures};
#[cfg(feature = "build")]
pub use languages::{Language, Project, ProjectError};
#[cfg(feature = "build")]
pub use script::Script;
#[cfg(feature = "build")]
pub use segments::{InvalidModule, MAX_GAP, merge_data_segments};
#[cfg(feature = "build")]
pub use template::{
    InvalidName, ProjectName, Template, TemplateError, TemplateLanguage, create_project,
};
pub use toolchain::{Missing, Toolchain};

/// The target that plugins are built for: no operating system, so no imports but the contract's.
pub const TARGET: &str = "wasm32-unknown-unknown";
