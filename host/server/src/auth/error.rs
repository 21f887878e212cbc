//! Why a request is not answered.

use std::fmt;

use leadsman_cluster::{Attributes, Identity, ReviewError};

/// Why a request is not answered.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// It came with credentials that are nobody's.
    #[error("Unauthorized: {0}")]
    Unauthenticated(#[source] Unauthenticated),
    /// Whoever asks may not have it.
    #[error("{0}")]
    Forbidden(Box<Forbidden>),
    /// Whether they may cannot be found out.
    #[error("{0}")]
    Unknown(#[source] ReviewError),
}

impl Denied {
    /// The kind of the error, as metrics count it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Forbidden(_) => "forbidden",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Why credentials are nobody's.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unauthenticated {
    /// The cluster has not said whom to trust.
    #[error("whom the cluster trusts is not known yet")]
    Unknown,
    /// A certificate that no authority of the cluster stands for.
    #[error("the client certificate is not trusted: {0}")]
    Certificate(String),
    /// A certificate of the front proxy's authority for somebody else.
    #[error("the client certificate's name \"{0}\" is not one of a front proxy")]
    NotAFrontProxy(String),
    /// A certificate without a name.
    #[error("the client certificate names nobody")]
    Nameless,
    /// A token that is nobody's.
    #[error("the bearer token is not valid")]
    Token,
    /// A token that could not be looked at.
    #[error("{0}")]
    Review(#[source] ReviewError),
}

/// Somebody who may not have something.
#[derive(Debug)]
pub struct Forbidden {
    /// Who asks.
    pub identity: Identity,
    /// For what.
    pub attributes: Attributes,
    /// Why not, if the authorizer says so.
    pub reason: String,
}

/// As kube-apiserver says it, so that what is known of its messages holds here.
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
        let told = |path: &str| {
            let identity = Identity { user: "jane".into(), ..Identity::default() };
            let attributes = attributes(&http::Method::GET, &path.parse().unwrap());
            Forbidden { identity, attributes, reason: String::new() }.to_string()
        };
        assert_eq!(
            told("/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/*/load"),
            "pods.custom.metrics.k8s.io \"*\" is forbidden: User \"jane\" cannot get resource \
             \"pods/load\" in API group \"custom.metrics.k8s.io\" in the namespace \"shop\""
        );
        assert_eq!(
            told("/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue"),
            "queue.external.metrics.k8s.io is forbidden: User \"jane\" cannot list resource \
             \"queue\" in API group \"external.metrics.k8s.io\" in the namespace \"shop\""
        );
        assert_eq!(told("/apis"), "forbidden: User \"jane\" cannot get path \"/apis\"");
    }
}
