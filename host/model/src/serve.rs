//! The API that serves a metric.

use super::names::MetricName;
use super::resource::Resource;

/// The API that serves a metric.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Serve {
    /// `custom.metrics.k8s.io`: a value for each object of a kind.
    Custom(Resource),
    /// `external.metrics.k8s.io`: items with labels.
    External,
    /// `metrics.k8s.io`: cpu or memory of the objects of a kind, as items whose labels name the
    /// objects.
    ResourceMetrics(Resource),
}

impl Serve {
    /// The API and kind, as a phrase for messages.
    pub fn described(&self) -> String {
        match self {
            Self::Custom(resource) => format!("for {resource}"),
            Self::External => "as an external metric".to_owned(),
            Self::ResourceMetrics(resource) => format!("as what {resource} use"),
        }
    }

    /// The name of a mapping of this metric in logs, metrics and messages: `pods/http_requests`.
    pub fn title(&self, metric: &MetricName) -> String {
        match self {
            Self::Custom(resource) => format!("{resource}/{metric}"),
            Self::External => format!("external/{metric}"),
            Self::ResourceMetrics(resource) => format!("usage/{resource}/{metric}"),
        }
    }
}
