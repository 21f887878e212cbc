//! Each state that an autoscaler can be in, explained, beside what the controller really did: its
//! condition, and its desired replicas.

use leadsman_document::Document;
use leadsman_tests::cluster::{ApiClient, ClusterStack, Hpa, Metric, Target, Workload, path_of};
use leadsman_tests::{Example, eventually};
use serde_json::{Value, json};

use super::explained::explained;
use super::{GO_COUNTER, NGINX_INGRESS, TIMEOUT, VERNEMQ, admin, stage};

/// Who reads the metrics of autoscalers.
const CONTROLLER: &str = "horizontal-pod-autoscaler";

/// Sets the depth of a queue in a namespace.
fn queue(stage: &ClusterStack, namespace: &str, queue: &str, value: f64) {
    let labels = format!(r#"namespace="{namespace}",queue="{queue}""#);
    stage.traffic.set(&format!("queue_depth{{{labels}}}"), value);
}

/// An average of 10 for each pod.
fn by(queue: &str) -> Metric {
    Metric::external("queue_depth", Target::Average("10")).with_labels(&[("queue", queue)])
}

/// What is expected of an autoscaler.
struct State<'a> {
    name: &'a str,
    hpa: &'a Hpa,
    /// The reason of a condition that the controller reports.
    condition: &'a str,
    /// How the verdict begins.
    verdict: &'a str,
    /// What the text has somewhere.
    told: &'a [&'a str],
}

impl State<'_> {
    /// Waits until the controller and the explanation agree on it. Returns the explanation.
    async fn is_explained(&self, namespace: &str) -> Value {
        let Self { name, hpa, condition, verdict, told } = self;
        let what = format!("{condition} of {name}, explained");
        eventually(&what, TIMEOUT, async || {
            let status = hpa.status().await;
            let explanation = explained(&[&format!("{namespace}/{name}")]).await;
            let said = explanation["verdict"].as_str().unwrap_or_default();
            let text = explanation.to_string();
            let agrees = status["conditions"].to_string().contains(condition)
                && said.starts_with(verdict)
                && told.iter().all(|told| text.contains(told));
            if agrees { Ok(explanation) } else { Err(format!("{explanation:#}\n{status:#}")) }
        })
        .await
    }
}

/// What the adapter recorded of the first metric.
fn record(explanation: &Value) -> &Value {
    &explanation["metrics"][0]["record"]["metrics"][0]
}

/// The record names the query, the plugin and the controller, which is who reads.
fn is_joined(explanation: &Value) {
    let record = record(explanation);
    let digest = record["mapping"]["plugin"]["digest"].as_str().unwrap_or_default();
    assert!(digest.starts_with("sha256:"), "{explanation:#}");
    let evaluation = &record["evaluations"][0];
    let query = &evaluation["runs"][0]["queries"][0];
    assert!(query["sent"].as_str().is_some_and(|text| !text.is_empty()), "{explanation:#}");
    assert!(evaluation["readers"].to_string().contains(CONTROLLER), "{explanation:#}");
}

#[tokio::test]
async fn what_holds_an_autoscaler_is_named() {
    let (stage, admin) = (stage(), admin().await);
    let namespace = "holding";
    let missing = Metric::external("nobody_serves_it", Target::Value("1"));
    let mut autoscalers = Vec::new();
    for (name, value, replicas, metrics) in [
        ("at-max", 80.0, 5, vec![by("at-max")]),
        ("within", 28.5, 3, vec![by("within")]),
        ("half-read", 10.0, 3, vec![by("half-read"), missing.clone()]),
        ("unread", 10.0, 3, vec![missing]),
        ("off", 10.0, 0, vec![by("off")]),
        ("no-number", f64::NAN, 3, vec![by("no-number")]),
    ] {
        queue(&stage, namespace, name, value);
        let workload = Workload::deployment(&admin, namespace, name, replicas).await;
        autoscalers.push((name, Hpa::create(&admin, &workload, 1..=5, &metrics).await));
    }
    for (at, condition, verdict, told) in [
        (
            0,
            "TooManyReplicas",
            "wants 8, held at 5 by maxReplicas (5); external metric queue_depth is 1.6",
            &["queue_depth{namespace", "\"sent\""][..],
        ),
        (
            1,
            "DesiredWithinRange",
            "stays at 3: external metric queue_depth is inside the tolerance (0.95)",
            &["28.5"][..],
        ),
        (
            2,
            "FailedGetExternalMetric",
            "stays at 3: it would scale down, but not while a metric cannot be read: external metric nobody_serves_it: ",
            &[][..],
        ),
        (3, "FailedGetExternalMetric", "stays at 3: none of its metrics can be read", &[][..]),
        (4, "ScalingDisabled", "is switched off: the target has 0 replicas", &[][..]),
        (
            5,
            "FailedGetExternalMetric",
            "stays at 3: none of its metrics can be read",
            &["the value is NaN", "\"raw\":\"NaN\""][..],
        ),
    ] {
        let (name, hpa) = &autoscalers[at];
        let state = State { name, hpa, condition, verdict, told };
        let explanation = state.is_explained(namespace).await;
        let desired = hpa.desired().await.unwrap_or_default();
        assert_eq!(explanation["controller"]["desiredReplicas"], desired, "{explanation:#}");
        if at < 2 {
            is_joined(&explanation);
        }
    }
    // What if?
    let at = |more: &[&str]| {
        let arguments: Vec<_> =
            ["holding/at-max"].iter().chain(more).map(|text| (*text).to_owned()).collect();
        async move {
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            explained(&arguments).await
        }
    };
    assert_eq!(at(&["--target", "20"]).await["replicas"], 4);
    assert_eq!(at(&["--value", "queue_depth=9"]).await["replicas"], 1);
    let assumed = at(&["--at-replicas", "8"]).await;
    assert_eq!(assumed["assumed"], json!(["8 replicas"]));
    assert_eq!(assumed["replicas"], 5, "above the maximum");
}

