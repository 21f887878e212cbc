//! Prometheus, and other servers of its HTTP API.

mod decode;
mod failover;
mod headers;
mod link;
mod refusal;
mod series;

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use reqwest::{Method, Response};
use tokio::time::{Instant, timeout_at};

use super::error::shortened;
use super::{QueryError, Request, SourceError};
use crate::addresses::{Addresses, Preference};
use crate::client::Client;
use crate::room::AnswerRoom;
use crate::settings::{Method as MethodSetting, PrometheusSettings};
pub(super) use decode::answer;
pub(super) use headers::request_headers;
use leadsman_model::data::Answer;
use leadsman_model::permits::FairSemaphore;
use leadsman_model::tenant::Tenant;
use leadsman_rules::ListedSeries;
use leadsman_runtime::decoding::decode as decode_bounded;
use leadsman_runtime::telemetry::SourceMetrics;
pub(super) use refusal::excerpt;
use refusal::{decoded, not_decoded, redacted, refused};
use series::SeriesList;
pub(super) use series::series;

/// Longer queries are sent by POST: proxies and servers limit URLs to 2 to 8 KiB.
const MAX_GET_LENGTH: usize = 1500;

/// The least timeout of a list of series: it can be long, and no read waits for it.
const SERIES_TIMEOUT: Duration = Duration::from_secs(60);

/// How much of a list of series is decoded at once.
const SERIES_BATCH: usize = 256 << 10;

/// A Prometheus.
pub struct Prometheus {
    client: Client,
    config: PrometheusSettings,
    addresses: Addresses,
    /// Queries under way at once. Those that wait for a permit do so within their timeout.
    in_flight: FairSemaphore,
}

