//! The control flow: from documents to the snapshot that is served.
//!
//! [`Controller`] runs a state machine, `step(&mut State, Event) -> Vec<Effect>`, which knows every
//! document and does no I/O.
//!
//! - **States.** Each document is unseen, unreadable or seen (`Source`); its newest text is waiting,
//!   parsing, faulty, valid, not allowed, or one too many (`TextState`); the revision in force, the
//!   newest good one, is to be bound, being bound, or bound (`BindingState`). The whole is starting,
//!   late, or running (`Phase`).
//! - **Events.** Documents come and go (`ConfigEvent`); a text was parsed, a revision bound,
//!   settings applied, a cached document read; a plugin or the series of rules changed; the grace
//!   period is over.
//! - **Effects.** Parse, bind, apply settings, read and write the cache, watch teams, publish, and
//!   report. They run in tasks (`tasks`) whose end, a panic too, is an event.
//!
//! Whatever fails keeps what was served before. Who has a right to what, quotas and metrics, is
//! decided in one pass in order of age (`quota`).

mod assembly;
mod autoscaler_events;
mod bindings;
mod document;
mod effect;
mod event;
mod executor;
mod fetch;
mod last_good_rules;
mod listing;
mod mapping_spec;

mod persist;
mod plugins;
mod policy;
mod publication;
mod publisher;
mod quota;
mod reason;
mod renewal;
mod report;
mod rule_gaps;
mod rule_metrics;
mod runtime;
mod self_test;
mod settings;
mod state;
mod step;
mod store;
mod tasks;
mod traced;
mod watch_config;
mod watch_files;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use autoscaler_events::write_autoscaler_events;
pub use executor::Controller;
pub use listing::{SeriesList, list_series};
pub use runtime::{ObjectSource, Runtime};
pub use self_test::{
    FixtureOutcome, FixtureRun, each as self_test_each, run as self_test, run_fixture,
    runs as run_on_fixture,
};
pub use watch_config::{ConfigOrigin, KEY, LABEL, read};

use leadsman_cluster::Cluster;
use leadsman_config::Flags;
use leadsman_document::{Faults, Severity};
use leadsman_model::owner::Owner;
use leadsman_provider::snapshot::Snapshot;
use leadsman_sandbox::{Compiler, Engine, LoadError, Plugin};

/// How long a start waits for documents before cached ones replace those that are unavailable.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// How often the files that a faulty document names are looked at again.
const RESYNC_INTERVAL: Duration = Duration::from_secs(30);

/// What a controller works with.
pub struct Setup {
    /// What mappings run on.
    pub runtime: Runtime,
    /// Compiles plugins.
    pub compiler: Compiler,
    /// The folder that caches what was served, for the next start.
    pub cache: Option<PathBuf>,
    /// Where the operator's configuration is.
    pub origin: ConfigOrigin,
    /// The command line's flags beside it.
    pub flags: Flags,
    /// Where teams' configurations are.
    pub cluster: Option<Cluster>,
    /// Whether the first load waits for all teams, however long they take.
    pub all: bool,
}

/// Whether a plugin of the name ships with the adapter, so that no other one can have it.
#[must_use]
pub fn is_shipped(name: &str) -> bool {
    leadsman_shipped_plugins::SHIPPED_PLUGINS.iter().any(|shipped| shipped.name == name)
}

/// A plugin that ships with the adapter; `None` if there is none of the name.
pub fn shipped_plugin(engine: &Engine, name: &str) -> Option<Result<Plugin, LoadError>> {
    let mut shipped = leadsman_shipped_plugins::SHIPPED_PLUGINS.iter();
    let found = shipped.find(|shipped| shipped.name == name)?;
    Some(Plugin::load_trusted(engine, found.component))
}

/// The result of the first load.
pub struct FirstLoad {
    /// What is wrong, by document: all that keeps something from being served, and warnings.
    pub faults: Vec<(Owner, Faults)>,
    /// What is served.
    pub snapshot: Arc<Snapshot>,
}

impl FirstLoad {
    /// Whether all that the operator configured is served.
    pub fn operator_is_whole(&self) -> bool {
        let of_operator = |(owner, faults): &&(Owner, Faults)| {
            *owner == Owner::Operator && faults.severity() == Some(Severity::Document)
        };
        !self.faults.iter().any(|faults| of_operator(&faults))
    }

    /// Whether a fault keeps a whole document from being served.
    pub fn refuses_a_document(&self) -> bool {
        self.faults.iter().any(|(_, faults)| faults.severity() == Some(Severity::Document))
    }
}
