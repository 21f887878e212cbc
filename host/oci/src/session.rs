//! Requests about one repository, with authentication, redirects and limits.

use http::{HeaderValue, header};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};

use super::answer::{bounded, digested, error_message, host, media_type, shown};
use super::challenge;
use super::credentials::{CredentialKind, RegistryCredentials};
use super::error::PullError;
use super::manifest::{Descriptor, IMAGE_INDEX, IMAGE_MANIFEST, Manifest};
use leadsman_model::reference::Digest;
use leadsman_model::reference::Reference;

/// The maximum size of a manifest, in bytes: what registries must support.
const MAX_MANIFEST_BYTES: u64 = 4 << 20;
const MAX_REDIRECTS: usize = 5;

/// A session with one repository: its credentials, and the token once there is one.
///
/// It lives as long as one operation: the next one authenticates again, so that renewed credentials
/// are used and no token is kept past its expiry.
pub(super) struct Session<'a> {
    client: &'a Client,
    reference: &'a Reference,
    credentials: Option<&'a RegistryCredentials>,
    base: Url,
    authorization: Option<HeaderValue>,
    rights: Rights,
}

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    /// Reading.
    Pull,
    /// Reading and writing.
    Push,
}

impl Rights {
    /// As the scope of a token has it.
    pub(super) fn actions(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
        }
    }
}

impl<'a> Session<'a> {
    pub(super) fn new(
        client: &'a Client,
        reference: &'a Reference,
        credentials: Option<&'a RegistryCredentials>,
        plain_http: bool,
    ) -> Result<Self, PullError> {
        let scheme = if plain_http { "http" } else { "https" };
        let address = format!("{scheme}://{}/v2/{}/", reference.host(), reference.repository());
        let base = Url::parse(&address)
            .map_err(|error| PullError::Malformed { what: address, reason: error.to_string() })?;
        let credentials = credentials.filter(|credentials| credentials.are_for(reference));
        Ok(Self { client, reference, credentials, base, authorization: None, rights: Rights::Pull })
    }

    /// The same session, for writing too.
    pub(super) fn for_push(mut self) -> Self {
        self.rights = Rights::Push;
        self
    }

    pub(super) fn rights(&self) -> Rights {
        self.rights
    }

    /// The address of a part of the repository.
    pub(super) fn url(&self, path: &str) -> Result<Url, PullError> {
        let malformed = |_| PullError::Redirect { host: host(&self.base), reason: "it is none" };
        self.base.join(path).map_err(malformed)
    }

    /// Sends a request that writes, once with each way to authenticate. Every status but success is an
    /// error. It follows no redirect: what is written goes where the registry was asked to take it.
    pub(super) async fn write(
        &mut self,
        method: Method,
        url: &Url,
        body: Body<'_>,
        what: &str,
    ) -> Result<Response, PullError> {
        let is_safe = url.scheme() == "https" || url.scheme() == "http" && self.is_plain();
        if !is_safe {
            let reason = "it does not use TLS";
            return Err(PullError::Redirect { host: host(url), reason });
        }
        let mut response = self.send(&method, url, body).await?;
        if response.status() == StatusCode::UNAUTHORIZED
            && self.authorization.is_none()
            && self.is_own(url)
        {
            self.authorization = Some(challenge::answer(self, response.headers()).await?);
            response = self.send(&method, url, body).await?;
        }
        self.accepted(response, what).await
    }

    async fn send(
        &self,
        method: &Method,
        url: &Url,
        body: Body<'_>,
    ) -> Result<Response, PullError> {
        let mut request = self
            .request(method.clone(), url.clone())
            .header(header::CONTENT_TYPE, body.media_type)
            .body(body.bytes.to_vec());
        if let Some(authorization) = self.authorization.as_ref().filter(|_| self.is_own(url)) {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let response = request.send().await;
        response.map_err(|error| PullError::of_request(host(url), error))
    }

    /// Requests a part of the repository. Every status but success is an error.
    pub(super) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        what: &str,
    ) -> Result<Response, PullError> {
        let mut response = self.follow(method.clone(), path).await?;
        if response.status() == StatusCode::UNAUTHORIZED
            && self.authorization.is_none()
            && self.is_own(response.url())
        {
            self.authorization = Some(challenge::answer(self, response.headers()).await?);
            response = self.follow(method, path).await?;
        }
        self.accepted(response, what).await
    }

