//! The users of an API: the autoscalers that read its metrics.

use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscaler, MetricSpec};
use kube::api::ListParams;
use kube::{Api as KubeApi, ResourceExt as _};

use super::ProgressSink;
use leadsman_cluster::{Cluster, explain};
use leadsman_delegate::Api;

/// How many of them are named.
const MAX_NAMED: usize = 10;

/// Says which autoscalers read metrics of an API.
pub(super) async fn report(cluster: &Cluster, api: Api, out: &mut ProgressSink<'_>) {
    let all: KubeApi<HorizontalPodAutoscaler> = KubeApi::all(cluster.client().clone());
    let all = match all.list(&ListParams::default()).await {
        Ok(all) => all.items,
        Err(error) => {
            out(format_args!("who uses it cannot be seen: {}", explain(&error)));
            return;
        }
    };
    let users: Vec<_> = all.iter().filter(|hpa| uses(hpa, api)).collect();
    let named: Vec<_> = users
        .iter()
        .take(MAX_NAMED)
        .map(|hpa| format!("{}/{}", hpa.namespace().unwrap_or_default(), hpa.name_any()))
        .collect();
    match users.len() {
        0 => out(format_args!("no autoscaler uses it")),
        1 => out(format_args!("1 autoscaler uses it: {}", named.join(", "))),
        count => {
            let more = if count > MAX_NAMED { ", …" } else { "" };
            out(format_args!("{count} autoscalers use it: {}{more}", named.join(", ")));
        }
    }
}

fn uses(hpa: &HorizontalPodAutoscaler, api: Api) -> bool {
    let metrics = hpa.spec.as_ref().and_then(|spec| spec.metrics.as_ref());
    let is_of = |metric: &MetricSpec| match api {
        Api::Custom => metric.pods.is_some() || metric.object.is_some(),
        Api::External => metric.external.is_some(),
        Api::Resource => metric.resource.is_some() || metric.container_resource.is_some(),
    };
    metrics.into_iter().flatten().any(is_of)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_autoscaler_uses_the_apis_of_its_metrics() {
        let hpa = |metrics: serde_json::Value| -> HorizontalPodAutoscaler {
            serde_json::from_value(json!({"spec": {
                "maxReplicas": 1, "metrics": metrics,
                "scaleTargetRef": {"kind": "Deployment", "name": "web"},
            }}))
            .unwrap()
        };
        let target = json!({"type": "Value", "value": "1"});
        let external = hpa(json!([
            {"type": "External", "external": {"metric": {"name": "m"}, "target": target}}
        ]));
        let pods =
            hpa(json!([{"type": "Pods", "pods": {"metric": {"name": "m"}, "target": target}}]));
        let cpu = hpa(json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]));
        for (api, expected) in [
            (Api::External, [true, false, false]),
            (Api::Custom, [false, true, false]),
            (Api::Resource, [false, false, true]),
        ] {
            assert_eq!([&external, &pods, &cpu].map(|hpa| uses(hpa, api)), expected, "{api:?}");
        }
    }
}
