//! The read of the metrics APIs that a trigger stands for.

use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use leadsman_model::serve::Serve;
use leadsman_provider::snapshot::{ReadKind, Snapshot};

/// The characters that are escaped in a segment of a path.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'*').remove(b':');

/// A read of the metrics APIs. Its texts have been checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Read {
    /// The metric.
    pub(super) metric: Box<str>,
    /// The objects or series.
    pub(super) of: ReadSubject,
}

/// The objects or series that a metric is read for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum ReadSubject {
    /// An external metric.
    External {
        /// The namespace that the read is for.
        namespace: Box<str>,
        /// Picks items.
        selector: Box<str>,
    },
    /// A custom metric.
    Custom {
        /// The namespace of the objects; `None` for those that live in none.
        namespace: Option<Box<str>>,
        /// Their kind, as the request names it.
        kind: Box<str>,
        /// One object; `None` for all that the selector picks.
        object: Option<Box<str>>,
        /// Picks objects.
        selector: Box<str>,
        /// Picks series.
        metric_selector: Box<str>,
    },
}

impl Read {
    /// A read of an external metric.
    pub(super) fn external(namespace: &str, metric: &str, selector: &str) -> Self {
        let of = ReadSubject::External { namespace: namespace.into(), selector: selector.into() };
        Self { metric: metric.into(), of }
    }

    /// The namespace that it is for; `None` at the root.
    pub(super) fn namespace(&self) -> Option<&str> {
        match &self.of {
            ReadSubject::External { namespace, .. } => Some(namespace),
            ReadSubject::Custom { namespace, .. } => namespace.as_deref(),
        }
    }

    /// The same for objects that live in no namespace, if its kind is one of those.
    pub(super) fn placed(self, snapshot: &Snapshot) -> Self {
        let Self { metric, of } = self;
        let of = match of {
            ReadSubject::Custom { namespace, kind, object, selector, metric_selector } => {
                let in_namespace = is_namespaced(snapshot, &metric, &kind, namespace.as_deref());
                let namespace = namespace.filter(|_| in_namespace);
                ReadSubject::Custom { namespace, kind, object, selector, metric_selector }
            }
            external @ ReadSubject::External { .. } => external,
        };
        Self { metric, of }
    }

    /// The path of this read in the metrics APIs, for which it is authorized.
    pub(super) fn path(&self) -> Result<Uri, http::uri::InvalidUri> {
        let metric = segment(&self.metric);
        let path = match &self.of {
            ReadSubject::External { namespace, .. } => format!(
                "/apis/external.metrics.k8s.io/v1beta1/namespaces/{}/{metric}",
                segment(namespace)
            ),
            ReadSubject::Custom { namespace, kind, object, .. } => {
                let (place, name) = match (namespace, object.as_deref().unwrap_or("*")) {
                    (Some(namespace), name) => {
                        (format!("namespaces/{}/{}", segment(namespace), segment(kind)), name)
                    }
                    // Their metrics have a path of their own.
                    (None, name) if **kind == *"namespaces" => {
                        (format!("namespaces/{}", segment(name)), "metrics")
                    }
                    (None, name) => (segment(kind), name),
                };
                format!("/apis/custom.metrics.k8s.io/v1beta2/{place}/{}/{metric}", segment(name))
            }
        };
        path.parse()
    }

    /// The bytes of its texts.
    pub(super) fn bytes(&self) -> usize {
        let length = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
        self.metric.len()
            + match &self.of {
                ReadSubject::External { namespace, selector } => namespace.len() + selector.len(),
                ReadSubject::Custom { namespace, kind, object, selector, metric_selector } => {
                    length(namespace)
                        + kind.len()
                        + length(object)
                        + selector.len()
                        + metric_selector.len()
                }
            }
    }
}

/// Whether the objects of a metric live in namespaces, as far as it is known.
fn is_namespaced(snapshot: &Snapshot, metric: &str, kind: &str, namespace: Option<&str>) -> bool {
    let entry = snapshot.find(metric, ReadKind::Custom(kind), namespace);
    match entry.map(|entry| &entry.serve) {
        Ok(Serve::Custom(resource)) => resource.namespaced(),
        _ => true,
    }
}

fn segment(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(namespace: Option<&str>, kind: &str, object: Option<&str>) -> Read {
        let of = ReadSubject::Custom {
            namespace: namespace.map(Into::into),
            kind: kind.into(),
            object: object.map(Into::into),
            selector: "app=web".into(),
            metric_selector: Box::default(),
        };
        Read { metric: "load".into(), of }
    }

    #[test]
    fn the_path_is_that_of_the_same_read() {
        let custom_api = "/apis/custom.metrics.k8s.io/v1beta2";
        for (read, expected) in [
            (
                Read::external("shop", "queue:depth", "a=b"),
                "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue:depth".to_owned(),
            ),
            (
                custom(Some("shop"), "pods", None),
                format!("{custom_api}/namespaces/shop/pods/*/load"),
            ),
            (
                custom(Some("shop"), "ingresses.networking.k8s.io", Some("a b?")),
                format!("{custom_api}/namespaces/shop/ingresses.networking.k8s.io/a%20b%3F/load"),
            ),
            (custom(None, "nodes", Some("n1")), format!("{custom_api}/nodes/n1/load")),
            (
                custom(None, "namespaces", Some("shop")),
                format!("{custom_api}/namespaces/shop/metrics/load"),
            ),
        ] {
            assert_eq!(read.path().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn every_text_has_its_weight() {
        assert!(custom(Some("shop"), "pods", Some("web-0")).bytes() >= 4 + 4 + 4 + 5 + 7);
        assert_eq!(Read::external("shop", "load", "a=b").bytes(), 11);
    }
}
