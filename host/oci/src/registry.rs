//! Resolves references and pulls components.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Certificate, Client, Method, redirect};

use super::credentials::Credentials;
use super::error::PullError;
use super::manifest::{Content, Descriptor};
use super::session::Session;
use leadsman_model::reference::Digest;
use leadsman_model::reference::Reference;
use leadsman_runtime::files;

/// How registries are accessed.
#[derive(Debug, Clone)]
pub struct Access {
    /// CA certificates in PEM to trust in addition to those of the system, as a registry may store
    /// blobs and issue tokens on other hosts.
    pub ca_file: Option<PathBuf>,
    /// Whether to use plain HTTP.
    pub plain_http: bool,
    /// Credentials. They are never sent to another registry.
    pub credentials: Option<Credentials>,
    /// The maximum size of a component, in bytes.
    pub max_bytes: u64,
    /// The time limit of each operation, over all of its requests.
    pub timeout: Duration,
}

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
            let layer = plugin(&mut session, digest).await?;
            session.blob(&layer, self.access.max_bytes).await
        })
        .await
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
        let what = reference.to_string();
        match session.ask(Method::HEAD, &format!("manifests/{tag}"), &what).await {
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
}

/// The layer with the component.
async fn plugin(session: &mut Session<'_>, digest: &Digest) -> Result<Descriptor, PullError> {
    let what = session.name(&digest.to_string());
    let refuse = |reason| PullError::NotAPlugin { what: what.clone(), reason };
    let child = match session.manifest_of(digest).await?.content().map_err(refuse)? {
        Content::Plugin(layer) => return Ok(layer),
        Content::Manifest(child) => child,
    };
    let malformed = |reason| PullError::Malformed { what: what.clone(), reason };
    let child: Digest = child.digest.parse().map_err(malformed)?;
    match session.manifest_of(&child).await?.content().map_err(refuse)? {
        Content::Plugin(layer) => Ok(layer),
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
        Some(path) => builder().tls_certs_merge(certificates(path)?).build(),
        // Plain HTTP works on systems without any CA certificates.
        None if access.plain_http => {
            builder().build().or_else(|_| builder().tls_certs_only([]).build())
        }
        None => builder().build(),
    };
    made.map_err(PullError::Client)
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, PullError> {
    let pem = files::read_regular(path, files::MAX_CREDENTIALS)
        .map_err(|source| PullError::CaFile { path: path.to_owned(), source })?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(PullError::CaPem { path: path.to_owned() }),
    }
}
