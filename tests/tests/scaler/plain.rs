//! The same values as plain JSON.

use leadsman_tests::{Answer, Config, HttpClient, Leadsman, Mapping, Reply, Upstream, eventually};
use serde_json::json;

use super::{TIMEOUT, depth, queue, serve};

async fn get(leadsman: &Leadsman, path: &str) -> Answer {
    let url = format!("https://{}{path}", leadsman.scaler());
    HttpClient::anonymous().get(&url).await.expect("an answer")
}

#[tokio::test]
async fn a_value_is_a_number_at_a_path() {
    let upstream = Upstream::start(depth(12.3)).await;
    let leadsman = serve(Config::shop(&upstream.url()).mapping(queue())).await;
    let path = "/scaler/v1/namespaces/shop/external/queue_depth";
    let answer = get(&leadsman, path).await;
    let mut told = answer.ok();
    let time = told["timestamp"].take();
    assert!(time.as_str().is_some_and(|time| time.ends_with('Z')), "{time}");
    assert_eq!(told, json!({"metric": "queue_depth", "value": 12.3, "timestamp": null}));
    let picked = get(&leadsman, &format!("{path}?selector=queue%3Dorders")).await;
    assert_eq!(picked.ok()["value"], json!(12.3));
    for (path, status, expected) in [
        (format!("{path}?selector=queue%3Dnone"), 404, "picks none"),
        (format!("{path}?labelSelector=a"), 400, "unknown parameter \"labelSelector\""),
        ("/scaler/v1/namespaces/Shop/external/queue_depth".to_owned(), 400, "namespace"),
        ("/scaler/v1/namespaces/shop/external/none".to_owned(), 404, "could not find"),
        ("/apis/external.metrics.k8s.io/v1beta1".to_owned(), 404, "/scaler/v1/namespaces"),
    ] {
        let failure = get(&leadsman, &path).await.failure();
        assert_eq!(failure.code, status, "{path}: {failure:?}");
        failure.assert_contains(&[expected]);
    }
    upstream.set_reply(Reply::new(500, "text/plain", "no memory"));
    eventually("a failure", TIMEOUT, async || {
        let answer = get(&leadsman, path).await;
        // KEDA takes what is no number of a success for a failure, too, and this says why.
        if answer.status == 503 { Ok(()) } else { Err(format!("{answer:?}")) }
    })
    .await;
}

#[tokio::test]
async fn custom_metrics_have_paths_of_their_own() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "2"), ("web-1", "3")])).await;
    let jobs = Mapping::pods("jobs").query("q", r#"jobs{namespace="${namespace}"}"#);
    let leadsman = serve(Config::shop(&upstream.url()).mapping(jobs)).await;
    let at = "/scaler/v1/namespaces/shop/custom/pods";
    assert_eq!(get(&leadsman, &format!("{at}/web-1/jobs")).await.ok()["value"], json!(3.0));
    let all = get(&leadsman, &format!("{at}/*/jobs?selector=app%3Dweb")).await;
    assert_eq!(all.ok()["value"], json!(5.0));
    let root = get(&leadsman, "/scaler/v1/custom/pods/web-1/jobs").await.failure();
    root.assert_contains(&["pods live in namespaces"]);
}
