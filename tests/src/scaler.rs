//! A client of KEDA's external scaler. Its messages are written a second time here, from the contract.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use http::HeaderMap;
use http_body_util::BodyExt as _;
use percent_encoding::percent_decode_str;
use prost::Message;
use reqwest::{Client, ClientBuilder};

use crate::certificates::Identity;

/// A client with a connection of its own.
#[derive(Debug, Clone)]
pub struct ScalerClient {
    http: Client,
    url: String,
    token: Option<String>,
    /// What it allows a call to take.
    time: Option<Duration>,
}

/// A trigger of a ScaledObject.
#[derive(Debug, Clone)]
pub struct Trigger {
    namespace: String,
    name: String,
    metadata: HashMap<String, String>,
}

/// A refused call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The code of gRPC.
    pub code: u32,
    /// The message.
    pub message: String,
}

/// A metric with its target.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The name.
    pub name: String,
    /// The target as a whole number.
    pub whole: i64,
    /// The target.
    pub target: f64,
}

/// The messages of a call that stays open.
pub struct Pushes<T> {
    body: reqwest::Body,
    received: Vec<u8>,
    read: fn(&[u8]) -> T,
}

#[derive(Clone, PartialEq, Message)]
struct Reference {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    namespace: String,
    #[prost(map = "string, string", tag = "3")]
    metadata: HashMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
struct Active {
    #[prost(bool, tag = "1")]
    result: bool,
}

#[derive(Clone, PartialEq, Message)]
struct MetricsRequest {
    #[prost(message, optional, tag = "1")]
    reference: Option<Reference>,
    #[prost(string, tag = "2")]
    name: String,
}

/// Metrics with their targets, and metrics with their values: the contract numbers both alike.
#[derive(Clone, PartialEq, Message)]
struct Metrics {
    #[prost(message, repeated, tag = "1")]
    metrics: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int64, tag = "2")]
    whole: i64,
    #[prost(double, tag = "3")]
    number: f64,
}

/// The code of a call that succeeded.
const OK: u32 = 0;

impl Trigger {
    /// The trigger of a ScaledObject with this metadata.
    pub fn new(namespace: &str, name: &str, metadata: &[(&str, &str)]) -> Self {
        let pairs = metadata.iter().map(|&(key, value)| (key.to_owned(), value.to_owned()));
        Self { namespace: namespace.to_owned(), name: name.to_owned(), metadata: pairs.collect() }
    }

    fn reference(&self) -> Reference {
        let Self { namespace, name, metadata } = self.clone();
        Reference { name, namespace, metadata }
    }
}

