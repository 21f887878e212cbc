//! Several addresses of one Prometheus: the first that is up is asked, and the next one when it fails.

use std::time::Duration;

use leadsman_tests::{
    Answer, Config, Exporter, Leadsman, Mapping, Prometheus, Reply, Upstream, eventually, paths,
};
use serde_json::json;

const METRIC: &str = "load";
const QUERY: &str = r#"load{namespace="${namespace}"}"#;
const SOON: Duration = Duration::from_secs(30);

/// A mapping whose values are made anew for nearly every read.
fn mapping() -> Mapping {
    Mapping::pods(METRIC).query("q", QUERY).set("maxAge", "100ms").set("deadline", "10s")
}

fn config(urls: &[String], settings: &str) -> Config {
    Config::new()
        .source("prometheus", &format!("urls: {urls:?}{settings}"))
        .mapping(mapping())
        .pods("shop", &["web-0"])
}

async fn read(leadsman: &Leadsman) -> Answer {
    leadsman.get(&paths::pods("shop", METRIC)).await
}

/// What `leadsman_source_address_…` says of an address.
async fn counted(leadsman: &Leadsman, metric: &str, url: &str, more: &[(&str, &str)]) -> f64 {
    let labels = [&[("source", "prometheus"), ("address", url)][..], more].concat();
    let name = format!("leadsman_source_address_{metric}");
    leadsman.metric(&name, &labels).await.unwrap_or_default()
}

/// Reads on, each time with success, until an address has answered more often, and is up.
async fn answers(leadsman: &Leadsman, url: &str) {
    let ok = [("outcome", "ok")];
    let before = counted(leadsman, "requests_total", url, &ok).await;
    eventually(&format!("answers of {url}"), SOON, async || {
        assert_eq!(read(leadsman).await.value(), "4");
        let now = counted(leadsman, "requests_total", url, &ok).await;
        let up = counted(leadsman, "up", url, &[]).await;
        if now > before && up == 1.0 { Ok(()) } else { Err(format!("{now}, {}", leadsman.log())) }
    })
    .await;
}

async fn is_down(leadsman: &Leadsman, url: &str) {
    assert_eq!(counted(leadsman, "up", url, &[]).await, 0.0, "{url}\n{}", leadsman.log());
    assert!(counted(leadsman, "requests_total", url, &[("outcome", "failed")]).await >= 1.0);
}

