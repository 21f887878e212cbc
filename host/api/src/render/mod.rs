//! Renders values, in the encoding that the client asks for.

mod json;
mod label_selector;
mod protobuf;
mod resource;
mod window;

use bytes::Bytes;
use http::HeaderValue;
use http::header::{ACCEPT, HeaderMap};

use leadsman_model::values::Item;
use leadsman_provider::{CustomValues, ResourceValues};

const EXTERNAL: &str = "external.metrics.k8s.io/v1beta1";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// The versions of the custom metrics API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum CustomVersion {
    V1Beta1,
    V1Beta2,
}

impl CustomVersion {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::V1Beta1 => "v1beta1",
            Self::V1Beta2 => "v1beta2",
        }
    }

    fn group_version(self) -> &'static str {
        match self {
            Self::V1Beta1 => "custom.metrics.k8s.io/v1beta1",
            Self::V1Beta2 => "custom.metrics.k8s.io/v1beta2",
        }
    }
}

/// The versions of the API of resource metrics. Both have the same types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ResourceVersion {
    V1Beta1,
    V1,
}

impl ResourceVersion {
    /// The version of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::V1Beta1, Self::V1].into_iter().find(|version| {
            version.group_version().rsplit_once('/').is_some_and(|(_, known)| known == name)
        })
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::V1Beta1 => "v1beta1",
            Self::V1 => "v1",
        }
    }

    fn group_version(self) -> &'static str {
        match self {
            Self::V1Beta1 => "metrics.k8s.io/v1beta1",
            Self::V1 => "metrics.k8s.io/v1",
        }
    }
}

/// Which object of the APIs an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// A `MetricValueList`.
    Custom(CustomVersion),
    /// An `ExternalMetricValueList`.
    External,
    /// Of `metrics.k8s.io`: one object or a list, depending on the path.
    Resource(ResourceVersion),
}

/// How an answer is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Encoding {
    Json,
    Protobuf,
}

impl Encoding {
    /// The first of both that the client names; JSON if it names neither.
    pub(super) fn asked_for(headers: &HeaderMap) -> Self {
        let asked = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        for kind in asked.flat_map(|value| value.split(',')) {
            let mut parts = kind.split(';').map(str::trim);
            match parts.next().unwrap_or_default() {
                // Parameters ask for another shape, such as a table.
                PROTOBUF if parts.next().is_none() => return Self::Protobuf,
                "application/json" | "application/*" | "*/*" => return Self::Json,
                _ => {}
            }
        }
        Self::Json
    }

    pub(super) fn content_type(self) -> HeaderValue {
        match self {
            Self::Json => super::status::JSON,
            Self::Protobuf => HeaderValue::from_static(PROTOBUF),
        }
    }

    /// A `MetricValueList`.
    pub(super) fn custom(
        self,
        version: CustomVersion,
        metric: &str,
        values: &CustomValues<'_>,
    ) -> Bytes {
        match self {
            Self::Json => json::custom(version, metric, values),
            Self::Protobuf => protobuf::custom(version, metric, values),
        }
    }

    /// A `NodeMetrics` or `PodMetrics` where one object was requested, else a list of them.
    pub(super) fn resource(self, version: ResourceVersion, metrics: &ResourceValues<'_>) -> Bytes {
        let ResourceValues { kind, one, window, values, .. } = metrics;
        let (kind, window) = (*kind, *window);
        match (self, values.as_slice()) {
            (Self::Json, [object]) if *one => resource::json::one(version, kind, window, object),
            (Self::Json, objects) => resource::json::list(version, kind, window, objects),
            (Self::Protobuf, [object]) if *one => {
                resource::protobuf::one(version, kind, window, object)
            }
            (Self::Protobuf, objects) => resource::protobuf::list(version, kind, window, objects),
        }
    }

    /// An `ExternalMetricValueList`.
    pub(super) fn external(self, metric: &str, items: &[&Item]) -> Bytes {
        match self {
            Self::Json => json::external(metric, items),
            Self::Protobuf => protobuf::external(metric, items),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_that_is_named_first() {
        for (accept, encoding) in [
            ("application/vnd.kubernetes.protobuf, */*", Encoding::Protobuf),
            ("application/vnd.kubernetes.protobuf,application/json", Encoding::Protobuf),
            ("application/json,application/vnd.kubernetes.protobuf", Encoding::Json),
            ("application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1", Encoding::Json),
            ("text/html", Encoding::Json),
            ("*/*", Encoding::Json),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(Encoding::asked_for(&headers), encoding, "{accept}");
        }
        assert_eq!(Encoding::asked_for(&HeaderMap::new()), Encoding::Json);
    }
}
