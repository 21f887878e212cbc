//! From an application's exposition to the response that an HPA reads, through a real Prometheus.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use leadsman_tests::paths::{self, CUSTOM_V1, CUSTOM_V2, EXTERNAL};
use leadsman_tests::{
    Config, HOSTILE, History, Leadsman, Mapping, Prometheus, Reply, Stack, Upstream,
};
use serde_json::json;

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Pods of two namespaces with a counter for each version of a protocol.
async fn pods() -> Stack {
    let exposition = r#"
published{namespace="shop",pod="web-0",version="4"} 3
published{namespace="shop",pod="web-0",version="5"} 4
published{namespace="shop",pod="web-1",version="4"} 1.5
published{namespace="shop",pod="cart-0",version="4"} 1000
published{namespace="shop",pod="gone-0",version="4"} 9
published{namespace="bank",pod="web-0",version="4"} 100
"#;
    let promql = r#"sum by (pod) (published{namespace="${namespace}",${selector}})"#;
    let config = Config::new()
        .mapping(Mapping::pods("published").query("sum", promql))
        .pods("shop", &["web-0", "web-1", "cart-0", "silent-0"])
        .pods("bank", &["web-0"]);
    Stack::start(exposition, "published", config).await
}

#[tokio::test]
async fn pods_as_an_hpa_reads_them() {
    let Stack { leadsman, .. } = &pods().await;
    for version in [CUSTOM_V1, CUSTOM_V2] {
        let read = async |rest: &str| leadsman.get(&format!("{version}/namespaces/{rest}")).await;

        // The deleted pod still has series, and the silent one has none yet.
        let all = values(&[("cart-0", "1k"), ("web-0", "7"), ("web-1", "1500m")]);
        for star in ["shop/pods/*/published", "shop/pods/%2A/published", "shop/pods/*/published/"] {
            assert_eq!(read(star).await.values(), all, "{star}");
        }
        assert_eq!(read("bank/pods/*/published").await.values(), values(&[("web-0", "100")]));

        for (query, expected) in [
            ("labelSelector=app%3Dweb", values(&[("web-0", "7"), ("web-1", "1500m")])),
            ("labelSelector=app+in+(cart,silent)", values(&[("cart-0", "1k")])),
            ("labelSelector=app%21%3Dweb", values(&[("cart-0", "1k")])),
            (
                "metricLabelSelector=version%3D4",
                values(&[("cart-0", "1k"), ("web-0", "3"), ("web-1", "1500m")]),
            ),
            ("metricLabelSelector=version%3D5", values(&[("web-0", "4")])),
            ("metricLabelSelector=version%21%3D4", values(&[("web-0", "4")])),
            (
                "labelSelector=app%3Dweb&metricLabelSelector=version+in+(4,5)",
                values(&[("web-0", "7"), ("web-1", "1500m")]),
            ),
        ] {
            let answer = read(&format!("shop/pods/*/published?{query}")).await;
            assert_eq!(answer.values(), expected, "{query}");
        }

        for one in ["shop/pods/web-1/published", "shop/pod/web-1/published"] {
            assert_eq!(read(one).await.value(), "1500m", "{one}");
        }
        for (missing, told) in [
            ("shop/pods/web-9/published", "web-9"),
            ("shop/pods/gone-0/published", "gone-0"),
            ("shop/pods/silent-0/published", "silent-0"),
            ("shop/services/web-0/published", "published"),
            ("shop/pods/web-0/unpublished", "unpublished"),
            ("shop/pods/*/unpublished", "unpublished"),
        ] {
            let failure = read(missing).await.failure();
            assert_eq!((failure.code, failure.reason.as_str()), (404, "NotFound"), "{missing}");
            failure.assert_contains(&[told]);
        }
    }
}

