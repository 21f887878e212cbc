//! Metrics by their names in discovery, which are the same for both adapters.

use leadsman_model::serve::Serve;
use leadsman_provider::snapshot::MeasuredKind;

/// A metric in discovery.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Metric {
    /// The API, and the kind of objects.
    pub(super) of: MetricKind,
    /// The name; empty for resource metrics.
    pub(super) name: String,
}

/// The API that serves a metric, and the kind of objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MetricKind {
    /// Values of objects.
    Custom {
        /// The kind, as `jobs.batch`.
        resource: String,
    },
    /// Items with labels.
    External,
    /// Resource metrics.
    ResourceMetrics {
        /// `nodes` or `pods`.
        resource: String,
    },
}

impl Metric {
    /// A metric of our own.
    pub(super) fn served(serve: &Serve, name: &str) -> Self {
        let of = match serve {
            Serve::Custom(resource) => MetricKind::Custom { resource: resource.to_string() },
            Serve::External => MetricKind::External,
            Serve::ResourceMetrics(resource) => return Self::of_resources(resource.plural()),
        };
        Self { of, name: name.to_owned() }
    }

    /// The resource metrics of a kind.
    pub(super) fn of_resources(resource: &str) -> Self {
        Self {
            of: MetricKind::ResourceMetrics { resource: resource.to_owned() },
            name: String::new(),
        }
    }

    /// A metric as `custom.metrics.k8s.io` lists it: `pods/http_requests`.
    pub(super) fn custom(listed: &str) -> Option<Self> {
        let (resource, name) = listed.split_once('/')?;
        let of = MetricKind::Custom { resource: resource.to_owned() };
        Some(Self { of, name: name.to_owned() })
    }

    /// A metric as `external.metrics.k8s.io` lists it.
    pub(super) fn external(listed: &str) -> Self {
        Self { of: MetricKind::External, name: listed.to_owned() }
    }

    /// The name in a report.
    pub(super) fn title(&self) -> String {
        match &self.of {
            MetricKind::Custom { resource } => format!("{resource}/{}", self.name),
            MetricKind::External => format!("external/{}", self.name),
            MetricKind::ResourceMetrics { resource } => format!("cpu and memory of {resource}"),
        }
    }
}

/// The kind with resource metrics that a plural names.
pub(super) fn measured_kind(resource: &str) -> Option<MeasuredKind> {
    [MeasuredKind::Nodes, MeasuredKind::Pods].into_iter().find(|of| of.plural() == resource)
}
