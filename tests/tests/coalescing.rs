//! The number of queries to a source: one per evaluation in use, independent of its readers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use leadsman_tests::{Answer, Config, Leadsman, Mapping, Reply, Upstream, eventually, paths};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

const METRIC: &str = "load";
const PACE: Duration = Duration::from_secs(1);

fn mapping() -> Mapping {
    Mapping::pods(METRIC).query("q", r#"load{namespace="${namespace}"}"#)
}

fn good() -> Reply {
    Reply::pods(&[("web-0", "1"), ("web-1", "2")])
}

async fn start(upstream: &Upstream) -> Arc<Leadsman> {
    Arc::new(Leadsman::start(Config::shop(&upstream.url()).mapping(mapping())).await)
}

async fn all_at_once(leadsman: &Arc<Leadsman>, paths: Vec<String>) -> Vec<Answer> {
    let mut reads = JoinSet::new();
    for path in paths {
        let leadsman = leadsman.clone();
        reads.spawn(async move { leadsman.get(&path).await });
    }
    reads.join_all().await
}

/// Reads repeatedly at a fixed rate.
async fn steadily(leadsman: &Leadsman, reads: usize, mut each: impl FnMut(Answer)) {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..reads {
        pace.tick().await;
        each(leadsman.get(&paths::pods("shop", METRIC)).await);
    }
}

#[tokio::test]
async fn a_hundred_first_reads_are_one_query() {
    let upstream = Upstream::start(good().after(Duration::from_millis(200))).await;
    let leadsman = start(&upstream).await;
    assert_eq!(upstream.queries(), 0, "nothing was read yet");
    let answers = all_at_once(&leadsman, vec![paths::pods("shop", METRIC); 100]).await;
    assert!(answers.iter().all(|answer| answer.values().len() == 2));
    assert_eq!(upstream.queries(), 1);
}

#[tokio::test]
async fn a_hundred_reads_of_a_failing_source_are_one_query() {
    let down = Reply::new(500, "text/plain", "down").after(Duration::from_millis(200));
    let upstream = Upstream::start(down).await;
    let leadsman = start(&upstream).await;
    let answers = all_at_once(&leadsman, vec![paths::pods("shop", METRIC); 100]).await;
    assert!(answers.iter().all(|answer| answer.failure().code >= 500));
    assert_eq!(upstream.queries(), 1);
}

#[tokio::test]
async fn workloads_of_one_namespace_share_a_query() {
    let items: Vec<_> = (0..20)
        .map(|app| json!({"metric": {"pod": format!("app{app}-0")}, "value": [1, "1"]}))
        .collect();
    let upstream = Upstream::start(Reply::vector(&json!(items))).await;
    let config = (0..20).fold(
        Config::new().prometheus("prometheus", &upstream.url()).mapping(mapping()),
        |config, app| config.pods("shop", &[&format!("app{app}-0")]),
    );
    let leadsman = Arc::new(Leadsman::start(config).await);
    let path = |app| format!("{}?labelSelector=app%3Dapp{app}", paths::pods("shop", METRIC));
    let answers = all_at_once(&leadsman, (0..20).map(path).collect()).await;
    let mut pods: Vec<_> = answers.iter().flat_map(|answer| answer.values().into_keys()).collect();
    pods.sort();
    pods.dedup();
    assert_eq!((answers.len(), pods.len()), (20, 20));
    assert_eq!(upstream.queries(), 1);
}

#[tokio::test]
async fn one_cluster_wide_query_serves_all_namespaces() {
    let items: Vec<_> = (0..10)
        .map(|team| {
            let metric = json!({"namespace": format!("team-{team}"), "pod": "web-0"});
            json!({"metric": metric, "value": [1, team.to_string()]})
        })
        .collect();
    let upstream = Upstream::start(Reply::vector(&json!(items))).await;
    let mapping = Mapping::pods(METRIC).query("q", "sum by (namespace, pod) (load)");
    let config = (0..10).fold(
        Config::new().prometheus("prometheus", &upstream.url()).mapping(mapping),
        |config, team| config.pods(&format!("team-{team}"), &["web-0"]),
    );
    let leadsman = Arc::new(Leadsman::start(config).await);
    let path = |team| paths::pods(&format!("team-{team}"), METRIC);
    let answers = all_at_once(&leadsman, (0..10).map(path).collect()).await;
    for answer in &answers {
        let value = answer.value();
        assert!(answer.url.contains(&format!("team-{value}/")), "{answer:#?}");
    }
    assert_eq!(upstream.queries(), 1);
}

#[tokio::test]
async fn namespaces_with_a_query_each_are_not_mixed_up() {
    let upstream = Upstream::start(good()).await;
    upstream.reply_with(|request| {
        let value = if request.promql().contains("\"shop\"") { "1" } else { "2" };
        Reply::pods(&[("web-0", value)])
    });
    let config = Config::shop(&upstream.url()).mapping(mapping()).pods("bank", &["web-0"]);
    let leadsman = Arc::new(Leadsman::start(config).await);
    let paths = ["shop", "bank"].map(|namespace| paths::pods(namespace, METRIC));
    for answer in all_at_once(&leadsman, [paths.clone(), paths].concat()).await {
        let expected = if answer.url.contains("/shop/") { "1" } else { "2" };
        assert_eq!(answer.value(), expected, "{answer:#?}");
    }
    assert_eq!(upstream.queries(), 2);
}

#[tokio::test]
async fn steady_reads_cause_at_most_one_query_each_and_none_when_they_end() {
    let upstream = Upstream::start(good()).await;
    let leadsman = start(&upstream).await;
    let mut reads = 0;
    steadily(&leadsman, 8, |answer| {
        reads += 1;
        assert_eq!(answer.values().len(), 2);
        let queries = upstream.queries();
        assert!(queries <= reads + 1, "{queries} queries for {reads} reads");
    })
    .await;
    // An evaluation that still expects a reader is refreshed within a few intervals, and then no
    // more.
    let mut last = upstream.queries();
    let mut since = Instant::now();
    eventually("quiet", PACE * 20, async || {
        let queries = upstream.queries();
        if queries != last {
            (last, since) = (queries, Instant::now());
        }
        if since.elapsed() >= PACE * 5 { Ok(()) } else { Err(format!("{queries} queries")) }
    })
    .await;
    assert!(last <= reads + 1, "{last} queries for {reads} reads");
}

/// A value as old as the read before the last has not been refreshed.
#[tokio::test]
async fn steady_reads_are_answered_at_once_and_with_fresh_values() {
    let begin = Instant::now();
    let slow = Duration::from_millis(300);
    let upstream = Upstream::start(good()).await;
    upstream.reply_with(move |_| {
        let now = begin.elapsed().as_millis().to_string();
        Reply::pods(&[("web-0", &now)]).after(slow)
    });
    let followed = mapping().set("refreshAtMostEvery", "1s");
    let leadsman = Leadsman::start(Config::shop(&upstream.url()).mapping(followed)).await;
    let mut reads = 0;
    steadily(&leadsman, 10, |answer| {
        reads += 1;
        if reads <= 4 {
            return;
        }
        let value = answer.value();
        let (number, factor) = match value.strip_suffix('k') {
            Some(thousands) => (thousands, 1000),
            None => (value.as_str(), 1),
        };
        let measured = number.parse::<u64>().expect("a number") * factor;
        let age = begin.elapsed().saturating_sub(Duration::from_millis(measured));
        assert!(age < PACE * 2 + slow, "read {reads}: {age:?} old");
        assert!(answer.took < slow, "read {reads}: {answer:#?}");
    })
    .await;
}

#[tokio::test]
async fn a_client_that_leaves_does_not_stop_the_evaluation_for_others() {
    let upstream = Upstream::start(good().after(Duration::from_millis(600))).await;
    let leadsman = start(&upstream).await;
    let (one, other) = (leadsman.clone(), leadsman.clone());
    let (mut leaving, mut staying) = (JoinSet::new(), JoinSet::new());
    leaving.spawn(async move { one.get(&paths::pods("shop", METRIC)).await });
    upstream.wait_for_requests(1).await;
    staying.spawn(async move { other.get(&paths::pods("shop", METRIC)).await });
    // Long enough for the second read to arrive, and well before the answer.
    sleep(Duration::from_millis(150)).await;
    leaving.shutdown().await;
    let answers = staying.join_all().await;
    assert_eq!(answers[0].values().len(), 2);
    assert_eq!(upstream.queries(), 1);
}

/// `maxAge` applies to stored values, not to those that a read waited for.
#[tokio::test]
async fn a_query_slower_than_max_age_still_answers() {
    let upstream = Upstream::start(good().after(Duration::from_millis(300))).await;
    let mapping = mapping().set("maxAge", "100ms");
    let leadsman = Leadsman::start(Config::shop(&upstream.url()).mapping(mapping)).await;
    for _ in 0..3 {
        let answer = leadsman.get(&paths::pods("shop", METRIC)).await;
        assert_eq!(answer.values().len(), 2);
    }
    let queries = upstream.queries();
    assert!(queries <= 4, "{queries} queries");
}
