//! In which API a metric is served.

use super::names::MetricName;
use super::resource::Resource;

/// In which API a metric is served.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Serve {
    /// A value for each object of a kind.
    Custom(Resource),
    /// Items with labels.
    External,
    /// The usage of objects of a kind, for `metrics.k8s.io`: items whose labels name the objects.
    ResourceMetrics(Resource),
}

impl Serve {
    /// What a metric is served as, in words.
    pub fn described(&self) -> String {
        match self {
            Self::Custom(resource) => format!("for {resource}"),
            Self::External => "as an external metric".to_owned(),
            Self::ResourceMetrics(resource) => format!("as what {resource} use"),
        }
    }

    /// How a mapping of this metric is called in logs, metrics and messages: `pods/http_requests`.
    pub fn title(&self, metric: &MetricName) -> String {
        match self {
            Self::Custom(resource) => format!("{resource}/{metric}"),
            Self::External => format!("external/{metric}"),
            Self::ResourceMetrics(resource) => format!("usage/{resource}/{metric}"),
        }
    }
}