#[tokio::test]
async fn both_versions_have_the_shapes_that_clients_decode() {
    let Stack { leadsman, .. } = &pods().await;
    let path = "namespaces/shop/pods/web-0/published?metricLabelSelector=version%3D4";
    let described = json!(
        {"kind": "Pod", "namespace": "shop", "name": "web-0", "apiVersion": "/v1"});
    let selector = json!({"matchLabels": {"version": "4"}});

    let mut list = leadsman.get(&format!("{CUSTOM_V1}/{path}")).await.ok();
    let timestamp = list["items"][0]["timestamp"].take();
    assert!(timestamp.as_str().is_some_and(|time| time.len() == 20 && time.ends_with('Z')));
    assert_eq!(
        list,
        json!({
            "kind": "MetricValueList",
            "apiVersion": "custom.metrics.k8s.io/v1beta1",
            "metadata": {},
            "items": [{
                "describedObject": described, "metricName": "published", "timestamp": null,
                "value": "3", "selector": selector,
            }],
        })
    );

    let mut list = leadsman.get(&format!("{CUSTOM_V2}/{path}")).await.ok();
    list["items"][0]["timestamp"].take();
    assert_eq!(
        list,
        json!({
            "kind": "MetricValueList",
            "apiVersion": "custom.metrics.k8s.io/v1beta2",
            "metadata": {},
            "items": [{
                "describedObject": described,
                "metric": {"name": "published", "selector": selector},
                "timestamp": null, "value": "3",
            }],
        })
    );

    let list = leadsman.get(&format!("{CUSTOM_V2}/namespaces/shop/pods/web-0/published")).await;
    assert!(list.items()[0]["metric"]["selector"].is_null(), "{list:#?}");
}

