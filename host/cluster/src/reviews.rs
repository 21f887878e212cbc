//! Questions about who somebody is and what they may do.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;

use super::Cluster;
use super::reason::explain;

/// How long an answer may take, with all attempts.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Between attempts; each is half as long again as the one before.
const PAUSE: Duration = Duration::from_millis(500);

/// Somebody who asks for something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The name.
    pub user: String,
    /// What tells two of that name apart.
    pub uid: Option<String>,
    /// The groups.
    pub groups: Vec<String>,
    /// What an authorizer may want to know besides.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Attributes {
    /// Something of an API group.
    Resource {
        /// What is to be done.
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
    /// A path outside the API groups.
    Path {
        /// What is to be done.
        verb: String,
        /// The path.
        path: String,
    },
}

impl Attributes {
    /// The same for everything of the group; `None` outside groups. Who may do that may do this.
    pub fn widened(&self) -> Option<Self> {
        let Self::Resource { verb, group, resource, .. } = self else { return None };
        // Resources of the custom and external groups are metrics. This one has two, of which
        // the HPA controller may list one.
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

/// Whether somebody may do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Allowed,
    /// No; a reason, where there is one.
    Denied(String),
}

/// A question that got no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}: {reason}")]
pub struct ReviewError {
    what: &'static str,
    reason: String,
}

impl Cluster {
    /// Whose token this is; `None` if it is nobody's.
    pub async fn review_token(&self, token: &str) -> Result<Option<Identity>, ReviewError> {
        let review = TokenReview {
            spec: TokenReviewSpec { token: Some(token.to_owned()), audiences: None },
            ..TokenReview::default()
        };
        let status = self.ask("the token cannot be reviewed", &review).await?.status;
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

    /// Whether somebody may do something.
    pub async fn review_access(
        &self,
        identity: &Identity,
        attributes: &Attributes,
    ) -> Result<Decision, ReviewError> {
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
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let status = self.ask("the right to this cannot be reviewed", &review).await?.status;
        let status = status.unwrap_or_default();
        if status.allowed && status.denied != Some(true) {
            return Ok(Decision::Allowed);
        }
        Ok(Decision::Denied(status.reason.unwrap_or_default()))
    }

    /// Posts a review; tries again for a while where that may help.
    async fn ask<R>(&self, what: &'static str, review: &R) -> Result<R, ReviewError>
    where
        R: kube::Resource<DynamicType = (), Scope = k8s_openapi::ClusterResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::Serialize
            + serde::de::DeserializeOwned,
    {
        let api: Api<R> = Api::all(self.client.clone());
        let mut last = "no answer from kube-apiserver".to_owned();
        let attempts = async {
            let mut pause = PAUSE;
            loop {
                match api.create(&PostParams::default(), review).await {
                    Ok(reviewed) => return Ok(reviewed),
                    // The same question gets the same answer.
                    Err(kube::Error::Api(status)) if (400..500).contains(&status.code) => {
                        return Err(explain(&kube::Error::Api(status)));
                    }
                    Err(error) => last = explain(&error),
                }
                tokio::time::sleep(pause).await;
                pause = pause * 3 / 2;
            }
        };
        match tokio::time::timeout(TIMEOUT, attempts).await {
            Ok(answer) => answer.map_err(|reason| ReviewError { what, reason }),
            Err(_) => Err(ReviewError { what, reason: last }),
        }
    }
}
