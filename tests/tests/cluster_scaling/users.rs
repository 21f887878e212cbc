//! Users' cases, by the files of `examples/`.

use std::convert::Infallible;
use std::time::Duration;

use leadsman_tests::cluster::{ControlPlane, Hpa, Stage, Workload};
use leadsman_tests::paths::CUSTOM_V1;
use leadsman_tests::{Example, eventually};
use serde_json::{Value, json};

use super::{GO_COUNTER, HTTP_REQUESTS, NGINX_INGRESS, PATIENCE, VERNEMQ, admin, current, stage};

/// The autoscaler of an example, applied as its README says, which may scale up at once.
async fn autoscaler(example: Example, workload: &Workload) -> Hpa {
    let plane = ControlPlane::shared().await;
    let file = example.autoscaler().display().to_string();
    plane.kubectl(&["apply", "-f", &file]).await.ok();
    let hpa = Hpa::of(&plane.admin(), workload);
    hpa.hurry(&["scaleUp"]).await;
    hpa
}

/// The target and the value as `kubectl get hpa` prints them.
async fn printed(workload: &Workload) -> String {
    let plane = ControlPlane::shared().await;
    let (namespace, name) = (workload.namespace(), workload.name());
    let line = ["get", "hpa", "-n", namespace, name, "--no-headers"];
    plane.kubectl(&line).await.ok().to_owned()
}

/// User 1. The messages go to all brokers alike, and the autoscaler looks at each broker's part.
#[tokio::test]
async fn brokers_are_as_many_as_their_messages_need() {
    let (stage, admin) = (stage(), admin().await);
    let workload = Workload::stateful_set(&admin, "default", "myvernemq", 3).await;
    let hpa = autoscaler(VERNEMQ, &workload).await;
    hpa.hurry(&["scaleDown"]).await;
    // Three have 22m each; of 266m two have 133m and five have 53m; of 800m even ten have 80m.
    for (messages, brokers) in [(0.066, 2), (0.266, 5), (0.8, 10)] {
        under(&stage, &workload, messages, hpa.wait_desired(brokers)).await;
    }
    let limited = hpa.wait_condition("ScalingLimited", "maximum replica count");
    assert_eq!(under(&stage, &workload, 0.8, limited).await.status, "True");
    under(&stage, &workload, 0.0, hpa.wait_desired(1)).await;
}

/// Waits while so many messages a second come.
async fn under<T>(
    stage: &Stage,
    workload: &Workload,
    messages: f64,
    awaited: impl Future<Output = T>,
) -> T {
    tokio::select! {
        done = awaited => done,
        never = spread(stage, workload, messages) => match never {},
    }
}

/// Spreads messages over the brokers that there are, by both versions of the protocol.
async fn spread(stage: &Stage, workload: &Workload, messages: f64) -> Infallible {
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    loop {
        tick.tick().await;
        let brokers = workload.pods().await;
        for broker in &brokers {
            for version in [4, 5] {
                let labels =
                    format!(r#"namespace="default",pod="{broker}",mqtt_version="{version}""#);
                let each = messages / 2.0 / brokers.len() as f64;
                stage.traffic.rise(&format!("mqtt_publish_received{{{labels}}}"), each);
            }
        }
    }
}

/// User 2.
#[tokio::test]
async fn a_counter_application_scales_by_its_counter() {
    let (stage, admin) = (stage(), admin().await);
    let plane = ControlPlane::shared().await;
    let workload = Workload::deployment(&admin, "default", "test-prometheus", 1).await;
    let count = |pod: usize, value: f64| {
        let pod = format!(r#"namespace="default",pod="test-prometheus-{pod}",endpoint="http""#);
        stage.traffic.set(&format!("myapp_processed_ops_total{{{pod}}}"), value);
    };
    count(0, 1.0);
    let hpa = autoscaler(GO_COUNTER, &workload).await;
    hpa.hurry(&["scaleDown"]).await;
    hpa.wait_condition("ScalingActive", "myapp_processed_ops_total").await;
    hpa.wait_desired(1).await;
    assert!(printed(&workload).await.contains("1/3"), "{}", printed(&workload).await);

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

    // The second pod has counted nothing yet, so the average is 2.
    count(1, 0.0);
    count(0, 4.0);
    hpa.wait_desired(2).await;
    eventually("2/3", PATIENCE, async || {
        let line = printed(&workload).await;
        if line.contains("2/3") { Ok(()) } else { Err(line) }
    })
    .await;
    count(0, 1.0);
    hpa.wait_desired(1).await;
}

/// User 4.
#[tokio::test]
async fn a_web_site_scales_by_the_requests_of_its_ingress() {
    let (stage, admin) = (stage(), admin().await);
    let workload = Workload::deployment(&admin, "my-site", "my-deployment-apache", 1).await;
    let requests = |ten_times: f64| {
        let labels = r#"namespace="my-site",ingress="my-ingress",host="test.ru""#;
        let counter = format!("nginx_ingress_controller_requests{{{labels}}}");
        stage.traffic.rise(&counter, ten_times / 10.0);
    };
    requests(0.0);
    let hpa = autoscaler(NGINX_INGRESS, &workload).await;
    hpa.wait_desired(1).await;
    requests(650.0);
    hpa.wait_desired(7).await;
    // What the user saw: the load goes down, and seven pods stay for five minutes.
    requests(244.006);
    eventually("34858m at seven pods", PATIENCE, async || {
        let (line, status) = (printed(&workload).await, hpa.wait_desired(7).await);
        let seen = line.contains("34858m/100 (avg)");
        if seen { Ok(()) } else { Err(format!("{line}\n{status:#}")) }
    })
    .await;
    hpa.hurry(&["scaleDown"]).await;
    hpa.wait_desired(3).await;
    requests(0.0);
    hpa.wait_desired(1).await;
}

/// User 4's other case. Rates over two minutes follow slowly, so the counters have a past.
#[tokio::test]
async fn a_rate_over_two_minutes_makes_four_pods_of_twelve_and_five_of_fourteen() {
    let (stage, admin) = (stage(), admin().await);
    let workload = Workload::deployment(&admin, "default", "http-server", 1).await;
    let hpa = autoscaler(HTTP_REQUESTS, &workload).await;
    hpa.hurry(&["scaleDown"]).await;
    stage.traffic.has_risen(r#"http_requests{instance="a"}"#, 12.0, 140);
    let status = hpa.wait_desired(4).await;
    assert_eq!(current(&status, "external", "averageValue"), "3", "{status:#}");
    stage.traffic.has_risen(r#"http_requests{instance="b"}"#, 2.0, 140);
    hpa.wait_desired(5).await;
    for instance in ["a", "b"] {
        stage.traffic.rise(&format!(r#"http_requests{{instance="{instance}"}}"#), 0.0);
    }
    hpa.wait_desired(4).await;
}
