//! A registry, and what can be had from it.

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

/// How registries are reached.
#[derive(Debug, Clone)]
pub struct Access {
    /// Certificates of authorities to trust besides those of the system, in PEM. Besides, and not
    /// in their place, because a registry may keep its blobs and its tokens elsewhere.
    pub ca_file: Option<PathBuf>,
    /// Whether to do without TLS.
    pub plain_http: bool,
    /// What the registry lets one in with. Other registries than theirs never see them.
    pub credentials: Option<Credentials>,
    /// The size of the largest plugin.
    pub max_bytes: u64,
    /// How long each of the tasks may take as a whole, however many requests it needs.
    pub timeout: Duration,
}

/// A way to registries.
#[derive(Debug)]
pub struct Registry {
    client: Client,
    access: Access,
}

const HEADER_DIGEST: &str = "docker-content-digest";

impl Registry {
    /// Reads the certificates. Does not connect.
    pub fn new(access: &Access) -> Result<Self, PullError> {
        Ok(Self { client: client(access)?, access: access.clone() })
    }

    /// The digest of the manifest that a reference stands for now. One that has a digest stands for
    /// that, and nothing is asked.
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

    /// Reads the plugin whose manifest has this digest. Tag and digest of the reference do not
    /// matter.
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
            // It may not know the method; otherwise what follows has a text that says more.
            Err(PullError::Status { .. }) => {}
            Err(error) => return Err(error),
        }
        let (manifest, _) = session.manifest(tag).await?;
        Ok(Digest::of(&manifest))
    }
}

/// The layer with the plugin.
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
            // Each is looked at before it is followed.
            .redirect(redirect::Policy::none())
    };
    let made = match &access.ca_file {
        Some(path) => builder().tls_certs_merge(certificates(path)?).build(),
        // Without TLS a system that has no certificates at all is good enough.
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
