//! Resolves references and pulls components.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Client, Method, redirect};

use super::answer::shown;
use super::credentials::RegistryCredentials;
use super::error::PullError;
use super::manifest::{Content, Descriptor, Manifest};
use super::session::Session;
use leadsman_model::reference::Digest;
use leadsman_model::reference::Reference;
use leadsman_runtime::tls;

/// How registries are accessed.
#[derive(Debug, Clone)]
pub struct Access {
    /// CA certificates in PEM to trust in addition to those of the system, as a registry may store
    /// blobs and issue tokens on other hosts.
    pub ca_file: Option<PathBuf>,
    /// Whether to use plain HTTP.
    pub plain_http: bool,
    /// Credentials. They are never sent to another registry.
    pub credentials: Option<RegistryCredentials>,
    /// The maximum size of a component, in bytes.
    pub max_bytes: u64,
    /// The time limit of each operation, over all of its requests.
    pub timeout: Duration,
}

/// What the manifest of a plugin says about it. The texts are those of whoever pushed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactInfo {
    /// The digest of the component.
    pub component: String,
    /// The size of the component, in bytes.
    pub bytes: u64,
    /// What kind of artifact it says to be.
    pub artifact_type: Option<String>,
    /// Its annotations, without control characters; the first few.
    pub annotations: Vec<(String, String)>,
}

/// How many annotations of an artifact are given.
const MAX_ANNOTATIONS: usize = 50;

/// A client of registries.
#[derive(Debug)]
pub struct Registry {
    client: Client,
    access: Access,
}

const HEADER_DIGEST: &str = "docker-content-digest";

impl Registry {
    /// Reads the CA certificates. Does not connect.
    pub fn new(access: &Access) -> Result<Self, PullError> {
        Ok(Self { client: client(access)?, access: access.clone() })
    }

    /// Resolves a reference to the digest of its manifest. A reference with a digest needs no request.
    pub async fn resolve(&self, reference: &Reference) -> Result<Digest, PullError> {
        match (reference.digest(), reference.tag()) {
            (Some(digest), _) => Ok(*digest),
            (None, Some(tag)) => {
                self.within(reference.to_string(), self.resolve_tag(reference, tag)).await
            }
            (None, None) => Err(PullError::Malformed {
                what: reference.to_string(),
                reason: "it has neither a tag nor a digest".to_owned(),
            }),
        }
    }

    /// Pulls the component of the manifest with this digest. Tag and digest of the reference are
    /// ignored.
    pub async fn pull(&self, reference: &Reference, digest: &Digest) -> Result<Vec<u8>, PullError> {
        self.within(reference.to_string(), async {
            let mut session = self.session(reference)?;
            let (layer, _) = plugin(&mut session, digest).await?;
            session.blob(&layer, self.access.max_bytes).await
        })
        .await
    }

    /// Reads what the manifest with this digest says. Tag and digest of the reference are ignored.
    pub async fn info(
        &self,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<ArtifactInfo, PullError> {
        self.within(reference.to_string(), async {
            let mut session = self.session(reference)?;
            let (layer, manifest) = plugin(&mut session, digest).await?;
            let annotations = manifest.annotations.iter().take(MAX_ANNOTATIONS);
            Ok(ArtifactInfo {
                component: shown(&layer.digest),
                bytes: layer.size,
                artifact_type: manifest.artifact_type.as_deref().map(shown),
                annotations: annotations.map(|(key, text)| (shown(key), shown(text))).collect(),
            })
        })
        .await
    }

    pub(super) fn timeout(&self) -> Duration {
        self.access.timeout
    }

    pub(super) fn session<'a>(
        &'a self,
        reference: &'a Reference,
    ) -> Result<Session<'a>, PullError> {
        let credentials = self.access.credentials.as_ref();
        Session::new(&self.client, reference, credentials, self.access.plain_http)
    }

    pub(super) async fn within<T, E: From<PullError>>(
        &self,
        what: String,
        task: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let limit = self.access.timeout;
        match tokio::time::timeout(limit, task).await {
            Ok(result) => result,
            Err(_) => Err(PullError::Timeout { what, limit }.into()),
        }
    }

    async fn resolve_tag(&self, reference: &Reference, tag: &str) -> Result<Digest, PullError> {
        let mut session = self.session(reference)?;
        digest_of_tag(&mut session, tag, &reference.to_string()).await
    }
}

/// The digest of the manifest that a tag refers to. `what` is the name of it in messages.
pub(super) async fn digest_of_tag(
    session: &mut Session<'_>,
    tag: &str,
    what: &str,
) -> Result<Digest, PullError> {
    match session.ask(Method::HEAD, &format!("manifests/{tag}"), what).await {
        Ok(head) => {
            let named = head.headers().get(HEADER_DIGEST);
            let named = named.and_then(|value| value.to_str().ok()?.parse().ok());
            if let Some(digest) = named {
                return Ok(digest);
            }
        }
        // The registry may not support HEAD; otherwise the GET below has a better message.
        Err(PullError::Status { .. }) => {}
        Err(error) => return Err(error),
    }
    let (manifest, _) = session.manifest(tag).await?;
    Ok(Digest::of(&manifest))
}

/// The layer with the component, and the manifest that it is of.
async fn plugin(
    session: &mut Session<'_>,
    digest: &Digest,
) -> Result<(Descriptor, Manifest), PullError> {
    let what = session.name(&digest.to_string());
    let refuse = |reason| PullError::NotAPlugin { what: what.clone(), reason };
    let manifest = session.manifest_of(digest).await?;
    let child = match manifest.content().map_err(refuse)? {
        Content::Plugin(layer) => return Ok((layer, manifest)),
        Content::Manifest(child) => child,
    };
    let malformed = |reason| PullError::Malformed { what: what.clone(), reason };
    let child: Digest = child.digest.parse().map_err(malformed)?;
    let manifest = session.manifest_of(&child).await?;
    match manifest.content().map_err(refuse)? {
        Content::Plugin(layer) => Ok((layer, manifest)),
        Content::Manifest(_) => Err(malformed("it is an index of an index".to_owned())),
    }
}

fn client(access: &Access) -> Result<Client, PullError> {
    leadsman_runtime::tls::install_provider();
    let builder = || {
        Client::builder()
            .user_agent(concat!("leadsman/", env!("CARGO_PKG_VERSION")))
            // Redirects are checked before they are followed.
            .redirect(redirect::Policy::none())
    };
    let made = match &access.ca_file {
        Some(path) => builder().tls_certs_merge(tls::authorities(path)?).build(),
        // Plain HTTP works on systems without any CA certificates.
        None if access.plain_http => {
            builder().build().or_else(|_| builder().tls_certs_only([]).build())
        }
        None => builder().build(),
    };
    made.map_err(PullError::Client)
}
