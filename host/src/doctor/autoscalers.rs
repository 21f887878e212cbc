//! Checks the autoscalers that use the metrics.
//!
//! They are read as JSON: a cluster may be newer than the types of any library, and what is not known
//! here is of no concern.

use kube::Error;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::Finding;
use super::newer::{self, AutoscalerContext};
use super::rights::ServedMetrics;
use leadsman_cluster::Cluster;

/// What stands in a path as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-');

/// Checks the autoscalers of a namespace, or of all.
pub(super) async fn check(
    cluster: &Cluster,
    namespace: Option<&str>,
    served: &ServedMetrics,
    context: &AutoscalerContext,
) -> Vec<Finding> {
    let found = match list(cluster, namespace).await {
        Ok(found) => found,
        Err(error) => return vec![Finding::unseen("autoscalers", &error)],
    };
    let findings: Vec<_> =
        found.iter().filter_map(|hpa| check_autoscaler(hpa, served, context)).flatten().collect();
    if findings.is_empty() {
        let text = format!("none of {} scales by a custom or external metric", found.len());
        return vec![Finding::unsure(text)];
    }
    findings
}

async fn list(cluster: &Cluster, namespace: Option<&str>) -> Result<Vec<Value>, Error> {
    let path = match namespace {
        Some(namespace) => {
            let namespace = utf8_percent_encode(namespace, SEGMENT);
            format!("/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers")
        }
        None => "/apis/autoscaling/v2/horizontalpodautoscalers".to_owned(),
    };
    let request = http::Request::get(path).body(Vec::new()).map_err(Error::HttpError)?;
    let mut list: Value = cluster.client().request(request).await?;
    match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        _ => Ok(Vec::new()),
    }
}

/// Checks an autoscaler. `None` if it uses no custom or external metric.
fn check_autoscaler(
    hpa: &Value,
    served: &ServedMetrics,
    context: &AutoscalerContext,
) -> Option<Vec<Finding>> {
    let metrics = hpa["spec"]["metrics"].as_array()?;
    let used: Vec<_> = metrics.iter().filter_map(UsedMetric::of).collect();
    if used.is_empty() {
        return None;
    }
    let name =
        format!("{}/{}", text(&hpa["metadata"]["namespace"]), text(&hpa["metadata"]["name"]));
    let mut findings = Vec::new();
    for metric in &used {
        if metric.is_served(served) == Some(false) {
            findings.push(Finding::bad(
                format!("{name} scales by the {metric}, which is not served"),
                "write a mapping for it, or mend the name in the autoscaler",
            ));
        }
    }
    let conditions = hpa["status"]["conditions"].as_array();
    findings.extend(conditions.into_iter().flatten().filter_map(|one| condition(&name, one)));
    if findings.is_empty() {
        let status = &hpa["status"];
        let replicas = |key: &str| status[key].as_i64().unwrap_or_default();
        let (current, desired) = (replicas("currentReplicas"), replicas("desiredReplicas"));
        findings.push(match conditions {
            Some(_) => {
                Finding::good(format!("{name} scales: {current} replicas, {desired} wanted"))
            }
            None => Finding::unsure(format!("{name} has not been looked at by the controller yet")),
        });
    }
    findings.extend(newer::findings(&name, hpa, context));
    Some(findings)
}

/// What a condition says that keeps an autoscaler from scaling.
fn condition(name: &str, condition: &Value) -> Option<Finding> {
    let of = |key: &str| text(&condition[key]);
    if of("status") != "False" || !matches!(of("type"), "ScalingActive" | "AbleToScale") {
        return None;
    }
    // It is disabled: somebody set the replicas to 0.
    if of("reason") == "ScalingDisabled" {
        return Some(Finding::unsure(format!("{name}: {}", of("message"))));
    }
    Some(Finding::bad(
        format!("{name}: {}: {}: {}", of("type"), of("reason"), of("message")),
        "the message is the adapter's own where it names a mapping or a query",
    ))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A metric that an autoscaler uses.
enum UsedMetric {
    Custom(String),
    External(String),
}

impl UsedMetric {
    fn of(metric: &Value) -> Option<Self> {
        let named = |of: &str| Some(metric[of]["metric"]["name"].as_str()?.to_owned());
        let custom = named("pods").or_else(|| named("object")).map(Self::Custom);
        custom.or_else(|| named("external").map(Self::External))
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
