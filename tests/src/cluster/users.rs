//! Real use cases, for any adapter that serves their metrics. Each is an example in `examples/`.

use std::convert::Infallible;
use std::time::Duration;

use serde_json::{Value, json};

use super::control_plane::ControlPlane;
use super::hpa::Hpa;
use super::workload::Workload;
use crate::examples::Example;
use crate::paths::CUSTOM_V1;
use crate::traffic::Traffic;
use crate::waiting::eventually;

/// The timeout for a scrape, an evaluation and a sync of the controller.
const SCALING_TIMEOUT: Duration = Duration::from_secs(60);

const VERNEMQ: Example = Example::new("vernemq");
const GO_COUNTER: Example = Example::new("go-counter");

/// User 1. Messages are distributed evenly over all brokers, and the target is an average per
/// broker.
///
/// # Panics
/// If the workload is scaled otherwise.
pub async fn vernemq_scales_by_message_rate(traffic: &Traffic) {
    let admin = ControlPlane::shared().await.admin();
    let workload = Workload::stateful_set(&admin, "default", "myvernemq", 3).await;
    let hpa = autoscaler(VERNEMQ, &workload).await;
    hpa.scale_immediately(&["scaleDown"]).await;
    // The target is 60m. Each rate has one stable number of brokers: 100m is 50m for each of two,
    // 280m is 56m for each of five, and 800m is 80m even for each of ten.
    for (messages, brokers) in [(0.1, 2), (0.28, 5), (0.8, 10)] {
        under_load(traffic, &workload, messages, hpa.wait_desired(brokers)).await;
    }
    let limited = hpa.wait_condition("ScalingLimited", "maximum replica count");
    assert_eq!(under_load(traffic, &workload, 0.8, limited).await.status, "True");
    under_load(traffic, &workload, 0.0, hpa.wait_desired(1)).await;
}

/// User 2. A Go application is scaled by the value of its counter.
///
/// # Panics
/// If the workload is scaled otherwise, or kubectl prints another value.
pub async fn go_counter_scales_by_counter_value(traffic: &Traffic) {
    let plane = ControlPlane::shared().await;
    let workload = Workload::deployment(&plane.admin(), "default", "test-prometheus", 1).await;
    let count = |pod: usize, value: f64| {
        let pod = format!(r#"namespace="default",pod="test-prometheus-{pod}",endpoint="http""#);
        traffic.set(&format!("myapp_processed_ops_total{{{pod}}}"), value);
    };
    count(0, 1.0);
    let hpa = autoscaler(GO_COUNTER, &workload).await;
    hpa.scale_immediately(&["scaleDown"]).await;
    hpa.wait_condition("ScalingActive", "myapp_processed_ops_total").await;
    hpa.wait_desired(1).await;
    assert!(hpa_line(&workload).await.contains("1/3"), "{}", hpa_line(&workload).await);

    let path = format!("{CUSTOM_V1}/namespaces/default/pods/*/myapp_processed_ops_total");
    let list = plane.kubectl(&["get", "--raw", &path]).await;
    let mut list: Value = serde_json::from_str(list.ok()).expect("JSON");
    let timestamp = list["items"][0]["timestamp"].take();
    assert!(timestamp.as_str().is_some_and(|time| time.ends_with('Z')), "{timestamp}");
    let pod = "test-prometheus-0";
    assert_eq!(
        list["items"],
        json!([{
            "describedObject":
                {"kind": "Pod", "namespace": "default", "name": pod, "apiVersion": "/v1"},
            "metricName": "myapp_processed_ops_total",
            "timestamp": null,
            "value": "1",
            "selector": null,
        }])
    );

    // The counter of the second pod is 0, so the average is 2.
    count(1, 0.0);
    count(0, 4.0);
    hpa.wait_desired(2).await;
    eventually("2/3", SCALING_TIMEOUT, async || {
        let line = hpa_line(&workload).await;
        if line.contains("2/3") { Ok(()) } else { Err(line) }
    })
    .await;
    count(0, 1.0);
    hpa.wait_desired(1).await;
}

/// Applies the autoscaler of an example, as in its README, and lets it scale up immediately.
///
/// # Panics
/// If it is refused.
pub async fn autoscaler(example: Example, workload: &Workload) -> Hpa {
    let plane = ControlPlane::shared().await;
    let file = example.autoscaler().display().to_string();
    plane.kubectl(&["apply", "-f", &file]).await.ok();
    let hpa = Hpa::of(&plane.admin(), workload);
    hpa.scale_immediately(&["scaleUp"]).await;
    hpa
}

/// The line of `kubectl get hpa` with the value and the target.
///
/// # Panics
/// If there is no autoscaler of the workload.
pub async fn hpa_line(workload: &Workload) -> String {
    let plane = ControlPlane::shared().await;
    let (namespace, name) = (workload.namespace(), workload.name());
    let line = ["get", "hpa", "-n", namespace, name, "--no-headers"];
    plane.kubectl(&line).await.ok().to_owned()
}

/// Waits for a result while this many messages per second arrive.
async fn under_load<T>(
    traffic: &Traffic,
    workload: &Workload,
    messages: f64,
    awaited: impl Future<Output = T>,
) -> T {
    tokio::select! {
        done = awaited => done,
        never = spread(traffic, workload, messages) => match never {},
    }
}

/// Distributes messages over the existing brokers, in both versions of the protocol.
async fn spread(traffic: &Traffic, workload: &Workload, messages: f64) -> Infallible {
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    loop {
        tick.tick().await;
        let brokers = workload.pods().await;
        for broker in &brokers {
            for version in [4, 5] {
                let labels =
                    format!(r#"namespace="default",pod="{broker}",mqtt_version="{version}""#);
                let each = messages / 2.0 / brokers.len() as f64;
                traffic.set_rate(&format!("mqtt_publish_received{{{labels}}}"), each);
            }
        }
    }
}
