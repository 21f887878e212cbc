//! Every kind of metric, and objects of many kinds.

use leadsman_tests::cluster::{
    ApiClient, ClusterStack, ControlPlane, Hpa, Metric, Target, Workload,
};
use leadsman_tests::eventually;
use leadsman_tests::paths::{CUSTOM_V2, EXTERNAL};
use serde_json::{Value, json};

use super::{POOL, TIMEOUT, admin, current, stage};

/// In parallel, as they mostly wait.
#[tokio::test]
async fn any_object_may_have_a_metric() {
    let (stage, admin) = (stage(), admin().await);
    tokio::join!(
        by_a_service(&stage, &admin),
        by_an_ingress(&stage, &admin),
        by_a_namespace(&stage, &admin),
        by_a_custom_resource(&stage, &admin),
    );
}

/// User 3: the load balancer's connections, through a Prometheus, as a metric of a Service.
async fn by_a_service(stage: &ClusterStack, admin: &ApiClient) {
    let workload = Workload::deployment(admin, "routing-ns1", "kuard-deployment", 1).await;
    let ports = json!([{"port": 80}]);
    let metadata = json!({"namespace": "routing-ns1", "name": "avilb"});
    let spec = json!({"clusterIP": "None", "ports": ports});
    admin
        .apply(&json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}))
        .await;
    let connections = |server: &str, value: f64| {
        let labels = format!(r#"name="{POOL}",server="{server}:8080""#);
        stage.traffic.set(&format!("avi_l4_server_avg_open_conns{{{labels}}}"), value);
    };
    connections("10.142.0.32", 1000.0);
    connections("10.142.0.33", 13.4);
    let target = Target::Value("200");
    let metric = Metric::object("avi_l4_server_avg_open_conns", "v1", "Service", "avilb", target);
    let hpa = Hpa::create(admin, &workload, 1..=5, &[metric]).await;
    let status = hpa.wait_desired(5).await;
    assert_eq!(current(&status, "object", "value"), "1013400m", "{status:#}");
    connections("10.142.0.32", 0.0);
    connections("10.142.0.33", 0.0);
    hpa.wait_desired(1).await;
}

async fn by_an_ingress(stage: &ClusterStack, admin: &ApiClient) {
    let workload = Workload::deployment(admin, "behind", "shop", 1).await;
    let backend = json!({"service": {"name": "shop", "port": {"number": 80}}});
    admin
        .apply(&json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"namespace": "behind", "name": "front"},
            "spec": {"defaultBackend": backend},
        }))
        .await;
    let open = |ingress: &str, value: f64| {
        let labels = format!(r#"namespace="behind",ingress="{ingress}""#);
        stage.traffic.set(&format!("open_requests{{{labels}}}"), value);
    };
    open("front", 25.0);
    open("another", 1000.0);
    let target = Target::Average("10");
    let version = "networking.k8s.io/v1";
    let metric = Metric::object("open_requests", version, "Ingress", "front", target);
    let hpa = Hpa::create(admin, &workload, 1..=9, &[metric]).await;
    hpa.wait_desired(3).await;
    open("front", 5.0);
    hpa.wait_desired(1).await;
}

async fn by_a_namespace(stage: &ClusterStack, admin: &ApiClient) {
    let workload = Workload::deployment(admin, "ordering", "tills", 1).await;
    let orders = |namespace: &str, value: f64| {
        stage.traffic.set(&format!(r#"orders{{namespace="{namespace}"}}"#), value);
    };
    orders("ordering", 480.0);
    orders("default", 5000.0);
    let target = Target::Average("100");
    let metric = Metric::object("orders", "v1", "Namespace", "ordering", target);
    let hpa = Hpa::create(admin, &workload, 1..=9, &[metric]).await;
    hpa.wait_desired(5).await;
    orders("ordering", 150.0);
    hpa.wait_desired(2).await;
}

/// Its definition is installed after the mapping. The controller discovers new kinds each half
/// minute.
async fn by_a_custom_resource(stage: &ClusterStack, admin: &ApiClient) {
    let workload = Workload::deployment(admin, "works", "printers", 1).await;
    let jobs = |value: f64| {
        let labels = r#"namespace="works",widget="press""#;
        stage.traffic.set(&format!("jobs_waiting{{{labels}}}"), value);
    };
    jobs(35.0);
    let target = Target::Average("10");
    let metric = Metric::object("jobs_waiting", "example.com/v1", "Widget", "press", target);
    let hpa = Hpa::create(admin, &workload, 1..=9, &[metric]).await;
    hpa.wait_condition("ScalingActive", "idget").await;
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let version = json!({
        "name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema},
    });
    admin
        .apply(&json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgets.example.com"},
            "spec": {
                "group": "example.com",
                "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
                "scope": "Namespaced",
                "versions": [version],
            },
        }))
        .await;
    eventually("the API of widgets", TIMEOUT, async || {
        let path = "/apis/example.com/v1/namespaces/works/widgets";
        let answer = admin.read(path).await;
        if answer.is_success() { Ok(()) } else { Err(answer.body) }
    })
    .await;
    let metadata = json!({"namespace": "works", "name": "press"});
    let widget = json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata});
    admin.apply(&widget).await;
    hpa.wait_desired(4).await;
    jobs(8.0);
    hpa.wait_desired(1).await;
}

