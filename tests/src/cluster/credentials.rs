//! Credentials for kube-apiserver, for a client of the tests or a kubeconfig.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::caller::HttpClient;
use crate::certificates::Identity;

/// Credentials.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// No credentials.
    Anonymous,
    /// A client certificate.
    Certificate(Identity),
    /// A bearer token.
    Token(String),
}

impl Credentials {
    /// A client with these credentials.
    ///
    /// # Panics
    /// If the certificate is invalid.
    pub fn caller(&self) -> HttpClient {
        match self {
            Self::Anonymous => HttpClient::anonymous(),
            Self::Certificate(identity) => HttpClient::with_certificate(identity),
            Self::Token(token) => HttpClient::with_token(token),
        }
    }

    /// A kubeconfig with these credentials, for a server and its authority.
    pub(super) fn kubeconfig(&self, url: &str, authority: &str, namespace: &str) -> String {
        let user = match self {
            Self::Anonymous => "{}".to_owned(),
            Self::Token(token) => format!("{{token: {token}}}"),
            Self::Certificate(Identity { certificate, key }) => format!(
                "{{client-certificate-data: {}, client-key-data: {}}}",
                STANDARD.encode(certificate),
                STANDARD.encode(key)
            ),
        };
        let authority = STANDARD.encode(authority);
        format!(
            "apiVersion: v1
kind: Config
current-context: tests
contexts:
  - name: tests
    context: {{cluster: tests, user: tests, namespace: {namespace}}}
clusters:
  - name: tests
    cluster: {{server: '{url}', certificate-authority-data: {authority}}}
users:
  - name: tests
    user: {user}
"
        )
    }
}
