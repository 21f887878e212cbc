//! Clients with a certificate, a token, headers, or no credentials.

use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Method, RequestBuilder};

use crate::answer::Answer;
use crate::certificates::Identity;

/// A client with its own connections. It accepts any server certificate unless a trusted authority
/// is given.
///
/// It must be used only in the test that created it: connections end with the runtime of that test.
#[derive(Debug, Clone)]
pub struct HttpClient {
    http: Client,
    headers: Vec<(String, String)>,
}

/// The timeout of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

impl HttpClient {
    /// A client without credentials.
    ///
    /// # Panics
    /// If the client cannot be created.
    pub fn anonymous() -> Self {
        Self::new(unverified())
    }

    /// A client that presents this certificate in the handshake.
    ///
    /// # Panics
    /// If the certificate is invalid.
    pub fn with_certificate(identity: &Identity) -> Self {
        let pem = format!("{}{}", identity.certificate, identity.key);
        let identity = reqwest::Identity::from_pem(pem.as_bytes());
        Self::new(unverified().identity(identity.expect("a certificate and its key")))
    }

    /// A client that trusts only this authority, given as PEM.
    ///
    /// # Panics
    /// If the certificate is invalid.
    pub fn with_root(authority: &str) -> Self {
        let root = Certificate::from_pem(authority.as_bytes()).expect("a certificate");
        Self::new(builder().tls_certs_only([root]))
    }

    /// A client that sends this bearer token.
    pub fn with_token(token: &str) -> Self {
        Self::anonymous().header("authorization", &format!("Bearer {token}"))
    }

    /// The same with an additional header in each request.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Reads a URL. The error is the reason why there is no response.
    pub async fn get(&self, url: &str) -> Result<Answer, String> {
        Answer::read(self.request(Method::GET, url)).await
    }

    /// Whether a URL can be read. The error is the reason why not.
    pub(crate) async fn can_read(&self, url: &str) -> Result<(), String> {
        self.get(url).await?.succeeded()
    }

    /// Whether an aggregated API server is ready, and knows the authority of its clients' certificates: it says
    /// that it is ready before, and then takes each of them for anonymous.
    pub(crate) async fn is_known_to(&self, server: &str) -> Result<(), String> {
        self.can_read(&format!("{server}/readyz")).await?;
        self.can_read(&format!("{server}/apis")).await
    }

    pub(crate) fn request(&self, method: Method, url: &str) -> RequestBuilder {
        let request = self.http.request(method, url);
        self.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    fn new(builder: ClientBuilder) -> Self {
        Self { http: builder.build().expect("a client"), headers: Vec::new() }
    }
}

fn unverified() -> ClientBuilder {
    builder().tls_danger_accept_invalid_certs(true)
}

fn builder() -> ClientBuilder {
    crate::crypto();
    let redirects = reqwest::redirect::Policy::none();
    Client::builder().timeout(REQUEST_TIMEOUT).no_proxy().redirect(redirects)
}
