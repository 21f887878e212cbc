//! One delegate: requests to it, within its bounds.

mod listing;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, HeaderMap, HeaderValue};
use http::{StatusCode, Uri};
use percent_encoding::percent_decode_str;
use reqwest::{Response, Url};
use tokio::sync::watch;
use tokio::time::{Instant as Deadline, timeout_at};

use super::answer::{DelegateAnswer, read_head};
use super::circuit_breaker::CircuitBreaker;
use super::client::Client;
use super::delegates::Delegation;
use super::error::{DelegateError, ForwardError};
use super::hops::HOPS;
use super::last_good::{Key, LastGood};
use super::list::Lists;
use super::matching::RequestedMetric;
use super::settings::{Api, DelegateSettings};
use super::user::ForwardedUser;
use leadsman_model::permits::{FairPermit, FairSemaphore};
use leadsman_model::tenant::Tenant;
use leadsman_runtime::telemetry::{DelegateMetrics, DelegateOutcome};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A delegate.
pub struct Delegate {
    settings: DelegateSettings,
    base: Url,
    client: Client,
    /// Bounds concurrent requests. Requests wait for a permit within their deadline, fairly between namespaces.
    permits: FairSemaphore,
    breaker: CircuitBreaker,
    last_good: Option<LastGood>,
    lists: ArcSwap<Lists>,
    list_error: Mutex<Option<String>>,
    /// Whether the lists were requested once.
    asked_once: watch::Sender<bool>,
    /// It sends requests back to this adapter. It gets no requests until a list shows that it no longer does.
    loops: AtomicBool,
    metrics: DelegateMetrics,
}

/// A request that is forwarded to a delegate.
#[derive(Debug, Clone, Copy)]
pub struct ForwardedRequest<'a> {
    /// Its path and query.
    pub uri: &'a Uri,
    /// Its headers, of which only `Accept` and the hops are forwarded.
    pub headers: &'a HeaderMap,
    /// Who asks.
    pub user: ForwardedUser<'a>,
}

/// The state of a delegate, for people.
#[derive(Debug, Clone)]
pub struct DelegateStatus {
    /// Whether it gets requests: its circuit is not open.
    pub asked: bool,
    /// Why the last request failed, if it did and none has been answered since.
    pub error: Option<String>,
    /// Why the newest lists failed, if they did.
    pub list_error: Option<String>,
    /// When the oldest of its lists came; `None` before the first.
    pub listed_at: Option<Instant>,
    /// The age of that list.
    pub list_age: Option<Duration>,
    /// How many metrics are listed.
    pub listed: usize,
    /// The APIs that it is for and does not serve.
    pub unserved: Vec<Api>,
}

/// A response.
struct Exchanged {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Delegate {
    /// A delegate that has had no request yet. Reads its certificates.
    pub fn new(
        settings: &DelegateSettings,
        delegation: &Delegation,
    ) -> Result<Self, DelegateError> {
        let base = Url::parse(&settings.url);
        let base = base.map_err(|_| DelegateError::Address(settings.url.clone()))?;
        Ok(Self {
            base,
            client: Client::new(settings)?,
            permits: FairSemaphore::new(settings.max_concurrent),
            breaker: CircuitBreaker::default(),
            last_good: settings.last_good.map(LastGood::new),
            lists: ArcSwap::default(),
            list_error: Mutex::default(),
            asked_once: watch::Sender::new(false),
            loops: AtomicBool::new(false),
            metrics: delegation.metrics().delegate(&settings.name),
            settings: settings.clone(),
        })
    }

    /// Its settings.
    pub fn settings(&self) -> &DelegateSettings {
        &self.settings
    }

    /// The last good lists of what it has.
    pub fn lists(&self) -> Arc<Lists> {
        self.lists.load_full()
    }

    /// Its state, for people.
    pub fn status(&self) -> DelegateStatus {
        let (asked, error) = self.breaker.state();
        let lists = self.lists();
        DelegateStatus {
            asked: asked && !self.loops.load(Ordering::Relaxed),
            error,
            list_error: self.list_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            listed_at: lists.oldest(),
            list_age: lists.age(Instant::now()),
            listed: lists.count(),
            unserved: lists.unserved(&self.settings.matcher.apis),
        }
    }

    /// Updates its gauges.
    pub fn report(&self) {
        let status = self.status();
        self.metrics.state(status.asked, status.list_age, status.listed);
    }

    /// Waits until its lists were requested once.
    pub(super) async fn first_list(&self) {
        // The sender lives in this value, so the channel cannot close.
        let _ = self.asked_once.subscribe().wait_for(|&asked| asked).await;
    }

    /// Forwards a read, and checks the answer.
    pub(super) async fn read(
        &self,
        asked: &RequestedMetric<'_>,
        passed: &ForwardedRequest<'_>,
        hops: &HeaderValue,
    ) -> Result<DelegateAnswer, ForwardError> {
        let begun = Instant::now();
        let accept = passed.headers.get(ACCEPT);
        let path_and_query = passed.uri.path_and_query().map_or("", |path| path.as_str());
        let key = || Key::new(path_and_query, accept, &passed.user);
        let error = match self.ask(asked, passed, accept, hops).await {
            Ok(answer) => {
                let outcome = match answer.status {
                    StatusCode::NOT_FOUND => DelegateOutcome::NotFound,
                    status if status.is_success() => DelegateOutcome::Ok,
                    _ => DelegateOutcome::Refused,
                };
                self.metrics.ended(outcome, begun.elapsed());
                if let Some(last_good) = &self.last_good {
                    last_good.keep(key(), &answer, Instant::now());
                }
                return Ok(answer);
            }
            Err(error) => error,
        };
        self.metrics.failed(error.reason());
        tracing::debug!(delegate = self.settings.name, %error, path_and_query, "a request failed");
        let kept = self.last_good.as_ref().filter(|_| error.may_be_replaced());
        let Some((mut answer, age)) = kept.and_then(|kept| kept.get(&key(), Instant::now())) else {
            self.metrics.ended(DelegateOutcome::Failed, begun.elapsed());
            return Err(error);
        };
        self.metrics.ended(DelegateOutcome::LastGood, begun.elapsed());
        answer.stale = Some(format!(
            "the delegate \"{}\" {error}; its last good answer is {:.1}s old",
            self.settings.name,
            age.as_secs_f64()
        ));
        Ok(answer)
    }

