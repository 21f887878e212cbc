//! Rules of prometheus-adapter on the wire: which queries are sent, how often, and what is served
//! while Prometheus fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use leadsman_tests::{Config, Leadsman, Reply, Request, Upstream, eventually, paths};
use serde_json::{Value, json};

const TIMEOUT: Duration = Duration::from_secs(20);

/// A rule for these series that sums by object.
fn rule(series: &str) -> String {
    format!(
        "{{seriesQuery: '{series}', \
          resources: {{overrides: {{namespace: {{resource: namespace}}, pod: {{resource: pods}}}}}}, \
          metricsQuery: 'sum(<<.Series>>{{<<.LabelMatchers>>}}) by (<<.GroupBy>>)'}}"
    )
}

fn config(upstream: &Upstream, rules: &[String]) -> Config {
    Config::shop(&upstream.url())
        .set("discovery", "{interval: 1s}")
        .set("rules", &format!("[{}]", rules.join(", ")))
}

fn series(names: &[&str]) -> Reply {
    let series: Vec<Value> = names
        .iter()
        .map(|name| json!({"__name__": name, "namespace": "shop", "pod": "web-0"}))
        .collect();
    Reply::json(200, &json!({"status": "success", "data": series}))
}

fn is_list(request: &Request) -> bool {
    request.path.ends_with("/api/v1/series")
}

/// A source that lists these series and has a value for each pod.
fn answer(upstream: &Upstream, names: &'static [&'static str]) {
    upstream.reply_with(move |request| {
        if is_list(request) {
            series(names)
        } else {
            Reply::pods(&[("web-0", "1"), ("web-1", "2")])
        }
    });
}

/// The metrics of pods in discovery.
async fn offered(leadsman: &Leadsman) -> Vec<String> {
    let list = leadsman.get("/apis/custom.metrics.k8s.io/v1beta2").await.json();
    let resources = list["resources"].as_array().cloned().unwrap_or_default();
    let names = resources.iter().filter_map(|resource| resource["name"].as_str());
    names.filter_map(|name| name.strip_prefix("pods/").map(str::to_owned)).collect()
}

async fn wait_offered(leadsman: &Leadsman, names: &[&str]) {
    eventually(&format!("the metrics {names:?}"), TIMEOUT, async || {
        let offered = offered(leadsman).await;
        if offered == names { Ok(()) } else { Err(format!("{offered:?}")) }
    })
    .await;
}

fn queries(upstream: &Upstream) -> Vec<String> {
    let requests = upstream.requests();
    requests.iter().filter(|request| !is_list(request)).map(|r| r.promql().to_owned()).collect()
}

/// A query that is not widened has the name of the object in it, whether there is such an object or
/// not.
#[tokio::test]
async fn names_that_no_object_has_reach_no_query() {
    let upstream = Upstream::start(series(&[])).await;
    answer(&upstream, &["latency"]);
    let exact = "{seriesQuery: latency, \
                  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pods}}}, \
                  metricsQuery: 'quantile(0.9, <<.Series>>{<<.LabelMatchers>>})'}";
    let leadsman = Leadsman::start(config(&upstream, &[exact.to_owned()])).await;
    assert_eq!(offered(&leadsman).await, ["latency"]);
    for name in ["x%22%7D)%20or%20secret%7Bnamespace%3D%22bank%22%7D%20%23", "a%2Fb", "a%0A"] {
        let answer = leadsman.get(&paths::object("shop", &format!("pods/{name}"), "latency")).await;
        let failure = answer.failure();
        assert!([400, 404].contains(&failure.code), "{name}: {failure:#?}");
    }
    assert!(queries(&upstream).is_empty(), "{:?}", queries(&upstream));
    leadsman.get(&paths::object("shop", "pods/web-0", "latency")).await.ok();
    let of_one = r#"quantile(0.9, latency{namespace="shop",pod="web-0"})"#;
    assert_eq!(queries(&upstream), [of_one]);
}

#[tokio::test]
async fn one_query_of_a_namespace_answers_all_its_reads() {
    let upstream = Upstream::start(series(&[])).await;
    answer(&upstream, &["requests"]);
    let leadsman = Leadsman::start(config(&upstream, &[rule("requests")])).await;
    assert_eq!(offered(&leadsman).await, ["requests"]);
    assert!(queries(&upstream).is_empty(), "nothing was read yet");
    let path = paths::pods("shop", "requests");
    let one = paths::object("shop", "pods/web-1", "requests");
    for path in [&path, &one, &format!("{path}?labelSelector=app%3Dweb"), &path] {
        leadsman.get(path).await.values();
    }
    let all = r#"sum(requests{namespace="shop"}) by (pod)"#;
    assert_eq!(queries(&upstream), [all]);
    // Another selection of series is another query.
    leadsman.get(&format!("{path}?metricLabelSelector=code%3D200")).await.values();
    let chosen = r#"sum(requests{code="200",namespace="shop"}) by (pod)"#;
    assert_eq!(queries(&upstream), [all, chosen]);
}

#[tokio::test]
async fn each_read_is_its_own_query_if_configured() {
    let upstream = Upstream::start(series(&[])).await;
    answer(&upstream, &["requests"]);
    let config = config(&upstream, &[rule("requests")]);
    let leadsman = Leadsman::start_with(config, &["--exact-queries"]).await;
    let path = paths::pods("shop", "requests");
    assert_eq!(leadsman.get(&path).await.values().len(), 2);
    let one = paths::object("shop", "pods/web-1", "requests");
    assert_eq!(leadsman.get(&one).await.values().len(), 1);
    assert_eq!(
        queries(&upstream),
        [
            r#"sum(requests{namespace="shop",pod=~"web-0|web-1"}) by (pod)"#,
            r#"sum(requests{namespace="shop",pod="web-1"}) by (pod)"#,
        ]
    );
}

