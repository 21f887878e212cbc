//! The files of users.

use crate::differences;
use crate::sides::{Sides, custom};

const VERNEMQ: &str = "vernemq";
const COUNTER: &str = "counter";
const CATCH_ALL: &str = "catch-all";

const OF_BROKERS: &[&str] = &[
    "namespaces/shop/pods/*/mqtt_publish_received",
    "namespaces/shop/pods/%2A/mqtt_publish_received",
    "namespaces/shop/pods/*/mqtt_publish_received?labelSelector=app%3Dmyvernemq",
    "namespaces/shop/pods/*/mqtt_publish_received?labelSelector=app%3Dweb",
    "namespaces/shop/pods/*/mqtt_publish_received?metricLabelSelector=mqtt_version%3D4",
    "namespaces/shop/pods/*/mqtt_publish_received?metricLabelSelector=mqtt_version%3D5",
    "namespaces/shop/pods/*/mqtt_publish_received?metricLabelSelector=mqtt_version%3D6",
    "namespaces/shop/pods/myvernemq-0/mqtt_publish_received",
    "namespaces/shop/pods/myvernemq-0/mqtt_publish_received?metricLabelSelector=mqtt_version%3D4",
    "namespaces/shop/pods/myvernemq-1/mqtt_publish_received?metricLabelSelector=mqtt_version%3D5",
    "namespaces/shop/pods/web-0/mqtt_publish_received",
    "namespaces/shop/services/myvernemq/mqtt_publish_received",
    "namespaces/shop/services/front/mqtt_publish_received",
    "namespaces/shop/services/*/mqtt_publish_received",
    "namespaces/shop/metrics/mqtt_publish_received",
    "namespaces/annex/metrics/mqtt_publish_received",
    "nodes/*/mqtt_publish_received",
    "nodes/node-a/mqtt_publish_received",
    "namespaces/annex/pods/*/mqtt_publish_received",
    "namespaces/shop/deployments.apps/web/mqtt_publish_received",
    "namespaces/shop/pods/*/mqtt_publish_sent",
];

#[tokio::test]
async fn the_rule_of_the_brokers() {
    let sides = Sides::start(VERNEMQ).await;
    let metric = "mqtt_publish_received";
    let kinds = ["pods", "services", "nodes", "namespaces", "jobs.batch"];
    let listed = kinds.map(|kind| format!("{kind}/{metric}"));
    sides.list_the_same(&listed.each_ref().map(String::as_str)).await;
    sides.compare(&custom(OF_BROKERS), &[]).await;
}

const OF_A_COUNTER: &[&str] = &[
    "namespaces/shop/pods/*/myapp_processed_ops_total",
    "namespaces/shop/pods/*/myapp_processed_ops_total?labelSelector=app%3Dtest-prometheus",
    "namespaces/shop/pods/*/myapp_processed_ops_total?metricLabelSelector=endpoint%3Dweb",
    "namespaces/shop/pods/test-prometheus-1/myapp_processed_ops_total",
    "namespaces/shop/pods/web-0/myapp_processed_ops_total",
    "namespaces/shop/services/test-prometheus/myapp_processed_ops_total",
    "namespaces/shop/metrics/myapp_processed_ops_total",
    "namespaces/*/metrics/myapp_processed_ops_total",
];

#[tokio::test]
async fn the_rule_of_the_counter() {
    let sides = Sides::start(COUNTER).await;
    sides
        .list_the_same(&["pods/myapp_processed_ops_total", "namespaces/myapp_processed_ops_total"])
        .await;
    sides.compare(&custom(OF_A_COUNTER), &[]).await;
}

/// Both in one file, as the documentation says.
#[tokio::test]
async fn rules_in_a_configuration_of_ours() {
    let sides = Sides::start_with_own(COUNTER).await;
    sides.list_the_same(&["pods/myapp_processed_ops_total"]).await;
    sides
        .compare(
            &custom(&[
                "namespaces/shop/pods/*/myapp_processed_ops_total",
                "namespaces/shop/metrics/myapp_processed_ops_total",
            ]),
            &[],
        )
        .await;
}

