//! TokenReview and SubjectAccessReview.

use std::collections::BTreeMap;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::client::Body;
use tokio::time::Instant;

use super::reason::{self, explain};
use super::{Cluster, throttle};

/// For one review, with all attempts.
const REVIEW_TIMEOUT: Duration = Duration::from_secs(10);

/// After the first attempt that failed; each further wait is half as long again.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);

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
pub enum Decision {
    /// The user has the right.
    Allowed,
    /// The user does not have the right, with the reason, which may be empty.
    Denied(String),
}

/// A review that could not be made.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}: {reason}")]
pub struct ReviewError {
    what: &'static str,
    reason: String,
}

impl Cluster {
    /// The user of a token; `None` if the token is invalid.
    pub async fn review_token(&self, token: &str) -> Result<Option<Identity>, ReviewError> {
        let review = TokenReview {
            spec: TokenReviewSpec { token: Some(token.to_owned()), audiences: None },
            ..TokenReview::default()
        };
        let status = self.review("the token cannot be reviewed", &review).await?.status;
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
        let status = self.review("the right to this cannot be reviewed", &review).await?.status;
        let status = status.unwrap_or_default();
        if status.allowed && status.denied != Some(true) {
            return Ok(Decision::Allowed);
        }
        Ok(Decision::Denied(status.reason.unwrap_or_default()))
    }

    /// Posts a review, with retries until the deadline where these can help.
    async fn review<R>(&self, what: &'static str, review: &R) -> Result<R, ReviewError>
    where
        R: kube::Resource<DynamicType = (), Scope = k8s_openapi::ClusterResourceScope>
            + serde::Serialize
            + serde::de::DeserializeOwned,
    {
        let error = |reason| ReviewError { what, reason };
        let deadline = Instant::now() + REVIEW_TIMEOUT;
        let mut last = "no answer from kube-apiserver".to_owned();
        let attempts = async {
            let mut backoff = FIRST_BACKOFF;
            loop {
                self.throttle.ready(deadline).await.map_err(|wait| {
                    format!("kube-apiserver has too many requests (429), and asks to wait for {wait:.0?}")
                })?;
                match self.post(review).await {
                    Ok(reviewed) => return Ok(reviewed),
                    // A retry would be refused again.
                    Err(Refused { reason, retry: Retry::Never }) => return Err(reason),
                    Err(Refused { reason, retry: Retry::After(wait) }) => {
                        self.throttle.hold(wait);
                        last = reason;
                    }
                    Err(Refused { reason, retry: Retry::WithBackoff }) => {
                        last = reason;
                        tokio::time::sleep(backoff).await;
                        backoff = backoff * 3 / 2;
                    }
                }
            }
        };
        match tokio::time::timeout_at(deadline, attempts).await {
            Ok(answer) => answer.map_err(error),
            Err(_) => Err(error(last)),
        }
    }

    /// Posts a review once. Not by the typed client, whose errors do not have the headers of an
    /// answer.
    async fn post<R>(&self, review: &R) -> Result<R, Refused>
    where
        R: kube::Resource<DynamicType = ()> + serde::Serialize + serde::de::DeserializeOwned,
    {
        let never = |reason: String| Refused { reason, retry: Retry::Never };
        let unreachable =
            |error: &kube::Error| Refused { reason: explain(error), retry: Retry::WithBackoff };
        let body = serde_json::to_vec(review).map_err(|error| never(error.to_string()))?;
        let request = http::Request::post(R::url_path(&(), None))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .body(Body::from(body))
            .map_err(|error| never(error.to_string()))?;
        let response = self.client.send(request).await.map_err(|error| unreachable(&error))?;
        let (parts, body) = response.into_parts();
        let body = body.collect_bytes().await.map_err(|error| unreachable(&error))?;
        if parts.status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| Refused {
                reason: format!("kube-apiserver answered something that is no review: {error}"),
                retry: Retry::WithBackoff,
            });
        }
        let retry = match throttle::retry_after(parts.status, &parts.headers) {
            Some(wait) => Retry::After(wait),
            None if parts.status.is_client_error() => Retry::Never,
            None => Retry::WithBackoff,
        };
        Err(Refused { reason: reason::of_answer(parts.status, &body), retry })
    }
}