    /// The response, unless its status is an error.
    async fn accepted(&self, response: Response, what: &str) -> Result<Response, PullError> {
        let host = host(response.url());
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::NOT_FOUND => Err(PullError::NotFound { what: what.to_owned(), host }),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(match self.credentials {
                None => self.no_credentials(),
                Some(_) => self.denied(host),
            }),
            status => {
                // The message of a host behind a redirect is not shown.
                let said = match self.is_own(response.url()) {
                    true => error_message(response).await,
                    false => None,
                };
                Err(PullError::Status { host, what: what.to_owned(), status, said })
            }
        }
    }

    /// Reads a manifest by tag or digest, and the media type of the response.
    pub(super) async fn manifest(
        &mut self,
        version: &str,
    ) -> Result<(Vec<u8>, Option<String>), PullError> {
        let what = self.name(&format!("the manifest {version}"));
        let response = self.ask(Method::GET, &format!("manifests/{version}"), &what).await?;
        let media_type = media_type(&response);
        Ok((bounded(response, MAX_MANIFEST_BYTES, &what).await?, media_type))
    }

    /// Reads the manifest with this digest.
    pub(super) async fn manifest_of(&mut self, digest: &Digest) -> Result<Manifest, PullError> {
        let what = self.name(&format!("the manifest {digest}"));
        let (bytes, media_type) = self.manifest(&digest.to_string()).await?;
        checked(Digest::of(&bytes), digest, &what)?;
        Manifest::parse(&bytes, media_type.as_deref())
            .map_err(|reason| PullError::Malformed { what, reason })
    }

    /// Reads a blob of at most `limit` bytes, and no more than its descriptor declares.
    pub(super) async fn blob(
        &mut self,
        blob: &Descriptor,
        limit: u64,
    ) -> Result<Vec<u8>, PullError> {
        let what = self.name(&format!("the blob {}", shown(&blob.digest)));
        let digest: Digest = blob
            .digest
            .parse()
            .map_err(|reason| PullError::Malformed { what: what.clone(), reason })?;
        if blob.size > limit {
            return Err(PullError::TooLarge { what, size: Some(blob.size), limit });
        }
        let response = self.ask(Method::GET, &format!("blobs/{digest}"), &what).await?;
        let answer = digested(response, blob.size, &what).await;
        let (bytes, found) = answer.map_err(|error| match error {
            PullError::TooLarge { what, limit, .. } => PullError::Overrun { what, declared: limit },
            error => error,
        })?;
        checked(found, &digest, &what)?;
        Ok(bytes)
    }

    pub(super) fn reference(&self) -> &Reference {
        self.reference
    }

    pub(super) fn credentials(&self) -> Option<&CredentialKind> {
        self.credentials.map(|credentials| &credentials.kind)
    }

    /// Whether plain HTTP is configured.
    pub(super) fn is_plain(&self) -> bool {
        self.base.scheme() == "http"
    }

    /// A request without credentials.
    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// The name of a part of the repository in messages.
    pub(super) fn name(&self, part: &str) -> String {
        format!("{part} of {}/{}", self.reference.registry(), self.reference.repository())
    }

    pub(super) fn challenge(&self, reason: &str) -> PullError {
        PullError::Challenge { host: host(&self.base), reason: reason.to_owned() }
    }

    pub(super) fn no_credentials(&self) -> PullError {
        let repository = self.reference.repository().to_owned();
        PullError::NoCredentials { host: host(&self.base), repository }
    }

    pub(super) fn denied(&self, host: String) -> PullError {
        PullError::Denied { host, repository: self.reference.repository().to_owned() }
    }

    /// Sends a request and follows redirects. Registries store blobs on other hosts, and only the
    /// registry itself gets the authorization.
    async fn follow(&self, method: Method, path: &str) -> Result<Response, PullError> {
        let mut url = self.url(path)?;
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self
                .request(method.clone(), url.clone())
                .header(header::ACCEPT, format!("{IMAGE_MANIFEST}, {IMAGE_INDEX}, */*;q=0.1"));
            if let Some(authorization) = self.authorization.as_ref().filter(|_| self.is_own(&url)) {
                request = request.header(header::AUTHORIZATION, authorization);
            }
            let response = request.send().await;
            let response = response.map_err(|error| PullError::of_request(host(&url), error))?;
            let Some(location) = redirection(&response) else { return Ok(response) };
            let refused = |reason| PullError::Redirect { host: host(&url), reason };
            let location = location.to_str().map_err(|_| refused("it is none"))?;
            let next = url.join(location).map_err(|_| refused("it is none"))?;
            let is_safe = next.scheme() == "https" || next.scheme() == "http" && self.is_plain();
            if !is_safe {
                return Err(refused("it does not use TLS"));
            }
            url = next;
        }
        Err(PullError::Redirect { host: host(&url), reason: "there was one too many before it" })
    }

    fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }
}

/// What a request writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body<'a> {
    pub(super) media_type: &'static str,
    pub(super) bytes: &'a [u8],
}

fn checked(found: Digest, digest: &Digest, what: &str) -> Result<(), PullError> {
    if found == *digest { Ok(()) } else { Err(PullError::Digest { what: what.to_owned(), found }) }
}

fn redirection(response: &Response) -> Option<&HeaderValue> {
    let is_redirection = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    response.headers().get(header::LOCATION).filter(|_| is_redirection)
}