    async fn ask(
        &self,
        asked: &RequestedMetric<'_>,
        passed: &ForwardedRequest<'_>,
        accept: Option<&HeaderValue>,
        hops: &HeaderValue,
    ) -> Result<DelegateAnswer, ForwardError> {
        if self.loops.load(Ordering::Relaxed) {
            return Err(ForwardError::Loop);
        }
        let url = self.url(passed.uri.path(), passed.uri.query())?;
        let (Exchanged { status, headers, body }, _permit) =
            self.exchange(url, accept, (&asked.tenant(), Some(&passed.user)), hops).await?;
        let head = read_head(status, &headers, &body).await;
        DelegateAnswer::checked(head, asked, accept, status, &headers, body)
    }

    /// The URL of a path and query at this delegate. A path that the delegate could read in another way than
    /// the authorization of the request did is refused.
    fn url(&self, path: &str, query: Option<&str>) -> Result<Url, ForwardError> {
        let whole = format!("{}{path}", self.base.path().trim_end_matches('/'));
        let mut url = self.base.clone();
        url.set_path(&whole);
        url.set_query(query);
        if is_plain(path) && url.path() == whole { Ok(url) } else { Err(ForwardError::Path) }
    }

    /// Sends a request and reads the answer, within the bounds of time, permits and the circuit breaker.
    /// The permit is kept while the answer is decoded.
    async fn exchange(
        &self,
        url: Url,
        accept: Option<&HeaderValue>,
        (tenant, user): (&Tenant, Option<&ForwardedUser<'_>>),
        hops: &HeaderValue,
    ) -> Result<(Exchanged, FairPermit), ForwardError> {
        let timeout = self.settings.timeout;
        let begun = Deadline::now();
        let deadline = begun + timeout;
        let permit = timeout_at(deadline, self.permits.acquire(tenant)).await;
        let permit = permit.map_err(|_| ForwardError::Busy(timeout))?;
        let waited = begun.elapsed();
        let attempt = self.breaker.enter(Instant::now())?;
        let exchanged = timeout_at(deadline, self.send(url, accept, user, hops)).await;
        let exchanged = exchanged.unwrap_or(Err(if waited < timeout / 10 {
            ForwardError::Timeout(timeout)
        } else {
            // It waited for a permit and had little time left, which is no failure of the delegate.
            ForwardError::Delayed { waited, timeout }
        }));
        match &exchanged {
            Ok(_) | Err(ForwardError::TooLarge(_)) => attempt.answered(),
            Err(error) if error.is_outage() => attempt.failed(error, Instant::now()),
            // The request was not sent, or had too little time.
            Err(_) => {}
        }
        exchanged.map(|exchanged| (exchanged, permit))
    }

    async fn send(
        &self,
        url: Url,
        accept: Option<&HeaderValue>,
        user: Option<&ForwardedUser<'_>>,
        hops: &HeaderValue,
    ) -> Result<Exchanged, ForwardError> {
        // Nothing of the caller's headers is passed on but what the answer depends on.
        let mut headers = self.settings.auth.headers(user).await?;
        headers.insert(HOPS, hops.clone());
        headers.insert(ACCEPT, accept.cloned().unwrap_or(JSON));
        let client = self.client.get();
        let request = || client.get(url.clone()).headers(headers.clone()).send();
        let mut sent = request().await;
        // A connection that was kept may have been closed meanwhile. What only reads may be sent again.
        if sent.as_ref().is_err_and(|error| !error.is_connect() && !error.is_timeout()) {
            sent = request().await;
        }
        let mut response = sent.map_err(|error| self.failed(error))?;
        let body = self.body(&mut response).await?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        Ok(Exchanged { status, headers, body })
    }

    async fn body(&self, response: &mut Response) -> Result<Bytes, ForwardError> {
        let limit = self.settings.max_body_bytes;
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(ForwardError::TooLarge(limit));
        }
        let mut body = BytesMut::with_capacity(announced.unwrap_or_default());
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(error))? {
            if body.len() + chunk.len() > limit {
                return Err(ForwardError::TooLarge(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    fn failed(&self, error: reqwest::Error) -> ForwardError {
        if error.is_connect() {
            ForwardError::Connect(error.without_url())
        } else if error.is_timeout() {
            ForwardError::Timeout(self.settings.timeout)
        } else {
            ForwardError::Broken(error.without_url())
        }
    }
}

/// Whether all servers read a path in the same way: no segment is empty (but the last one may be), is `.` or
/// `..`, or contains a separator or an escape.
fn is_plain(path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else { return false };
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/').all(|segment| {
        let Ok(segment) = percent_decode_str(segment).decode_utf8() else { return false };
        let separates = |c: char| matches!(c, '/' | '\\' | '%' | '?' | '#' | ';') || c.is_control();
        !matches!(&*segment, "" | "." | "..") && !segment.contains(separates)
    })
}

#[cfg(test)]
pub(super) mod tests;
