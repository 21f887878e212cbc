//! The state of the machine: what is known of each document, what is in force of it, and which
//! work is under way. Data only; [`step`](super::step) changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::document::Document;
use super::plugins::PluginSpec;
use super::policy::Policy;
use super::publication::Publication;
use super::reason::Cause;
use super::watch_config::ConfigOrigin;
use leadsman_cluster::WatchFailure;
use leadsman_config::valid;
use leadsman_document::{Fault, Severity, SourceMap};
use leadsman_model::names::{MetricName, Namespace};
use leadsman_model::owner::Owner;
use leadsman_model::serve::Serve;
use leadsman_runtime::files::FileFingerprint;

/// Tells one piece of work, or one reading of a document, from all others.
pub(super) type Ticket = u64;

/// Everything the machine knows. `P` is what a binding produces: the machine keeps it, hands it
/// on, and looks at nothing of it but whether it equals another one.
pub(super) struct State<P> {
    pub(super) origin: ConfigOrigin,
    pub(super) cluster: ClusterAccess,
    pub(super) completeness: Completeness,
    pub(super) phase: Phase,
    pub(super) settings: Settings,
    pub(super) series: SeriesState,
    pub(super) teams: TeamsWatch,
    pub(super) team_cache: CacheState,
    pub(super) documents: BTreeMap<Owner, DocumentState<P>>,
    pub(super) work: Work,
    pub(super) published: Option<Publication<P>>,
    pub(super) next_ticket: Ticket,
}

/// Whether there is a cluster whose ConfigMaps can be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClusterAccess {
    None,
    Connected,
}

/// What the first load waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Completeness {
    /// The operator's document, and teams' for as long as the grace period lasts.
    Operator,
    /// All documents, however long they take.
    All,
}

/// How far the start has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The grace period runs: nothing is published before everything was loaded once.
    Starting,
    /// The grace period is over and the first load is not complete: what is ready is published, and
    /// cached documents replace those that are unavailable.
    Late,
    /// The first load is complete and was reported.
    Running,
}

/// The settings of the operator's document.
#[derive(Default)]
pub(super) struct Settings {
    /// Those in force.
    pub(super) policy: Policy,
    /// The revision that they are of; `None` before the first.
    pub(super) revision: Option<Ticket>,
    /// What is wrong with them beyond their text.
    pub(super) faults: Vec<Fault>,
    pub(super) state: SettingsState,
}

/// Whether settings are being put in force.
#[derive(Debug, Clone, Default)]
pub(super) enum SettingsState {
    /// They are in force, or there are none yet.
    #[default]
    Settled,
    /// Those of this revision are being put in force.
    Applying {
        /// Which revision.
        revision: Ticket,
        /// What it says.
        config: Arc<valid::Config>,
    },
}

/// Whether the series for the operator's rules were listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SeriesState {
    /// There are no rules.
    NotNeeded,
    /// At least one query was not answered yet.
    Pending,
    /// Every query was answered or failed once.
    Listed,
}

/// The watch on teams' ConfigMaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TeamsWatch {
    /// The operator opened nothing to teams so far.
    NotStarted,
    /// It has begun, and has listed nothing yet.
    Starting,
    /// It could not list them so far.
    Unreachable(WatchFailure),
    /// All of them are known, and each change is heard of.
    Synced,
}

/// What is known of a cached document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CacheState {
    /// It was not read yet.
    NotRead,
    /// It is being read.
    Reading,
    /// It was read and is to be parsed.
    Found(Arc<Document>),
    /// It was used, or there is none that can be.
    Spent,
}

/// One owner's document.
pub(super) struct DocumentState<P> {
    /// Whether it is there.
    pub(super) source: Source,
    /// The newest one that was seen.
    pub(super) document: Option<Arc<Document>>,
    /// How far reading that has come.
    pub(super) text: TextState,
    /// The newest revision without faults that the quota admitted.
    pub(super) last_good: Option<Arc<Revision>>,
    /// What the quota says of the newest one, if it does not admit it.
    pub(super) over_quota: Vec<Fault>,
    /// What mappings are made of.
    pub(super) in_force: Option<Arc<Revision>>,
    /// The plugins that the revision in force names.
    pub(super) plugins: BTreeMap<String, Result<PluginSpec, Cause>>,
    /// The revision that a binding was last requested for.
    pub(super) requested: Option<Ticket>,
    /// How far binding that has come.
    pub(super) binding: BindingState,
    /// The result of the last binding. It stays in place until the next one has ended.
    pub(super) bound: Option<Bound<P>>,
    /// As what the load of the newest text was counted: as a whole or not. `None` before it has
    /// ended.
    pub(super) counted: Option<bool>,
    pub(super) cache: CacheState,
}

