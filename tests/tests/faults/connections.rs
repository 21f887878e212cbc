//! Connections that are refused, never made, or that break, and answers that do not come.

use std::time::Duration;

use leadsman_tests::{Config, Leadsman, Reply, Unreachable, Upstream, eventually, paths};

use super::{METRIC, QUERY, Scene, good, mapping};

#[tokio::test]
async fn a_refused_connection() {
    let mut scene = Scene::new(good()).await;
    scene.faulty.stop().await;
    scene.failure().await.assert_contains(&[METRIC, QUERY, "refused|connect"]);
    scene.faulty.restart().await;
    scene.recovers().await;
}

#[tokio::test]
async fn a_connection_without_an_answer() {
    let scene = Scene::new(Reply::NoReply).await;
    scene.fails_and_recovers(&["time|deadline|within|1s"]).await;
}

#[tokio::test]
async fn a_connection_that_is_never_made() {
    let unreachable = Unreachable::start().await;
    let config = Config::shop(&unreachable.url()).mapping(mapping().set("deadline", "10s"));
    let leadsman = Leadsman::start(config).await;
    let failure = leadsman.get(&paths::pods("shop", METRIC)).await.failure();
    assert_eq!(failure.code, 503, "{failure:?}");
    failure.assert_contains(&[METRIC, QUERY, "cannot be reached", "no connection within 3s"]);
    let reason = [("reason", "query_connect_timeout")];
    let counted = leadsman.metric("leadsman_evaluation_failures_total", &reason).await;
    assert_eq!(counted, Some(1.0));
}

#[tokio::test]
async fn a_deadline_does_not_hide_what_the_source_failed_with() {
    let upstream = Upstream::start(Reply::NoReply).await;
    let config = Config::new()
        .source("prometheus", &format!("url: {}, timeout: 400ms", upstream.url()))
        .mapping(mapping().set("deadline", "200ms"))
        .pods("shop", &["web-0"]);
    let leadsman = Leadsman::start(config).await;
    let failure = eventually("a deadline after a failure", Duration::from_secs(20), async || {
        let failure = leadsman.get(&paths::pods("shop", METRIC)).await.failure();
        let both = failure.code == 504 && failure.message.contains("failed");
        if both { Ok(failure) } else { Err(failure.message) }
    })
    .await;
    failure.assert_contains(&[METRIC, QUERY, "within 200ms", "did not answer within 400ms"]);
}

#[tokio::test]
async fn an_answer_whose_connection_breaks() {
    let scene = Scene::new(good().truncated_body()).await;
    let breaks = "connection|closed|ended|ends|end of file|incomplete|broke|body";
    scene.fails_and_recovers(&[breaks]).await;
}

#[tokio::test]
async fn a_slow_answer() {
    let scene = Scene::new(good().drip()).await;
    scene.fails_and_recovers(&["time|deadline|within|1s"]).await;
}

#[tokio::test]
async fn a_read_waits_no_longer_than_its_deadline() {
    let patient = mapping().set("deadline", "300ms");
    let scene = Scene::with(Reply::NoReply, patient, "").await;
    let failure = scene.failure().await;
    assert!(failure.took >= Duration::from_millis(250), "{failure:?}");
    assert!(failure.took < Duration::from_millis(900), "{failure:?}");
}
