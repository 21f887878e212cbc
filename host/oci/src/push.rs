//! Pushes a component, as an artifact that registry tools and other WebAssembly tools read.
//!
//! A tag cannot be compared and set in one request. So what it refers to is looked at before anything
//! is uploaded, right before it is written, and after that: somebody who moves it meanwhile is noticed.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Method, StatusCode, header};
use serde_json::json;

use super::answer::host;
use super::error::PullError;
use super::manifest::IMAGE_MANIFEST;
use super::registry::{Registry, digest_of_tag};
use super::session::{Body, Session};
use leadsman_model::reference::{Digest, Reference};
use leadsman_runtime::backoff::Backoff;

/// The type of the artifact, as registry tools show it.
pub const ARTIFACT_TYPE: &str = "application/vnd.leadsman.plugin.v1";

/// The media type of the description of a component, as WebAssembly tools write it.
const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// The media type of the component.
const WASM: &str = "application/wasm";
/// The media type of uploads.
const OCTETS: &str = "application/octet-stream";
/// The annotation with the time at which an artifact was made.
const CREATED: &str = "org.opencontainers.image.created";
/// What stands for that time if it is not given: the same component is the same artifact then.
const NO_TIME: &str = "1970-01-01T00:00:00Z";

/// How often each part is tried while the registry is unavailable.
const MAX_ATTEMPTS: u32 = 3;
/// The delay before the second attempt. It doubles.
const MIN_BACKOFF: Duration = Duration::from_millis(500);
const MAX_BACKOFF: Duration = Duration::from_secs(4);

/// A component to push.
#[derive(Debug, Clone, Copy)]
pub struct NewArtifact<'a> {
    /// The component.
    pub component: &'a [u8],
    /// What is said about it, by the keys of the OCI image specification and others.
    pub annotations: &'a BTreeMap<String, String>,
}

/// What the tag must refer to before the push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Anything, as long as nobody moves it while the push lasts.
    Anything,
    /// Nothing: the tag is new.
    Nothing,
    /// The manifest with this digest.
    Digest(Digest),
}

/// A component was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The digest of its manifest.
    pub digest: Digest,
    /// What the tag referred to before, if it was something else.
    pub replaced: Option<Digest>,
    /// Whether the tag referred to the same artifact before, so that nothing was written.
    pub unchanged: bool,
}

/// A component cannot be pushed.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The reference has no tag.
    #[error("{0} has no tag: write one, as in registry.example/plugins/rate:1.2")]
    NoTag(String),
    /// The registry requires credentials.
    #[error(
        "{host} lets nobody push to {repository} without credentials: log in first \
         (`docker login {host}`, `podman login` or `oras login`)"
    )]
    NoCredentials {
        /// The registry.
        host: String,
        /// The repository.
        repository: String,
    },
    /// The registry refuses to let these credentials write.
    #[error(
        "{host} does not let you push to {repository} with the credentials that you have for it: \
         log in as somebody who may, or ask for the right to push"
    )]
    Denied {
        /// The registry, or its token service.
        host: String,
        /// The repository.
        repository: String,
    },
    /// The tag refers to something else than expected.
    #[error(
        "{reference} refers to {}, and not to {} as expected; nothing was changed",
        of(.found), of(.expected)
    )]
    Unexpected {
        /// The reference.
        reference: String,
        /// What was expected.
        expected: Option<Digest>,
        /// What it refers to.
        found: Option<Digest>,
    },
    /// The tag moved during the push, before it was written.
    #[error(
        "{reference} was moved from {} to {} by somebody else while this was being pushed; the tag \
         was left as it is now", of(.before), of(.now)
    )]
    Moved {
        /// The reference.
        reference: String,
        /// What it referred to at the beginning.
        before: Option<Digest>,
        /// What it refers to now.
        now: Option<Digest>,
    },
    /// The tag was moved right after it was written.
    #[error(
        "{reference} was pushed as {pushed}, and somebody else has moved it to {} since; use the \
         digest", of(.now)
    )]
    Overtaken {
        /// The reference.
        reference: String,
        /// The digest that was pushed.
        pushed: Digest,
        /// What it refers to now.
        now: Option<Digest>,
    },
    /// The registry took the manifest for another one.
    #[error("{host} stored the manifest as {found}, and its digest is {pushed}")]
    Stored {
        /// The registry.
        host: String,
        /// What the registry says.
        found: String,
        /// The digest of what was sent.
        pushed: Digest,
    },
    /// The registry names no address for an upload.
    #[error("{host} does not say where to upload to")]
    NoLocation {
        /// The registry.
        host: String,
    },
    /// The registry cannot be reached, or answers in another way than it should.
    #[error(transparent)]
    Access(PullError),
}