/// A review that was not made.
struct Refused {
    reason: String,
    retry: Retry,
}

/// Whether to try again.
enum Retry {
    Never,
    WithBackoff,
    /// When kube-apiserver says.
    After(Duration),
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::routing::post;
    use http::StatusCode;
    use kube::{Client, Config};
    use serde_json::json;

    use super::*;

    /// A kube-apiserver that answers the first reviews so, and all others with yes.
    async fn cluster(
        first: Vec<(StatusCode, &'static str)>,
    ) -> (Cluster, Arc<Mutex<Vec<Instant>>>) {
        crate::tls::install_provider();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let arrivals = Arc::new(Mutex::new(Vec::new()));
        let seen = arrivals.clone();
        let answer = async move || {
            let mut seen = seen.lock().unwrap();
            seen.push(Instant::now());
            match first.get(seen.len() - 1) {
                Some((status, wait)) => (*status, [("retry-after", *wait)], "{}".to_owned()),
                None => {
                    let review = json!({"spec": {}, "status": {"allowed": true}});
                    (StatusCode::CREATED, [("retry-after", "")], review.to_string())
                }
            }
        };
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let router = Router::new().route(path, post(answer));
        tokio::spawn(async { axum::serve(listener, router).await });
        let client = Client::try_from(Config::new(url.parse().unwrap())).unwrap();
        (Cluster::of(client), arrivals)
    }

    async fn review(cluster: &Cluster, path: &str) -> Result<Decision, ReviewError> {
        let attributes = Attributes::Path { verb: "get".to_owned(), path: path.to_owned() };
        cluster.review_access(&Identity::default(), &attributes).await
    }

    #[tokio::test]
    async fn a_review_that_was_throttled_is_made_when_kube_apiserver_says() {
        let throttled = (StatusCode::TOO_MANY_REQUESTS, "1");
        let (cluster, arrivals) = cluster(vec![throttled]).await;
        assert_eq!(review(&cluster, "/first").await.unwrap(), Decision::Allowed);
        let arrivals = arrivals.lock().unwrap().clone();
        assert_eq!(arrivals.len(), 2);
        assert!(arrivals[1] - arrivals[0] >= Duration::from_secs(1), "{arrivals:?}");
    }

    #[tokio::test]
    async fn one_throttled_review_holds_back_all() {
        let throttled = (StatusCode::TOO_MANY_REQUESTS, "2");
        let (cluster, arrivals) = cluster(vec![throttled]).await;
        let first = tokio::spawn({
            let cluster = cluster.clone();
            async move { review(&cluster, "/first").await }
        });
        let throttle = cluster.throttle.clone();
        while throttle.is_open() {
            tokio::task::yield_now().await;
        }
        let others = (0..20).map(async |at| review(&cluster, &format!("/{at}")).await);
        for decision in futures_util::future::join_all(others).await {
            assert_eq!(decision.unwrap(), Decision::Allowed);
        }
        first.await.unwrap().unwrap();
        let arrivals = arrivals.lock().unwrap().clone();
        assert_eq!(arrivals.len(), 22);
        let early = arrivals[1..].iter().filter(|&&at| at - arrivals[0] < Duration::from_secs(2));
        assert_eq!(early.count(), 0, "{arrivals:?}");
    }

    #[tokio::test]
    async fn a_wait_beyond_the_deadline_fails_at_once_and_says_so() {
        let begun = Instant::now();
        let (cluster, _) = cluster(vec![(StatusCode::TOO_MANY_REQUESTS, "60")]).await;
        let error = review(&cluster, "/").await.unwrap_err().to_string();
        assert!(error.contains("429") && error.contains("wait for 60s"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn a_refusal_is_final() {
        let (cluster, arrivals) = cluster(vec![(StatusCode::FORBIDDEN, "")]).await;
        assert!(review(&cluster, "/").await.unwrap_err().to_string().contains("403"));
        assert_eq!(arrivals.lock().unwrap().len(), 1);
    }
}
