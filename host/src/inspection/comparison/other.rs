//! A client of the other adapter.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;

use super::metrics::{Metric, MetricKind};
use super::ours::ReadScope;
use super::reading::Reading;
use leadsman_cluster::Cluster;
use leadsman_runtime::tls;

/// The time limit of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// The maximum size of an answer, in bytes.
const MAX_BODY_BYTES: usize = 64 << 20;

/// Characters that must be encoded in a segment of a path.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'/').add(b'?');

/// The endpoint and the credentials of the other adapter.
#[derive(Debug, Clone)]
pub struct OtherOptions {
    /// The endpoint.
    pub endpoint: OtherEndpoint,
    /// The file with a bearer token, for a URL.
    pub token_file: Option<PathBuf>,
    /// The file with the authorities to trust.
    pub ca_file: Option<PathBuf>,
    /// Whether any certificate is trusted.
    pub insecure: bool,
}

/// The endpoint of the other adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OtherEndpoint {
    /// The adapter that serves the APIs of the cluster, through kube-apiserver.
    Cluster,
    /// An adapter at a URL.
    Url(String),
}

impl fmt::Display for OtherOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            OtherEndpoint::Cluster => f.write_str("the adapter that serves the cluster now"),
            OtherEndpoint::Url(url) => f.write_str(url),
        }
    }
}

/// The other adapter.
pub(super) struct OtherAdapter {
    connection: Connection,
    /// The version of `custom.metrics.k8s.io` that it serves.
    custom: std::sync::OnceLock<&'static str>,
}

enum Connection {
    Cluster(Cluster),
    Url { url: String, client: reqwest::Client, token: Option<String> },
}

impl OtherAdapter {
    pub(super) fn new(options: &OtherOptions, cluster: &Cluster) -> Result<Self, String> {
        let connection = match &options.endpoint {
            OtherEndpoint::Cluster => Connection::Cluster(cluster.clone()),
            OtherEndpoint::Url(url) => Connection::Url {
                url: url.trim_end_matches('/').to_owned(),
                client: client(options)?,
                token: options.token_file.as_ref().map(read_token).transpose()?,
            },
        };
        Ok(Self { connection, custom: std::sync::OnceLock::new() })
    }

    /// All metrics that it lists.
    pub(super) async fn metrics(&self) -> Result<BTreeSet<Metric>, String> {
        let mut metrics = BTreeSet::new();
        for version in ["v1beta1", "v1beta2"] {
            if let Some(listed) = self.listed(&format!("custom.metrics.k8s.io/{version}")).await? {
                // It was not set before.
                let _ = self.custom.set(version);
                metrics.extend(listed.iter().filter_map(|name| Metric::custom(name)));
                break;
            }
        }
        let external = self.listed("external.metrics.k8s.io/v1beta1").await?.unwrap_or_default();
        metrics.extend(external.iter().map(|name| Metric::external(name)));
        let resources = self.listed("metrics.k8s.io/v1beta1").await?.unwrap_or_default();
        metrics.extend(resources.iter().map(|name| Metric::of_resources(name)));
        Ok(metrics)
    }

