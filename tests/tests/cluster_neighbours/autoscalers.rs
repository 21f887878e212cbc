//! Autoscalers of both adapters on one API group.

use leadsman_tests::cluster::{Hpa, Metric, Trust, Workload};
use leadsman_tests::paths;

use super::scene::Scene;

#[tokio::test]
async fn autoscalers_of_both_adapters_work_at_once_on_one_group() {
    let mut scene = Scene::new("neighbours-hpa").await;
    let admin = scene.plane.admin();
    let worker = Workload::deployment(&admin, scene.namespace, "worker", 1).await;
    let series = format!("jobs{{namespace=\"{}\",pod=\"worker-0\"}}", scene.namespace);
    scene.traffic.set(&series, 20.0);
    let config = scene.config();
    let leadsman = scene.start(&config).await;
    let trust = scene.adapter.authority().pem();
    let registration =
        scene.adapter.register(leadsman.api().port(), Trust::Authority(&trust)).await;
    // One is prometheus-adapter's: 12 requests, 4 for each pod.
    let theirs = Hpa::create(&admin, &scene.web, 1..=5, &[Metric::pods("requests", "4")]).await;
    // One is ours: 20 jobs, 10 for each pod.
    let ours = Hpa::create(&admin, &worker, 1..=5, &[Metric::pods("jobs", "10")]).await;
    theirs.wait_desired(3).await;
    ours.wait_desired(2).await;
    // An external one of prometheus-adapter, too.
    let depth = scene.read(&paths::external(scene.namespace, "queue_depth")).await;
    assert_eq!(depth.value(), "5");
    // And the load ends.
    let series = format!("requests{{namespace=\"{}\",pod=\"web-0\"}}", scene.namespace);
    scene.traffic.set(&series, 0.0);
    theirs.wait_desired(1).await;
    let discovered = scene.read(paths::CUSTOM_V2).await.body;
    for metric in ["pods/requests", "pods/jobs"] {
        assert!(discovered.contains(metric), "{metric} in {discovered}");
    }
    registration.remove().await;
}
