//! Plugins in an OCI registry: resolved, verified, pulled and checked for changes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Fetching, chain};
use crate::plugins::{Artifact, Credentials, PluginReporter, Problem};
use crate::reason::Reason;
use crate::store::{Store, VerifiedArtifact};
use leadsman_config::valid::KeySource;
use leadsman_oci::{self as artifact, Access, PublicKey, Registry};
use leadsman_runtime::backoff::{Backoff, jittered};
use leadsman_runtime::files;
use leadsman_sandbox::Plugin;

/// How long a pull may take in all.
const PULL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a registry may take to answer before what was pulled from it earlier is served.
const CACHE_FALLBACK_AFTER: Duration = Duration::from_secs(5);

/// How soon a registry is asked again after a failure. Each further failure doubles it, up to the
/// interval of checks.
const MIN_BACKOFF: Duration = Duration::from_secs(1);

impl Fetching {
    pub(super) async fn follow_artifact(&self, artifact: &Artifact, reporter: &PluginReporter) {
        let mut serving: Option<(VerifiedArtifact, Plugin)> = None;
        let mut reported: Option<String> = None;
        let mut backoff = Backoff::new(MIN_BACKOFF, artifact.check_every.max(MIN_BACKOFF));
        loop {
            let known = serving.as_ref().map(|(verified, _)| verified.clone());
            let mut pull = std::pin::pin!(self.pull_if_changed(artifact, known.as_ref()));
            let outcome = match tokio::time::timeout(CACHE_FALLBACK_AFTER, &mut pull).await {
                Ok(outcome) => outcome,
                // A registry that does not answer holds up no start.
                Err(_) => {
                    self.fall_back_to_cache(artifact, &mut serving, reporter).await;
                    pull.await
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
                    backoff.reset();
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
                    backoff.next_delay()
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
    async fn pull_if_changed(
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
                Failure { transient: error.is_transient(), problem }
            })?;
        }
        let bytes = registry.pull(reference, &digest).await.map_err(Failure::of_pull)?;
        let bytes = Bytes::from(bytes);
        let plugin = self.load(bytes.clone()).await.map_err(Failure::lasting)?;
        plugin.digest().clone_into(&mut verified.component);
        if let Some(store) = &self.fetcher.store {
            let kept = verified.clone();
            on_store(store, move |store| store.keep_artifact(&kept, &bytes)).await;
        }
        Ok(Some((verified, plugin)))
    }

    /// What was pulled, verified with the same keys and served before.
    async fn cached(&self, artifact: &Artifact) -> Option<(VerifiedArtifact, Plugin)> {
        let store = self.fetcher.store.as_ref()?;
        let keys: Vec<_> = self.keys().await.ok()?.into_iter().map(|(text, _)| text).collect();
        let reference = artifact.reference.to_string();
        let (verified, component) = on_store(store, move |store| {
            let verified = store.artifact(&reference, &keys)?;
            let component = store.component(&verified.component)?;
            Some((verified, component))
        })
        .await??;
        let plugin = self.load(component.into()).await.ok()?;
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
    ) -> Result<Option<artifact::RegistryCredentials>, Failure> {
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
        artifact::RegistryCredentials::for_registry(&json, &artifact.reference)
            .map(Some)
            .map_err(|error| failed(format!("the pull secret: {}", chain(&error))))
    }
}

/// Works on the store on a thread for blocking work: components are read, hashed and written whole.
/// `None` if the work panicked.
async fn on_store<T: Send + 'static>(
    store: &Arc<Store>,
    work: impl FnOnce(&Store) -> T + Send + 'static,
) -> Option<T> {
    let store = store.clone();
    let done = tokio::task::spawn_blocking(move || work(&store)).await;
    done.inspect_err(|error| tracing::error!(%error, "work on the cache folder panicked")).ok()
}

/// The text of a file with a key or credentials.
async fn text_of(path: &Path) -> std::io::Result<String> {
    let owned = path.to_owned();
    files::blocking(path, move || files::read_text(&owned, files::MAX_CREDENTIALS)).await
}

/// Why a registry gave no plugin.
struct Failure {
    problem: Problem,
    /// Whether the registry could not be reached, which says nothing of the artifact.
    transient: bool,
}

impl Failure {
    fn of_pull(error: artifact::PullError) -> Self {
        let reason = Reason::Plugin(error.reason());
        Self {
            transient: error.is_transient(),
            problem: Problem { reason, message: chain(&error) },
        }
    }

    fn lasting(problem: Problem) -> Self {
        Self { problem, transient: false }
    }
}
