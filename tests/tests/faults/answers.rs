//! Answers that are errors, no answers of Prometheus, or too large.

use leadsman_tests::{Reply, Response, Upstream};
use serde_json::json;

use super::{METRIC, QUERY, Scene, good, mapping};

#[tokio::test]
async fn a_long_error_is_cut() {
    let error = json!({
        "status": "error",
        "errorType": "execution",
        "error": "found duplicate series: ".to_owned() + &r#"{pod="x"}, "#.repeat(100_000),
    });
    let scene = Scene::new(Reply::json(422, &error)).await;
    let failure = scene.failure().await;
    assert!(failure.message.len() < 1000, "{} bytes", failure.message.len());
    failure.assert_contains(&["found duplicate series"]);
}

#[tokio::test]
async fn an_error_page() {
    for status in [500, 502] {
        let page = format!("<html><body><h1>{status} Bad day</h1></body></html>");
        let scene = Scene::new(Reply::new(status, "text/html", page)).await;
        scene.fails_and_recovers(&[&status.to_string()]).await;
    }
}

#[tokio::test]
async fn a_refusal_in_plain_text() {
    let scene = Scene::new(Reply::new(403, "text/plain", "RBAC: access denied\n")).await;
    scene.fails_and_recovers(&["403", "RBAC: access denied"]).await;
}

#[tokio::test]
async fn an_error_that_prometheus_explains() {
    let error = json!({
        "status": "error",
        "errorType": "execution",
        "error": "query processing would load too many samples into memory",
    });
    let scene = Scene::new(Reply::json(422, &error)).await;
    scene.fails_and_recovers(&["422|execution", "too many samples"]).await;
}

#[tokio::test]
async fn a_truncated_answer() {
    let scene = Scene::new(good().halved()).await;
    scene.fails_and_recovers(&["json|truncated|ended|ends|end of file|eof|incomplete"]).await;
}

#[tokio::test]
async fn an_endless_answer_is_limited() {
    let scene = Scene::new(Reply::Endless).await;
    scene.failure().await.assert_contains(&[METRIC, QUERY, "bytes|MiB|large|maxBodyBytes"]);
    let taken = scene.faulty.wait_for_disconnect().await;
    assert!(taken < 64 << 20, "{taken}");
    assert!(scene.leadsman.peak_memory() < 512 << 20);
    scene.faulty.set_reply(good());
    scene.recovers().await;
}

#[tokio::test]
async fn an_endless_answer_is_limited_as_configured() {
    let settings = ", maxBodyBytes: 65536";
    let scene = Scene::with(Reply::Endless, mapping(), settings).await;
    scene.failure().await.assert_contains(&["65536|64 KiB|maxBodyBytes"]);
    // The rest is buffered by the sockets.
    let taken = scene.faulty.wait_for_disconnect().await;
    assert!(taken < 12 << 20, "{taken}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Upstream::start(good()).await;
    let response = Response::new(302, "text/plain", "").header("Location", elsewhere.url());
    let scene = Scene::new(Reply::Complete(response)).await;
    scene.fails_and_recovers(&["302|redirect"]).await;
    assert!(elsewhere.requests().is_empty(), "{:?}", elsewhere.requests());
}

#[tokio::test]
async fn a_server_that_is_not_prometheus() {
    for (content_type, body) in [
        ("text/html", "<html>Please log in</html>"),
        ("application/json", r#"{"hello": "world"}"#),
        (
            "application/json",
            r#"{"status":"success","data":{"resultType":"vector","result":"no"}}"#,
        ),
        ("application/json", r#"{"status":"success","data":{"resultType":"tensor","result":[]}}"#),
        ("application/json", ""),
    ] {
        let scene = Scene::new(Reply::new(200, content_type, body)).await;
        scene.fails_and_recovers(&[]).await;
    }
}

#[tokio::test]
async fn warnings_fail_only_if_configured() {
    let values = [("web-0", "1"), ("web-1", "2")];
    let partial = Reply::pods_with(&values, "warnings", json!(["partial: store-3 is down"]));
    let scene = Scene::new(partial.clone()).await;
    assert_eq!(scene.read().await.values().len(), 2);

    let strict = ", failOnWarnings: true";
    let scene = Scene::with(partial, mapping(), strict).await;
    scene.fails_and_recovers(&["store-3 is down"]).await;

    let infos = Reply::pods_with(&values, "infos", json!(["the metric might not be a counter"]));
    let scene = Scene::with(infos, mapping(), strict).await;
    assert_eq!(scene.read().await.values().len(), 2);
}
