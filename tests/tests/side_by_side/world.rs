//! The objects of the cluster, and their series.

use leadsman_tests::Traffic;
use leadsman_tests::cluster::{ControlPlane, Workload};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// Longer than the range of any rate, in seconds.
const PAST: u64 = 330;

/// Creates the objects, once for all tests.
pub(crate) async fn objects(plane: &ControlPlane) {
    static MADE: OnceCell<()> = OnceCell::const_new();
    MADE.get_or_init(async || {
        let admin = plane.admin();
        for (namespace, name, pods) in [
            ("shop", "web", 3),
            ("shop", "api", 1),
            ("shop", "silent", 1),
            ("shop", "test-prometheus", 2),
            ("annex", "web", 1),
        ] {
            Workload::deployment(&admin, namespace, name, pods).await;
        }
        Workload::stateful_set(&admin, "shop", "myvernemq", 2).await;
        for object in [
            service("shop", "front"),
            service("shop", "myvernemq"),
            service("annex", "front"),
            ingress("shop", "edge"),
            node("node-a", "south"),
            node("node-b", "north"),
            disk("disk"),
            class("fast"),
            waiting("shop", "waiting-0"),
            controller("shop", "legacy"),
        ] {
            admin.apply(&object).await;
        }
    })
    .await;
}

fn service(namespace: &str, name: &str) -> Value {
    let spec = json!({"clusterIP": "None", "ports": [{"port": 80}]});
    let metadata = json!({"namespace": namespace, "name": name, "labels": {"app": name}});
    json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
}

fn ingress(namespace: &str, name: &str) -> Value {
    let backend = json!({"service": {"name": "front", "port": {"number": 80}}});
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"defaultBackend": backend},
    })
}

fn node(name: &str, zone: &str) -> Value {
    let metadata = json!({"name": name, "labels": {"zone": zone}});
    json!({"apiVersion": "v1", "kind": "Node", "metadata": metadata})
}

fn disk(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/nowhere"},
        },
    })
}

fn class(name: &str) -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "example.com/none",
    })
}

/// A pod that does not run yet.
fn waiting(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": namespace, "name": name, "labels": {"app": "waiting"}},
        "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]},
    })
}

/// A controller of no pods.
fn controller(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "replicas": 0,
            "selector": {"app": name},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]},
            },
        },
    })
}

/// An application with all series.
pub(crate) async fn series() -> Traffic {
    let traffic = Traffic::start().await;
    for (series, value) in lines(GAUGES) {
        traffic.set(series, value);
    }
    for (series, per_second) in lines(COUNTERS) {
        traffic.backfill_rate(series, per_second, PAST);
    }
    traffic
}

fn lines(text: &str) -> impl Iterator<Item = (&str, f64)> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let parsed =
            line.rsplit_once(' ').and_then(|(name, value)| Some((name, value.parse().ok()?)));
        parsed.unwrap_or_else(|| panic!("no series and value: {line}"))
    })
}