impl Prometheus {
    pub(super) fn new(
        config: &PrometheusSettings,
        metrics: SourceMetrics,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            client: Client::new(&config.tls, config.timeout)?,
            config: config.clone(),
            addresses: Addresses::new(&config.urls, Preference::Written, metrics),
            in_flight: FairSemaphore::new(config.max_concurrent),
        })
    }

    pub(super) fn timeout(&self) -> Duration {
        self.config.timeout
    }

    /// Sends a query in PromQL, with duration and step if it is a range query. Gives the answer with the
    /// room that it took while it arrived.
    pub(super) async fn fetch(
        &self,
        promql: &str,
        range: Option<(Duration, Duration)>,
        request: &Request<'_>,
    ) -> Result<(Answer, AnswerRoom), QueryError> {
        let timeout = self.config.timeout;
        let deadline = Instant::now() + timeout;
        let permit = timeout_at(deadline, self.in_flight.acquire(request.tenant)).await;
        let _permit = permit.map_err(|_| QueryError::Queued(timeout))?;
        let timed_out = || QueryError::Timeout(timeout);
        let answer = failover::first(&self.addresses, deadline, timed_out, |url| {
            self.query(url, promql, range, request.now, request.tenant)
        });
        answer.await.map_err(|error| redacted(error, promql))
    }

    /// The page of a query in the first address's own web pages.
    pub(super) fn link(
        &self,
        promql: &str,
        range: Option<(Duration, Duration)>,
        time: i64,
    ) -> Option<String> {
        link::link(self.config.urls.first()?, promql, range, time)
    }

    /// Sends a query to each address, one after the other, and says whether each answers.
    pub(super) async fn ask_each(
        &self,
        promql: &str,
        now: i64,
    ) -> Vec<(String, Result<(), QueryError>)> {
        let (timeout, operator) = (self.config.timeout, Tenant::default());
        let mut outcomes = Vec::new();
        for url in self.addresses.urls() {
            let answer = self.query(url, promql, None, now, &operator);
            let answer = tokio::time::timeout(timeout, answer).await;
            let outcome = answer.unwrap_or(Err(QueryError::Timeout(timeout)));
            outcomes.push((url.to_owned(), outcome.map(drop)));
        }
        outcomes
    }

    /// The state of several addresses, for people.
    pub(super) fn state(&self) -> Option<String> {
        (self.addresses.len() > 1).then(|| self.addresses.state(std::time::Instant::now()))
    }

    /// Whether there are several addresses.
    pub(super) fn has_several_addresses(&self) -> bool {
        self.addresses.len() > 1
    }

    async fn query(
        &self,
        url: &str,
        promql: &str,
        range: Option<(Duration, Duration)>,
        now: i64,
        tenant: &Tenant,
    ) -> Result<(Answer, AnswerRoom), QueryError> {
        let response = self.send(url, promql, range, now).await?;
        let status = response.status();
        let content_type = response.headers().get(CONTENT_TYPE).cloned();
        let mut room = AnswerRoom::of(tenant);
        let body = self.body(response, &mut room).await?;
        Ok((self.answer(status, content_type, body).await?, room))
    }

    /// The names of the series that a selector picks and that had samples since a time, in
    /// milliseconds since the epoch; with the names of their labels.
    pub(super) async fn series(
        &self,
        selector: &str,
        since: i64,
    ) -> Result<ListedSeries, QueryError> {
        let timeout = self.config.timeout.max(SERIES_TIMEOUT);
        let deadline = Instant::now() + timeout;
        let timed_out = || QueryError::ListTimeout(timeout);
        let permit = timeout_at(deadline, self.in_flight.acquire(&Tenant::default())).await;
        let _permit = permit.map_err(|_| timed_out())?;
        let list = failover::first(&self.addresses, deadline, timed_out, |url| {
            self.list(url, selector, since)
        });
        list.await
    }

    async fn list(
        &self,
        url: &str,
        selector: &str,
        since: i64,
    ) -> Result<ListedSeries, QueryError> {
        let since = seconds(since.max(0));
        let parameters = [("match[]", selector.to_owned()), ("start", since)];
        let mut response = self.ask(url, "series", selector.len(), &parameters).await?;
        let status = response.status();
        if !status.is_success() {
            let body = self.body(response, &mut AnswerRoom::of(&Tenant::default())).await?;
            return Err(refused(status, &body));
        }
        let kind = response.headers().get(CONTENT_TYPE).cloned();
        let mut list = SeriesList::default();
        loop {
            let is_last = self.fill(&mut list, &mut response).await?;
            let (kind, length) = (kind.clone(), list.unparsed().len());
            let parsed = decode_bounded(length, move || match list.parse() {
                Ok(()) => Ok(list),
                Err(reason) => Err(not_decoded(kind.as_ref(), list.unparsed(), reason)),
            });
            list = parsed.await??;
            if is_last {
                break;
            }
        }
        tracing::debug!(selector, series = list.count, "the series are listed");
        list.end().map_err(QueryError::decode)
    }

    async fn send(
        &self,
        url: &str,
        promql: &str,
        range: Option<(Duration, Duration)>,
        now: i64,
    ) -> Result<Response, QueryError> {
        let mut parameters = vec![("query", promql.to_owned())];
        let path = match range {
            None => "query",
            Some((duration, step)) => {
                let length = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
                parameters.push(("start", seconds(now.saturating_sub(length).max(0))));
                parameters.push(("end", seconds(now)));
                parameters.push(("step", format!("{}", step.as_secs_f64())));
                "query_range"
            }
        };
        // The server cancels the query when nobody waits for it any more.
        parameters.push(("timeout", format!("{}ms", self.config.timeout.as_millis())));
        self.ask(url, path, promql.len(), &parameters).await
    }

    /// Sends a request. `length` is that of the parameter that decides how long the URL becomes.
    async fn ask(
        &self,
        url: &str,
        path: &str,
        length: usize,
        parameters: &[(&str, String)],
    ) -> Result<Response, QueryError> {
        let url = format!("{url}/api/v1/{path}");
        let method = match self.config.method {
            MethodSetting::Get => Method::GET,
            MethodSetting::Post => Method::POST,
            MethodSetting::Auto if length > MAX_GET_LENGTH => Method::POST,
            MethodSetting::Auto => Method::GET,
        };
        let mut headers = self.headers()?;
        leadsman_trace::inject(&mut headers);
        let outgoing = self.client.get().request(method.clone(), url).headers(headers);
        // A proxy reads them from the URL, whatever the method.
        let outgoing = outgoing.query(&self.config.query_parameters);
        let outgoing = match method {
            Method::POST => outgoing.form(parameters),
            _ => outgoing.query(parameters),
        };
        outgoing.send().await.map_err(|error| self.failed(error, QueryError::Connect))
    }

    fn headers(&self) -> Result<HeaderMap, QueryError> {
        let PrometheusSettings { headers, header_files, credentials, .. } = &self.config;
        request_headers(headers, header_files, credentials)
    }

    async fn body(
        &self,
        mut response: Response,
        room: &mut AnswerRoom,
    ) -> Result<Vec<u8>, QueryError> {
        let limit = self.config.max_body_bytes;
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(QueryError::TooLarge { limit });
        }
        let mut body = Vec::with_capacity(announced.unwrap_or(0));
        while let Some(chunk) = self.chunk(&mut response).await? {
            if body.len() + chunk.len() > limit {
                return Err(QueryError::TooLarge { limit });
            }
            room.take(chunk.len())?;
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Reads the next part of a list of series, and says whether it is the last one. It is copied, so that
    /// the connection reads into the same buffer again.
    async fn fill(
        &self,
        list: &mut SeriesList,
        response: &mut Response,
    ) -> Result<bool, QueryError> {
        let enough = list.unparsed().len() + SERIES_BATCH;
        while list.unparsed().len() < enough {
            let Some(chunk) = self.chunk(response).await? else { return Ok(true) };
            list.push(&chunk);
        }
        Ok(false)
    }

    async fn answer(
        &self,
        status: StatusCode,
        content_type: Option<HeaderValue>,
        body: Vec<u8>,
    ) -> Result<Answer, QueryError> {
        if !status.is_success() {
            return Err(refused(status, &body));
        }
        let decoded = decode_bounded(body.len(), move || decoded(content_type.as_ref(), &body));
        let answer = decoded.await??;
        if self.config.fail_on_warnings && !answer.warnings.is_empty() {
            return Err(QueryError::Warnings(shortened(&answer.warnings.join("; "))));
        }
        Ok(answer)
    }

    async fn chunk(&self, response: &mut Response) -> Result<Option<Bytes>, QueryError> {
        response.chunk().await.map_err(|error| self.failed(error, QueryError::Broken))
    }

    fn failed(
        &self,
        error: reqwest::Error,
        otherwise: fn(reqwest::Error) -> QueryError,
    ) -> QueryError {
        if error.is_timeout() && error.is_connect() {
            QueryError::ConnectTimeout(self.client.connect_timeout())
        } else if error.is_timeout() {
            QueryError::Timeout(self.config.timeout)
        } else {
            // The URL may contain the whole query, which is reported elsewhere.
            otherwise(error.without_url())
        }
    }
}

fn seconds(milliseconds: i64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

impl std::fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prometheus").field("urls", &self.config.urls).finish_non_exhaustive()
    }
}
