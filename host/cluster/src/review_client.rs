//! Posts reviews to kube-apiserver: bounded in number, held back when it throttles, and retried.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use kube::Client;
use kube::client::Body;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::reason::{self, explain};
use super::reviews::ReviewError;
use super::throttle::{self, Throttle};
use leadsman_runtime::backoff::Backoff;

/// For one review, with all attempts.
const REVIEW_TIMEOUT: Duration = Duration::from_secs(10);

/// The delays between attempts: several fit within the time of a review.
const MIN_BACKOFF: Duration = Duration::from_millis(500);
const MAX_BACKOFF: Duration = Duration::from_secs(2);

/// Reviews in flight about authenticated users.
const MAX_USER_REVIEWS: usize = 100;

/// Reviews in flight that clients without valid credentials can cause: of tokens, and of anonymous
/// requests. Others do not wait for them.
const MAX_TOKEN_REVIEWS: usize = 20;
const MAX_ANONYMOUS_REVIEWS: usize = 10;

/// What a review is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// A bearer token.
    Token,
    /// A request without credentials.
    Anonymous,
    /// A request of an authenticated user.
    User,
}

/// Posts reviews.
#[derive(Clone)]
pub(super) struct ReviewClient {
    client: Client,
    throttle: Throttle,
    permits: Arc<Permits>,
}

struct Permits {
    token: Semaphore,
    anonymous: Semaphore,
    user: Semaphore,
}

impl ReviewClient {
    pub(super) fn new(client: Client) -> Self {
        let permits = Permits {
            token: Semaphore::new(MAX_TOKEN_REVIEWS),
            anonymous: Semaphore::new(MAX_ANONYMOUS_REVIEWS),
            user: Semaphore::new(MAX_USER_REVIEWS),
        };
        Self { client, throttle: Throttle::default(), permits: Arc::new(permits) }
    }

    /// Posts a review, with retries until the deadline where these can help.
    pub(super) async fn review<R>(
        &self,
        what: &'static str,
        subject: Subject,
        review: &R,
    ) -> Result<R, ReviewError>
    where
        R: kube::Resource<DynamicType = (), Scope = k8s_openapi::ClusterResourceScope>
            + serde::Serialize
            + serde::de::DeserializeOwned,
    {
        let error = |reason| ReviewError { what, reason };
        let permits = match subject {
            Subject::Token => &self.permits.token,
            Subject::Anonymous => &self.permits.anonymous,
            Subject::User => &self.permits.user,
        };
        let deadline = Instant::now() + REVIEW_TIMEOUT;
        let mut last = "too many reviews are in flight".to_owned();
        let attempts = async {
            // Never closed, so there is always a permit to wait for.
            let _permit = permits.acquire().await.ok();
            last = "no answer from kube-apiserver".to_owned();
            self.attempts(review, deadline, &mut last).await
        };
        match tokio::time::timeout_at(deadline, attempts).await {
            Ok(answer) => answer.map_err(error),
            Err(_) => Err(error(last)),
        }
    }

