//! The last hour in `leadsman explain hpa`: what a metric was, what it proposed, and the replicas that the
//! real controller made of it.

use std::path::Path;

use leadsman_tests::cluster::{
    Account, ControlPlane, Credentials, Hpa, Metric, Rule, Target, Workload,
};
use leadsman_tests::paths::EXTERNAL;
use leadsman_tests::{Config, Leadsman, Mapping, Reply, Upstream, eventually};
use serde_json::{Value, json};

use super::explained::explained;
use super::{TIMEOUT, admin, stage};

/// A queue with a depth, and an autoscaler of up to nine replicas with an average of 10 for each.
async fn scaled(namespace: &str, depth: f64) -> Hpa {
    let admin = admin().await;
    set(namespace, depth);
    let workload = Workload::deployment(&admin, namespace, "web", 2).await;
    let metric =
        Metric::external("queue_depth", Target::Average("10")).with_labels(&[("queue", namespace)]);
    Hpa::create(&admin, &workload, 1..=9, &[metric]).await
}

fn set(namespace: &str, depth: f64) {
    let labels = format!(r#"namespace="{namespace}",queue="{namespace}""#);
    stage().traffic.set(&format!("queue_depth{{{labels}}}"), depth);
}

/// The changes of the only metric.
fn changes(hour: &Value) -> &[Value] {
    hour["changes"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Whether a change is to these replicas, at an average that proposes as many.
fn is_at(change: &Value, replicas: u64, value: f64) -> bool {
    change["replicas"] == replicas
        && change["proposes"] == replicas
        && change["wants"] == replicas
        && change["value"] == value
        && change["state"] == "current"
}

/// The last hour of the autoscaler of a namespace, once it is as wanted.
async fn until(namespace: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    eventually(what, TIMEOUT, async || {
        let explanation = explained(&[&format!("{namespace}/web")]).await;
        let hour = explanation["metrics"][0]["hour"].clone();
        if is_so(&hour) { Ok(hour) } else { Err(format!("{explanation:#}")) }
    })
    .await
}

#[tokio::test]
async fn an_hour_has_the_values_the_proposals_and_the_replicas() {
    // It lives as long as this test.
    let _stage = stage();
    let namespace = "remembered";
    let hpa = scaled(namespace, 20.0).await;
    hpa.wait_desired(2).await;
    let at_rest = |change: &Value| is_at(change, 2, 10.0);
    until(namespace, "two replicas in the hour", |hour| changes(hour).iter().any(at_rest)).await;
    set(namespace, 48.0);
    hpa.wait_desired(5).await;
    let is_up = |change: &Value| is_at(change, 5, 9.6);
    let hour = until(namespace, "five replicas in the hour", |hour| {
        changes(hour).last().is_some_and(is_up)
    })
    .await;
    let (rest, up) =
        (changes(&hour).iter().position(at_rest), changes(&hour).iter().position(is_up));
    assert!(rest.is_some() && rest < up, "{hour:#}");
    let is_target = |of: &Value| of["target"].is_null() || of["target"] == 10.0;
    assert!(changes(&hour).iter().all(is_target), "{hour:#}");
    let values = hour["values"].as_array().map_or(0, Vec::len);
    assert!((1..=240).contains(&values), "{hour:#}");
    let [least, greatest] = ["least", "greatest"].map(|of| hour[of]["value"].as_f64());
    assert!(least.is_some() && least <= greatest, "{hour:#}");
    // Nothing is known from before the adapter's start.
    let [started, since, until] = ["started", "since", "until"].map(|of| hour[of].as_str());
    assert!(started.is_some() && started <= since && since <= until, "{hour:#}");

    let kubeconfig = ControlPlane::shared().await.admin_kubeconfig().display().to_string();
    let arguments = ["explain", "hpa", "remembered/web", "--kubeconfig", &kubeconfig];
    let report = Leadsman::command(&arguments, Path::new(".")).await;
    assert_eq!(report.code, Some(0), "{report:#?}");
    // It is less than an hour, and that is said.
    report.assert_contains(&[
        "\n  hour      ",
        " UTC, ",
        "            least ",
        "            time           value     target proposes wants replicas\n",
    ]);
    // The metric alone is told with the hour of who scales by it.
    let path = format!("{EXTERNAL}/namespaces/{namespace}/queue_depth");
    for of in [["metric", &path], ["mapping", "remembered/queue_depth"]] {
        let arguments = [&["explain"], &of[..], &["--kubeconfig", &kubeconfig]].concat();
        let report = Leadsman::command(&arguments, Path::new(".")).await;
        assert_eq!(report.code, Some(0), "{report:#?}");
        report.assert_contains(&[
            "\nread by remembered/web: external metric queue_depth, target 10 for each pod\n  hour      ",
            "            time           value     target proposes wants replicas\n",
        ]);
    }
    let other = format!("{path}?labelSelector=queue%3Dother");
    let arguments = ["explain", "metric", &other, "--kubeconfig", &kubeconfig];
    let report = Leadsman::command(&arguments, Path::new(".")).await;
    report.assert_contains(&["\nno autoscaler of remembered reads it\n"]);
}

#[tokio::test]
async fn an_autoscaler_is_followed_while_it_changes() {
    let _stage = stage();
    let namespace = "followed";
    let hpa = scaled(namespace, 20.0).await;
    hpa.wait_desired(2).await;
    let kubeconfig = ControlPlane::shared().await.admin_kubeconfig().display().to_string();
    let arguments = ["explain", "hpa", "followed/web", "--watch=1s", "--kubeconfig", &kubeconfig];
    let mut followed = Leadsman::follow(&arguments, Path::new("."));
    followed.line("followed/web stays at 2: external metric queue_depth is inside").await;
    set(namespace, 48.0);
    followed.line("target      Deployment web: 5 replicas").await;
}

#[tokio::test]
async fn a_value_that_could_not_be_read_is_a_state_and_no_number() {
    let _stage = stage();
    let namespace = "remembered-failing";
    let hpa = scaled(namespace, 20.0).await;
    hpa.wait_desired(2).await;
    let at_rest = |change: &Value| is_at(change, 2, 10.0);
    until(namespace, "a value in the hour", |hour| changes(hour).iter().any(at_rest)).await;
    set(namespace, f64::NAN);
    let failing = |change: &Value| change["state"] == "failing";
    let hour =
        until(namespace, "a failure in the hour", |hour| changes(hour).last().is_some_and(failing))
            .await;
    let last = changes(&hour).last().expect("a change");
    assert_eq!(
        (&last["value"], &last["proposes"], &last["replicas"]),
        (&Value::Null, &Value::Null, &json!(2)),
        "{hour:#}"
    );
}

#[tokio::test]
async fn who_may_read_the_metric_alone_is_told_nothing_of_the_autoscaler() {
    let _stage = stage();
    let (namespace, admin) = ("remembered-apart", admin().await);
    let hpa = scaled(namespace, 20.0).await;
    hpa.wait_desired(2).await;
    let account = Account::create(&admin, namespace, "reader").await;
    let rules = [Rule::new(&["list"], "external.metrics.k8s.io", &["queue_depth"])];
    admin.allow(&account.subject(), Some(namespace), &rules).await;
    let token = Credentials::Token(account.token(&admin).await);
    let client = ControlPlane::shared().await.client(&token);
    let read = format!("{EXTERNAL}/namespaces/{namespace}/queue_depth");
    let path = format!("{read}?labelSelector=queue%3D{namespace}&explain=true&autoscaler=web");
    let explanation = eventually("the right to read", TIMEOUT, async || {
        let answer = client.try_read(&path).await?;
        if answer.is_success() { Ok(answer.ok()) } else { Err(answer.body) }
    })
    .await;
    let asked = explanation["request"]["path"].as_str().unwrap_or_default();
    assert!(asked.contains("labelSelector") && !asked.contains("autoscaler"), "{asked}");
    let hour = &explanation["hour"];
    let why = hour["unknown"].as_str().unwrap_or_default();
    for part in ["horizontalpodautoscalers.autoscaling \"web\" is forbidden", namespace] {
        assert!(why.contains(part), "{part} in {hour:#}");
    }
    assert!(hour["metrics"].is_null() && hour["since"].is_null(), "{hour:#}");
    // An autoscaler is explained to whoever may read it.
    let kubeconfig = account.kubeconfig(ControlPlane::shared().await).await.display().to_string();
    let arguments = ["explain", "hpa", "remembered-apart/web", "--kubeconfig", &kubeconfig];
    let refused = Leadsman::command(&arguments, Path::new(".")).await;
    assert_eq!(refused.code, Some(3), "{refused:#?}");
    refused.assert_contains(&[
        "cannot read the HorizontalPodAutoscaler remembered-apart/web: 403",
        "forbidden",
    ]);
    // Whoever has both rights is told.
    eventually("the hour, as the adapter knows the autoscaler", TIMEOUT, async || {
        let explanation = admin.try_read(&path).await?.ok();
        let is_told = explanation["hour"]["metrics"][0]["place"] == 0;
        if is_told { Ok(()) } else { Err(format!("{explanation:#}")) }
    })
    .await;
    // Another series is none of its metrics.
    let other = path.replace(&format!("queue%3D{namespace}"), "queue%3Dother");
    let explanation = admin.read(&other).await.ok();
    let why = explanation["hour"]["unknown"].as_str().unwrap_or_default();
    assert!(why.contains("none of the first 16 metrics"), "{explanation:#}");
}

#[tokio::test]
async fn a_process_of_its_own_has_no_hour_and_says_so() {
    let _stage = stage();
    let namespace = "remembered-elsewhere";
    let hpa = scaled(namespace, 20.0).await;
    hpa.wait_desired(2).await;
    let upstream = Upstream::start(Reply::vector(&json!([]))).await;
    let config = Config::new()
        .prometheus("prometheus", &upstream.url())
        .mapping(Mapping::external("queue_depth").query("q", "queue_depth"));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.yaml");
    std::fs::write(&file, config.to_string()).expect("a file");
    let file = file.display().to_string();
    let explanation = explained(&[&format!("{namespace}/web"), "--config", &file]).await;
    let hour = &explanation["metrics"][0]["hour"];
    let why = hour["unknown"].as_str().unwrap_or_default();
    assert!(why.contains("this process has only just read it"), "{explanation:#}");
    assert!(hour["values"].is_null(), "{hour:#}");
}