/// Gives an autoscaler a behavior.
async fn behaves(admin: &ApiClient, workload: &Workload, behavior: Value) {
    let metadata = json!({"namespace": workload.namespace(), "name": workload.name()});
    let path = path_of(&json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata,
    }));
    admin.merge(&path, &json!({"spec": {"behavior": behavior}})).await;
}

#[tokio::test]
async fn a_stabilization_window_is_named() {
    let (stage, admin) = (stage(), admin().await);
    let (namespace, name) = ("waiting", "waits");
    queue(&stage, namespace, name, 30.0);
    let workload = Workload::deployment(&admin, namespace, name, 3).await;
    let hpa = Hpa::create(&admin, &workload, 1..=5, &[by(name)]).await;
    behaves(&admin, &workload, json!({"scaleDown": {"stabilizationWindowSeconds": 1800}})).await;
    hpa.wait_desired(3).await;
    eventually("what is wanted, in the hour", TIMEOUT, async || {
        let explanation = explained(&["waiting/waits"]).await;
        let changes = explanation["metrics"][0]["hour"]["changes"].as_array();
        let last = changes.and_then(|changes| changes.last());
        match last.is_some_and(|last| last["wants"] == 3 && last["replicas"] == 3) {
            true => Ok(()),
            false => Err(format!("{explanation:#}")),
        }
    })
    .await;
    queue(&stage, namespace, name, 10.0);
    let state = State {
        name,
        hpa: &hpa,
        condition: "ScaleDownStabilized",
        verdict: "wants 1, waits at 3: ",
        told: &["ScaleDownStabilized"],
    };
    is_joined(&state.is_explained(namespace).await);
    assert_eq!(hpa.desired().await, Some(3));
    // For how long follows from what the adapter noted and from the behavior.
    let explanation = eventually("for how long it waits", TIMEOUT, async || {
        let explanation = explained(&["waiting/waits"]).await;
        let is_told = explanation["waits"]["aboutSeconds"].is_u64();
        if is_told { Ok(explanation) } else { Err(format!("{explanation:#}")) }
    })
    .await;
    let waits = &explanation["waits"];
    let seconds = waits["aboutSeconds"].as_u64().unwrap_or_default();
    assert!((1500..=1800).contains(&seconds), "{waits:#}");
    let because = waits["because"].as_str().unwrap_or_default();
    assert!(because.starts_with("3 was recommended until about "), "{waits:#}");
    assert!(because.ends_with("it counts for 1800s"), "{waits:#}");
    let said = explanation["verdict"].as_str().unwrap_or_default();
    assert!(said.contains("; for about "), "{said}");
}

#[tokio::test]
async fn a_policy_is_named() {
    let (stage, admin) = (stage(), admin().await);
    let (namespace, name) = ("limiting", "limited");
    queue(&stage, namespace, name, 10.0);
    let workload = Workload::deployment(&admin, namespace, name, 1).await;
    let hpa = Hpa::create(&admin, &workload, 1..=5, &[by(name)]).await;
    behaves(&admin, &workload, json!({"scaleUp": {"selectPolicy": "Disabled"}})).await;
    queue(&stage, namespace, name, 50.0);
    let state = State {
        name,
        hpa: &hpa,
        condition: "ScaleUpLimit",
        verdict: "wants 5, held at 1 by the rate of scaling up (behavior.scaleUp",
        told: &["50"],
    };
    is_joined(&state.is_explained(namespace).await);
    assert_eq!(hpa.desired().await, Some(1));
}

