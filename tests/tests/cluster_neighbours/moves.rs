//! A metric moves from prometheus-adapter to Leadsman and back while it is read.

use leadsman_tests::Mapping;
use leadsman_tests::cluster::{Readers, Trust};

use super::scene::Scene;

#[tokio::test]
async fn a_metric_moves_from_prometheus_adapter_and_back_without_a_failed_read() {
    let mut scene = Scene::new("neighbours-move").await;
    let delegated = scene.config();
    // Ten times as much, so that it is seen who answers.
    let promql = r#"requests{namespace="${namespace}"} * 10"#;
    let moved = delegated.clone().mapping(Mapping::pods("requests").query("q", promql));
    let leadsman = scene.start(&delegated).await;
    let trust = scene.adapter.authority().pem();
    let registration =
        scene.adapter.register(leadsman.api().port(), Trust::Authority(&trust)).await;
    let requests = scene.requests();
    scene.wait_value(&requests, "12").await;
    let url = format!("{}{requests}", scene.plane.url());
    let root = scene.root();
    let readers = Readers::start(4, &url, || root.clone());
    for _ in 0..3 {
        readers.wait_reads(100).await;
        scene.folder.configure(&moved);
        scene.wait_value(&requests, "120").await;
        readers.wait_reads(100).await;
        scene.folder.configure(&delegated);
        scene.wait_value(&requests, "12").await;
    }
    let failures = readers.stop().await;
    assert!(failures.is_empty(), "{}: {failures:#?}", failures.len());
    registration.remove().await;
}