const GAUGES: &str = r#"
# Of containers.
container_memory_working_set_bytes{namespace="shop",pod="web-0",container="app"} 104857600
container_memory_working_set_bytes{namespace="shop",pod="web-0",container="side"} 7340032
container_memory_working_set_bytes{namespace="shop",pod="web-0",container="POD"} 1048576
container_memory_working_set_bytes{namespace="shop",pod="web-0"} 113246208
container_memory_working_set_bytes{namespace="shop",pod="web-1",container="app"} 123456789.5
container_memory_working_set_bytes{namespace="shop",pod="web-2",container="app"} NaN
container_memory_working_set_bytes{namespace="shop",pod="api-0",container="app"} -4096
container_memory_working_set_bytes{namespace="shop",pod="waiting-0",container="app"} 4096
container_memory_working_set_bytes{namespace="annex",pod="web-0",container="app"} 52428800
container_spec_cpu_shares{namespace="shop",pod="web-0",container="app"} 512
# Of nodes.
node_memory_working_set_bytes{node="node-a"} 4294967296
node_heat{node="node-a"} 41.5005
node_heat{node="node-b"} 20.25
disk_used{persistentvolume="disk"} 1024
class_used{storageclass="fast"} 4096
# Of everything in a namespace.
queue_length{namespace="shop",service="front"} 17.0625
queue_length{namespace="shop",service="myvernemq"} 3.5
queue_length{namespace="annex",service="front"} 5
open_connections{namespace="shop",ingress="edge"} 25.25
replicas_wanted{namespace="shop",deployment="web"} 4
node_load{namespace="shop",node="node-a",pod="web-0"} 0.75
node_load{namespace="annex",node="node-a",pod="web-0"} 0.5
node_load{namespace="shop",node="node-b",pod="web-1"} 1.25
volume_used{namespace="shop",persistentvolume="disk"} 2048
ordered{namespace="shop"} 480
controlled{namespace="shop",replicationcontroller="legacy"} 7
ordered{namespace="annex"} 5000
ordered{namespace="gone"} 1
haunted{namespace="shop",pod="ghost-0"} 13
haunted{namespace="shop",pod="web-0"} 14
# Two rules, one metric.
first_of_two{namespace="shop",pod="web-0"} 1
second_of_two{namespace="shop",pod="web-0"} 2
second_of_two{namespace="shop",pod="web-1"} 3
# One rule, two series, one metric.
pair_first{namespace="shop",pod="web-0"} 31
pair_second{namespace="shop",pod="web-0"} 32
pair_second{namespace="shop",pod="web-1"} 33
# Labels that are called otherwise.
prefixed_jobs{kube_namespace="shop",kube_pod="web-0",pod="web-1"} 6
prefixed_jobs{kube_namespace="shop",kube_deployment="web"} 7
grouped_depth{namespace="shop",apps_x_deployment="web"} 8
grouped_depth{namespace="shop",networking_k8s_io_x_ingress="edge",_x_service="front"} 9
templated{namespace="shop",pod="web-0",version="4"} 10.5
templated{namespace="shop",pod="web-0",version="5"} 11.25
templated{namespace="shop",pod="web-1",version="5"} 12.125
templated{namespace="annex",pod="web-0",version="4"} 100
named_red_apples_total{namespace="shop",pod="web-0"} 21
named_green_pears_total{namespace="shop",pod="web-1"} 22
named_blue_plums_total{namespace="shop",pod="web-1"} 23
named_plain{namespace="shop",pod="web-1"} 24
# Values that are hard to tell.
value_not_a_number{namespace="shop",pod="web-0"} NaN
value_not_a_number{namespace="shop",pod="web-1"} 1
value_infinite{namespace="shop",pod="web-0"} +Inf
value_infinite{namespace="shop",pod="web-1"} 1
value_minus_infinite{namespace="shop",pod="web-0"} -Inf
value_huge{namespace="shop",pod="web-0"} 1e17
value_large{namespace="shop",pod="web-0"} 1.5e15
value_tiny{namespace="shop",pod="web-0"} 0.0004
value_negative{namespace="shop",pod="web-0"} -2.5
value_negative_fraction{namespace="shop",pod="web-0"} -0.0006
value_inexact{namespace="shop",pod="web-0"} 1.001
value_zero{namespace="shop",pod="web-0"} 0
value_cut{namespace="shop",pod="web-0"} 12.8666
value_kilo{namespace="shop",pod="web-0"} 128000
# Of a counter application.
myapp_processed_ops_total{namespace="shop",pod="test-prometheus-0",service="test-prometheus",container="test-prometheus",endpoint="web"} 1
myapp_processed_ops_total{namespace="shop",pod="test-prometheus-1",service="test-prometheus",container="test-prometheus",endpoint="web"} 4.5
# Outside of the cluster.
queue_depth{namespace="shop",queue="high"} 27
queue_depth{namespace="shop",queue="low"} 41.25
queue_depth{namespace="annex",queue="high",tier="gold"} 12
queue_depth{queue="orphan"} 1.5
batch_lag{team="shop"} 33
batch_lag{team="annex"} 34
"#;

/// By how much they increase each second. None is a whole number of thousandths: truncation would
/// depend on the last bit of a rate.
const COUNTERS: &str = r#"
container_cpu_usage_seconds_total{namespace="shop",pod="web-0",container="app"} 0.1234567
container_cpu_usage_seconds_total{namespace="shop",pod="web-0",container="side"} 0.0203456
container_cpu_usage_seconds_total{namespace="shop",pod="web-0",container="POD"} 9.1234
container_cpu_usage_seconds_total{namespace="shop",pod="web-0"} 0.1438023
container_cpu_usage_seconds_total{namespace="shop",pod="web-1",container="app"} 0.25017
# A container without memory.
container_cpu_usage_seconds_total{namespace="shop",pod="web-1",container="other"} 0.01234
container_cpu_usage_seconds_total{namespace="shop",pod="web-2",container="app"} 0.00567
container_cpu_usage_seconds_total{namespace="shop",pod="api-0",container="app"} 0.0317
# A pod without memory.
container_cpu_usage_seconds_total{namespace="shop",pod="myvernemq-0",container="app"} 0.0317
container_cpu_usage_seconds_total{namespace="shop",pod="waiting-0",container="app"} 0.0317
container_cpu_usage_seconds_total{namespace="annex",pod="web-0",container="app"} 1.2345
container_network_receive_bytes_total{namespace="shop",pod="web-0"} 1234.5678
container_fs_reads_total{namespace="shop",pod="web-1",container="app"} 3.4567
node_cpu_usage_seconds_total{node="node-a"} 1.23456
node_cpu_usage_seconds_total{node="node-b"} 0.23456
web_requests_total{namespace="shop",pod="web-0",service="front",method="GET"} 3.33312
web_requests_total{namespace="shop",pod="web-0",service="front",method="POST"} 1.11143
web_requests_total{namespace="shop",pod="web-1",service="front",method="GET"} 2.71828
web_requests_total{namespace="shop",pod="api-0",method="PUT"} 0.77777
web_requests_total{namespace="annex",pod="web-0",service="front"} 8.88888
request_duration_seconds_total{namespace="shop",pod="web-0"} 0.45678
bytes_in_total{namespace="shop",queue="high"} 456.7891
mqtt_publish_received{namespace="shop",pod="myvernemq-0",mqtt_version="4",node="VerneMQ@10.0.0.1",service="myvernemq",container="vernemq",endpoint="metrics"} 10.86665
mqtt_publish_received{namespace="shop",pod="myvernemq-0",mqtt_version="5",node="VerneMQ@10.0.0.1",service="myvernemq",container="vernemq",endpoint="metrics"} 2.00005
mqtt_publish_received{namespace="shop",pod="myvernemq-1",mqtt_version="4",node="VerneMQ@10.0.0.2",service="myvernemq",container="vernemq",endpoint="metrics"} 0.02234
"#;