#[tokio::test]
async fn old_values_are_named_with_their_reason() {
    let (stage, admin) = (stage(), admin().await);
    let (namespace, name) = ("aging", "old");
    let weight = |more: &str, value: f64| {
        let labels = format!(r#"namespace="{namespace}",queue="{name}"{more}"#);
        stage.traffic.set(&format!("queue_weight{{{labels}}}"), value);
    };
    queue(&stage, namespace, name, 20.0);
    weight("", 1.0);
    let workload = Workload::deployment(&admin, namespace, name, 2).await;
    let metric = Metric::external("weighted", Target::Average("10"));
    let hpa = Hpa::create(&admin, &workload, 1..=5, &[metric]).await;
    hpa.wait_desired(2).await;
    // From now on the query has two partners for one series, which PromQL refuses.
    weight(r#",again="true""#, 1.0);
    let state = State {
        name,
        hpa: &hpa,
        condition: "ValidMetricFound",
        verdict: "stays at 2: external metric weighted is inside the tolerance (1)",
        told: &["\"state\":\"lastGood\"", "\"from\":\"lastGood\"", "onError.lastGood", "s old: "],
    };
    let explanation = state.is_explained(namespace).await;
    let evaluation = &record(&explanation)["evaluations"][0];
    assert!(evaluation["lastGoodEndsIn"].as_f64().is_some_and(|left| left > 0.0), "{evaluation:#}");
    assert!(evaluation["runs"][0]["failure"][0].is_string(), "{evaluation:#}");
    assert_eq!(hpa.desired().await, Some(2));
}

#[tokio::test]
async fn series_that_disagree_are_named() {
    let (stage, admin) = (stage(), admin().await);
    let (namespace, name) = ("disagreeing", "noisy");
    let workload = Workload::deployment(&admin, namespace, name, 1).await;
    for (container, value) in [("app", 5.0), ("proxy", 7.0)] {
        let labels = format!(r#"namespace="{namespace}",pod="{name}-0",container="{container}""#);
        stage.traffic.set(&format!("noisy{{{labels}}}"), value);
    }
    let hpa = Hpa::create(&admin, &workload, 1..=5, &[Metric::pods("noisy", "10")]).await;
    let state = State {
        name,
        hpa: &hpa,
        condition: "FailedGetPodsMetric",
        verdict: "stays at 1: none of its metrics can be read; the first is pods metric noisy",
        // The rows that do not agree.
        told: &["\"container\":\"app\"", "\"container\":\"proxy\""],
    };
    let explanation = state.is_explained(namespace).await;
    let run = &record(&explanation)["evaluations"][0]["runs"][0];
    assert_ne!(run["outcome"], "ok", "{run:#}");
    assert_eq!(run["queries"][0]["series"], 2);
}

#[tokio::test]
async fn pods_that_are_not_ready_are_named() {
    let (stage, admin) = (stage(), admin().await);
    let (namespace, name) = ("starting", "starts");
    let workload = Workload::deployment(&admin, namespace, name, 3).await;
    let pending = format!("/api/v1/namespaces/{namespace}/pods/{name}-2");
    admin.merge_status(&pending, &json!({"phase": "Pending"})).await;
    for pod in 0..2 {
        let labels = format!(r#"namespace="{namespace}",pod="{name}-{pod}",version="1""#);
        stage.traffic.set(&format!("published{{{labels}}}"), 20.0);
    }
    let hpa = Hpa::create(&admin, &workload, 1..=5, &[Metric::pods("published", "10")]).await;
    // 40 over three pods, since one that is starting counts as 0 on the way up.
    let explanation = eventually("four replicas, explained", TIMEOUT, async || {
        let status = hpa.status().await;
        let explanation = explained(&[&format!("{namespace}/{name}")]).await;
        let agrees = status["desiredReplicas"] == 4 && explanation["replicas"] == 4;
        if agrees { Ok(explanation) } else { Err(format!("{explanation:#}\n{status:#}")) }
    })
    .await;
    let arithmetic = explanation["metrics"][0]["arithmetic"].to_string();
    assert!(arithmetic.contains(&format!("1 pending or starting ({name}-2)")), "{arithmetic}");
    is_joined(&explanation);
    eventually("the past", TIMEOUT, async || {
        let explanation = explained(&[&format!("{namespace}/{name}")]).await;
        let past = explanation["past"].to_string();
        let is_told = past.contains("SuccessfulRescale") && past.contains("New size: 4");
        if is_told { Ok(()) } else { Err(format!("{explanation:#}")) }
    })
    .await;
}

/// Creates the autoscaler of an example beside a workload of another name, so that it is not in the way of
/// the tests of the case itself.
async fn of_example(admin: &ApiClient, example: Example, workload: &Workload) -> Hpa {
    let file = example.autoscaler();
    let text = std::fs::read_to_string(&file).expect("an autoscaler");
    let mut object = Document::parse("hpa.yaml", &text).0.value;
    object["metadata"] = json!({"namespace": workload.namespace(), "name": workload.name()});
    object["spec"]["scaleTargetRef"]["name"] = workload.name().into();
    // A series of its own, too.
    let metric = &mut object["spec"]["metrics"][0];
    if metric.get("external").is_some() {
        metric["external"]["metric"]["selector"] =
            json!({"matchLabels": {"ingress": workload.name()}});
    }
    admin.apply(&object).await;
    Hpa::of(admin, workload)
}

/// The four users' cases, at rest and at the maximum: what the controller wants is what is explained, with
/// the query, the rows and the plugin behind it.
#[tokio::test]
async fn the_users_cases_are_explained_from_query_to_replicas() {
    let (stage, admin) = (stage(), admin().await);
    let brokers = Workload::stateful_set(&admin, "explained", "explained-vmq", 2).await;
    let counter = Workload::deployment(&admin, "explained", "explained-go", 2).await;
    let kuard = Workload::deployment(&admin, "routing-ns1", "explained-kuard", 1).await;
    let site = Workload::deployment(&admin, "my-site", "explained-site", 1).await;
    // Each at its target, times a factor.
    let load = |factor: f64| {
        for pod in 0..2 {
            let broker =
                format!(r#"namespace="explained",pod="explained-vmq-{pod}",mqtt_version="4""#);
            stage.traffic.set_rate(&format!("mqtt_publish_received{{{broker}}}"), 0.06 * factor);
            let pod = format!(r#"namespace="explained",pod="explained-go-{pod}",endpoint="http""#);
            stage.traffic.set(&format!("myapp_processed_ops_total{{{pod}}}"), 3.0 * factor);
        }
        let balancer = r#"avi_l4_server_avg_open_conns{name="explained"}"#;
        stage.traffic.set(balancer, 200.0 * factor);
        let ingress = r#"namespace="my-site",ingress="explained-site",host="test.ru""#;
        let requests = format!("nginx_ingress_controller_requests{{{ingress}}}");
        stage.traffic.set_rate(&requests, 10.0 * factor);
    };
    load(1.0);
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": "routing-ns1", "name": "explained-lb"},
        "spec": {"ports": [{"port": 80}]},
    });
    admin.apply(&service).await;
    let target = Target::Value("200");
    let connections =
        Metric::object("explained_open_conns", "v1", "Service", "explained-lb", target);
    let cases = [
        (of_example(&admin, VERNEMQ, &brokers).await, brokers, 10),
        (of_example(&admin, GO_COUNTER, &counter).await, counter, 10),
        (Hpa::create(&admin, &kuard, 1..=5, &[connections]).await, kuard, 5),
        (of_example(&admin, NGINX_INGRESS, &site).await, site, 8),
    ];
    for (hpa, workload, _) in &cases {
        let explanation = case_is_explained(hpa, workload, |explanation, desired| {
            explanation["replicas"] == desired
        });
        let explanation = explanation.await;
        is_joined(&explanation);
        let query = &record(&explanation)["evaluations"][0]["runs"][0]["queries"][0];
        assert!(query["rows"].as_array().is_some_and(|rows| !rows.is_empty()), "{explanation:#}");
        let request = explanation["metrics"][0]["request"].as_str().unwrap_or_default();
        assert!(request.starts_with("/apis/"), "{request}");
    }
    load(100.0);
    for (hpa, workload, max) in &cases {
        let held = format!("held at {max} by maxReplicas ({max})");
        let explanation = case_is_explained(hpa, workload, |explanation, desired| {
            let verdict = explanation["verdict"].as_str().unwrap_or_default();
            desired == *max && verdict.contains(&held)
        });
        is_joined(&explanation.await);
        let limited = hpa.condition("ScalingLimited").await.expect("a condition");
        assert_eq!((limited.status.as_str(), limited.reason.as_str()), ("True", "TooManyReplicas"));
    }
}

/// Waits until what is explained of an autoscaler agrees with the replicas that its controller desires.
async fn case_is_explained(
    hpa: &Hpa,
    workload: &Workload,
    agrees: impl Fn(&Value, u64) -> bool,
) -> Value {
    let (namespace, name) = (workload.namespace(), workload.name());
    eventually(&format!("{name}, explained"), TIMEOUT, async || {
        let status = hpa.status().await;
        let explanation = explained(&[&format!("{namespace}/{name}")]).await;
        let desired = status["desiredReplicas"].as_u64().unwrap_or_default();
        let is_read = record(&explanation)["valuesTotal"].as_u64().is_some_and(|count| count > 0);
        if desired > 0 && is_read && agrees(&explanation, desired) {
            Ok(explanation)
        } else {
            Err(format!("{explanation:#}\n{status:#}"))
        }
    })
    .await
}
