//! Real autoscalers by cpu and memory.

use std::time::Duration;

use leadsman_tests::cluster::{Hpa, Metric, Workload};
use serde_json::Value;
use tokio::time::sleep;

use crate::Site;

/// A value of the only metric of an HPA's status.
fn current<'a>(status: &'a Value, kind: &str, value: &str) -> &'a Value {
    &status["currentMetrics"][0][kind]["current"][value]
}

/// Each pod requests 100m and 64Mi.
#[tokio::test]
async fn autoscalers_use_utilization_and_values() {
    let site = Site::new("scaled").await;
    let mut hpas = Vec::new();
    for (name, metric) in [
        ("cpu", Metric::resource("cpu", "").utilized(50)),
        ("memory", Metric::resource("memory", "").utilized(100)),
        ("cores", Metric::resource("cpu", "100m")),
        ("bytes", Metric::resource("memory", "100Mi")),
        ("app", Metric::container("app", "cpu", "").utilized(60)),
        ("heap", Metric::container("app", "memory", "100Mi")),
    ] {
        site.uses(&format!("scaled/{name}-0/app"), 0.001, 1.0);
        // A sidecar counts for the pod, and not for the container beside it.
        site.uses(&format!("scaled/{name}-0/proxy"), 0.02, 20.0);
        let workload = Workload::deployment(&site.admin, "scaled", name, 1).await;
        hpas.push(Hpa::create(&site.admin, &workload, 1..=9, &[metric]).await);
    }
    for hpa in &hpas {
        hpa.wait_condition("ScalingActive", "was able to successfully calculate").await;
        hpa.wait_desired(1).await;
    }
    for (name, cores, mebibytes) in [
        ("cpu", 0.1, 1.0),
        ("memory", 0.001, 108.0),
        ("cores", 0.33, 1.0),
        ("bytes", 0.001, 240.0),
        ("app", 0.12, 1.0),
        ("heap", 0.001, 350.0),
    ] {
        site.uses(&format!("scaled/{name}-0/app"), cores, mebibytes);
    }
    // 120 % of 50; 200 % of 100; 350m of 100m; 260Mi of 100Mi; 120 % of 60; 350Mi of 100Mi.
    for (hpa, replicas) in hpas.iter().zip([3, 2, 4, 3, 2, 4]) {
        hpa.wait_desired(replicas).await;
    }
    let [cpu, _, cores, _, _, heap] = &hpas[..] else { panic!() };
    let status = cpu.status().await;
    assert_eq!(current(&status, "resource", "averageUtilization"), 120, "{status:#}");
    let status = cores.status().await;
    assert_eq!(current(&status, "resource", "averageValue"), "350m", "{status:#}");
    let status = heap.status().await;
    let bytes = current(&status, "containerResource", "averageValue");
    assert_eq!(bytes, "350Mi", "{status:#}");
    site.remove().await;
}

/// One of two pods has a container without values. With zero in its place one pod would be enough.
#[tokio::test]
async fn a_container_without_a_value_is_not_idle() {
    let site = Site::new("careful").await;
    for pod in ["web-0", "web-1"] {
        site.uses(&format!("careful/{pod}/app"), 0.01, 90.0);
    }
    let workload = Workload::deployment(&site.admin, "careful", "web", 2).await;
    let metric = Metric::resource("memory", "100Mi");
    let hpa = Hpa::create(&site.admin, &workload, 1..=9, &[metric]).await;
    hpa.wait_condition("ScalingActive", "was able to successfully calculate").await;
    hpa.wait_desired(2).await;
    site.uses("careful/web-1/app", 0.01, 5.0);
    site.uses("careful/web-1/proxy", 0.01, None);
    // Several syncs of the controller, with values of several evaluations.
    sleep(Duration::from_secs(15)).await;
    let status = hpa.wait_desired(2).await;
    assert_eq!(current(&status, "resource", "averageValue"), "90Mi", "{status:#}");
    // As soon as it has a value, it counts.
    site.uses("careful/web-1/proxy", 0.01, 1.0);
    hpa.wait_desired(1).await;
    site.remove().await;
}
