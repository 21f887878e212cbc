//! The valid settings of a delegate.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::matching::Matcher;

/// A delegate, as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegateSettings {
    /// Its name, in messages and metrics.
    pub name: String,
    /// Its address, without a slash at the end.
    pub url: String,
    /// Its Service, if the address is that of one.
    pub service: Option<ServiceReference>,
    /// PEM file with the authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Trust any certificate.
    pub insecure_skip_tls_verify: bool,
    /// How it learns the requester.
    pub auth: ForwardAuth,
    /// What it is for.
    pub matcher: Matcher,
    /// The time limit of a request with its answer.
    pub timeout: Duration,
    /// The largest answer, in bytes.
    pub max_body_bytes: usize,
    /// The maximum number of concurrent requests.
    pub max_concurrent: usize,
    /// The time between two lists of its metrics.
    pub list_every: Duration,
    /// The maximum age of a last good answer that is served in place of a failed one; `None` for never.
    pub last_good: Option<Duration>,
}

/// A Service of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceReference {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for ServiceReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// How a delegate learns the requester.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardAuth {
    /// By the headers of a front proxy, which it trusts from clients with this certificate.
    FrontProxy {
        /// PEM file with the certificate.
        cert_file: PathBuf,
        /// PEM file with its key.
        key_file: PathBuf,
    },
    /// By the headers for impersonation. The account of this token needs that right. Servers that are built
    /// on the library of kube-apiserver accept these headers.
    Impersonate {
        /// The file with the token.
        token_file: PathBuf,
    },
    /// Not at all: every request is made as the account of this token, after it was authorized here.
    ServiceAccount {
        /// The file with the token.
        token_file: PathBuf,
    },
}

impl ForwardAuth {
    /// What it is called in the configuration.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::FrontProxy { .. } => "frontProxy",
            Self::Impersonate { .. } => "impersonate",
            Self::ServiceAccount { .. } => "serviceAccount",
        }
    }
}

/// The APIs that delegates serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Api {
    /// `custom.metrics.k8s.io`
    Custom,
    /// `external.metrics.k8s.io`
    External,
    /// `metrics.k8s.io`
    Resource,
}

impl Api {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Custom, Self::External, Self::Resource];

    /// The API group.
    pub fn group(self) -> &'static str {
        match self {
            Self::Custom => "custom.metrics.k8s.io",
            Self::External => "external.metrics.k8s.io",
            Self::Resource => "metrics.k8s.io",
        }
    }

    /// Its versions that are passed on.
    pub fn versions(self) -> &'static [&'static str] {
        match self {
            Self::Custom => &["v1beta1", "v1beta2"],
            Self::External => &["v1beta1"],
            Self::Resource => &["v1beta1", "v1"],
        }
    }

    /// What it is called in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::External => "external",
            Self::Resource => "resource",
        }
    }

    /// The kinds that an answer to a read may be of.
    pub(super) fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Custom => &["MetricValueList"],
            Self::External => &["ExternalMetricValueList"],
            Self::Resource => &["NodeMetricsList", "NodeMetrics", "PodMetricsList", "PodMetrics"],
        }
    }
}
