//! From where a plugin is to a plugin that has passed its tests.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::PATIENCE;
use super::plugins::{Artifact, Credentials, Place, Problem, Wanted};
use super::self_test;
use super::store::{Store, Vouched};
use super::watch_files::FileEvents;
use leadsman_cluster::Cluster;
use leadsman_config::valid::KeySource;
use leadsman_document::json_schema;
use leadsman_model::reference::Digest;
use leadsman_oci::{self as artifact, Access, PublicKey, Registry};
use leadsman_runtime::files;
use leadsman_sandbox::{CompileOwner, Compiler, Engine, LoadError, Plugin};

/// How long a pull may take in all.
const PULL: Duration = Duration::from_secs(30);

/// How soon a registry is asked again after it failed, and how much later each time.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// What fetching needs.
pub(super) struct Fetcher {
    pub(super) engine: Engine,
    pub(super) compiler: Compiler,
    pub(super) store: Option<Arc<Store>>,
    pub(super) cluster: Option<Cluster>,
}

/// The work on one plugin.
pub(super) struct Fetching {
    fetcher: Arc<Fetcher>,
    wanted: Wanted,
    /// On whose behalf it is compiled.
    owner: CompileOwner,
}

impl Fetching {
    pub(super) fn new(fetcher: Arc<Fetcher>, wanted: Wanted, owner: CompileOwner) -> Self {
        Self { fetcher, wanted, owner }
    }

    /// Tells what becomes of the plugin, for as long as it is wanted. Does not end by itself.
    pub(super) async fn run(self, tell: impl Fn(Result<Plugin, Problem>)) {
        match &self.wanted.place {
            Place::Shipped(name) => {
                let shipped = leadsman_shipped_plugins::SHIPPED_PLUGINS;
                if let Some(shipped) = shipped.iter().find(|shipped| shipped.name == *name) {
                    tell(self.load(Bytes::from_static(shipped.component)).await);
                }
            }
            Place::Bytes(name, bytes) => {
                let loaded = self.within_size(bytes.len() as u64);
                let loaded = match loaded.and_then(|()| self.unsigned("a ConfigMap")) {
                    Ok(()) => self.load(Bytes::from_owner(bytes.clone())).await,
                    Err(problem) => Err(problem),
                };
                tell(loaded.map_err(|problem| problem.of(&format!("binaryData[\"{name}\"]"))));
            }
            Place::File(path) => self.follow_file(path, &tell).await,
            Place::Oci(artifact) => self.follow_artifact(artifact, &tell).await,
        }
        std::future::pending().await
    }

    fn within_size(&self, bytes: u64) -> Result<(), Problem> {
        let limit = self.wanted.max_bytes;
        if bytes <= limit {
            return Ok(());
        }
        Err(Problem {
            reason: "TooLarge",
            message: format!(
                "it has {bytes} bytes, and the limit is {limit}; maxBytes can be raised to 32 MiB"
            ),
        })
    }

    /// What comes from elsewhere than a registry carries no signature.
    fn unsigned(&self, from: &str) -> Result<(), Problem> {
        if self.wanted.verify.is_empty() {
            return Ok(());
        }
        Err(Problem {
            reason: "SignatureInvalid",
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
                reason: error.reason(),
                message: match &error {
                    LoadError::Engine(_) | LoadError::Compiler { .. } => chain(&error),
                    error => format!("it is not a plugin: {}", chain(error)),
                },
            })?;
        json_schema::check(&plugin.description().config_schema).map_err(|reason| Problem {
            reason: "DescribeFailed",
            message: format!("it is not a plugin: its configuration's schema: {reason}"),
        })?;
        self_test::run(&plugin)
            .await
            .map_err(|message| Problem { reason: "SelfTestFailed", message })?;
        Ok(plugin)
    }