    /// The names in the discovery of an API; `None` if it is not served.
    async fn listed(&self, api: &str) -> Result<Option<Vec<String>>, String> {
        let path = format!("/apis/{api}");
        let (status, body) = self.get(&path).await?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => {
                let resources = body["resources"].as_array().into_iter().flatten();
                let names = resources.filter_map(|of| of["name"].as_str().map(str::to_owned));
                Ok(Some(names.collect()))
            }
            _ => Err(format!(
                "the other adapter has no list at {path}: {}",
                error_message(status, &body)
            )),
        }
    }

    /// Reads all objects of a scope. A 404 is an empty reading.
    pub(super) async fn read(&self, metric: &Metric, scope: &ReadScope) -> Result<Reading, String> {
        let (status, body) = self.get(&self.path(metric, scope)).await?;
        match status {
            StatusCode::OK => Ok(match &metric.of {
                MetricKind::Custom { .. } => Reading::of_objects(&body),
                MetricKind::External => Reading::of_external(&body),
                MetricKind::ResourceMetrics { .. } => Reading::of_resources(&body),
            }),
            StatusCode::NOT_FOUND => Ok(Reading::default()),
            _ => Err(error_message(status, &body)),
        }
    }

    fn path(&self, metric: &Metric, scope: &ReadScope) -> String {
        let name = utf8_percent_encode(&metric.name, ENCODED);
        let custom = self.custom.get().copied().unwrap_or("v1beta1");
        let custom = format!("/apis/custom.metrics.k8s.io/{custom}");
        match (&metric.of, &scope.namespace) {
            (MetricKind::Custom { resource }, _) if resource == "namespaces" => {
                format!("{custom}/namespaces/*/metrics/{name}")
            }
            (MetricKind::Custom { resource }, None) => format!("{custom}/{resource}/*/{name}"),
            (MetricKind::Custom { resource }, Some(namespace)) => {
                format!("{custom}/namespaces/{namespace}/{resource}/*/{name}")
            }
            (MetricKind::External, namespace) => {
                let namespace = namespace.as_deref().unwrap_or("default");
                format!("/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{name}")
            }
            (MetricKind::ResourceMetrics { resource }, None) => {
                format!("/apis/metrics.k8s.io/v1beta1/{resource}")
            }
            (MetricKind::ResourceMetrics { resource }, Some(namespace)) => {
                format!("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/{resource}")
            }
        }
    }

    async fn get(&self, path: &str) -> Result<(StatusCode, Value), String> {
        let request = async {
            match &self.connection {
                Connection::Cluster(cluster) => {
                    let answer = cluster.get(path).await?;
                    Ok((answer.status(), answer.into_body()))
                }
                Connection::Url { url, client, token } => {
                    let mut request = client.get(format!("{url}{path}"));
                    if let Some(token) = token {
                        request = request.bearer_auth(token);
                    }
                    send(request).await.map_err(|error| format!("GET {url}{path}: {error}"))
                }
            }
        };
        let answer = tokio::time::timeout(REQUEST_TIMEOUT, request).await;
        let (status, body) =
            answer.map_err(|_| format!("no answer within {REQUEST_TIMEOUT:?}"))??;
        let json = serde_json::from_slice(&body);
        Ok((status, json.unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned().into())))
    }
}

async fn send(request: reqwest::RequestBuilder) -> Result<(StatusCode, Vec<u8>), String> {
    let innermost = |error: reqwest::Error| {
        let mut inner: &dyn std::error::Error = &error;
        while let Some(source) = inner.source() {
            inner = source;
        }
        inner.to_string()
    };
    let mut response = request.send().await.map_err(innermost)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(innermost)? {
        body.extend_from_slice(&part);
        if body.len() > MAX_BODY_BYTES {
            return Err(format!("the answer is longer than {MAX_BODY_BYTES} bytes"));
        }
    }
    Ok((status, body))
}

/// The message of a Status, or the beginning of another answer.
fn error_message(status: StatusCode, body: &Value) -> String {
    let text = body["message"].as_str().or(body.as_str()).unwrap_or_default();
    let text: String = text.chars().take(500).collect();
    format!("{} {}", status.as_u16(), text.trim())
}

fn read_token(path: &PathBuf) -> Result<String, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Ok(text.trim().to_owned())
}

fn client(options: &OtherOptions) -> Result<reqwest::Client, String> {
    tls::install_provider();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("leadsman/", env!("CARGO_PKG_VERSION")))
        // A redirect could send the token to another server.
        .redirect(reqwest::redirect::Policy::none())
        .tls_danger_accept_invalid_certs(options.insecure);
    if let Some(path) = &options.ca_file {
        let certificates = tls::authorities(path);
        let certificates =
            certificates.map_err(|error| format!("{:#}", anyhow::Error::from(error)))?;
        builder = builder.tls_certs_only(certificates);
    }
    builder.build().map_err(|error| format!("cannot make an HTTP client: {error}"))
}