#[tokio::test]
async fn pods_are_those_of_the_workload_and_series_those_of_the_selector() {
    let (stage, admin) = (stage(), admin().await);
    let publish = |pod: &str, version: u8, value: f64| {
        let labels = format!(r#"namespace="chosen",pod="{pod}",version="{version}""#);
        stage.traffic.set(&format!("published{{{labels}}}"), value);
    };
    // Neither the other workload's pods nor the other version count.
    Workload::deployment(&admin, "chosen", "other", 1).await;
    publish("other-0", 4, 1000.0);
    publish("web-0", 5, 1000.0);
    publish("web-0", 4, 18.0);
    publish("web-1", 4, 0.0);
    let workload = Workload::deployment(&admin, "chosen", "web", 1).await;
    let metric = Metric::pods("published", "10").with_labels(&[("version", "4")]);
    let hpa = Hpa::create(&admin, &workload, 1..=9, &[metric]).await;
    hpa.wait_desired(2).await;
    publish("web-1", 4, 18.0);
    publish("web-2", 4, 0.0);
    publish("web-3", 4, 0.0);
    hpa.wait_desired(4).await;
    publish("web-1", 4, 0.0);
    publish("web-0", 4, 4.0);
    hpa.wait_desired(1).await;
}

#[tokio::test]
async fn items_of_an_external_metric_are_selected_by_labels() {
    let (stage, admin) = (stage(), admin().await);
    let depth = |queue: &str, value: f64| {
        let labels = format!(r#"namespace="queues",queue="{queue}""#);
        stage.traffic.set(&format!("queue_depth{{{labels}}}"), value);
    };
    depth("high", 27.0);
    depth("low", 41.0);
    let both = Workload::deployment(&admin, "queues", "both", 1).await;
    let high = Workload::deployment(&admin, "queues", "high", 1).await;
    let metric = || Metric::external("queue_depth", Target::Average("10"));
    let both = Hpa::create(&admin, &both, 1..=9, &[metric()]).await;
    let picked = metric().with_labels(&[("queue", "high")]);
    let high = Hpa::create(&admin, &high, 1..=9, &[picked]).await;
    high.wait_desired(3).await;
    // The controller adds up the items.
    both.wait_desired(7).await;
    depth("high", 4.0);
    high.wait_desired(1).await;
    both.wait_desired(5).await;
}

#[tokio::test]
async fn cluster_scoped_objects_are_read_by_name_and_by_label() {
    let (stage, admin) = (stage(), admin().await);
    let plane = ControlPlane::shared().await;
    for (node, heat) in [("hot", 41.5), ("mild", 20.0)] {
        let metadata = json!({"name": node, "labels": {"weather": node}});
        admin.apply(&json!({"apiVersion": "v1", "kind": "Node", "metadata": metadata})).await;
        stage.traffic.set(&format!(r#"node_heat{{node="{node}"}}"#), heat);
    }
    let read = async |rest: &str| {
        let path = format!("{CUSTOM_V2}/nodes/{rest}");
        let ran = plane.kubectl(&["get", "--raw", &path]).await;
        let list: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let pair = |item: &Value| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            assert_eq!(item["describedObject"]["kind"], "Node");
            (text(&item["describedObject"]["name"]), text(&item["value"]))
        };
        (items.iter().map(pair).collect::<Vec<_>>(), ran)
    };
    let hot = ("hot".to_owned(), "41500m".to_owned());
    for (rest, expected) in [
        ("hot/node_heat", vec![hot.clone()]),
        ("*/node_heat", vec![hot.clone(), ("mild".to_owned(), "20".to_owned())]),
        ("*/node_heat?labelSelector=weather%3Dhot", vec![hot]),
    ] {
        eventually(rest, TIMEOUT, async || {
            let (mut found, ran) = read(rest).await;
            found.sort();
            if found == expected { Ok(()) } else { Err(format!("{ran:#?}")) }
        })
        .await;
    }
}

#[tokio::test]
async fn to_zero_and_back() {
    let (stage, admin) = (stage(), admin().await);
    let workload = Workload::deployment(&admin, "idle", "workers", 1).await;
    let backlog = |value: f64| stage.traffic.set(r#"backlog{namespace="idle"}"#, value);
    backlog(25.0);
    let metric = Metric::external("backlog", Target::Average("10"));
    let hpa = Hpa::create(&admin, &workload, 0..=9, &[metric]).await;
    hpa.wait_desired(3).await;
    // Below the activation, and 0 only because of that.
    backlog(0.7);
    hpa.wait_desired(0).await;
    let path = format!("{EXTERNAL}/namespaces/idle/backlog");
    assert_eq!(admin.read(&path).await.value(), "0");
    backlog(15.0);
    hpa.wait_desired(2).await;
}