impl From<PullError> for PushError {
    fn from(error: PullError) -> Self {
        match error {
            PullError::NoCredentials { host, repository } => {
                Self::NoCredentials { host, repository }
            }
            PullError::Denied { host, repository } => Self::Denied { host, repository },
            other => Self::Access(other),
        }
    }
}

impl PushError {
    /// Whether the same may work a moment later.
    fn is_transient(&self) -> bool {
        match self {
            Self::Access(PullError::Connect { .. } | PullError::Broken { .. }) => true,
            Self::Access(PullError::Status { status, .. }) => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            _ => false,
        }
    }
}

/// The name of what a tag refers to.
fn of(digest: &Option<Digest>) -> String {
    digest.map_or_else(|| "nothing".to_owned(), |digest| digest.to_string())
}

impl Registry {
    /// Pushes a component and points the reference's tag to it. A digest in the reference is ignored.
    ///
    /// Parts that fail for a while are tried again. A blob that the repository has is not uploaded.
    pub async fn push(
        &self,
        reference: &Reference,
        artifact: &NewArtifact<'_>,
        expected: Expected,
    ) -> Result<Pushed, PushError> {
        let Some(tag) = reference.tag() else {
            return Err(PushError::NoTag(reference.to_string()));
        };
        let push = Push { registry: self, reference, tag, artifact };
        match tokio::time::timeout(self.timeout(), push.run(expected)).await {
            Ok(pushed) => pushed,
            Err(_) => {
                let what = format!("the answer to the push of {reference}");
                Err(PushError::Access(PullError::Timeout { what, limit: self.timeout() }))
            }
        }
    }
}

struct Push<'a> {
    registry: &'a Registry,
    reference: &'a Reference,
    tag: &'a str,
    artifact: &'a NewArtifact<'a>,
}

