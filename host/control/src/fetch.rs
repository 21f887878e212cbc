//! Fetches a plugin from where it is, and follows it there: verified, loaded and tested.

use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::plugins::{Artifact, Credentials, PluginReporter, PluginSource, PluginSpec, Problem};
use super::reason::Reason;
use super::self_test;
use super::store::{Store, VerifiedArtifact};
use super::watch_files::FileEvents;
use leadsman_cluster::Cluster;
use leadsman_config::valid::KeySource;
use leadsman_document::json_schema;
use leadsman_model::reference::Digest;
use leadsman_oci::{self as artifact, Access, PublicKey, Registry};
use leadsman_runtime::files;
use leadsman_sandbox::{CompileOwner, Compiler, Engine, LoadError, Plugin};

/// How long a pull may take in all.
const PULL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a registry may take to answer before what was pulled from it earlier is served.
const CACHE_FALLBACK_AFTER: Duration = Duration::from_secs(5);

/// How soon a registry is asked again after it failed; each further failure doubles it.
const FIRST_RETRY: Duration = Duration::from_secs(1);

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

    async fn follow_artifact(&self, artifact: &Artifact, reporter: &PluginReporter) {
        let mut serving: Option<(VerifiedArtifact, Plugin)> = None;
        let mut reported: Option<String> = None;
        let mut retry = FIRST_RETRY;
        loop {
            let known = serving.as_ref().map(|(verified, _)| verified.clone());
            let mut look = std::pin::pin!(self.look(artifact, known.as_ref()));
            let outcome = match tokio::time::timeout(CACHE_FALLBACK_AFTER, &mut look).await {
                Ok(outcome) => outcome,
                // A registry that does not answer holds up no start.
                Err(_) => {
                    self.fall_back_to_cache(artifact, &mut serving, reporter).await;
                    look.await
                }
            };
            let wait = match outcome {
                Ok(new) => {
                    if let Some(new) = new {
                        reporter.report(Ok(new.1.clone())).await;
                        (serving, reported) = (Some(new), None);
                    } else if let (Some(_), Some((_, plugin))) = (reported.take(), &serving) {
                        // What went wrong is right again without new bytes.
                        reporter.report(Ok(plugin.clone())).await;
                    }
                    if artifact.reference.digest().is_some() {
                        // It cannot become another one.
                        return;
                    }
                    retry = FIRST_RETRY;
                    artifact.check_every
                }
                Err(failure) => {
                    // A start while the registry is down uses what was served before.
                    if failure.transient {
                        self.fall_back_to_cache(artifact, &mut serving, reporter).await;
                    }
                    let problem = failure.problem.of(&artifact.reference.to_string());
                    let message = &problem.message;
                    if reported.replace(message.clone()).as_ref() != Some(message) {
                        reporter.report(Err(problem)).await;
                    }
                    let wait = retry.min(artifact.check_every.max(FIRST_RETRY));
                    retry = retry.saturating_mul(2);
                    wait
                }
            };
            tokio::time::sleep(jittered(wait)).await;
        }
    }

    /// Serves what was cached, where nothing is served yet.
    async fn fall_back_to_cache(
        &self,
        artifact: &Artifact,
        serving: &mut Option<(VerifiedArtifact, Plugin)>,
        reporter: &PluginReporter,
    ) {
        if serving.is_none()
            && let Some((verified, plugin)) = self.cached(artifact).await
        {
            reporter.report(Ok(plugin.clone())).await;
            *serving = Some((verified, plugin));
        }
    }

    /// Resolves the reference and pulls what it refers to now; `None` if that is served already.
    async fn look(
        &self,
        artifact: &Artifact,
        serving: Option<&VerifiedArtifact>,
    ) -> Result<Option<(VerifiedArtifact, Plugin)>, Failure> {
        let keys = self.keys().await?;
        let access = Access {
            ca_file: artifact.ca_file.clone(),
            plain_http: artifact.plain_http,
            credentials: self.credentials(artifact).await?,
            max_bytes: self.spec.max_bytes,
            timeout: PULL_TIMEOUT,
        };
        let registry = Registry::new(&access).map_err(Failure::of_pull)?;
        let reference = &artifact.reference;
        let digest = match reference.digest() {
            Some(digest) => *digest,
            None => registry.resolve(reference).await.map_err(Failure::of_pull)?,
        };
        let mut verified = VerifiedArtifact {
            reference: reference.to_string(),
            digest: digest.to_string(),
            keys: keys.iter().map(|(text, _)| text.clone()).collect(),
            component: String::new(),
        };
        if serving.is_some_and(|serving| {
            (&serving.digest, &serving.keys) == (&verified.digest, &verified.keys)
        }) {
            return Ok(None);
        }
        for (_, keys) in &keys {
            artifact::verify(&registry, reference, &digest, keys).await.map_err(|error| {
                let problem =
                    Problem { reason: Reason::Plugin(error.reason()), message: chain(&error) };
                Failure { transient: error.reason() == "PullError", problem }
            })?;
        }
        let bytes = registry.pull(reference, &digest).await.map_err(Failure::of_pull)?;
        let bytes = Bytes::from(bytes);
        let plugin = self.load(bytes.clone()).await.map_err(Failure::lasting)?;
        plugin.digest().clone_into(&mut verified.component);
        if let Some(store) = &self.fetcher.store {
            store.keep_artifact(&verified, &bytes);
        }
        Ok(Some((verified, plugin)))
    }

    /// What was pulled, verified with the same keys and served before.
    async fn cached(&self, artifact: &Artifact) -> Option<(VerifiedArtifact, Plugin)> {
        let store = self.fetcher.store.as_ref()?;
        let keys: Vec<_> = self.keys().await.ok()?.into_iter().map(|(text, _)| text).collect();
        let verified = store.artifact(&artifact.reference.to_string(), &keys)?;
        let plugin = self.load(store.component(&verified.component)?.into()).await.ok()?;
        tracing::warn!(
            plugin = %artifact.reference,
            digest = verified.digest,
            "the registry cannot be asked; what was pulled before is served"
        );
        Some((verified, plugin))
    }

    /// The keys that must each have signed, as text and as keys.
    async fn keys(&self) -> Result<Vec<(String, Vec<PublicKey>)>, Failure> {
        let mut all = Vec::new();
        for source in &self.spec.verify {
            let text = match source {
                KeySource::Pem(text) => text.clone(),
                KeySource::File(path) => text_of(path).await.map_err(|error| {
                    let message = format!("the public key {}: {error}", path.display());
                    Failure::lasting(Problem {
                        reason: Reason::Plugin("SignatureInvalid"),
                        message,
                    })
                })?,
            };
            let keys = PublicKey::from_pem(&text).map_err(|error| {
                let message = format!("the public key cannot be used: {}", chain(&error));
                Failure::lasting(Problem { reason: Reason::Plugin("SignatureInvalid"), message })
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
            Failure {
                transient: true,
                problem: Problem { reason: Reason::Plugin("PullError"), message },
            }
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
    /// Whether the registry could not be reached, which says nothing of the artifact.
    transient: bool,
}

impl Failure {
    fn of_pull(error: artifact::PullError) -> Self {
        let reason = error.reason();
        let problem = Problem { reason: Reason::Plugin(reason), message: chain(&error) };
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

/// Shortens a delay by up to a tenth, at random: adapters that started together do not ask together.
fn jittered(wait: Duration) -> Duration {
    // Each state has keys of its own, seeded by the operating system.
    let random = RandomState::new().hash_one(()) % 100;
    wait.mul_f64(0.9 + f64::from(u32::try_from(random).unwrap_or(0)) / 1000.0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_differ_by_a_tenth_at_most() {
        let delays: Vec<_> = (0..50).map(|_| jittered(Duration::from_secs(100))).collect();
        let least = Duration::from_secs(90);
        let most = Duration::from_secs(100);
        assert!(delays.iter().all(|delay| (least..=most).contains(delay)), "{delays:?}");
        assert!(delays.iter().any(|delay| *delay != delays[0]), "{delays:?}");
    }
}