#[tokio::test]
async fn series_that_appear_later() {
    let sides = Sides::start(CATCH_ALL).await;
    sides.list_the_same(&["pods/web_requests"]).await;
    sides.traffic.set(r#"latecomers{namespace="shop",pod="web-0"}"#, 1.5);
    sides.list_the_same(&["pods/latecomers", "namespaces/latecomers"]).await;
    sides
        .compare(
            &custom(&["namespaces/shop/pods/*/latecomers", "namespaces/shop/metrics/latecomers"]),
            &[],
        )
        .await;
}

const OF_EVERYTHING: &[&str] = &[
    // Of containers.
    "namespaces/shop/pods/*/cpu_usage",
    "namespaces/shop/pods/*/cpu_usage?labelSelector=app%20in%20(web,api)",
    "namespaces/shop/pods/*/cpu_usage?metricLabelSelector=container%3Dapp",
    "namespaces/shop/pods/web-0/cpu_usage",
    "namespaces/shop/metrics/cpu_usage",
    "namespaces/shop/pods/*/memory_working_set_bytes?labelSelector=app%3Dapi",
    "namespaces/shop/pods/*/network_receive_bytes",
    "namespaces/shop/pods/web-0/spec_cpu_shares",
    "namespaces/shop/pods/web-1/fs_reads",
    "namespaces/shop/pods/*/container_cpu_usage_seconds_total",
    // Of everything else.
    "namespaces/shop/pods/*/web_requests",
    "namespaces/shop/pods/*/web_requests_total",
    "namespaces/shop/pods/web-0/web_requests",
    "namespaces/shop/pods/web-0/web_requests?metricLabelSelector=method%3DGET",
    "namespaces/shop/pods/web-0/web_requests?metricLabelSelector=method%3D%3DGET",
    "namespaces/shop/pods/web-0/web_requests?metricLabelSelector=method%20in%20(GET,POST)",
    "namespaces/shop/pods/web-0/web_requests?metricLabelSelector=method%20notin%20(GET)",
    "namespaces/shop/pods/web-0/web_requests?metricLabelSelector=method%20notin%20(GET,PUT)",
    "namespaces/shop/pods/web-0/web_requests?metricLabelSelector=method",
    "namespaces/shop/pods/web-0/web_requests?metricLabelSelector=!method",
    "namespaces/shop/pods/web-0/web_requests?metricLabelSelector=method%3DGET,!absent",
    "namespaces/shop/services/front/web_requests",
    "namespaces/annex/services/front/web_requests",
    "namespaces/shop/services/*/web_requests?labelSelector=app%3Dfront",
    "namespaces/shop/metrics/web_requests",
    "namespaces/shop/pods/*/request_duration",
    "namespaces/shop/services/*/queue_length",
    "namespaces/shop/service/front/queue_length",
    "namespaces/*/metrics/ordered",
    "namespaces/*/metrics/ordered?labelSelector=kubernetes.io%2Fmetadata.name%3Dshop",
    "namespaces/shop/metrics/ordered",
    "namespaces/shop/metrics/ordered/",
    "namespaces/shop/ingresses.networking.k8s.io/edge/open_connections",
    "namespaces/shop/ingresses.networking.k8s.io/*/open_connections",
    "namespaces/shop/ingress.networking.k8s.io/edge/open_connections",
    "namespaces/shop/ingresses/edge/open_connections",
    "namespaces/shop/deployments.apps/web/replicas_wanted",
    "namespaces/shop/deployments/web/replicas_wanted",
    "namespaces/shop/deployment/web/replicas_wanted",
    "nodes/*/node_load",
    "nodes/*/node_load?labelSelector=zone%3Dsouth",
    "nodes/node-a/node_load",
    "node/node-b/node_load",
    "persistentvolumes/disk/volume_used",
    "persistentvolumes/*/volume_used",
    // What does not exist.
    "namespaces/shop/pods/*/nothing",
    "namespaces/shop/pods/web-0/nothing",
    "namespaces/shop/metrics/nothing",
    "nodes/node-a/nothing",
    "namespaces/shop/services/web/queue_length",
    "namespaces/shop/pods/*/queue_length",
    "namespaces/shop/pods/silent-0/web_requests",
    "namespaces/shop/pods/nobody-0/web_requests",
    "namespaces/shop/pods/*/web_requests?labelSelector=app%3Dsilent",
    "namespaces/shop/pods/*/web_requests?labelSelector=%3D%3D",
    "namespaces/nowhere/metrics/ordered",
    "namespaces/shop/widgets.example.com/gear/web_requests",
    "namespaces/shop/widgets/gear/web_requests",
    // Objects that have series and do not exist.
    "namespaces/shop/pods/ghost-0/haunted",
    "namespaces/shop/pods/*/haunted",
    "namespaces/shop/jobs.batch/exporter/queue_length",
    "namespaces/gone/metrics/ordered",
];

#[tokio::test]
async fn the_rules_that_catch_all() {
    let sides = Sides::start(CATCH_ALL).await;
    sides
        .list_the_same(&[
            "pods/cpu_usage",
            "pods/network_receive_bytes",
            "pods/memory_working_set_bytes",
            "pods/web_requests",
            "pods/request_duration",
            "jobs.batch/queue_length",
            "ingresses.networking.k8s.io/open_connections",
            "deployments.apps/replicas_wanted",
            "persistentvolumes/volume_used",
        ])
        .await;
    sides.compare(&custom(OF_EVERYTHING), differences::CATCH_ALL).await;
}
