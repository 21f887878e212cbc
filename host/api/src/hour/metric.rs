//! Which read of this adapter a metric of an autoscaler stands for.

use leadsman_autoscaler::manifest::{CrossVersionObjectReference, MetricSpec};
use leadsman_model::resource::Resource;
use leadsman_provider::NewestRequest;
use leadsman_provider::snapshot::{MeasuredKind, NotServed, ReadKind, Snapshot};

/// A metric of an autoscaler, as requests name it.
pub(super) struct AskedMetric<'a> {
    spec: &'a MetricSpec,
    object: Option<&'a CrossVersionObjectReference>,
    /// The kind of the object.
    resource: Option<String>,
    selector: String,
}

impl<'a> AskedMetric<'a> {
    pub(super) fn of(spec: &'a MetricSpec) -> Self {
        let source = spec.pods.as_ref().or(spec.object.as_ref()).or(spec.external.as_ref());
        let selector = source.and_then(|source| source.metric.selector.as_ref());
        let object = spec.object.as_ref().and_then(|object| object.described_object.as_ref());
        Self {
            spec,
            object,
            resource: object.map(resource_name),
            selector: selector.map(ToString::to_string).unwrap_or_default(),
        }
    }

    /// The request; `None` if it asks for nothing that an adapter serves.
    pub(super) fn request<'s>(&'s self, namespace: &'s str) -> Option<NewestRequest<'s>> {
        let spec = self.spec;
        let wanted = if spec.pods.is_some() {
            ReadKind::Custom("pods")
        } else if let Some(resource) = &self.resource {
            ReadKind::Custom(resource)
        } else if spec.external.is_some() {
            ReadKind::External
        } else if spec.resource.is_some() || spec.container_resource.is_some() {
            ReadKind::Resource(MeasuredKind::Pods)
        } else {
            return None;
        };
        Some(NewestRequest {
            wanted,
            namespace,
            metric: spec.name(),
            object: self.object.map(|object| object.name.as_str()),
            metric_selector: &self.selector,
        })
    }

    /// Whether a read is of this metric: who may make the read may see the metric's values.
    pub(super) fn is_read_by(&self, read: &NewestRequest<'_>, snapshot: &Snapshot) -> bool {
        let Some(own) = self.request(read.namespace) else { return false };
        let same = own.object == read.object
            && own.metric == read.metric
            && own.metric_selector == read.metric_selector;
        match (own.wanted, read.wanted) {
            // Cpu and memory are read together, and of one pod or of all.
            (ReadKind::Resource(own_kind), ReadKind::Resource(kind)) => {
                own_kind == kind && own.object == read.object
            }
            (ReadKind::External, ReadKind::External) => same,
            (ReadKind::Custom(own_kind), ReadKind::Custom(kind)) => {
                same && (own_kind == kind
                    || is_same(snapshot, &own, read)
                        .unwrap_or_else(|| is_same_kind(own_kind, kind)))
            }
            _ => false,
        }
    }
}

/// Whether both are of the same mapping, however they name the kind; `None` if there is none for either.
fn is_same(
    snapshot: &Snapshot,
    one: &NewestRequest<'_>,
    other: &NewestRequest<'_>,
) -> Option<bool> {
    let entry = |of: &NewestRequest<'_>| snapshot.find(of.metric, of.wanted, Some(of.namespace));
    match (entry(one), entry(other)) {
        (Ok(one), Ok(other)) => Some(std::ptr::eq(one, other)),
        (Err(NotServed::Rejected(one)), Err(NotServed::Rejected(other))) => {
            Some(std::ptr::eq(one, other))
        }
        // Another adapter may serve it.
        (Err(NotServed::Unknown), Err(NotServed::Unknown)) => None,
        _ => Some(false),
    }
}

/// Whether two names mean the same kind, which is one that every cluster has.
fn is_same_kind(one: &str, other: &str) -> bool {
    Resource::known(one).is_some_and(|kind| kind.answers_to(other))
}

