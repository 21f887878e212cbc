//! Who asks: a client with a certificate, with a token, with headers, or with nothing to show.

use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Method, RequestBuilder};

use crate::answer::Answer;
use crate::certificates::Identity;

/// A client with connections of its own. It believes any server, unless told whom to trust.
///
/// It belongs to the test that made it: the connections of one that ended do not serve another.
#[derive(Debug, Clone)]
pub struct Caller {
    http: Client,
    headers: Vec<(String, String)>,
}

/// How long a caller waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

impl Caller {
    /// One with nothing to show.
    ///
    /// # Panics
    /// If no client can be made.
    pub fn anonymous() -> Self {
        Self::new(careless())
    }

    /// One that shows this certificate in the handshake.
    ///
    /// # Panics
    /// If it is none.
    pub fn certified(identity: &Identity) -> Self {
        let pem = format!("{}{}", identity.certificate, identity.key);
        let identity = reqwest::Identity::from_pem(pem.as_bytes());
        Self::new(careless().identity(identity.expect("a certificate and its key")))
    }

    /// One that trusts only this authority, given as PEM.
    ///
    /// # Panics
    /// If it is none.
    pub fn trusting(authority: &str) -> Self {
        let root = Certificate::from_pem(authority.as_bytes()).expect("a certificate");
        Self::new(builder().tls_certs_only([root]))
    }

    /// One that sends this bearer token.
    pub fn bearing(token: &str) -> Self {
        Self::anonymous().header("authorization", &format!("Bearer {token}"))
    }

    /// The same with another header in each request.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Reads a URL; when there is no answer, why.
    pub async fn get(&self, url: &str) -> Result<Answer, String> {
        Answer::read(self.request(Method::GET, url)).await
    }

    pub(crate) fn request(&self, method: Method, url: &str) -> RequestBuilder {
        let request = self.http.request(method, url);
        self.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    fn new(builder: ClientBuilder) -> Self {
        Self { http: builder.build().expect("a client"), headers: Vec::new() }
    }
}

fn careless() -> ClientBuilder {
    builder().tls_danger_accept_invalid_certs(true)
}

fn builder() -> ClientBuilder {
    crate::crypto();
    let redirects = reqwest::redirect::Policy::none();
    Client::builder().timeout(PATIENCE).no_proxy().redirect(redirects)
}