/// Whether a document is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// The watch has not listed it yet; what there is of it comes from the cache.
    NotSynced,
    /// It cannot be read; what was read before stays in force.
    Unreadable(String),
    /// It was seen, and is as it was seen then.
    Seen,
}

/// How far reading the newest text has come.
#[derive(Debug, Clone)]
pub(super) enum TextState {
    /// There is no text.
    Absent,
    /// It waits to be parsed.
    Waiting,
    /// It is being parsed.
    Parsing(Ticket),
    /// It has faults. It is not parsed again before it changes, or a file that it names.
    Faulty(Arc<Revision>),
    /// It has none.
    Valid(Arc<Revision>),
    /// The operator's settings open nothing to its namespace.
    NotAllowed,
    /// Its namespace has too many; it is not parsed.
    Excess(Vec<Fault>),
    /// Parsing it failed by a fault of the adapter.
    Failed(String),
}

/// One reading of a document.
#[derive(Debug)]
pub(super) struct Revision {
    pub(super) id: Ticket,
    pub(super) document: Arc<Document>,
    /// The line of each place.
    pub(super) source_map: Arc<SourceMap>,
    pub(super) config: Arc<valid::Config>,
    /// What was open to the team when it was read; `None` for the operator.
    pub(super) team: Option<valid::Team>,
    pub(super) faults: Vec<Fault>,
    /// The files that it names, as they were before it was read.
    pub(super) files: Vec<FileFingerprint>,
}

impl Revision {
    /// Whether it may be served. One with faults of the whole is only bound to find all of them at
    /// once; others keep only a part from being served, or nothing.
    pub(super) fn is_valid(&self) -> bool {
        self.faults.iter().all(|fault| fault.severity < Severity::Document)
    }
}

/// How far binding a document to its plugins has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BindingState {
    /// There is nothing to do.
    Idle,
    /// It is to be bound.
    Wanted,
    /// It is being bound as it is now. One that waits while an older binding runs is `Wanted`.
    Running(Ticket),
    /// Binding it failed by a fault of the adapter.
    Failed(String),
}

/// What binding a revision gave.
#[derive(Debug, Clone)]
pub(super) struct Bound<P> {
    pub(super) revision: Arc<Revision>,
    pub(super) outcome: Outcome<P>,
}

/// The result of a binding, as far as the machine looks at it.
#[derive(Debug, Clone)]
pub(super) struct Outcome<P> {
    pub(super) product: P,
    /// Whether every plugin was loaded, or failed to, at least once.
    pub(super) settled: bool,
    /// Whether all that the document says can be served.
    pub(super) complete: bool,
    /// The metrics of its mappings, in the order of the document.
    pub(super) claims: Vec<MetricKey>,
}

/// What no two owners may serve in one namespace.
pub(super) type MetricKey = (MetricName, Serve);

/// Work under way. Never more than one piece of a kind for each owner.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) parsing: BTreeMap<Owner, ParseTask>,
    pub(super) binding: BTreeMap<Owner, BindTask>,
    /// When a namespace was last given work, as a number that grows.
    pub(super) last_turn: BTreeMap<Namespace, u64>,
    pub(super) turns: u64,
    pub(super) checking_files: BTreeSet<Owner>,
}

/// A text that is being parsed.
#[derive(Debug, Clone)]
pub(super) struct ParseTask {
    pub(super) ticket: Ticket,
    pub(super) purpose: Purpose,
    pub(super) document: Arc<Document>,
    pub(super) team: Option<valid::Team>,
}

/// A revision that is being bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BindTask {
    pub(super) ticket: Ticket,
    pub(super) revision: Ticket,
}

/// Why a text is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is the newest.
    Newest,
    /// It is the last good one, read under what is open to its owner now.
    Recheck,
    /// It was cached.
    Restore,
}