    async fn follow_file(&self, path: &Path, tell: &impl Fn(Result<Plugin, Problem>)) {
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
                tell(loaded.map_err(|problem| problem.of(&path.display().to_string())));
            }
            events.next().await;
        }
    }

    async fn read_file(&self, path: &Path) -> Result<Vec<u8>, Problem> {
        let unreadable = |error: std::io::Error| Problem {
            reason: "FileUnreadable",
            message: format!("it cannot be read: {error}"),
        };
        self.unsigned("a file")?;
        let (owned, limit) = (path.to_owned(), self.wanted.max_bytes);
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

    async fn follow_artifact(&self, artifact: &Artifact, tell: &impl Fn(Result<Plugin, Problem>)) {
        let mut serving: Option<(Vouched, Plugin)> = None;
        let mut told: Option<String> = None;
        let mut retry = FIRST_RETRY;
        loop {
            let known = serving.as_ref().map(|(vouched, _)| vouched.clone());
            let mut look = std::pin::pin!(self.look(artifact, known.as_ref()));
            let outcome = match tokio::time::timeout(PATIENCE, &mut look).await {
                Ok(outcome) => outcome,
                // A registry that does not answer holds up no start.
                Err(_) => {
                    self.go_on_with_kept(artifact, &mut serving, tell).await;
                    look.await
                }
            };
            let wait = match outcome {
                Ok(new) => {
                    if let Some(new) = new {
                        tell(Ok(new.1.clone()));
                        (serving, told) = (Some(new), None);
                    } else if let (Some(_), Some((_, plugin))) = (told.take(), &serving) {
                        // What went wrong is right again without new bytes.
                        tell(Ok(plugin.clone()));
                    }
                    if artifact.reference.digest().is_some() {
                        // It cannot become another one.
                        return;
                    }
                    retry = FIRST_RETRY;
                    artifact.check_every
                }
                Err(failure) => {
                    // A start while the registry is down goes on with what was served before.
                    if failure.transient {
                        self.go_on_with_kept(artifact, &mut serving, tell).await;
                    }
                    let problem = failure.problem.of(&artifact.reference.to_string());
                    if told.replace(problem.message.clone()).as_ref() != Some(&problem.message) {
                        tell(Err(problem));
                    }
                    let wait = retry.min(artifact.check_every.max(FIRST_RETRY));
                    retry = retry.saturating_mul(2);
                    wait
                }
            };
            tokio::time::sleep(jittered(wait)).await;
        }
    }

    /// Serves what was kept, where nothing is served yet.
    async fn go_on_with_kept(
        &self,
        artifact: &Artifact,
        serving: &mut Option<(Vouched, Plugin)>,
        tell: &impl Fn(Result<Plugin, Problem>),
    ) {
        if serving.is_none()
            && let Some((vouched, plugin)) = self.kept(artifact).await
        {
            tell(Ok(plugin.clone()));
            *serving = Some((vouched, plugin));
        }
    }

    /// Looks what the reference stands for now; `None` if that is what is served.
    async fn look(
        &self,
        artifact: &Artifact,
        serving: Option<&Vouched>,
    ) -> Result<Option<(Vouched, Plugin)>, Failure> {
        let keys = self.keys().await?;
        let access = Access {
            ca_file: artifact.ca_file.clone(),
            plain_http: artifact.plain_http,
            credentials: self.credentials(artifact).await?,
            max_bytes: self.wanted.max_bytes,
            timeout: PULL,
        };
        let registry = Registry::new(&access).map_err(Failure::of_pull)?;
        let reference = &artifact.reference;
        let digest = match reference.digest() {
            Some(digest) => *digest,
            None => registry.resolve(reference).await.map_err(Failure::of_pull)?,
        };
        let mut vouched = Vouched {
            reference: reference.to_string(),
            digest: digest.to_string(),
            keys: keys.iter().map(|(text, _)| text.clone()).collect(),
            component: String::new(),
        };
        if serving.is_some_and(|serving| {
            (&serving.digest, &serving.keys) == (&vouched.digest, &vouched.keys)
        }) {
            return Ok(None);
        }
        for (_, keys) in &keys {
            artifact::verify(&registry, reference, &digest, keys).await.map_err(|error| {
                let problem = Problem { reason: error.reason(), message: chain(&error) };
                Failure { transient: error.reason() == "PullError", problem }
            })?;
        }
        let bytes = registry.pull(reference, &digest).await.map_err(Failure::of_pull)?;
        let bytes = Bytes::from(bytes);
        let plugin = self.load(bytes.clone()).await.map_err(Failure::lasting)?;
        plugin.digest().clone_into(&mut vouched.component);
        if let Some(store) = &self.fetcher.store {
            store.keep_artifact(&vouched, &bytes);
        }
        Ok(Some((vouched, plugin)))
    }

    /// What was pulled, verified with the same keys and served before.
    async fn kept(&self, artifact: &Artifact) -> Option<(Vouched, Plugin)> {
        let store = self.fetcher.store.as_ref()?;
        let keys: Vec<_> = self.keys().await.ok()?.into_iter().map(|(text, _)| text).collect();
        let vouched = store.artifact(&artifact.reference.to_string(), &keys)?;
        let plugin = self.load(store.component(&vouched.component)?.into()).await.ok()?;
        tracing::warn!(
            plugin = %artifact.reference,
            digest = vouched.digest,
            "the registry cannot be asked; what was pulled before is served"
        );
        Some((vouched, plugin))
    }

    /// The keys that must each have signed, as text and as keys.
    async fn keys(&self) -> Result<Vec<(String, Vec<PublicKey>)>, Failure> {
        let mut all = Vec::new();
        for source in &self.wanted.verify {
            let text = match source {
                KeySource::Pem(text) => text.clone(),
                KeySource::File(path) => text_of(path).await.map_err(|error| {
                    let message = format!("the public key {}: {error}", path.display());
                    Failure::lasting(Problem { reason: "SignatureInvalid", message })
                })?,
            };
            let keys = PublicKey::from_pem(&text).map_err(|error| {
                let message = format!("the public key cannot be used: {}", chain(&error));
                Failure::lasting(Problem { reason: "SignatureInvalid", message })
            })?;
            all.push((text, keys));
        }
        Ok(all)
    }

    async fn credentials(
        &self,
        artifact: &Artifact,
    ) -> Result<Option<artifact::Credentials>, Failure> {
        let failed = |message: String| {
            // Credentials that are not there yet may come.
            Failure { transient: true, problem: Problem { reason: "PullError", message } }
        };
        let json = match &artifact.pull_secret {
            None => return Ok(None),
            Some(Credentials::File(path)) => text_of(path)
                .await
                .map_err(|error| failed(format!("the pull secret {}: {error}", path.display())))?,
            Some(Credentials::Secret(namespace, name)) => {
                let Some(cluster) = &self.fetcher.cluster else {
                    return Err(failed(
                        "there is no cluster to ask for the pull secret".to_owned(),
                    ));
                };
                cluster.pull_secret(namespace.as_str(), name).await.map_err(|reason| {
                    failed(format!("the pull secret {namespace}/{name}: {reason}"))
                })?
            }
        };
        artifact::Credentials::for_registry(&json, &artifact.reference)
            .map(Some)
            .map_err(|error| failed(format!("the pull secret: {}", chain(&error))))
    }
}

/// The text of a file with a key or credentials.
async fn text_of(path: &Path) -> std::io::Result<String> {
    let owned = path.to_owned();
    files::blocking(path, move || files::read_text(&owned, files::MAX_CREDENTIALS)).await
}

/// Why a look at a registry gave no plugin.
struct Failure {
    problem: Problem,
    /// Whether it says nothing of the artifact, but that the registry could not be asked.
    transient: bool,
}

impl Failure {
    fn of_pull(error: artifact::PullError) -> Self {
        let reason = error.reason();
        let problem = Problem { reason, message: chain(&error) };
        Self { transient: reason == "PullError", problem }
    }

    fn lasting(problem: Problem) -> Self {
        Self { problem, transient: false }
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

/// Adapters that started together do not ask together.
fn jittered(wait: Duration) -> Duration {
    let spread = f64::from(std::process::id() % 100) / 1000.0;
    wait.mul_f64(0.9 + spread)
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
