//! The settings of scraped targets, with their limits.

use std::path::PathBuf;
use std::time::Duration;

use leadsman_model::endpoints::EndpointPick;

use crate::settings::{Credentials, TlsSettings};

/// Endpoints that expose metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpositionSettings {
    /// Where they are.
    pub targets: TargetSettings,
    /// For a scrape, with its wait for a turn.
    pub timeout: Duration,
    /// How often a target is scraped at most: queries within this time share a scrape.
    pub at_most_every: Duration,
    /// The bounds of targets.
    pub limits: ExpositionLimits,
    /// How many scrapes at once.
    pub max_concurrent: usize,
    /// For every request.
    pub headers: http::HeaderMap,
    /// For every request, with the files that hold their values.
    pub header_files: Vec<(http::HeaderName, PathBuf)>,
    /// How requests are authenticated.
    pub credentials: Credentials,
    /// Certificates.
    pub tls: TlsSettings,
}

/// Where metrics are exposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetSettings {
    /// At these addresses, with their paths.
    Urls(Vec<String>),
    /// By pods of a cluster.
    Endpoints(EndpointTargets),
}

/// How pods are scraped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointTargets {
    /// Which.
    pub pick: EndpointPick,
    /// The port.
    pub port: TargetPort,
    /// `http` or `https`.
    pub scheme: Scheme,
    /// The path; begins with a slash.
    pub path: String,
    /// How old a pod is at least.
    pub min_age: Duration,
    /// Whether only pods that are ready are scraped.
    pub ready_only: bool,
}

/// A port of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetPort {
    /// By its name.
    Name(String),
    /// By its number.
    Number(u16),
}

/// How pods are asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Without TLS.
    #[default]
    Http,
    /// With TLS.
    Https,
}

impl Scheme {
    /// As URLs begin.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The bounds of targets. What a target has beyond them fails that target alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpositionLimits {
    /// How many targets.
    pub targets: usize,
    /// The size of a page.
    pub bytes: usize,
    /// The samples of a page.
    pub series: usize,
    /// The labels of a sample.
    pub labels: usize,
    /// The memory of all samples that are kept for queries, of all targets.
    pub memory: usize,
}

impl Default for ExpositionLimits {
    fn default() -> Self {
        Self { targets: 1000, bytes: 16 << 20, series: 100_000, labels: 64, memory: 64 << 20 }
    }
}