    /// Posts a review until there is an answer. `last` is the reason of the last failure.
    async fn attempts<R>(
        &self,
        review: &R,
        deadline: Instant,
        last: &mut String,
    ) -> Result<R, String>
    where
        R: kube::Resource<DynamicType = ()> + serde::Serialize + serde::de::DeserializeOwned,
    {
        let mut backoff = Backoff::new(MIN_BACKOFF, MAX_BACKOFF);
        loop {
            self.throttle.ready(deadline).await.map_err(|wait| {
                format!(
                    "kube-apiserver has too many requests (429), and asks to wait for {wait:.0?}"
                )
            })?;
            match self.post(review).await {
                Ok(reviewed) => return Ok(reviewed),
                // A retry would be refused again.
                Err(Refused { reason, retry: Retry::Never }) => return Err(reason),
                Err(Refused { reason, retry: Retry::After(wait) }) => {
                    self.throttle.hold(wait);
                    *last = reason;
                }
                Err(Refused { reason, retry: Retry::WithBackoff }) => {
                    *last = reason;
                    tokio::time::sleep(backoff.next_delay()).await;
                }
            }
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
    use serde_json::json;
    use tokio::task::JoinSet;

    use super::super::Cluster;
    use super::super::fake_server::serve;
    use super::super::reviews::{ANONYMOUS, Attributes, Identity, ReviewDecision};
    use super::*;

    /// A kube-apiserver that answers the first reviews so, and all others with yes.
    async fn cluster(
        server: &mut JoinSet<std::io::Result<()>>,
        first: Vec<(StatusCode, &'static str)>,
    ) -> (Cluster, Arc<Mutex<Vec<Instant>>>) {
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
        (serve(server, Router::new().route(path, post(answer))).await, arrivals)
    }

    async fn review(cluster: &Cluster, path: &str) -> Result<ReviewDecision, ReviewError> {
        let attributes = Attributes::Path { verb: "get".to_owned(), path: path.to_owned() };
        cluster.review_access(&Identity::default(), &attributes).await
    }

    #[tokio::test]
    async fn a_review_that_was_throttled_is_made_when_kube_apiserver_says() {
        let mut server = JoinSet::new();
        let throttled = (StatusCode::TOO_MANY_REQUESTS, "1");
        let (cluster, arrivals) = cluster(&mut server, vec![throttled]).await;
        assert_eq!(review(&cluster, "/first").await.unwrap(), ReviewDecision::Allowed);
        let arrivals = arrivals.lock().unwrap().clone();
        assert_eq!(arrivals.len(), 2);
        assert!(arrivals[1] - arrivals[0] >= Duration::from_secs(1), "{arrivals:?}");
    }

    #[tokio::test]
    async fn one_throttled_review_holds_back_all() {
        let mut server = JoinSet::new();
        let throttled = (StatusCode::TOO_MANY_REQUESTS, "2");
        let (cluster, arrivals) = cluster(&mut server, vec![throttled]).await;
        let mut first = JoinSet::new();
        first.spawn({
            let cluster = cluster.clone();
            async move { review(&cluster, "/first").await }
        });
        let throttle = cluster.reviews.throttle.clone();
        while throttle.is_open() {
            tokio::task::yield_now().await;
        }
        let others = (0..20).map(async |at| review(&cluster, &format!("/{at}")).await);
        for decision in futures_util::future::join_all(others).await {
            assert_eq!(decision.unwrap(), ReviewDecision::Allowed);
        }
        first.join_next().await.unwrap().unwrap().unwrap();
        let arrivals = arrivals.lock().unwrap().clone();
        assert_eq!(arrivals.len(), 22);
        let early = arrivals[1..].iter().filter(|&&at| at - arrivals[0] < Duration::from_secs(2));
        assert_eq!(early.count(), 0, "{arrivals:?}");
    }

    #[tokio::test]
    async fn a_wait_beyond_the_deadline_fails_at_once_and_says_so() {
        let mut server = JoinSet::new();
        let begun = Instant::now();
        let (cluster, _) = cluster(&mut server, vec![(StatusCode::TOO_MANY_REQUESTS, "60")]).await;
        let error = review(&cluster, "/").await.unwrap_err().to_string();
        assert!(error.contains("429") && error.contains("wait for 30s"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn a_refusal_is_final() {
        let mut server = JoinSet::new();
        let (cluster, arrivals) = cluster(&mut server, vec![(StatusCode::FORBIDDEN, "")]).await;
        assert!(review(&cluster, "/").await.unwrap_err().to_string().contains("403"));
        assert_eq!(arrivals.lock().unwrap().len(), 1);
    }
    #[tokio::test]
    async fn anonymous_requests_do_not_hold_up_the_reviews_of_users() {
        let mut server = JoinSet::new();
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let held = Arc::new(Mutex::new(0));
        let seen = held.clone();
        let answer = async move |body: String| {
            if body.contains(ANONYMOUS) {
                *seen.lock().unwrap() += 1;
                std::future::pending::<()>().await;
            }
            (StatusCode::CREATED, json!({"spec": {}, "status": {"allowed": true}}).to_string())
        };
        let cluster = serve(&mut server, Router::new().route(path, post(answer))).await;
        let anonymous = Identity { user: ANONYMOUS.to_owned(), ..Identity::default() };
        let mut flood = JoinSet::new();
        for at in 0..100 {
            let (cluster, identity) = (cluster.clone(), anonymous.clone());
            let attributes = Attributes::Path { verb: "get".to_owned(), path: format!("/{at}") };
            flood.spawn(async move { cluster.review_access(&identity, &attributes).await });
        }
        while *held.lock().unwrap() < MAX_ANONYMOUS_REVIEWS {
            tokio::task::yield_now().await;
        }
        assert_eq!(review(&cluster, "/").await.unwrap(), ReviewDecision::Allowed);
        let error = flood.join_next().await.unwrap().unwrap().unwrap_err().to_string();
        assert!(error.contains("no answer") || error.contains("in flight"), "{error}");
        assert_eq!(*held.lock().unwrap(), MAX_ANONYMOUS_REVIEWS);
    }
}