impl ScalerClient {
    /// A client without credentials.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn new(address: SocketAddr) -> Self {
        Self::built(address, builder())
    }

    /// A client with a certificate.
    ///
    /// # Panics
    /// If the certificate is invalid.
    pub fn with_certificate(address: SocketAddr, identity: &Identity) -> Self {
        let pem = format!("{}{}", identity.certificate, identity.key);
        let identity = reqwest::Identity::from_pem(pem.as_bytes());
        Self::built(address, builder().identity(identity.expect("a certificate and its key")))
    }

    /// A client with a bearer token.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn with_token(address: SocketAddr, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::new(address) }
    }

    /// A client that makes no room for a single byte of an answer.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn receiving_nothing(address: SocketAddr) -> Self {
        Self::built(address, builder().http2_initial_stream_window_size(0))
    }

    /// The same, with the time that it allows a call to take.
    pub fn within(self, time: Duration) -> Self {
        Self { time: Some(time), ..self }
    }

    fn built(address: SocketAddr, builder: ClientBuilder) -> Self {
        let http = builder.build().expect("a client");
        Self { http, url: format!("https://{address}"), token: None, time: None }
    }

    /// The metric with its target.
    ///
    /// # Panics
    /// If there is not exactly one.
    pub async fn spec(&self, trigger: &Trigger) -> Result<Spec, Refused> {
        let message = trigger.reference().encode_to_vec();
        Ok(spec(&self.one("GetMetricSpec", message).await?))
    }

    /// The value of the metric of this name: as a whole number, and as it is.
    ///
    /// # Panics
    /// If there is not exactly one.
    pub async fn value_of(&self, trigger: &Trigger, name: &str) -> Result<(i64, f64), Refused> {
        let request =
            MetricsRequest { reference: Some(trigger.reference()), name: name.to_owned() };
        let metric = single(&self.one("GetMetrics", request.encode_to_vec()).await?);
        assert_eq!(metric.name, name);
        Ok((metric.whole, metric.number))
    }

    /// The value of the metric that its metadata names.
    ///
    /// # Panics
    /// If there is not exactly one.
    pub async fn value(&self, trigger: &Trigger) -> Result<f64, Refused> {
        let name = trigger.metadata.get("metric").cloned().unwrap_or_default();
        Ok(self.value_of(trigger, &name).await?.1)
    }

    /// Whether it is active.
    pub async fn is_active(&self, trigger: &Trigger) -> Result<bool, Refused> {
        Ok(active(&self.one("IsActive", trigger.reference().encode_to_vec()).await?))
    }

    /// Whether it is active, now and at each change.
    pub async fn activity(&self, trigger: &Trigger) -> Result<Pushes<bool>, Refused> {
        let body = self.open("StreamIsActive", trigger.reference().encode_to_vec()).await?;
        Ok(Pushes { body, received: Vec::new(), read: active })
    }

    /// The metric with its target, now and at each change.
    pub async fn specs(&self, trigger: &Trigger) -> Result<Pushes<Spec>, Refused> {
        let body = self.open("StreamMetricSpec", trigger.reference().encode_to_vec()).await?;
        Ok(Pushes { body, received: Vec::new(), read: spec })
    }

    /// Makes a call with these bytes as its message.
    pub async fn call(&self, call: &str, message: Vec<u8>) -> Result<Vec<u8>, Refused> {
        self.one(call, message).await
    }

    /// The only message of an answer.
    async fn one(&self, call: &str, message: Vec<u8>) -> Result<Vec<u8>, Refused> {
        let body = self.open(call, message).await?;
        let mut answer = Pushes { body, received: Vec::new(), read: <[u8]>::to_vec };
        let first = answer.next().await?.expect("a message");
        assert_eq!(answer.next().await, Ok(None), "one message");
        Ok(first)
    }

    async fn open(&self, call: &str, message: Vec<u8>) -> Result<reqwest::Body, Refused> {
        let length = u32::try_from(message.len()).expect("a short message");
        let framed = [&[0][..], &length.to_be_bytes(), &message].concat();
        let url = format!("{}/externalscaler.ExternalScaler/{call}", self.url);
        let mut request = self.http.post(url).header("content-type", "application/grpc");
        request = request.header("te", "trailers").body(framed);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(time) = self.time {
            request = request.header("grpc-timeout", format!("{}m", time.as_millis()));
        }
        let response = request
            .send()
            .await
            .map_err(|error| Refused { code: u32::MAX, message: format!("{call}: {error:?}") })?;
        assert_eq!(response.status(), 200, "gRPC has a status of its own");
        let response = http::Response::<reqwest::Body>::from(response);
        ended(response.headers())?;
        Ok(response.into_body())
    }
}

impl<T> Pushes<T> {
    /// The next message; `None` if the call has ended well.
    pub async fn next(&mut self) -> Result<Option<T>, Refused> {
        loop {
            if let Some(message) = self.message() {
                return Ok(Some((self.read)(&message)));
            }
            let Some(frame) = self.body.frame().await else {
                return Err(broken("the call ended without a status"));
            };
            let frame = frame.map_err(|error| broken(&format!("{error:?}")))?;
            match frame.into_data() {
                Ok(data) => self.received.extend_from_slice(&data),
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    ended(&trailers)?;
                    return Ok(None);
                }
            }
        }
    }

    /// A message that is complete: its length stands in front of it.
    fn message(&mut self) -> Option<Vec<u8>> {
        let length = self.received.get(1..5)?.try_into().ok()?;
        let end = 5 + usize::try_from(u32::from_be_bytes(length)).ok()?;
        let message = self.received.get(5..end)?.to_vec();
        self.received.drain(..end);
        Some(message)
    }
}

fn builder() -> ClientBuilder {
    crate::crypto();
    Client::builder().no_proxy().http2_prior_knowledge().tls_danger_accept_invalid_certs(true)
}

/// The status in these headers, if there is one that is no success.
fn ended(headers: &HeaderMap) -> Result<(), Refused> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(code) = text("grpc-status") else { return Ok(()) };
    let code: u32 = code.parse().expect("a number");
    let message = percent_decode_str(text("grpc-message").unwrap_or_default());
    let message = message.decode_utf8_lossy().into_owned();
    if code == OK { Ok(()) } else { Err(Refused { code, message }) }
}

fn broken(message: &str) -> Refused {
    Refused { code: u32::MAX, message: message.to_owned() }
}

fn active(message: &[u8]) -> bool {
    Active::decode(message).expect("a message").result
}

fn spec(message: &[u8]) -> Spec {
    let Metric { name, whole, number } = single(message);
    Spec { name, whole, target: number }
}

fn single(message: &[u8]) -> Metric {
    let mut metrics = Metrics::decode(message).expect("a message").metrics;
    assert_eq!(metrics.len(), 1, "{metrics:?}");
    metrics.remove(0)
}