/// A kind as a request may name it: `ingress.networking.k8s.io`.
fn resource_name(reference: &CrossVersionObjectReference) -> String {
    let kind = reference.kind.to_ascii_lowercase();
    match reference.api_version.as_deref().and_then(|version| version.split_once('/')) {
        Some((group, _)) => format!("{kind}.{group}"),
        None => kind,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use leadsman_model::owner::Owner;
    use leadsman_model::serve::Serve;
    use leadsman_provider::snapshot::{Contents, LazyMetric, Rejection, RejectionReason};
    use serde_json::{Value, json};

    #[test]
    fn a_kind_is_named_as_requests_may() {
        let of = |version: Option<&str>, kind: &str| {
            let name = "x".to_owned();
            let api_version = version.map(str::to_owned);
            resource_name(&CrossVersionObjectReference { api_version, kind: kind.to_owned(), name })
        };
        let ingress = of(Some("networking.k8s.io/v1"), "Ingress");
        assert_eq!(ingress, "ingress.networking.k8s.io");
        let known = Resource::known("ingresses").unwrap();
        assert!(known.answers_to(&ingress));
        assert_eq!((of(Some("v1"), "Service"), of(None, "Pod")), ("service".into(), "pod".into()));
    }

    /// A rule serves the metric for services and for pods, and a mapping that is wrong another one.
    fn snapshot() -> Snapshot {
        let rule = |resource: &str| {
            let binder = Box::new(|| -> futures_util::future::BoxFuture<'static, _> {
                Box::pin(async { Err("nobody binds it".to_owned()) })
            });
            let serve = Serve::Custom(Resource::known(resource).unwrap());
            Arc::new(LazyMetric::new("m".parse().unwrap(), serve, 0, binder, None))
        };
        let rules = ["services", "pods"].map(rule).into();
        let serve = Serve::Custom(Resource::known("services").unwrap());
        let rejection = Rejection {
            owner: Owner::Operator,
            title: "services/wrong".to_owned(),
            mapping: Some(("wrong".parse().unwrap(), serve)),
            reason: RejectionReason::ConfigInvalid,
            message: "it is wrong".to_owned(),
            serving: false,
            activates: None,
        };
        Snapshot::new(1, Contents { rules, rejections: vec![rejection], ..Contents::default() })
    }

    fn is_read(metric: Value, read: NewestRequest<'_>) -> bool {
        let spec: MetricSpec = serde_json::from_value(metric).unwrap();
        AskedMetric::of(&spec).is_read_by(&read, &snapshot())
    }

    fn read<'a>(wanted: ReadKind<'a>, object: Option<&'a str>) -> NewestRequest<'a> {
        NewestRequest { wanted, namespace: "shop", metric: "m", object, metric_selector: "" }
    }

    #[test]
    fn who_reads_one_object_reads_no_other_and_not_all() {
        let target = json!({"type": "Value", "value": "1"});
        let service = json!({"kind": "Service", "name": "web", "apiVersion": "v1"});
        let of_service = json!({"type": "Object", "object": {
            "metric": {"name": "m"}, "describedObject": service, "target": target,
        }});
        let of_pods = json!({"type": "Pods", "pods": {"metric": {"name": "m"}, "target": target}});
        let services = ReadKind::Custom("services");
        assert!(is_read(of_service.clone(), read(services, Some("web"))));
        assert!(!is_read(of_service.clone(), read(services, Some("db"))));
        assert!(!is_read(of_service.clone(), read(ReadKind::Custom("pods"), Some("web"))));
        assert!(!is_read(of_service, read(ReadKind::External, None)));
        let pods = ReadKind::Custom("pods");
        assert!(is_read(of_pods.clone(), read(pods, None)));
        assert!(!is_read(of_pods.clone(), read(pods, Some("web-0"))), "an average is of all");
        let other = NewestRequest { metric: "n", ..read(pods, None) };
        assert!(!is_read(of_pods.clone(), other));
        let some = NewestRequest { metric_selector: "a=b", ..read(pods, None) };
        assert!(!is_read(of_pods, some));
    }

    #[test]
    fn a_kind_has_its_names_where_nothing_serves_the_metric() {
        let target = json!({"type": "Value", "value": "1"});
        let service = json!({"kind": "Service", "name": "web", "apiVersion": "v1"});
        // One that a mapping does not give, and one that another adapter may have.
        for metric in ["wrong", "elsewhere"] {
            let of_service = json!({"type": "Object", "object": {
                "metric": {"name": metric}, "describedObject": service, "target": target,
            }});
            let read = |kind: &'static str| NewestRequest {
                metric,
                ..read(ReadKind::Custom(kind), Some("web"))
            };
            assert!(is_read(of_service.clone(), read("services")), "{metric}");
            for other in ["ingresses.networking.k8s.io", "services.example.com", "pods"] {
                assert!(!is_read(of_service.clone(), read(other)), "{metric} of {other}");
            }
        }
    }

    #[test]
    fn cpu_and_memory_are_read_together() {
        let target = json!({"type": "Utilization", "averageUtilization": 80});
        let cpu = json!({"type": "Resource", "resource": {"name": "cpu", "target": target}});
        let pods = ReadKind::Resource(MeasuredKind::Pods);
        assert!(is_read(cpu.clone(), read(pods, None)));
        assert!(!is_read(cpu.clone(), read(pods, Some("web-0"))));
        assert!(!is_read(cpu, read(ReadKind::Resource(MeasuredKind::Nodes), None)));
    }
}
