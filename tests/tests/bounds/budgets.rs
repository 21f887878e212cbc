//! Queries and runs of plugins that take long keep those of others waiting no longer than they must.

use std::sync::Arc;
use std::time::Duration;

use leadsman_tests::{Config, HOSTILE, Leadsman, Mapping, Others, Reply, Upstream, paths};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn slow_queries_of_one_namespace_leave_room_for_those_of_another() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1")])).await;
    upstream.reply_with(|request| {
        let answer = Reply::pods(&[("web-0", "1")]);
        if request.promql().contains("busy") {
            answer.after(Duration::from_secs(25))
        } else {
            answer
        }
    });
    let settings = format!("url: {}, maxConcurrent: 4, timeout: 30s", upstream.url());
    let query = r#"depth{namespace="${namespace}",${selector}}"#;
    let config = Config::new()
        .source("prometheus", &settings)
        .mapping(Mapping::external("depth").query("q", query));
    let leadsman = Arc::new(Leadsman::start(config).await);
    let others = Others::reading(&leadsman, &paths::external("quiet", "depth")).await;
    // Each selector is a query of its own, and far more of them wait than may be under way.
    let mut reads = JoinSet::new();
    for number in 0..40 {
        let leadsman = leadsman.clone();
        reads.spawn(async move {
            let path = paths::external("busy", "depth");
            leadsman.get(&format!("{path}?labelSelector=pod%21%3Dother-{number}")).await
        });
    }
    for answer in reads.join_all().await {
        answer.failure().assert_contains(&["no value within"]);
    }
    others.were_served().await;
}

#[tokio::test]
async fn a_read_says_that_its_plugin_waits_for_a_slot() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1")])).await;
    let busy = Mapping::custom("busy", "pods")
        .query("q", r#"load{namespace="${namespace}"}"#)
        .plugin("hostile", "do: loop")
        .set("limits", "{time: 2s}");
    // More namespaces than the mapping may have runs at once.
    let cores = std::thread::available_parallelism().expect("a number of cores").get();
    let namespaces: Vec<_> = (0..cores + 2).map(|number| format!("team-{number}")).collect();
    let config = Config::shop(&upstream.url()).plugin("hostile", HOSTILE).mapping(busy);
    let config = namespaces.iter().fold(config, |config, name| config.pods(name, &["web-0"]));
    let leadsman = Arc::new(Leadsman::start(config).await);
    let mut reads = JoinSet::new();
    for namespace in namespaces {
        let leadsman = leadsman.clone();
        reads.spawn(async move { leadsman.get(&paths::pods(&namespace, "busy")).await });
    }
    let failures: Vec<_> =
        reads.join_all().await.iter().map(|answer| answer.failure().message).collect();
    assert!(failures.iter().any(|told| told.contains("waits for a slot")), "{failures:#?}");
}
