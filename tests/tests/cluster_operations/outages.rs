//! Outages of the source and of kube-apiserver.

use super::*;

#[tokio::test]
async fn an_outage_of_the_source_is_no_outage_of_the_cluster() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    Workload::deployment(&admin, "outage", "web", 1).await;
    let exporter = Exporter::start(r#"load{namespace="outage",pod="web-0"} 3"#).await;
    let mut prometheus = Prometheus::scraping(&exporter.url()).await;
    prometheus.wait_for("load").await;
    let settings = format!("url: {}, timeout: 1s", prometheus.url());
    // Without a last good value, each read shows the state of the source.
    let fresh = load("pods").set("maxAge", "100ms");
    let adapter = Adapter::new(plane, "outage", &["pods"]).await;
    let config = Config::new().source("prometheus", &settings).mapping(fresh);
    let leadsman = adapter.start(config).await;
    let trusted = adapter.authority().pem();
    let trust = Trust::Authority(&trusted);
    let registration = adapter.register(leadsman.api().port(), trust).await;
    let path = paths::pods("outage", "load");
    let read = async || admin.read(&path).await;
    assert_eq!(reads("a value", read, Answer::is_success).await.value(), "3");

    let before = registration.availability().await;
    for outage in ["stopped", "hung", "killed"] {
        match outage {
            "stopped" => prometheus.stop().await,
            "hung" => prometheus.pause().await,
            _ => prometheus.kill().await,
        }
        // Makes kube-apiserver check it again.
        let note = json!({"metadata": {"annotations": {"leadsman.dev/outage": outage}}});
        for name in API_SERVICES {
            registration.merge(name, &note).await;
        }
        let failed = reads(outage, read, |answer| answer.status >= 500).await.failure();
        failed.assert_contains(&["load", "\"q\"", "the source \"prometheus\""]);
        plane.kubectl(&["api-resources"]).await.ok();
        if outage == "hung" {
            // Deleting a namespace needs discovery of all kinds of objects.
            admin.namespace("short-lived").await;
            let ended = ["delete", "namespace", "short-lived", "--timeout=30s"];
            plane.kubectl(&ended).await.ok();
        }
        match outage {
            "hung" => prometheus.resume(),
            _ => prometheus.restart().await,
        }
        reads("a value again", read, Answer::is_success).await;
    }
    assert_eq!(registration.availability().await, before);
    assert!(before.iter().all(|condition| condition["status"] == "True"), "{before:#?}");
    registration.remove().await;
}

#[tokio::test]
async fn reads_continue_during_an_outage_of_kube_apiserver() {
    let plane = ControlPlane::start().await;
    let admin = plane.admin();
    let workload = Workload::deployment(&admin, "away", "web", 1).await;
    let upstream = thirty(&["web-0", "web-1"]).await;
    let quiet = "ingresses.networking.k8s.io";
    let adapter = Adapter::new(&plane, "away", &["pods", quiet]).await;
    let leadsman = adapter.start(config(&upstream.url()).mapping(load(quiet))).await;
    let path = paths::pods("away", "load");
    let user = |name: &str| HttpClient::with_certificate(&plane.authorities().clients.client(name));
    let jane = user("jane");
    let rules = [Rule::new(&["get"], "custom.metrics.k8s.io", &["pods/load"])];
    admin.allow(&Subject::user("jane"), Some("away"), &rules).await;
    assert_eq!(leadsman.get_as(&jane, &path).await.values().len(), 1);

    let readers = Readers::start(2, &format!("https://{}{path}", leadsman.api()), || jane.clone());
    plane.stop_api_server().await;
    readers.wait_reads(50).await;
    assert_eq!(readers.stop().await, [""; 0]);
    assert_eq!(leadsman.get("/readyz").await.status, 200);
    let unknown = leadsman.get_as(&user("john"), &path).await.failure();
    assert_eq!(unknown.code, 503, "{unknown:?}");
    unknown.assert_contains(&[
        "the right to this cannot be reviewed",
        "kube-apiserver cannot be reached",
    ]);

    plane.start_api_server().await;
    workload.scale(2).await;
    workload.reconcile().await;
    let both = |answer: &Answer| answer.is_success() && answer.values().len() == 2;
    reads("the new pod", async || leadsman.get_as(&jane, &path).await, both).await;
    // Whose changes cannot be watched.
    eventually("that ingresses are followed", TIMEOUT, async || {
        let labels = [("resource", quiet)];
        let followed = leadsman.metric("leadsman_objects_followed", &labels).await;
        if followed == Some(1.0) { Ok(()) } else { Err(leadsman.log()) }
    })
    .await;
}
