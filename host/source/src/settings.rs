//! The settings of sources.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::exposition::ExpositionSettings;
use super::nsx_alb::{AlbFormat, NsxAlbSettings};
use super::query::QueryKind;

/// A source.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceSettings {
    /// A Prometheus.
    Prometheus(Box<PrometheusSettings>),
    /// A recording.
    Recording(RecordingSettings),
    /// An NSX ALB controller.
    NsxAlb(Box<NsxAlbSettings>),
    /// Endpoints that expose metrics.
    Exposition(Box<ExpositionSettings>),
}

impl SourceSettings {
    /// The kind of the source, within a sentence.
    pub fn described(&self) -> &'static str {
        match self {
            Self::Prometheus(_) => "a Prometheus",
            Self::Recording(_) => "a recording",
            Self::NsxAlb(_) => "an NSX ALB controller",
            Self::Exposition(_) => "endpoints that are scraped",
        }
    }

    /// Whether it can answer queries of a kind.
    pub fn answers(&self, kind: &QueryKind) -> bool {
        match self {
            Self::Prometheus(_) | Self::Recording(_) => matches!(kind, QueryKind::PromQl { .. }),
            Self::NsxAlb(_) => matches!(kind, QueryKind::NsxAlb(_)),
            Self::Exposition(_) => matches!(kind, QueryKind::Exposition(_)),
        }
    }

    /// What a query of the right kind requests that the source does not have.
    pub fn unsupported(&self, kind: &QueryKind) -> Option<&'static str> {
        match (self, kind) {
            (Self::NsxAlb(controller), QueryKind::NsxAlb(query))
                if controller.format == AlbFormat::Prometheus
                    && query.step.is_some_and(|step| !step.is_in_text()) =>
            {
                Some("is asked in the Prometheus format, which has averages of 5s and of 5m alone")
            }
            _ => None,
        }
    }
}

/// A Prometheus.
#[derive(Debug, Clone, PartialEq)]
pub struct PrometheusSettings {
    /// The addresses of the same data, in order of preference. Each ends without a slash.
    pub urls: Vec<String>,
    /// For a query with its answer.
    pub timeout: Duration,
    /// The largest answer.
    pub max_body_bytes: usize,
    /// The maximum number of concurrent queries.
    pub max_concurrent: usize,
    /// GET, POST or either.
    pub method: Method,
    /// For every request.
    pub headers: http::HeaderMap,
    /// For every request, with the files that hold their values.
    pub header_files: Vec<(http::HeaderName, PathBuf)>,
    /// For the URL of every request.
    pub query_parameters: Vec<(String, String)>,
    /// How requests are authenticated.
    pub credentials: Credentials,
    /// Certificates.
    pub tls: TlsSettings,
    /// Whether warnings are a failure.
    pub fail_on_warnings: bool,
}

/// How requests are authenticated.
#[derive(Debug, Clone, PartialEq)]
pub enum Credentials {
    /// Not at all, or by a header or certificate.
    None,
    /// With the token in a file.
    BearerFile(PathBuf),
    /// With a name and the password in a file.
    Basic {
        /// The name.
        username: Username,
        /// The file.
        password_file: PathBuf,
    },
}

/// The name of a user.
#[derive(Debug, Clone, PartialEq)]
pub enum Username {
    /// As the configuration says it.
    Written(String),
    /// As the file says it.
    File(PathBuf),
}

/// Certificates for a connection.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TlsSettings {
    /// Authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Client certificate and key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Trust any certificate.
    pub insecure_skip_verify: bool,
}

/// A recording.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordingSettings {
    /// The file.
    pub file: PathBuf,
    /// How many times faster than recorded.
    pub speed: f64,
    /// Where in the recording to begin.
    pub start_at: Duration,
}

/// The HTTP method of queries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Method {
    /// GET for short queries, POST for long ones.
    #[default]
    Auto,
    /// Always GET.
    Get,
    /// Always POST.
    Post,
}
