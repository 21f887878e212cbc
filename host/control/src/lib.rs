//! The control flow: from documents to the snapshot that is served.
//!
//! [`Controller`] is the one task that knows every document. Documents are found by tasks in
//! `found`; plugins are looked after by tasks of their own (`plugins`, `fetch`); the work on one
//! owner's document is a `job`. Whatever fails keeps what was served before.

mod assembly;
mod bind;
mod controller;
mod document;
mod fetch;
mod found;
mod job;
mod keeping;
mod listing;
mod offers;
mod owners;
mod parts;
mod plugins;
mod policy;
mod report;
mod rules;
mod self_test;
mod state;
mod store;
mod watch_files;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use controller::Controller;
pub use found::{ConfigOrigin, KEY, LABEL, read};
pub use listing::{SeriesList, list_series};
pub use parts::{ObjectSource, Parts};
pub use self_test::run as self_test;

use leadsman_cluster::Cluster;
use leadsman_config::Flags;
use leadsman_document::Faults;
use leadsman_model::owner::Owner;
use leadsman_provider::snapshot::Snapshot;
use leadsman_sandbox::Compiler;

/// How long a start waits for what cannot be had before it goes on with what was kept.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a controller works with.
pub struct Setup {
    /// What mappings are made with.
    pub parts: Parts,
    /// Compiles plugins.
    pub compiler: Compiler,
    /// Where what was good is kept for the next start.
    pub cache: Option<PathBuf>,
    /// Where the operator's configuration is.
    pub origin: ConfigOrigin,
    /// What the command line says beside it.
    pub flags: Flags,
    /// Where teams' configurations are.
    pub cluster: Option<Cluster>,
    /// Whether the first look waits for all teams, however long they take.
    pub all: bool,
}

impl Loaded {
    /// Whether all that the operator configured is served.
    pub fn operator_is_whole(&self) -> bool {
        self.faults.iter().all(|(owner, _)| *owner != Owner::Operator)
    }
}

/// How the first look at everything went.
pub struct Loaded {
    /// What is wrong, by document: all that keeps something from being served.
    pub faults: Vec<(Owner, Faults)>,
    /// What is served.
    pub snapshot: Arc<Snapshot>,
}
