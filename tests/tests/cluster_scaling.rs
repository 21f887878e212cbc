//! Real autoscalers, on what a real Prometheus scrapes: users' cases, and every kind of metric.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use leadsman_tests::cluster::{ApiClient, ControlPlane, Hpa, Metric, Stage, Target, Workload};
use leadsman_tests::paths::{CUSTOM_V1, CUSTOM_V2, EXTERNAL};
use leadsman_tests::{Config, Example, Mapping, eventually};
use serde_json::{Value, json};

const VERNEMQ: Example = Example::new("vernemq");
const GO_COUNTER: Example = Example::new("go-counter");
const NGINX_INGRESS: Example = Example::new("nginx-ingress");
const HTTP_REQUESTS: Example = Example::new("http-requests");

/// Values that are as new as an HPA that looks each two seconds can want them.
const FRESH: (&str, &str) = ("maxAge", "1s");
const OFTEN: (&str, &str) = ("refreshAtMostEvery", "1s");

/// The kinds that the mappings serve.
const WATCHED: [&str; 6] = [
    "pods",
    "services",
    "ingresses.networking.k8s.io",
    "namespaces",
    "nodes",
    "widgets.example.com",
];

/// How long what happens in between may take: a scrape, an evaluation, a look of the controller.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pool of the load balancer in front of kuard.
const POOL: &str = "k8s-03-cluster--kuard.nsx.rockhomelab.org_-routing-ns1-kuard-ingress";

/// Every mapping of this file: those of the examples, and one for each kind of object.
fn config(prometheus: &str) -> String {
    let pool = format!(r#"avi_l4_server_avg_open_conns{{name="{POOL}"}}"#);
    let in_namespace = |series: &str| format!(r#"{series}{{namespace="${{namespace}}"}}"#);
    let by = |label: &str, series: &str| {
        format!("sum by (namespace, {label}) ({})", in_namespace(series))
    };
    let published = r#"sum by (pod) (published{namespace="${namespace}",${selector}})"#;
    let mappings = [
        Mapping::custom("avi_l4_server_avg_open_conns", "services")
            .query("conns", &pool)
            .plugin("per-object", "object: {namespace: routing-ns1, name: avilb}, combine: sum"),
        Mapping::custom("open_requests", "ingresses.networking.k8s.io")
            .query("q", &by("ingress", "open_requests"))
            .plugin("per-object", "object: ingress"),
        Mapping::pods("published").query("q", published),
        Mapping::external("queue_depth").query("q", &in_namespace("queue_depth")),
        Mapping::custom("orders", "namespaces")
            .query("q", "sum by (namespace) (orders)")
            .plugin("per-object", "object: namespace"),
        Mapping::custom("node_heat", "nodes")
            .query("q", "node_heat")
            .plugin("per-object", "object: node"),
        Mapping::custom("jobs_waiting", "widgets.example.com")
            .query("q", &by("widget", "jobs_waiting"))
            .plugin("per-object", "object: widget"),
        Mapping::external("backlog")
            .query("q", &format!("sum({})", in_namespace("backlog")))
            .set("activation", "1"),
    ];
    let config = Config::new().prometheus("prometheus", prometheus);
    let config = mappings.into_iter().fold(config, |config, mapping| {
        config.mapping([FRESH, OFTEN].iter().fold(mapping, |mapping, (k, v)| mapping.set(k, v)))
    });
    let examples = [VERNEMQ, GO_COUNTER, NGINX_INGRESS, HTTP_REQUESTS]
        .map(|example| example.mappings_with(&[FRESH, OFTEN]));
    format!("{config}{}", examples.concat())
}

fn stage() -> Arc<Stage> {
    Stage::shared(config, &WATCHED)
}

async fn admin() -> ApiClient {
    ControlPlane::shared().await.admin()
}

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

/// A value of the only metric of an HPA's status: `averageValue` or `value`.
fn current<'a>(status: &'a Value, kind: &str, value: &str) -> &'a Value {
    &status["currentMetrics"][0][kind]["current"][value]
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

/// User 3, through a Prometheus.
#[tokio::test]
async fn a_deployment_scales_by_a_number_of_the_service_in_front_of_it() {
    let (stage, admin) = (stage(), admin().await);
    let workload = Workload::deployment(&admin, "routing-ns1", "kuard-deployment", 1).await;
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
    let hpa = Hpa::create(&admin, &workload, 1..=5, &[metric]).await;
    let status = hpa.wait_desired(5).await;
    assert_eq!(current(&status, "object", "value"), "1013400m", "{status:#}");
    connections("10.142.0.32", 0.0);
    connections("10.142.0.33", 0.0);
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
async fn twelve_requests_a_second_are_four_pods_and_fourteen_are_five() {
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

/// At once, as they wait most of the time.
#[tokio::test]
async fn any_object_may_be_what_is_measured() {
    let (stage, admin) = (stage(), admin().await);
    tokio::join!(
        by_an_ingress(&stage, &admin),
        by_a_namespace(&stage, &admin),
        by_a_custom_resource(&stage, &admin),
    );
}

async fn by_an_ingress(stage: &Stage, admin: &ApiClient) {
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

async fn by_a_namespace(stage: &Stage, admin: &ApiClient) {
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

/// Its definition comes after the mapping. The controller looks for new kinds each half minute.
async fn by_a_custom_resource(stage: &Stage, admin: &ApiClient) {
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
    eventually("the API of widgets", PATIENCE, async || {
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
async fn items_of_an_external_metric_are_picked_by_their_labels() {
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
    // The controller adds up what it gets.
    both.wait_desired(7).await;
    depth("high", 4.0);
    high.wait_desired(1).await;
    both.wait_desired(5).await;
}

#[tokio::test]
async fn objects_of_no_namespace_are_read_by_name_and_by_label() {
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
        eventually(rest, PATIENCE, async || {
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
