//! What authors of plugins do with a component: look at it, run it, measure it, compare two of them,
//! push it to a registry and pull it from there, and see it served while they edit it.
//!
//! Everything runs as in `serve`: the same sandbox, limits and checks, the same client of registries.

mod bench;
mod credentials;
mod dev;
mod diff;
mod inspect;
mod origin;
mod registry;
mod scale;
mod table;

pub use bench::{Bench, BenchOptions, Size, bench};
pub use dev::{DevOptions, dev};
pub use diff::{Difference, Differences, diff};
pub use inspect::{Inspection, Provenance, Signature, inspect};
pub use origin::{Fetched, Tools, fixtures};
pub use registry::{PushOptions, RegistryOptions, pull, push, sign_lines};

/// Why something cannot be done with a plugin: it is at fault, and not the command.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PluginError(pub String);