#[tokio::test]
async fn one_list_serves_all_rules_for_the_same_series() {
    let upstream = Upstream::start(series(&[])).await;
    answer(&upstream, &["a_total", "b"]);
    let same = "{namespace!=\"\"}";
    let counters =
        rule(same).replace("metricsQuery", "name: {matches: ^(.*)_total$}, metricsQuery");
    let config = Config::shop(&upstream.url())
        .set("discovery", "{interval: 1h}")
        .set("rules", &format!("[{}, {counters}]", rule(same)));
    let leadsman = Leadsman::start(config).await;
    assert_eq!(offered(&leadsman).await, ["a", "a_total", "b"]);
    let lists: Vec<_> = upstream.requests().into_iter().filter(is_list).collect();
    assert_eq!(lists.len(), 1);
    assert_eq!(lists[0].parameter("match[]"), Some(same));
    let start: f64 = lists[0].parameter("start").and_then(|start| start.parse().ok()).unwrap();
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_secs_f64();
    assert!((3500.0..3700.0).contains(&(now - start)), "an hour ago: {}", now - start);
}

#[tokio::test]
async fn a_failing_list_affects_no_other_and_removes_nothing() {
    let upstream = Upstream::start(series(&[])).await;
    let broken = Arc::new(AtomicUsize::new(0));
    let fails = broken.clone();
    upstream.reply_with(move |request| match request.parameter("match[]") {
        Some("bad") => Reply::json(400, &json!({"status": "error", "error": "no such thing"})),
        Some("good") => match fails.load(Ordering::SeqCst) {
            0 => series(&["good"]),
            1 => Reply::new(503, "text/plain", "down"),
            2 => series(&["good"]).halved(),
            _ => series(&["good", "better"]),
        },
        _ => Reply::pods(&[("web-0", "1")]),
    });
    let leadsman = Leadsman::start(config(&upstream, &[rule("bad"), rule("good")])).await;
    assert_eq!(offered(&leadsman).await, ["good"]);
    let status = leadsman.status().await.to_string();
    assert!(status.contains("no such thing") && status.contains("SeriesUnavailable"), "{status}");
    for fault in [1, 2] {
        let lists = upstream.requests().len();
        broken.store(fault, Ordering::SeqCst);
        upstream.wait_for_requests(lists + 6).await;
        assert_eq!(offered(&leadsman).await, ["good"], "{fault}");
        leadsman.get(&paths::pods("shop", "good")).await.values();
    }
    broken.store(3, Ordering::SeqCst);
    wait_offered(&leadsman, &["better", "good"]).await;
}

#[tokio::test]
async fn a_shrinking_list_removes_nothing_at_once() {
    let upstream = Upstream::start(series(&[])).await;
    answer(&upstream, &["a", "b"]);
    let leadsman = Leadsman::start(config(&upstream, &[rule("x")])).await;
    assert_eq!(offered(&leadsman).await, ["a", "b"]);
    answer(&upstream, &["b"]);
    let lists = upstream.requests().len();
    upstream.wait_for_requests(lists + 2).await;
    assert_eq!(offered(&leadsman).await, ["a", "b"], "one list is no proof");
    wait_offered(&leadsman, &["b"]).await;
}

#[tokio::test]
async fn an_external_metric_is_served_whole_or_not_at_all() {
    let upstream = Upstream::start(series(&[])).await;
    let item = |queue: &str, value: &str| json!({"metric": {"__name__": "q", "queue": queue}, "value": [1, value]});
    let items = json!([item("a", "7"), item("b", "NaN")]);
    upstream.reply_with(
        move |request| {
            if is_list(request) { series(&["q"]) } else { Reply::vector(&items) }
        },
    );
    let rule = "[{seriesQuery: q, metricsQuery: '<<.Series>>{<<.LabelMatchers>>}', \
                 resources: {namespaced: false}}]";
    let config = Config::shop(&upstream.url()).set("externalRules", rule);
    let leadsman = Leadsman::start(config).await;
    // Items are added up: without the NaN item the sum would be wrong.
    let failure = leadsman.get(&paths::external("shop", "q")).await.failure();
    assert_eq!(failure.code, 500);
    for part in ["is NaN", "queue=b", "added up"] {
        assert!(failure.message.contains(part), "{part}: {}", failure.message);
    }
}

#[tokio::test]
async fn disagreeing_series_leave_their_object_out() {
    let upstream = Upstream::start(series(&[])).await;
    answer(&upstream, &["requests"]);
    let plain = rule("requests").replace("sum(", "").replace(") by (<<.GroupBy>>)", "");
    let leadsman = Leadsman::start(config(&upstream, &[plain])).await;
    upstream.reply_with(|request| {
        if is_list(request) {
            series(&["requests"])
        } else {
            Reply::pods(&[("web-0", "1"), ("web-1", "2"), ("web-1", "3"), ("web-0", "1")])
        }
    });
    let list = leadsman.get(&paths::pods("shop", "requests")).await;
    assert_eq!(list.values().len(), 1, "{list:?}");
    assert!(leadsman.log().contains("do not agree"), "{}", leadsman.log());
}
