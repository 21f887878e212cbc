//! The work that effects ask for: each piece is a task that ends with an event, or with a panic
//! that becomes one.

use std::sync::Arc;

use super::bindings::{BindJob, Bindings};
use super::effect::Binding;
use super::event::{Event, Panicked};
use super::executor::Controller;
use super::settings::OperatorSettings;
use super::state::{ParseTask, Revision, Ticket};
use leadsman_config::{Flags, Parsed, valid};
use leadsman_document::Fault;
use leadsman_model::owner::Owner;
use leadsman_runtime::files::FileFingerprint;
use leadsman_trace::{self as trace, SpanKind};

/// The result of a task.
pub(super) enum Completion {
    Event(Event<Arc<Bindings>>),
    Settings { revision: Ticket, settings: Box<OperatorSettings>, faults: Vec<Fault> },
}

/// Whose a task is.
pub(super) enum TaskOwner {
    Parsing(Owner, Ticket),
    Binding(Owner, Ticket),
    Settings(Ticket),
    Cache(Owner),
    TeamCache,
    Files(Owner, Ticket),
}

impl TaskOwner {
    /// Whether it is a part of loading an owner's document.
    pub(super) fn works_for(&self, owner: &Owner) -> bool {
        match self {
            Self::Parsing(of, _) | Self::Binding(of, _) => of == owner,
            Self::Settings(_) => *owner == Owner::Operator,
            Self::Cache(_) | Self::TeamCache | Self::Files(..) => false,
        }
    }

    /// The event of a task that panicked.
    pub(super) fn panicked(self, panic: Panicked) -> Event<Arc<Bindings>> {
        match self {
            Self::Parsing(owner, ticket) => Event::Parsed { owner, ticket, result: Err(panic) },
            Self::Binding(owner, ticket) => Event::Bound { owner, ticket, result: Err(panic) },
            Self::Settings(revision) => Event::SettingsApplied { revision, result: Err(panic) },
            Self::Cache(owner) => Event::CacheRead { owner, document: None },
            Self::TeamCache => Event::TeamCacheRead(Vec::new()),
            Self::Files(owner, revision) => Event::FilesChecked { owner, revision, changed: false },
        }
    }
}

impl Controller {
    fn blocking(&mut self, owner: TaskOwner, work: impl FnOnce() -> Completion + Send + 'static) {
        let id = self.work.spawn_blocking(work).id();
        self.owners.insert(id, owner);
    }

    pub(super) fn parse(&mut self, owner: Owner, task: ParseTask) {
        let flags = self.flags.clone();
        let reload = self.reloads.begin(&owner);
        self.blocking(TaskOwner::Parsing(owner.clone(), task.ticket), move || {
            let _span = trace::child_of("parse", SpanKind::Internal, reload.as_ref());
            let ticket = task.ticket;
            let result = Ok(Arc::new(Revision::parse(task, &flags)));
            Completion::Event(Event::Parsed { owner, ticket, result })
        });
    }

    pub(super) fn bind(&mut self, binding: Binding<Arc<Bindings>>) {
        let Binding { owner, ticket, revision, plugins, before } = binding;
        let plugins = plugins
            .into_iter()
            .map(|(name, spec)| {
                let spec = spec.map(|spec| {
                    let compile_owner = spec.compile_owner(&owner);
                    self.plugins.get(&spec, compile_owner)
                });
                (name, spec)
            })
            .collect();
        let budget = owner.namespace().and_then(|namespace| self.settings.budget(namespace));
        let job = BindJob {
            listed: self.listings.listed().filter(|_| owner == Owner::Operator),
            owner: owner.clone(),
            source_map: revision.source_map.clone(),
            written: revision.document.clone(),
            config: revision.config.clone(),
            plugins,
            sources: self.settings.sources.clone(),
            kinds: self.settings.kinds.clone(),
            delegates: Some(self.settings.delegates.clone())
                .filter(|delegates| owner == Owner::Operator && !delegates.is_empty()),
            budget,
            team: revision.team.clone(),
            before,
            runtime: self.runtime.clone(),
        };
        let task_owner = TaskOwner::Binding(owner.clone(), ticket);
        let reload = self.reloads.begin(&owner);
        let task = self.work.spawn(async move {
            let span = trace::child_of("bind", SpanKind::Internal, reload.as_ref());
            let result = Ok(span.within(job.run()).await);
            Completion::Event(Event::Bound { owner, ticket, result })
        });
        self.owners.insert(task.id(), task_owner);
    }

    pub(super) fn apply_settings(&mut self, revision: Ticket, config: Arc<valid::Config>) {
        let before = self.settings.clone();
        self.blocking(TaskOwner::Settings(revision), move || {
            let (settings, faults) = before.replaced(config);
            Completion::Settings { revision, settings: Box::new(settings), faults }
        });
    }

    pub(super) fn read_cache(&mut self, owner: Owner) {
        let cache = self.cache.clone();
        self.blocking(TaskOwner::Cache(owner.clone()), move || {
            let document = cache.and_then(|cache| cache.read(&owner));
            Completion::Event(Event::CacheRead { owner, document })
        });
    }

    pub(super) fn read_team_cache(&mut self) {
        let cache = self.cache.clone();
        self.blocking(TaskOwner::TeamCache, move || {
            let documents = cache.map(|cache| cache.read_teams()).unwrap_or_default();
            Completion::Event(Event::TeamCacheRead(documents))
        });
    }

    pub(super) fn check_files(
        &mut self,
        owner: Owner,
        revision: Ticket,
        files: Vec<FileFingerprint>,
    ) {
        self.blocking(TaskOwner::Files(owner.clone(), revision), move || {
            let changed = files.iter().any(FileFingerprint::has_changed);
            Completion::Event(Event::FilesChecked { owner, revision, changed })
        });
    }
}

impl Revision {
    /// Parses a document. Blocks for as long as that takes.
    fn parse(task: ParseTask, flags: &Flags) -> Self {
        let ParseTask { ticket, document, team, .. } = task;
        let Parsed { document: parsed, config, faults, files } =
            document.parse(team.as_ref(), flags);
        Self {
            id: ticket,
            source_map: Arc::new(parsed.source_map),
            config: Arc::new(config),
            document,
            team,
            faults,
            files,
        }
    }
}
