//! Effects: what the machine asks the executor to do. The result comes back as an event.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::document::Document;
use super::plugins::PluginSpec;
use super::publication::Publication;
use super::reason::Cause;
use super::state::{ParseTask, Revision, Ticket};
use leadsman_cluster::ConfigMapReference;
use leadsman_config::valid;
use leadsman_model::owner::Owner;
use leadsman_runtime::files::FileFingerprint;

/// Something to be done outside of the machine.
#[derive(Debug)]
pub(super) enum Effect<P> {
    /// Parse a document. Answered by `Parsed`.
    Parse { owner: Owner, task: ParseTask },
    /// Bind a document to its plugins. Answered by `Bound`.
    Bind(Binding<P>),
    /// Put the operator's settings in force. Answered by `SettingsApplied`.
    ApplySettings { revision: Ticket, config: Arc<valid::Config> },
    /// Look for the cached document of an owner. Answered by `CacheRead`.
    ReadCache(Owner),
    /// Look for those of all teams. Answered by `TeamCacheRead`.
    ReadTeamCache,
    /// Cache a document for the next start.
    Store { owner: Owner, document: Arc<Document> },
    /// Drop what is kept of a document that is gone: its cached text and its counters.
    Forget(Owner),
    /// See whether files have changed. Answered by `FilesChecked`.
    CheckFiles { owner: Owner, revision: Ticket, files: Vec<FileFingerprint> },
    /// Begin to watch teams' ConfigMaps.
    WatchTeams,
    /// Serve this from now on. It differs from what was published before.
    Publish { publication: Publication<P>, config_maps: HashMap<Owner, ConfigMapReference> },
    /// Report the first load to whoever waits for it.
    ReportLoaded,
    /// Count a document whose load has ended: all that it says is served, or not.
    CountLoad { owner: Owner, complete: bool },
    /// Write a line to the log.
    Log(Notice),
}

/// A document to be bound.
#[derive(Debug)]
pub(super) struct Binding<P> {
    pub(super) owner: Owner,
    pub(super) ticket: Ticket,
    pub(super) revision: Arc<Revision>,
    pub(super) plugins: BTreeMap<String, Result<PluginSpec, Cause>>,
    /// The result of the binding before: what has not changed is taken over from it.
    pub(super) before: Option<P>,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Notice {
    /// The watch on the operator's document is interrupted.
    OperatorUnreachable(String),
    /// The watch on teams' documents is interrupted.
    TeamsUnreachable(String),
    /// A cached document replaces one that is unavailable.
    Restored(Owner),
    /// The adapter failed while it worked on an owner's document.
    Panicked { owner: Owner, work: &'static str, reason: String },
}
