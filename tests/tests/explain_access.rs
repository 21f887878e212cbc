//! Explanations through kube-apiserver, with the rights of whoever asks and no more.

use std::sync::Arc;
use std::time::Duration;

use leadsman_tests::cluster::{Account, ClusterStack, ControlPlane, Credentials, Rule, Workload};
use leadsman_tests::{Config, Leadsman, Mapping, eventually, paths};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(60);

const CUSTOM: &str = "custom.metrics.k8s.io";

/// One query for all namespaces, whose rows are of all of them, and one for each.
fn config(prometheus: &str) -> String {
    Config::new()
        .prometheus("prometheus", prometheus)
        .mapping(Mapping::pods("load").query("q", "sum by (namespace, pod) (load)"))
        .mapping(
            Mapping::pods("own").query("q", r#"sum by (pod) (load{namespace="${namespace}"})"#),
        )
        .to_string()
}

fn stage() -> Arc<ClusterStack> {
    ClusterStack::shared(config, &["pods"])
}

/// Pods with values in both namespaces.
async fn workloads(stage: &ClusterStack, mine: &str, theirs: &str) {
    let admin = ControlPlane::shared().await.admin();
    for (namespace, value) in [(mine, 11.0), (theirs, 81_549.0)] {
        Workload::deployment(&admin, namespace, "web", 1).await;
        let labels = format!(r#"namespace="{namespace}",pod="web-0""#);
        stage.traffic.set(&format!("load{{{labels}}}"), value);
    }
    for namespace in [mine, theirs] {
        eventually(&format!("a value of {namespace}"), TIMEOUT, async || {
            let answer = admin.try_read(&paths::pods(namespace, "load")).await?;
            // An answer without items is one, too.
            if answer.body.contains("web-0") { Ok(()) } else { Err(answer.body) }
        })
        .await;
    }
}

/// An account that may read `load` of pods in its own namespace.
async fn reader(namespace: &str) -> Account {
    let admin = ControlPlane::shared().await.admin();
    let account = Account::create(&admin, namespace, "reader").await;
    let rules = [Rule::new(&["get"], CUSTOM, &["pods/load"])];
    admin.allow(&account.subject(), Some(namespace), &rules).await;
    account
}

fn explaining(namespace: &str) -> String {
    format!("{}?explain=true", paths::pods(namespace, "load"))
}

#[tokio::test]
async fn whoever_may_read_one_namespace_is_told_of_no_other() {
    let (stage, plane) = (stage(), ControlPlane::shared().await);
    workloads(&stage, "mine", "theirs").await;
    let account = reader("mine").await;
    let client = plane.client(&Credentials::Token(account.token(&plane.admin()).await));
    let answer = client.read(&explaining("mine")).await;
    let explanation = answer.ok();
    assert_eq!(explanation["kind"], "MetricExplanation", "{explanation:#}");
    assert_eq!(explanation["metrics"][0]["values"][0]["value"]["decimal"], "11");
    let evaluation = &explanation["metrics"][0]["evaluations"][0];
    assert_eq!(evaluation["namespace"], Value::Null, "it is for the whole cluster");
    let query = &evaluation["runs"][0]["queries"][0];
    let rows = query["rows"].as_array().expect("rows");
    assert!(rows.iter().all(|row| row["labels"]["namespace"] == "mine"), "{query:#}");
    assert_eq!(rows.len(), 1);
    let left_out = query["leftOut"].to_string();
    assert!(left_out.contains("of other namespaces"), "{left_out}");
    // The administrator has read the other namespace, too.
    assert!(!answer.body.contains("theirs") && !answer.body.contains("81549"), "{explanation:#}");
    let readers = evaluation["readers"].to_string();
    assert!(readers.contains("system:serviceaccount:mine:reader"), "{readers}");
    // The right to read is the right to be told, and there is no other.
    let refused = client.read(&explaining("theirs")).await;
    assert_eq!(refused.status, 403, "{refused:#?}");
    assert!(!refused.body.contains("81549"));
}

#[tokio::test]
async fn who_may_read_one_object_is_told_of_no_other() {
    let (stage, plane) = (stage(), ControlPlane::shared().await);
    workloads(&stage, "one", "others").await;
    let admin = plane.admin();
    Workload::deployment(&admin, "one", "db", 1).await;
    stage.traffic.set(r#"load{namespace="one",pod="db-0"}"#, 81_550.0);
    let account = Account::create(&admin, "one", "reader").await;
    let rules = [Rule::new(&["get"], CUSTOM, &["pods/load"]).named(&["web-0"])];
    admin.allow(&account.subject(), Some("one"), &rules).await;
    let client = plane.client(&Credentials::Token(account.token(&admin).await));
    let path = format!("{}?explain=true", paths::object("one", "pods/web-0", "load"));
    let answer = client.read(&path).await;
    assert_eq!(answer.ok()["metrics"][0]["values"][0]["object"], "web-0");
    assert!(!answer.body.contains("db-0") && !answer.body.contains("81550"), "{}", answer.body);
    assert_eq!(client.read(&explaining("one")).await.status, 403);
}

#[tokio::test]
async fn the_command_asks_with_the_rights_of_its_user() {
    let (stage, plane) = (stage(), ControlPlane::shared().await);
    workloads(&stage, "asking", "unasked").await;
    let kubeconfig = reader("asking").await.kubeconfig(plane).await.display().to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let run = async |arguments: &[&str]| {
        let all = [&["explain"], arguments, &["--kubeconfig", kubeconfig.as_str()]].concat();
        Leadsman::command(&all, folder.path()).await
    };
    let path = paths::pods("asking", "load");
    let report = run(&["metric", &path]).await;
    assert_eq!(report.code, Some(0), "{report:#?}");
    report.assert_contains(&[
        "pods/load of asking/web-0 is 11",
        "query     q to prometheus",
        "row ",
        // Autoscalers are another right.
        "which autoscalers read it is not known: 403: ",
    ]);
    run(&["mapping", "asking/load"]).await.assert_contains(&["pods/load of asking/web-0 is 11"]);
    let refused = run(&["metric", &paths::pods("unasked", "load")]).await;
    assert_eq!(refused.code, Some(3), "{refused:#?}");
    refused.assert_contains(&["403", "forbidden"]);
}

#[tokio::test]
async fn what_happened_in_a_cluster_becomes_a_test() {
    let (stage, plane) = (stage(), ControlPlane::shared().await);
    workloads(&stage, "recorded", "unrecorded").await;
    let kubeconfig = plane.admin_kubeconfig().display().to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let record = async |metric: &str| {
        let path = paths::pods("recorded", metric);
        let of = ["explain", "metric", &path, "--kubeconfig", &kubeconfig];
        let all = [&of[..], &["--record", "fixture.json"]].concat();
        Leadsman::command(&all, folder.path()).await
    };
    // Even to who may read everything, a read of a namespace tells nothing of another one.
    let refused = record("load").await;
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    refused.assert_contains(&["fixture.json is not written: "]);
    assert!(!folder.path().join("fixture.json").exists());
    let report = record("own").await;
    assert_eq!(report.code, Some(0), "{report:#?}");
    let run = ["plugin", "run", "per-object", "--fixture", "fixture.json"];
    let passed = Leadsman::command(&run, folder.path()).await;
    assert_eq!(passed.code, Some(0), "{passed:#?}");
    passed.assert_contains(&["fixture.json passed"]);
}