impl Push<'_> {
    async fn run(&self, expected: Expected) -> Result<Pushed, PushError> {
        let (config, manifest) = self.documents();
        let digest = Digest::of(&manifest);
        let before = self.current().await?;
        let wanted = match expected {
            Expected::Anything => before,
            Expected::Nothing => None,
            Expected::Digest(digest) => Some(digest),
        };
        if before != wanted {
            let (expected, found) = (wanted, before);
            let reference = self.reference.to_string();
            return Err(PushError::Unexpected { reference, expected, found });
        }
        if before == Some(digest) {
            return Ok(Pushed { digest, replaced: None, unchanged: true });
        }
        self.blob(self.artifact.component, "the component").await?;
        self.blob(&config, "the description of the component").await?;
        let now = self.current().await?;
        if now != before {
            let reference = self.reference.to_string();
            return Err(PushError::Moved { reference, before, now });
        }
        self.manifest(&manifest, &digest).await?;
        let now = self.current().await?;
        if now != Some(digest) {
            let (reference, pushed) = (self.reference.to_string(), digest);
            return Err(PushError::Overtaken { reference, pushed, now });
        }
        Ok(Pushed { digest, replaced: before, unchanged: false })
    }

    /// The description of the component, and the manifest. Both depend on nothing but the component and
    /// its annotations.
    fn documents(&self) -> (Vec<u8>, Vec<u8>) {
        let NewArtifact { component, annotations } = self.artifact;
        let layer = Digest::of(component).to_string();
        let created = annotations.get(CREATED).map_or(NO_TIME, String::as_str);
        let config = json!({
            "created": created, "architecture": "wasm", "os": "wasip2", "layerDigests": [layer],
        });
        let config = config.to_string().into_bytes();
        let title = annotations.get("org.opencontainers.image.title");
        let title = title.map_or("plugin", String::as_str);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": IMAGE_MANIFEST,
            "artifactType": ARTIFACT_TYPE,
            "config": {
                "mediaType": WASM_CONFIG,
                "digest": Digest::of(&config).to_string(),
                "size": config.len(),
            },
            "layers": [{
                "mediaType": WASM,
                "digest": layer,
                "size": component.len(),
                // The file name that `oras pull` gives it.
                "annotations": {"org.opencontainers.image.title": format!("{title}.wasm")},
            }],
            "annotations": annotations,
        });
        (config, manifest.to_string().into_bytes())
    }

    fn session(&self) -> Result<Session<'_>, PullError> {
        Ok(self.registry.session(self.reference)?.for_push())
    }

    /// What the tag refers to, for whoever may push.
    async fn current(&self) -> Result<Option<Digest>, PushError> {
        attempts(async || -> Result<Option<Digest>, PushError> {
            let mut session = self.session()?;
            match digest_of_tag(&mut session, self.tag, &self.reference.to_string()).await {
                Ok(digest) => Ok(Some(digest)),
                Err(PullError::NotFound { .. }) => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Uploads a blob, unless the repository has it.
    async fn blob(&self, bytes: &[u8], what: &str) -> Result<(), PushError> {
        let digest = Digest::of(bytes);
        attempts(async || -> Result<(), PushError> {
            let mut session = self.session()?;
            let name = session.name(what);
            match session.ask(Method::HEAD, &format!("blobs/{digest}"), &name).await {
                Ok(_) => return Ok(()),
                // Not there, or not to be asked for; the upload says which.
                Err(PullError::NotFound { .. } | PullError::Status { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            let uploads = session.url("blobs/uploads/")?;
            let empty = Body { media_type: OCTETS, bytes: &[] };
            let begun = session.write(Method::POST, &uploads, empty, &name).await?;
            let location = begun.headers().get(header::LOCATION);
            let location = location.and_then(|location| location.to_str().ok());
            let location = location.and_then(|location| begun.url().join(location).ok());
            let nowhere = || PushError::NoLocation { host: host(begun.url()) };
            let mut location = location.ok_or_else(nowhere)?;
            location.query_pairs_mut().append_pair("digest", &digest.to_string());
            let body = Body { media_type: OCTETS, bytes };
            session.write(Method::PUT, &location, body, &name).await?;
            Ok(())
        })
        .await
    }

    async fn manifest(&self, bytes: &[u8], digest: &Digest) -> Result<(), PushError> {
        attempts(async || -> Result<(), PushError> {
            let mut session = self.session()?;
            let url = session.url(&format!("manifests/{}", self.tag))?;
            let name = session.name(&format!("the manifest {}", self.tag));
            let body = Body { media_type: IMAGE_MANIFEST, bytes };
            let stored = session.write(Method::PUT, &url, body, &name).await?;
            let named = stored.headers().get("docker-content-digest");
            match named.and_then(|named| named.to_str().ok()) {
                Some(found) if found != digest.to_string() => Err(PushError::Stored {
                    host: host(stored.url()),
                    found: super::answer::shown(found),
                    pushed: *digest,
                }),
                _ => Ok(()),
            }
        })
        .await
    }
}

/// Tries something again while it fails for a reason that may pass.
async fn attempts<T>(task: impl AsyncFn() -> Result<T, PushError>) -> Result<T, PushError> {
    let mut backoff = Backoff::new(MIN_BACKOFF, MAX_BACKOFF);
    let mut attempt = 1;
    loop {
        match task().await {
            Err(error) if error.is_transient() && attempt < MAX_ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(backoff.next_delay()).await;
            }
            other => return other,
        }
    }
}
