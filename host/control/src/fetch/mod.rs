//! Fetches a plugin from its source and follows changes there: verified, loaded and tested.

mod registry;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::plugins::{PluginReporter, PluginSource, PluginSpec, Problem};
use super::reason::Reason;
use super::self_test;
use super::store::Store;
use super::watch_files::FileEvents;
use leadsman_cluster::Cluster;
use leadsman_document::json_schema;
use leadsman_model::reference::Digest;
use leadsman_runtime::files;
use leadsman_sandbox::{CompileOwner, Compiler, Engine, LoadError, Plugin};

/// What fetching needs.
pub(super) struct Fetcher {
    pub(super) engine: Engine,
    pub(super) compiler: Compiler,
    pub(super) store: Option<Arc<Store>>,
    pub(super) cluster: Option<Cluster>,
}

/// One plugin that is fetched.
pub(super) struct Fetching {
    fetcher: Arc<Fetcher>,
    spec: PluginSpec,
    /// On whose behalf it is compiled.
    owner: CompileOwner,
}

impl Fetching {
    pub(super) fn new(fetcher: Arc<Fetcher>, spec: PluginSpec, owner: CompileOwner) -> Self {
        Self { fetcher, spec, owner }
    }

    /// Reports each version of the plugin, and why there is none. Does not end by itself.
    pub(super) async fn run(self, reporter: PluginReporter) {
        match &self.spec.source {
            PluginSource::Shipped(name) => {
                let shipped = leadsman_shipped_plugins::SHIPPED_PLUGINS;
                if let Some(shipped) = shipped.iter().find(|shipped| shipped.name == *name) {
                    let component = Bytes::from_static(shipped.component);
                    reporter.report(self.load(component).await).await;
                }
            }
            PluginSource::Bytes(name, bytes) => {
                let loaded = self.within_size(bytes.len() as u64);
                let loaded = match loaded.and_then(|()| self.unsigned("a ConfigMap")) {
                    Ok(()) => self.load(Bytes::from_owner(bytes.clone())).await,
                    Err(problem) => Err(problem),
                };
                let loaded =
                    loaded.map_err(|problem| problem.of(&format!("binaryData[\"{name}\"]")));
                reporter.report(loaded).await;
            }
            PluginSource::File(path) => self.follow_file(path, &reporter).await,
            PluginSource::Oci(artifact) => self.follow_artifact(artifact, &reporter).await,
        }
        std::future::pending().await
    }

    fn within_size(&self, bytes: u64) -> Result<(), Problem> {
        let limit = self.spec.max_bytes;
        if bytes <= limit {
            return Ok(());
        }
        Err(Problem {
            reason: Reason::Plugin("TooLarge"),
            message: format!(
                "it has {bytes} bytes, and the limit is {limit}; maxBytes can be raised to 32 MiB"
            ),
        })
    }

    /// What comes from elsewhere than a registry carries no signature.
    fn unsigned(&self, from: &str) -> Result<(), Problem> {
        if self.spec.verify.is_empty() {
            return Ok(());
        }
        Err(Problem {
            reason: Reason::Plugin("SignatureInvalid"),
            message: format!(
                "a signature is required, and a plugin from {from} cannot have one; push it to a \
                 registry and sign it there"
            ),
        })
    }

    /// Compiles, checks and tests.
    async fn load(&self, bytes: Bytes) -> Result<Plugin, Problem> {
        let Fetcher { engine, compiler, .. } = &*self.fetcher;
        let plugin =
            Plugin::load(engine, compiler, &self.owner, bytes).await.map_err(|error| Problem {
                reason: Reason::Plugin(error.reason()),
                message: match &error {
                    LoadError::Engine(_) | LoadError::Compiler { .. } => chain(&error),
                    error => format!("it is not a plugin: {}", chain(error)),
                },
            })?;
        json_schema::check(&plugin.description().config_schema).map_err(|reason| Problem {
            reason: Reason::Plugin("DescribeFailed"),
            message: format!("it is not a plugin: its configuration's schema: {reason}"),
        })?;
        self_test::run(&plugin)
            .await
            .map_err(|message| Problem { reason: Reason::Plugin("SelfTestFailed"), message })?;
        Ok(plugin)
    }

    async fn follow_file(&self, path: &Path, reporter: &PluginReporter) {
        // From before the first look on: nothing is missed.
        let mut events = FileEvents::of(path);
        let mut seen = None;
        loop {
            let read = self.read_file(path).await;
            let now = match &read {
                Ok(bytes) => Ok(Digest::of(bytes)),
                Err(problem) => Err(problem.message.clone()),
            };
            if seen.as_ref() != Some(&now) {
                seen = Some(now);
                let loaded = match read {
                    Ok(bytes) => self.load(bytes.into()).await,
                    Err(problem) => Err(problem),
                };
                let loaded = loaded.map_err(|problem| problem.of(&path.display().to_string()));
                reporter.report(loaded).await;
            }
            events.next().await;
        }
    }

    async fn read_file(&self, path: &Path) -> Result<Vec<u8>, Problem> {
        let unreadable = |error: std::io::Error| Problem {
            reason: Reason::Plugin("FileUnreadable"),
            message: format!("it cannot be read: {error}"),
        };
        self.unsigned("a file")?;
        let (owned, limit) = (path.to_owned(), self.spec.max_bytes);
        let read = move || {
            let size = files::open_regular(&owned)?.metadata()?.len();
            // Its size is what is wrong with it then.
            if size > limit { Ok(Err(size)) } else { files::read_regular(&owned, limit).map(Ok) }
        };
        match files::blocking(path, read).await.map_err(unreadable)? {
            Ok(bytes) => Ok(bytes),
            Err(size) => self.within_size(size).map(|()| Vec::new()),
        }
    }
}

impl Problem {
    /// Says what it is about.
    fn of(self, what: &str) -> Self {
        let message = match self.message.strip_prefix("it ") {
            Some(rest) => format!("{what} {rest}"),
            None if self.message.contains(what) => self.message,
            None => format!("{what}: {}", self.message),
        };
        Self { message, ..self }
    }
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        // Many outer errors say already what the inner ones do.
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}