#[tokio::test]
async fn the_value_follows_the_application() {
    let stack = Stack::start(
        r#"load{namespace="shop",pod="web-0"} 1"#,
        "load == 1",
        Config::new()
            .mapping(Mapping::pods("load").query("q", r#"load{namespace="${namespace}"}"#))
            .pods("shop", &["web-0"]),
    )
    .await;
    let path = paths::pods("shop", "load");
    assert_eq!(stack.leadsman.get(&path).await.value(), "1");
    stack.exporter.set(r#"load{namespace="shop",pod="web-0"} 2"#);
    stack.prometheus.wait_for("load == 2").await;
    let within = std::time::Duration::from_secs(20);
    leadsman_tests::eventually("the new value", within, async || {
        let value = stack.leadsman.get(&path).await.value();
        if value == "2" { Ok(()) } else { Err(value) }
    })
    .await;
}

#[tokio::test]
async fn objects_of_every_kind() {
    let pool = "k8s-03-cluster--kuard.nsx.rockhomelab.org_-routing-ns1-kuard-ingress";
    let exposition = format!(
        r#"
queue_length{{namespace="shop",deployment="web"}} 12
orders{{namespace="shop",till="a"}} 2
orders{{namespace="shop",till="b"}} 3
orders{{namespace="bank",till="a"}} 50
node_heat{{node="node-a"}} 41.5
node_heat{{node="node-b"}} 39
avi_l4_server_avg_open_conns{{uuid="pool-4d74", type="pool", server="10.142.0.32:8080", name="{pool}"}} 1000
avi_l4_server_avg_open_conns{{uuid="pool-4d74", type="pool", server="10.142.0.33:8080", name="{pool}"}} 13.4
"#
    );
    let conns = format!(r#"sum(avi_l4_server_avg_open_conns{{name="{pool}"}})"#);
    let config = Config::new()
        .mapping(
            Mapping::custom("queue_length", "deployments.apps")
                .query("q", r#"queue_length{namespace="${namespace}"}"#)
                .plugin("per-object", "object: deployment"),
        )
        .mapping(
            Mapping::custom("orders", "namespaces")
                .query("q", r#"sum by (namespace) (orders{namespace="${namespace}"})"#)
                .plugin("per-object", "object: namespace"),
        )
        .mapping(
            Mapping::custom("node_heat", "nodes")
                .query("q", "node_heat")
                .plugin("per-object", "object: node"),
        )
        .mapping(
            Mapping::custom("avi_l4_server_avg_open_conns", "services")
                .query("conns", &conns)
                .plugin("per-object", "object: {namespace: routing-ns1, name: avilb}"),
        )
        .object("deployments.apps", Some("shop"), "web", "app: web")
        .object("namespaces", None, "shop", "")
        .object("namespaces", None, "bank", "")
        .object("nodes", None, "node-a", "zone: a")
        .object("nodes", None, "node-b", "zone: b")
        .object("services", Some("routing-ns1"), "avilb", "");
    let stack = Stack::start(&exposition, "node_heat and on() queue_length", config).await;
    let leadsman = &stack.leadsman;
    let read = async |path: &str| leadsman.get(&format!("{CUSTOM_V1}/{path}")).await;

    for resource in ["deployments.apps", "deployment.apps", "deployments", "deployment"] {
        let answer = read(&format!("namespaces/shop/{resource}/web/queue_length")).await;
        assert_eq!(answer.value(), "12", "{resource}");
        assert_eq!(
            answer.items()[0]["describedObject"],
            json!({"kind": "Deployment", "namespace": "shop", "name": "web", "apiVersion": "apps/v1"})
        );
    }

    for (namespace, value) in [("shop", "5"), ("bank", "50")] {
        let answer = read(&format!("namespaces/{namespace}/metrics/orders")).await;
        assert_eq!(answer.value(), value);
        let described = &answer.items()[0]["describedObject"];
        assert_eq!(
            (&described["kind"], &described["name"]),
            (&json!("Namespace"), &json!(namespace))
        );
    }

    let all = values(&[("node-a", "41500m"), ("node-b", "39")]);
    assert_eq!(read("nodes/*/node_heat").await.values(), all);
    assert_eq!(read("nodes/%2A/node_heat").await.values(), all);
    assert_eq!(read("nodes/node-b/node_heat").await.value(), "39");
    assert_eq!(read("node/node-b/node_heat/").await.value(), "39");
    let in_zone = read("nodes/*/node_heat?labelSelector=zone%3Da").await;
    assert_eq!(in_zone.values(), values(&[("node-a", "41500m")]));
    let described = &in_zone.items()[0]["describedObject"];
    assert_eq!((&described["kind"], &described["apiVersion"]), (&json!("Node"), &json!("/v1")));
    assert!(described["namespace"].as_str().unwrap_or_default().is_empty(), "{described}");

    let typed = "namespaces/routing-ns1/services/avilb/avi_l4_server_avg_open_conns/";
    let answer = read(typed).await;
    assert_eq!(answer.value(), "1013400m");
    assert_eq!(answer.items()[0]["describedObject"]["kind"], "Service");
}

#[tokio::test]
async fn external_metrics() {
    let exposition = r#"
queue_depth{namespace="shop",queue="high"} 30
queue_depth{namespace="shop",queue="low"} 12
queue_depth{namespace="bank",queue="high"} 7
"#;
    let promql = r#"queue_depth{namespace="${namespace}"}"#;
    let config = Config::new()
        .mapping(
            Mapping::external("queue_depth")
                .query("q", promql)
                .plugin("external", "labels: [queue]"),
        )
        .mapping(Mapping::external("everything").query("q", "scalar(sum(queue_depth))"));
    let stack = Stack::start(exposition, "queue_depth", config).await;
    let read = async |rest: &str| {
        stack.leadsman.get(&format!("{EXTERNAL}/namespaces/{rest}")).await.items()
    };
    let by_queue = |items: &[serde_json::Value]| -> BTreeMap<String, String> {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let pair = |item: &serde_json::Value| {
            assert_eq!(item["metricName"], "queue_depth");
            assert!(item["timestamp"].is_string(), "{item}");
            (text(&item["metricLabels"]["queue"]), text(&item["value"]))
        };
        items.iter().map(pair).collect()
    };

    let both = values(&[("high", "30"), ("low", "12")]);
    assert_eq!(by_queue(&read("shop/queue_depth").await), both);
    assert_eq!(by_queue(&read("shop/queue_depth/").await), both);
    assert_eq!(by_queue(&read("bank/queue_depth").await), values(&[("high", "7")]));
    for (selector, expected) in [
        ("queue%3Dhigh", values(&[("high", "30")])),
        ("queue%21%3Dhigh", values(&[("low", "12")])),
        ("queue+in+(high,low)", both),
    ] {
        let items = read(&format!("shop/queue_depth?labelSelector={selector}")).await;
        assert_eq!(by_queue(&items), expected, "{selector}");
    }

    let list = stack.leadsman.get(&paths::external("shop", "everything")).await.ok();
    assert_eq!(list["kind"], "ExternalMetricValueList");
    assert_eq!(list["apiVersion"], "external.metrics.k8s.io/v1beta1");
    assert_eq!(list["items"][0]["value"], "49");
    assert_eq!(list["items"][0]["metricLabels"], json!({}));
}

#[tokio::test]
async fn a_plugin_may_have_several_queries() {
    let exposition = r#"
workers_busy{namespace="shop",pod="web-0"} 3
workers_total{namespace="shop",pod="web-0"} 4
workers_busy{namespace="shop",pod="web-1"} 1
workers_total{namespace="shop",pod="web-1"} 8
"#;
    let config = Config::new()
        .mapping(
            Mapping::custom("busy", "pods")
                .query("numerator", r#"workers_busy{namespace="${namespace}"}"#)
                .query("denominator", r#"workers_total{namespace="${namespace}"}"#)
                .plugin("ratio", "object: pod"),
        )
        .pods("shop", &["web-0", "web-1"]);
    let stack = Stack::start(exposition, "workers_busy", config).await;
    let answer = stack.leadsman.get(&paths::pods("shop", "busy")).await;
    assert_eq!(answer.values(), values(&[("web-0", "750m"), ("web-1", "125m")]));
}

#[tokio::test]
async fn a_plugin_may_have_ranges_and_objects() {
    let config = Config::new()
        .plugin("guest", HOSTILE)
        .mapping(
            Mapping::custom("largest", "pods")
                .range("r", r#"load{namespace="${namespace}"}"#, "30s", "1s")
                .plugin("guest", "do: range-max"),
        )
        .mapping(
            Mapping::custom("company", "pods")
                .query("q", r#"load{namespace="${namespace}"}"#)
                .plugin("guest", "do: count-objects"),
        )
        .pods("shop", &["web-0", "web-1"])
        .pods("bank", &["web-0"]);
    let high = r#"load{namespace="shop",pod="web-0"} 8"#;
    let stack = Stack::start(high, "load == 8", config).await;
    stack.exporter.set(r#"load{namespace="shop",pod="web-0"} 2"#);
    stack.prometheus.wait_for("load == 2").await;
    let read = async |metric: &str| stack.leadsman.get(&paths::pods("shop", metric)).await.values();
    assert_eq!(read("largest").await, values(&[("web-0", "8")]));
    assert_eq!(read("company").await, values(&[("web-0", "2"), ("web-1", "2")]));
}

/// The series of one pod ended two minutes ago, as the query has it.
#[tokio::test]
async fn series_of_a_range_that_ended_are_left_out() {
    let history = History::new()
        .gauge(r#"load{namespace="shop",pod="web-0"}"#, 7.0)
        .gauge(r#"load{namespace="shop",pod="web-1"}"#, 8.0);
    let prometheus = Prometheus::holding(&history).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let end = now - 120;
    let one = |pod: &str| format!(r#"load{{namespace="${{namespace}}",pod="{pod}"}}"#);
    let ended = format!("({} and on() (vector(time()) < {end}))", one("web-1"));
    let of = |metric: &str, promql: &str, age: &str| {
        let keys = format!("promql: '{promql}', range: {{duration: 5m, step: 10s}}{age}");
        Mapping::custom(metric, "pods")
            .query_of("prometheus", "r", &keys)
            .plugin("guest", "do: range-max")
    };
    let both = format!("{} or {ended}", one("web-0"));
    let config = Config::shop(&prometheus.url())
        .plugin("guest", HOSTILE)
        .mapping(of("any_age", &both, ""))
        .mapping(of("young", &both, ", maxSampleAge: 1m"))
        .mapping(of("old", &ended, ", maxSampleAge: 1m"));
    let leadsman = Leadsman::start(config).await;
    let read = async |metric: &str| leadsman.get(&paths::pods("shop", metric)).await;
    assert_eq!(read("any_age").await.values(), values(&[("web-0", "7"), ("web-1", "8")]));
    assert_eq!(read("young").await.values(), values(&[("web-0", "7")]));
    let failure = read("old").await.failure();
    assert_eq!(failure.code, 503, "{failure:?}");
    failure.assert_contains(&["has no newer sample than one of 1", "maxSampleAge is 60s"]);
}

#[tokio::test]
async fn policies_about_values() {
    let exposition = r#"
jobs{namespace="shop",pod="web-0"} 4.999
jobs{namespace="shop",pod="web-1"} 5
"#;
    let promql = r#"jobs{namespace="${namespace}"}"#;
    let config = Config::new()
        .mapping(Mapping::pods("activated").query("q", promql).set("activation", "5"))
        .mapping(Mapping::pods("filled").query("q", promql).set("onAbsent", "{default: 0}"))
        .mapping(Mapping::pods("omitted").query("q", promql).set("onAbsent", "omit"))
        .pods("shop", &["web-0", "web-1", "web-2"]);
    let stack = Stack::start(exposition, "jobs", config).await;
    let read = async |metric: &str| stack.leadsman.get(&paths::pods("shop", metric)).await.values();
    assert_eq!(read("activated").await, values(&[("web-0", "0"), ("web-1", "5")]));
    assert_eq!(read("omitted").await, values(&[("web-0", "4999m"), ("web-1", "5")]));
    let filled = values(&[("web-0", "4999m"), ("web-1", "5"), ("web-2", "0")]);
    assert_eq!(read("filled").await, filled);
}

/// The exact output of `kubectl get --raw` for the user of the Go counter application.
#[tokio::test]
async fn the_counter_application() {
    let pod = "test-prometheus-7d9c5b8f46-4kzqx";
    let sample = json!([{
        "metric": {"namespace": "default", "pod": pod},
        "value": [1_695_018_199.504, "1"],
    }]);
    let upstream = Upstream::start(Reply::vector(&sample)).await;
    let metric = "myapp_processed_ops_total";
    let promql = r#"avg(myapp_processed_ops_total{namespace="${namespace}"}) by (namespace, pod)"#;
    let config = Config::new()
        .prometheus("prometheus", &upstream.url())
        .mapping(Mapping::pods(metric).query("ops", promql))
        .object("pods", Some("default"), pod, "app: test-prometheus");
    let leadsman = Leadsman::start(config).await;
    let answer = leadsman.get(&format!("{CUSTOM_V1}/namespaces/default/pods/*/{metric}")).await;
    assert_eq!(
        answer.ok(),
        json!({
            "kind": "MetricValueList",
            "apiVersion": "custom.metrics.k8s.io/v1beta1",
            "metadata": {},
            "items": [{
                "describedObject": {
                    "kind": "Pod", "namespace": "default", "name": pod, "apiVersion": "/v1",
                },
                "metricName": metric,
                "timestamp": "2023-09-18T06:23:19Z",
                "value": "1",
                "selector": null,
            }],
        })
    );
    assert_eq!(
        upstream.last_request().promql(),
        r#"avg(myapp_processed_ops_total{namespace="default"}) by (namespace, pod)"#
    );
}
