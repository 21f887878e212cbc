//! The exporter: takes spans from the queue and posts them to the collector in batches.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use prost::Message as _;
use reqwest::{Url, redirect};
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::endpoint::CollectorEndpoint;
use super::otlp;
use super::span::Record;
use leadsman_runtime::backoff::{Backoff, jittered};
use leadsman_runtime::telemetry::{SpanDrop, SpanMetrics};
use leadsman_runtime::tls::{self, PemError};

/// The most spans of a batch.
const MAX_BATCH: usize = 512;

/// How long a batch waits to be filled.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// How often a batch is sent in vain, and the delays between.
const MAX_ATTEMPTS: u32 = 3;
const MIN_BACKOFF: Duration = Duration::from_millis(500);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Why traces cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file with the collector's authorities cannot be used.
    #[error("the authorities of the collector cannot be used")]
    Authorities(#[source] PemError),
    /// The client cannot be made.
    #[error("cannot make a client for the collector")]
    Client(#[source] reqwest::Error),
    /// The process traces already.
    #[error("this process traces already")]
    Twice,
}

/// Why a batch did not arrive.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("the collector cannot be reached")]
    Sending(#[source] reqwest::Error),
    #[error("the collector answered {0}")]
    Status(StatusCode),
}

/// Posts spans to the collector.
pub struct Exporter {
    client: reqwest::Client,
    url: Url,
    headers: HeaderMap,
    resource: otlp::Resource,
    metrics: SpanMetrics,
    /// Locked while it runs: there is one that empties it.
    queue: Mutex<mpsc::Receiver<Record>>,
}

impl Exporter {
    pub(crate) fn new(
        endpoint: &CollectorEndpoint,
        queue: mpsc::Receiver<Record>,
        metrics: SpanMetrics,
    ) -> Result<Self, ExportError> {
        let mut headers = endpoint.headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        Ok(Self {
            client: client(endpoint)?,
            url: endpoint.url.clone(),
            headers,
            resource: otlp::resource(&endpoint.resource),
            metrics,
            queue: Mutex::new(queue),
        })
    }

    /// Exports until `stop`, and then what is waiting still, which takes as long as the collector does:
    /// whoever waits for the end does so for a bounded time. What is left then is dropped.
    pub async fn run(&self, stop: &CancellationToken) {
        let mut queue = self.queue.lock().await;
        let mut is_failing = false;
        loop {
            let batch = next_batch(&mut queue, stop).await;
            if batch.is_empty() {
                return;
            }
            let count = batch.len();
            match self.export(batch).await {
                Ok(()) => {
                    self.metrics.exported(count);
                    if std::mem::take(&mut is_failing) {
                        tracing::info!("spans are exported again");
                    }
                }
                Err(error) => {
                    self.metrics.dropped_all(SpanDrop::Refused, count);
                    if !std::mem::replace(&mut is_failing, true) {
                        let error: &dyn std::error::Error = &error;
                        tracing::warn!(error, "spans cannot be exported, and are dropped");
                    }
                }
            }
        }
    }

    async fn export(&self, batch: Vec<Record>) -> Result<(), SendError> {
        let body = bytes_of(&self.resource, batch);
        let mut backoff = Backoff::new(MIN_BACKOFF, MAX_BACKOFF);
        let mut attempts = 1;
        loop {
            let failed = match self.send(body.clone()).await {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            };
            if attempts == MAX_ATTEMPTS || !failed.may_pass() {
                return Err(failed);
            }
            attempts += 1;
            sleep(jittered(backoff.next_delay())).await;
        }
    }

    async fn send(&self, body: prost::bytes::Bytes) -> Result<(), SendError> {
        let request = self.client.post(self.url.clone()).headers(self.headers.clone()).body(body);
        // The URL may have a credential.
        let failed = |error: reqwest::Error| SendError::Sending(error.without_url());
        let status = request.send().await.map_err(failed)?.status();
        if status.is_success() { Ok(()) } else { Err(SendError::Status(status)) }
    }
}

impl SendError {
    /// Whether another attempt may succeed, as the protocol says it.
    fn may_pass(&self) -> bool {
        match self {
            Self::Sending(_) => true,
            Self::Status(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
        }
    }
}

fn bytes_of(resource: &otlp::Resource, batch: Vec<Record>) -> prost::bytes::Bytes {
    otlp::request(resource.clone(), batch).encode_to_vec().into()
}

/// The spans that came within a short time of the first; after `stop`, those that are waiting. Empty
/// at the end.
async fn next_batch(queue: &mut mpsc::Receiver<Record>, stop: &CancellationToken) -> Vec<Record> {
    let mut batch = Vec::new();
    let mut until = None;
    while batch.len() < MAX_BATCH {
        let room = MAX_BATCH - batch.len();
        let due = async move {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let received = tokio::select! {
            biased;
            received = queue.recv_many(&mut batch, room) => received,
            () = due => 0,
            () = stop.cancelled() => 0,
        };
        if received == 0 {
            break;
        }
        until.get_or_insert_with(|| Instant::now() + MAX_WAIT);
    }
    batch
}

fn client(endpoint: &CollectorEndpoint) -> Result<reqwest::Client, ExportError> {
    tls::install_provider();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("leadsman/", env!("CARGO_PKG_VERSION")))
        .timeout(endpoint.timeout)
        // A redirect would carry credentials to an address that nobody named.
        .redirect(redirect::Policy::none());
    if let Some(file) = &endpoint.ca_file {
        let certificates = tls::authorities(file).map_err(ExportError::Authorities)?;
        builder = builder.tls_certs_only(certificates);
    }
    builder.build().map_err(ExportError::Client)
}
