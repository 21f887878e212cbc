//! Why a request is refused.

use std::fmt;

use leadsman_cluster::{Attributes, Identity, ReviewError};

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// Its credentials are invalid.
    #[error("Unauthorized: {0}")]
    Unauthenticated(#[source] Unauthenticated),
    /// The user is not authorized.
    #[error("{0}")]
    Forbidden(Box<Forbidden>),
    /// It cannot be reviewed.
    #[error("{0}")]
    Unknown(#[source] ReviewError),
    /// Too many requests of clients that have not shown who they are wait for a review.
    #[error(
        "{limit} requests without a client certificate wait for kube-apiserver to review them; try \
         again later"
    )]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

impl Denied {
    /// The reason code, for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Forbidden(_) => "forbidden",
            Self::Unknown(_) => "unknown",
            Self::TooMany { .. } => "too_many",
        }
    }
}

/// Why credentials are invalid.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unauthenticated {
    /// The trusted authorities are not known yet.
    #[error("the trusted authorities of the cluster are not known yet")]
    Unknown,
    /// No authority of the cluster has signed the certificate.
    #[error("the client certificate is not trusted: {0}")]
    Certificate(String),
    /// The front proxy's authority has signed it for another name.
    #[error("the client certificate's name \"{0}\" is not one of a front proxy")]
    NotAFrontProxy(String),
    /// A certificate of an authority of clients claims a name of the cluster's own.
    #[error(
        "the client certificate claims \"{0}\", and names that begin with system: are the cluster's own: \
         only an authority of the cluster can give them"
    )]
    Reserved(String),
    /// There are no credentials, where requests must have some.
    #[error("there is neither a client certificate nor a bearer token")]
    Nobody,
    /// The certificate has no common name.
    #[error("the client certificate names nobody")]
    Nameless,
    /// There is no token.
    #[error("there is no bearer token; send one in the header Authorization")]
    NoToken,
    /// The token is invalid.
    #[error("the bearer token is not valid")]
    Token,
    /// The token could not be reviewed.
    #[error("{0}")]
    Review(#[source] ReviewError),
}

/// A user without the right to what was requested.
#[derive(Debug)]
pub struct Forbidden {
    /// The user.
    pub identity: Identity,
    /// What was requested.
    pub attributes: Attributes,
    /// The authorizer's reason, if there is one.
    pub reason: String,
}

/// The wording of kube-apiserver, so that it is found by those who know it.
impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { identity: Identity { user, .. }, attributes, reason } = self;
        match attributes {
            Attributes::Path { verb, path } => {
                write!(f, "forbidden: User \"{user}\" cannot {verb} path \"{path}\"")?;
            }
            Attributes::Resource {
                verb, group, namespace, resource, subresource, name, ..
            } => {
                write!(f, "{resource}.{group} ")?;
                if !name.is_empty() {
                    write!(f, "\"{name}\" ")?;
                }
                write!(f, "is forbidden: User \"{user}\" cannot {verb} resource \"{resource}")?;
                if !subresource.is_empty() {
                    write!(f, "/{subresource}")?;
                }
                write!(f, "\" in API group \"{group}\" ")?;
                match namespace.as_str() {
                    "" => f.write_str("at the cluster scope")?,
                    namespace => write!(f, "in the namespace \"{namespace}\"")?,
                }
            }
        }
        if reason.is_empty() { Ok(()) } else { write!(f, ": {reason}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::attributes;

    #[test]
    fn refusals_are_worded_as_kube_apiserver_words_them() {
        let reported = |path: &str| {
            let identity = Identity { user: "jane".into(), ..Identity::default() };
            let attributes = attributes(&http::Method::GET, &path.parse().unwrap());
            Forbidden { identity, attributes, reason: String::new() }.to_string()
        };
        assert_eq!(
            reported("/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/*/load"),
            "pods.custom.metrics.k8s.io \"*\" is forbidden: User \"jane\" cannot get resource \
             \"pods/load\" in API group \"custom.metrics.k8s.io\" in the namespace \"shop\""
        );
        assert_eq!(
            reported("/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue"),
            "queue.external.metrics.k8s.io is forbidden: User \"jane\" cannot list resource \
             \"queue\" in API group \"external.metrics.k8s.io\" in the namespace \"shop\""
        );
        assert_eq!(reported("/apis"), "forbidden: User \"jane\" cannot get path \"/apis\"");
    }
}
