//! Searches for signatures of a manifest in its repository.

use http::header;
use reqwest::{Method, StatusCode};

use super::bundle;
use super::error::SignatureError;
use super::key::PublicKey;
use super::simple;
use crate::answer::{bounded, media_type, shown};
use crate::error::PullError;
use crate::manifest::{Descriptor, IMAGE_INDEX, Manifest};
use crate::session::Session;
use leadsman_model::reference::Digest;

/// The maximum sizes of a signature and of a list of referrers, in bytes. Bundles have a few kilobytes.
const MAX_SIGNATURE_BYTES: u64 = 1 << 20;
const MAX_REFERRERS_BYTES: u64 = 4 << 20;
/// How many manifests and layers of each are examined, so that pushing many of them cannot keep the
/// adapter busy.
const MAX_REFERRERS: usize = 32;
const MAX_LAYERS: usize = 32;

/// One search for a signature.
pub(super) struct Search<'a, 'b> {
    session: &'a mut Session<'b>,
    digest: &'a Digest,
    keys: &'a [PublicKey],
    refused: Vec<String>,
    /// The first error of the search.
    failed: Option<PullError>,
}

impl<'a, 'b> Search<'a, 'b> {
    pub(super) fn new(
        session: &'a mut Session<'b>,
        digest: &'a Digest,
        keys: &'a [PublicKey],
    ) -> Self {
        Self { session, digest, keys, refused: Vec::new(), failed: None }
    }

    pub(super) async fn run(mut self, artifact: &str) -> Result<(), SignatureError> {
        if self.among_referrers().await || self.under_the_tag().await {
            return Ok(());
        }
        let (artifact, refused) = (artifact.to_owned(), self.refused);
        Err(match self.failed {
            Some(source) => SignatureError::Unavailable { source, refused },
            None if refused.is_empty() => SignatureError::Unsigned { artifact },
            None => SignatureError::Invalid { artifact, refused },
        })
    }

    async fn among_referrers(&mut self) -> bool {
        let found = match self.referrers().await {
            Ok(found) => found,
            Err(error) => {
                self.note("the list of referrers", error);
                return false;
            }
        };
        let all = found.manifests.len();
        // The artifact type of a referrer is only a hint: cosign 2 writes that of an empty file, and
        // lists may omit it.
        let is_bundle = |it: &Descriptor| it.artifact_type.as_deref() == Some(bundle::MEDIA_TYPE);
        let (mut likely, others): (Vec<_>, Vec<_>) =
            found.manifests.into_iter().partition(is_bundle);
        likely.extend(others);
        for referrer in likely.into_iter().take(MAX_REFERRERS) {
            let name = format!("the referrer {}", shown(&referrer.digest));
            let manifest = match referrer.digest.parse() {
                Ok(digest) => self.session.manifest_of(&digest).await,
                Err(reason) => Err(PullError::Malformed { what: name.clone(), reason }),
            };
            match manifest {
                Ok(manifest) if self.in_manifest(&name, &manifest).await => return true,
                Ok(_) => {}
                Err(error) => self.note(&name, error),
            }
        }
        if all > MAX_REFERRERS {
            let text = format!("of {all} referrers only {MAX_REFERRERS} were looked at");
            self.refused.push(text);
        }
        false
    }

    async fn under_the_tag(&mut self) -> bool {
        let tag = format!("sha256-{}.sig", self.digest.hex());
        let name = format!("the tag {tag}");
        let manifest = match self.session.manifest(&tag).await {
            Ok((bytes, media_type)) => Manifest::parse(&bytes, media_type.as_deref())
                .map_err(|reason| PullError::Malformed { what: name.clone(), reason }),
            Err(PullError::NotFound { .. }) => return false,
            Err(error) => Err(error),
        };
        match manifest {
            Ok(manifest) => {
                if self.in_manifest(&name, &manifest).await {
                    return true;
                }
                let is_empty = !manifest.layers.iter().any(|layer| is_signature(&layer.media_type));
                if is_empty {
                    self.refused.push(format!("{name}: there is no signature in it"));
                }
            }
            Err(error) => self.note(&name, error),
        }
        false
    }

    /// Verifies the signatures in a manifest. Other layers are ignored.
    async fn in_manifest(&mut self, name: &str, manifest: &Manifest) -> bool {
        let mut layers = manifest.layers.iter().filter(|layer| is_signature(&layer.media_type));
        for layer in layers.by_ref().take(MAX_LAYERS) {
            match self.session.blob(layer, MAX_SIGNATURE_BYTES).await {
                Ok(bytes) => match self.check(layer, &bytes) {
                    Ok(()) => return true,
                    Err(reason) => self.refused.push(format!("{name}: {reason}")),
                },
                Err(error) => self.note(name, error),
            }
        }
        if layers.next().is_some() {
            self.refused.push(format!("{name}: only {MAX_LAYERS} of its layers were looked at"));
        }
        false
    }

    fn check(&self, layer: &Descriptor, bytes: &[u8]) -> Result<(), String> {
        if layer.media_type == bundle::MEDIA_TYPE {
            bundle::check(bytes, self.digest, self.keys)
        } else {
            let signature = layer.annotations.get(simple::SIGNATURE).map(String::as_str);
            simple::check(bytes, signature, self.digest, self.keys)
        }
    }

    /// The referrers of the manifest. Registries without the referrers API respond in several ways, and
    /// clients then keep the list under a tag.
    async fn referrers(&mut self) -> Result<Manifest, PullError> {
        let what = self.session.name(&format!("the list of referrers to {}", self.digest));
        let path = format!("referrers/{}", self.digest);
        let malformed = |reason| PullError::Malformed { what: what.clone(), reason };
        match self.session.ask(Method::GET, &path, &what).await {
            Ok(response) if media_type(&response).as_deref() == Some(IMAGE_INDEX) => {
                let is_cut = response.headers().contains_key(header::LINK);
                let bytes = bounded(response, MAX_REFERRERS_BYTES, &what).await?;
                if is_cut {
                    let text = "the registry lists more referrers than it gives at once";
                    self.refused.push(text.to_owned());
                }
                return Manifest::parse(&bytes, Some(IMAGE_INDEX)).map_err(malformed);
            }
            // Some servers answer every request with a web page.
            Ok(_) | Err(PullError::NotFound { .. }) => {}
            Err(PullError::Status { status, .. }) if is_unknown(status) => {}
            Err(error) => return Err(error),
        }
        let tag = format!("sha256-{}", self.digest.hex());
        let (bytes, media_type) = match self.session.manifest(&tag).await {
            Err(PullError::NotFound { .. }) => (b"{}".to_vec(), None),
            found => found?,
        };
        Manifest::parse(&bytes, media_type.as_deref()).map_err(malformed)
    }

    fn note(&mut self, name: &str, error: PullError) {
        if error.is_of_content() {
            self.refused.push(format!("{name}: {error}"));
        } else {
            self.failed.get_or_insert(error);
        }
    }
}

fn is_signature(media_type: &str) -> bool {
    matches!(media_type, bundle::MEDIA_TYPE | simple::MEDIA_TYPE)
}

fn is_unknown(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::NOT_ACCEPTABLE
            | StatusCode::NOT_IMPLEMENTED
    )
}
