//! TokenReview and SubjectAccessReview.

use std::collections::BTreeMap;

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};

use super::Cluster;
use super::review_client::Subject;

/// The user of requests without credentials.
pub const ANONYMOUS: &str = "system:anonymous";

/// An authenticated user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The name.
    pub user: String,
    /// The unique id.
    pub uid: Option<String>,
    /// The groups.
    pub groups: Vec<String>,
    /// Further attributes for the authorizer.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// The attributes of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Attributes {
    /// For a resource of an API group.
    Resource {
        /// The verb.
        verb: String,
        /// The group.
        group: String,
        /// The version.
        version: String,
        /// The namespace; empty if there is none.
        namespace: String,
        /// The resource.
        resource: String,
        /// The subresource; empty if there is none.
        subresource: String,
        /// The name; empty if there is none.
        name: String,
    },
    /// For another path.
    Path {
        /// The verb.
        verb: String,
        /// The path.
        path: String,
    },
}

impl Attributes {
    /// The same for all resources of the group; `None` outside groups. It implies the right to this.
    pub fn widened(&self) -> Option<Self> {
        let Self::Resource { verb, group, resource, .. } = self else { return None };
        // Resources of the custom and external groups are metrics. This one has two, and the HPA
        // controller may list one of them.
        let resource = if group == "metrics.k8s.io" { resource } else { "*" };
        Some(Self::Resource {
            verb: verb.clone(),
            group: group.clone(),
            version: "*".to_owned(),
            namespace: String::new(),
            resource: resource.to_owned(),
            subresource: String::new(),
            name: String::new(),
        })
    }
}

/// The result of a SubjectAccessReview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReviewDecision {
    /// The user has the right.
    Allowed,
    /// The user does not have the right, with the reason, which may be empty.
    Denied(String),
}

/// A review that could not be made.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}: {reason}")]
pub struct ReviewError {
    pub(super) what: &'static str,
    pub(super) reason: String,
}

impl Cluster {
    /// The user of a token; `None` if the token is invalid.
    pub async fn review_token(&self, token: &str) -> Result<Option<Identity>, ReviewError> {
        let review = TokenReview {
            spec: TokenReviewSpec { token: Some(token.to_owned()), audiences: None },
            ..TokenReview::default()
        };
        let status = self
            .reviews
            .review("the token cannot be reviewed", Subject::Token, &review)
            .await?
            .status;
        let Some(status) = status.filter(|status| status.authenticated == Some(true)) else {
            return Ok(None);
        };
        let Some(user) = status.user else { return Ok(None) };
        Ok(Some(Identity {
            user: user.username.unwrap_or_default(),
            uid: user.uid.filter(|uid| !uid.is_empty()),
            groups: user.groups.unwrap_or_default(),
            extra: user.extra.unwrap_or_default(),
        }))
    }

    /// Whether a user has the right to something.
    pub async fn review_access(
        &self,
        identity: &Identity,
        attributes: &Attributes,
    ) -> Result<ReviewDecision, ReviewError> {
        let filled = |text: &String| (!text.is_empty()).then(|| text.clone());
        let mut spec = SubjectAccessReviewSpec {
            user: Some(identity.user.clone()),
            uid: identity.uid.clone(),
            groups: Some(identity.groups.clone()),
            extra: Some(identity.extra.clone()),
            ..SubjectAccessReviewSpec::default()
        };
        match attributes {
            Attributes::Resource {
                verb,
                group,
                version,
                namespace,
                resource,
                subresource,
                name,
            } => {
                spec.resource_attributes = Some(ResourceAttributes {
                    verb: filled(verb),
                    group: filled(group),
                    version: filled(version),
                    namespace: filled(namespace),
                    resource: filled(resource),
                    subresource: filled(subresource),
                    name: filled(name),
                    ..ResourceAttributes::default()
                });
            }
            Attributes::Path { verb, path } => {
                spec.non_resource_attributes =
                    Some(NonResourceAttributes { verb: filled(verb), path: filled(path) });
            }
        }
        let subject = match identity.user.as_str() {
            ANONYMOUS => Subject::Anonymous,
            _ => Subject::User,
        };
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let status = self
            .reviews
            .review("the right to this cannot be reviewed", subject, &review)
            .await?
            .status;
        let status = status.unwrap_or_default();
        if status.allowed && status.denied != Some(true) {
            return Ok(ReviewDecision::Allowed);
        }
        Ok(ReviewDecision::Denied(status.reason.unwrap_or_default()))
    }
}