/// Two real ones that scrape the same.
#[tokio::test]
async fn values_go_on_while_a_prometheus_is_down_or_hangs() {
    let exporter = Exporter::start(r#"load{namespace="shop",pod="web-0"} 4"#).await;
    let target = exporter.url();
    let (mut first, second) =
        tokio::join!(Prometheus::scraping(&target), Prometheus::scraping(&target));
    tokio::join!(first.wait_for("load"), second.wait_for("load"));
    let (one, other) = (first.url(), second.url());
    let leadsman = Leadsman::start(config(&[one.clone(), other.clone()], ", timeout: 2s")).await;
    answers(&leadsman, &one).await;
    assert_eq!(counted(&leadsman, "requests_total", &other, &[]).await, 0.0);

    first.stop().await;
    answers(&leadsman, &other).await;
    is_down(&leadsman, &one).await;
    let status = leadsman.status().await;
    let state = status["mappings"][0]["sourceStates"]["prometheus"].as_str().unwrap_or_default();
    for text in [format!("{one} has failed for "), "cannot be reached".to_owned()] {
        assert!(state.contains(&text), "{text:?} in {status:#}");
    }
    assert!(state.contains(&format!("{other} answered ")), "{status:#}");
    assert!(leadsman.log().contains("an address of the source failed"), "{}", leadsman.log());

    first.restart().await;
    first.wait_for("load").await;
    answers(&leadsman, &one).await;
    assert!(leadsman.log().contains("an address of the source answers again"));

    first.pause().await;
    answers(&leadsman, &other).await;
    is_down(&leadsman, &one).await;
    first.resume();
    answers(&leadsman, &one).await;
    let reason = [("reason", "query_connect")];
    assert_eq!(leadsman.metric("leadsman_evaluation_failures_total", &reason).await, None);
}

fn good() -> Reply {
    Reply::pods(&[("web-0", "4")])
}

/// Two fakes, the first of which has a fault.
async fn with_fault(fault: Reply) -> (Upstream, Upstream, Leadsman) {
    let (first, second) = (Upstream::start(fault).await, Upstream::start(good()).await);
    let leadsman = Leadsman::start(config(&[first.url(), second.url()], ", timeout: 2s")).await;
    (first, second, leadsman)
}

#[tokio::test]
async fn the_next_address_answers_whatever_the_first_one_does_wrong() {
    let html = "<html><h1>Down for maintenance</h1></html>";
    for fault in [
        Reply::new(502, "text/html", html),
        Reply::new(200, "text/html", html),
        Reply::new(404, "text/plain", "404 page not found"),
        Reply::json(503, &json!({"status": "error", "errorType": "unavailable", "error": "no"})),
        good().truncated_body(),
        Reply::NoReply,
    ] {
        let (first, second, leadsman) = with_fault(fault.clone()).await;
        assert_eq!(read(&leadsman).await.value(), "4", "{fault:?}");
        assert!(first.queries() >= 1 && second.queries() >= 1, "{fault:?}");
        is_down(&leadsman, &first.url()).await;
        // It is tried again, and preferred once it is well.
        first.set_reply(good());
        answers(&leadsman, &first.url()).await;
    }
}

#[tokio::test]
async fn a_query_that_is_wrong_is_asked_once() {
    for (status, kind) in [(400, "bad_data"), (422, "execution"), (503, "timeout")] {
        let error = json!({"status": "error", "errorType": kind, "error": "it is wrong"});
        let (first, second, leadsman) = with_fault(Reply::json(status, &error)).await;
        let failure = read(&leadsman).await.failure();
        failure.assert_contains(&["refused the query", "it is wrong"]);
        assert!(first.queries() >= 1);
        assert_eq!(second.queries(), 0, "{kind}");
        assert_eq!(counted(&leadsman, "up", &first.url(), &[]).await, 1.0, "{kind}");
    }
}

#[tokio::test]
async fn what_each_address_does_is_told_when_none_answers() {
    let (mut first, second, leadsman) = with_fault(good()).await;
    assert_eq!(read(&leadsman).await.value(), "4");
    first.stop().await;
    second.set_reply(Reply::new(502, "text/plain", "no backend"));
    let failure = eventually("a failure", SOON, async || {
        let answer = read(&leadsman).await;
        if answer.status == 200 { Err(format!("{answer:#?}")) } else { Ok(answer.failure()) }
    })
    .await;
    failure.assert_contains(&[
        "the source \"prometheus\" has no address that answers",
        "the first of `urls` cannot be reached",
        "number 2 answered 502",
    ]);
    // Teams read it: no address is named.
    assert!(!failure.message.contains("127.0.0.1"), "{failure:?}");
    first.restart().await;
    eventually("a value again", SOON, async || {
        let answer = read(&leadsman).await;
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    answers(&leadsman, &first.url()).await;
}

/// Series are listed at the address that answers, too.
#[tokio::test]
async fn rules_have_series_while_the_first_address_is_down() {
    let exporter = Exporter::start(r#"load{namespace="shop",pod="web-0"} 4"#).await;
    let prometheus = Prometheus::scraping(&exporter.url()).await;
    prometheus.wait_for("load").await;
    let down = Upstream::start(Reply::new(503, "text/plain", "Service Unavailable")).await;
    let config = Config::new()
        .source("prometheus", &format!("urls: {:?}", [down.url(), prometheus.url()]))
        .set(
            "rules",
            "[{seriesQuery: load, resources: {template: <<.Resource>>}, metricsQuery: \
             'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}]",
        )
        .pods("shop", &["web-0"]);
    let leadsman = Leadsman::start(config).await;
    eventually("a value", SOON, async || {
        let answer = read(&leadsman).await;
        if answer.status == 200 { Ok(answer.value()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    let listed = |request: &leadsman_tests::Request| request.path.ends_with("/api/v1/series");
    assert!(down.requests().iter().any(listed));
    is_down(&leadsman, &down.url()).await;
}

#[tokio::test]
async fn doctor_asks_each_address() {
    let (mut first, second) = (Upstream::start(good()).await, Upstream::start(good()).await);
    let (one, other) = (first.url(), second.url());
    first.stop().await;
    let folder = tempfile::tempdir().expect("a folder");
    let text = config(&[one.clone(), other.clone()], "").to_string();
    std::fs::write(folder.path().join("leadsman.yaml"), text).expect("a file");
    let told = Leadsman::command(&["doctor", "--config", "leadsman.yaml"], folder.path()).await;
    assert_eq!(told.code, Some(0), "one that answers is enough: {}", told.output);
    told.assert_contains(&[
        &format!("?     the source \"prometheus\" at {one} cannot be reached: Connection refused"),
        "another address of it answers",
        &format!("ok    the source \"prometheus\" answers at {other}"),
    ]);
}
