//! Checks the autoscalers that use the metrics.

use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscaler, MetricSpec};
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use super::Finding;
use super::rights::ServedMetrics;
use leadsman_cluster::Cluster;

/// Checks the autoscalers of a namespace, or of all.
pub(super) async fn look(
    cluster: &Cluster,
    namespace: Option<&str>,
    served: &ServedMetrics,
) -> Vec<Finding> {
    let client = cluster.client().clone();
    let api: Api<HorizontalPodAutoscaler> = match namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let found = match api.list(&ListParams::default()).await {
        Ok(found) => found.items,
        Err(error) => return vec![Finding::unseen("autoscalers", &error)],
    };
    let findings: Vec<_> =
        found.iter().filter_map(|hpa| check_autoscaler(hpa, served)).flatten().collect();
    if findings.is_empty() {
        let text = format!("none of {} scales by a custom or external metric", found.len());
        return vec![Finding::unsure(text)];
    }
    findings
}

/// Checks an autoscaler. `None` if it uses no custom or external metric.
fn check_autoscaler(hpa: &HorizontalPodAutoscaler, served: &ServedMetrics) -> Option<Vec<Finding>> {
    let spec = hpa.spec.as_ref()?;
    let used: Vec<_> = spec.metrics.iter().flatten().filter_map(UsedMetric::of).collect();
    if used.is_empty() {
        return None;
    }
    let name = format!("{}/{}", hpa.namespace().unwrap_or_default(), hpa.name_any());
    let mut findings = Vec::new();
    for metric in &used {
        if metric.is_served(served) == Some(false) {
            findings.push(Finding::bad(
                format!("{name} scales by the {metric}, which is not served"),
                "write a mapping for it, or mend the name in the autoscaler",
            ));
        }
    }
    let status = hpa.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_ref());
    for condition in conditions.into_iter().flatten() {
        if condition.status == "False"
            && matches!(&*condition.type_, "ScalingActive" | "AbleToScale")
        {
            let message = condition.message.as_deref().unwrap_or_default();
            let reason = condition.reason.as_deref().unwrap_or_default();
            // It is disabled: somebody set the replicas to 0.
            if reason == "ScalingDisabled" {
                findings.push(Finding::unsure(format!("{name}: {message}")));
                continue;
            }
            findings.push(Finding::bad(
                format!("{name}: {}: {reason}: {message}", condition.type_),
                "the message is the adapter's own where it names a mapping or a query",
            ));
        }
    }
    if findings.is_empty() {
        let (current, desired) = status.map_or((0, 0), |status| {
            (status.current_replicas.unwrap_or_default(), status.desired_replicas)
        });
        findings.push(match conditions {
            Some(_) => {
                Finding::good(format!("{name} scales: {current} replicas, {desired} wanted"))
            }
            None => Finding::unsure(format!("{name} has not been looked at by the controller yet")),
        });
    }
    Some(findings)
}

/// A metric that an autoscaler uses.
enum UsedMetric {
    Custom(String),
    External(String),
}

impl UsedMetric {
    fn of(metric: &MetricSpec) -> Option<Self> {
        let pods = metric.pods.as_ref().map(|pods| &pods.metric.name);
        let object = metric.object.as_ref().map(|object| &object.metric.name);
        let external = metric.external.as_ref().map(|external| &external.metric.name);
        pods.or(object)
            .map(|name| Self::Custom(name.clone()))
            .or_else(|| external.map(|name| Self::External(name.clone())))
    }

    fn is_served(&self, served: &ServedMetrics) -> Option<bool> {
        match self {
            Self::Custom(name) => served.custom(name),
            Self::External(name) => served.external(name),
        }
    }
}

impl std::fmt::Display for UsedMetric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Custom(name) => write!(f, "custom metric {name}"),
            Self::External(name) => write!(f, "external metric {name}"),
        }
    }
}
