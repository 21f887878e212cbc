//! Why a request is not answered.

use crate::cluster::{Attributes, Identity, ReviewError};

/// Why a request is not answered.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// It came with credentials that are nobody's.
    #[error("Unauthorized: {0}")]
    Unauthenticated(#[source] Unauthenticated),
    /// Whoever asks may not have it.
    #[error("{}", forbidden(.identity, .attributes, .reason))]
    Forbidden {
        /// Who asks.
        identity: Identity,
        /// For what.
        attributes: Attributes,
        /// Why not, if the authorizer says so.
        reason: String,
    },
    /// Whether they may cannot be found out.
    #[error("{0}")]
    Unknown(#[source] ReviewError),
}

impl Denied {
    /// The kind of the error, as metrics count it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Forbidden { .. } => "forbidden",
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

/// As kube-apiserver says it, so that what is known of its messages holds here.
fn forbidden(identity: &Identity, attributes: &Attributes, reason: &str) -> String {
    let user = &identity.user;
    let mut text = match attributes {
        Attributes::Path { verb, path } => {
            format!("forbidden: User \"{user}\" cannot {verb} path \"{path}\"")
        }
        Attributes::Resource { verb, group, namespace, resource, subresource, name, .. } => {
            let place = match namespace.as_str() {
                "" => "at the cluster scope".to_owned(),
                namespace => format!("in the namespace \"{namespace}\""),
            };
            let whole = match subresource.as_str() {
                "" => resource.clone(),
                subresource => format!("{resource}/{subresource}"),
            };
            let name = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
            format!(
                "{resource}.{group}{name} is forbidden: User \"{user}\" cannot {verb} resource \
                 \"{whole}\" in API group \"{group}\" {place}"
            )
        }
    };
    if !reason.is_empty() {
        text.push_str(": ");
        text.push_str(reason);
    }
    text
}
