//! Events: the inputs of the machine.

use std::sync::Arc;

use super::document::Document;
use super::plugins::PluginSpec;
use super::state::{Outcome, Revision, SeriesState, Ticket};
use super::watch_config::ConfigEvent;
use leadsman_document::Fault;
use leadsman_model::owner::Owner;

/// Something that happened outside of the machine.
#[derive(Debug)]
pub(super) enum Event<P> {
    /// A document was seen, or cannot be.
    Config(ConfigEvent),
    /// A document was parsed.
    Parsed { owner: Owner, ticket: Ticket, result: Result<Arc<Revision>, Panicked> },
    /// A document was bound to its plugins.
    Bound { owner: Owner, ticket: Ticket, result: Result<Outcome<P>, Panicked> },
    /// The operator's settings are in force, with what is wrong with them beyond their text, and
    /// whether the series of the rules are known already.
    SettingsApplied { revision: Ticket, result: Result<(Vec<Fault>, SeriesState), Panicked> },
    /// The cached document of an owner was looked for.
    CacheRead { owner: Owner, document: Option<Arc<Document>> },
    /// The cached documents of all teams were looked for.
    TeamCacheRead(Vec<Arc<Document>>),
    /// The files that a faulty document names were looked at.
    FilesChecked { owner: Owner, revision: Ticket, changed: bool },
    /// A plugin was loaded, or failed to.
    PluginChanged(PluginSpec),
    /// The series of the rules were listed anew.
    SeriesListed(SeriesState),
    /// The grace period of the start is over.
    GraceOver,
    /// Time for what is looked at again although nothing was heard.
    Resync,
}

/// A task ended with a panic: a fault of the adapter. The text is that of the panic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Panicked(pub(super) String);
