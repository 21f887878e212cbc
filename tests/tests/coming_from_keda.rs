//! What docs/coming-from-keda.md says of the keys of a Prometheus trigger.

use leadsman_tests::{
    Answer, Config, History, Leadsman, Mapping, Prometheus, Reply, Upstream, paths,
};
use serde_json::{Value, json};

/// Reads external metrics that have these settings, of a source with these, that answers this.
struct Triggers {
    upstream: Upstream,
    leadsman: Leadsman,
}

impl Triggers {
    async fn start(answer: &Value, source: &str, metrics: &[(&str, &[(&str, &str)])]) -> Self {
        let upstream = Upstream::start(Reply::vector(answer)).await;
        let source = format!("url: {}{source}", upstream.url());
        let config = Config::new().source("prometheus", &source);
        let config = metrics.iter().fold(config, |config, (metric, settings)| {
            let mapping = Mapping::external(metric).query("q", "sum(requests) by (ingress)");
            let set = |mapping: Mapping, (key, value): &(&str, &str)| mapping.set(key, value);
            config.mapping(settings.iter().fold(mapping, set))
        });
        Self { upstream, leadsman: Leadsman::start(config).await }
    }

    async fn read(&self, metric: &str) -> Answer {
        self.leadsman.get(&paths::external("shop", metric)).await
    }
}

/// One item, measured now.
fn item(value: &str) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("a time after 1970").as_secs_f64();
    json!([{"metric": {"ingress": "a"}, "value": [now, value]}])
}

#[tokio::test]
async fn an_empty_answer_is_what_on_absent_says() {
    let metrics: &[(&str, &[(&str, &str)])] = &[
        ("ignored", &[("onAbsent", "{default: 0}")]),
        ("told", &[("onAbsent", "omit")]),
        ("left", &[]),
    ];
    let triggers = Triggers::start(&json!([]), "", metrics).await;
    assert_eq!(triggers.read("ignored").await.value(), "0");
    for metric in ["told", "left"] {
        assert_eq!(triggers.read(metric).await.items(), Vec::<Value>::new(), "{metric}");
    }
}

#[tokio::test]
async fn a_negative_value_is_served_as_it_is() {
    let metrics: &[(&str, &[(&str, &str)])] =
        &[("plain", &[]), ("activated", &[("activation", "1")])];
    let triggers = Triggers::start(&item("-3"), "", metrics).await;
    assert_eq!(triggers.read("plain").await.value(), "-3");
    assert_eq!(triggers.read("activated").await.value(), "0");
}

/// KEDA is active above its threshold.
#[tokio::test]
async fn activation_is_from_its_value_on() {
    let metrics: &[(&str, &[(&str, &str)])] =
        &[("at_five", &[("activation", "5")]), ("above_five", &[("activation", "6")])];
    let triggers = Triggers::start(&item("5"), "", metrics).await;
    assert_eq!(triggers.read("at_five").await.value(), "5");
    assert_eq!(triggers.read("above_five").await.value(), "0");
}

/// `namespace`, `queryParameters` and `customHeaders`.
#[tokio::test]
async fn parameters_and_headers_of_a_trigger_are_those_of_a_source() {
    let source =
        ", queryParameters: {namespace: my-site, dedup: 'true'}, headers: {X-Client-Id: cid}";
    let triggers = Triggers::start(&item("1"), source, &[("requests", &[])]).await;
    assert_eq!(triggers.read("requests").await.value(), "1");
    let request = triggers.upstream.last_request();
    for (name, value) in [("namespace", "my-site"), ("dedup", "true")] {
        assert!(request.query.contains(&(name.to_owned(), value.to_owned())), "{request:?}");
    }
    assert_eq!(request.header("x-client-id"), Some("cid"));
}

/// While evaluations fail and nothing is kept, an autoscaler gets no zero.
#[tokio::test]
async fn a_source_that_is_down_is_never_zero() {
    let metrics: &[(&str, &[(&str, &str)])] = &[("requests", &[("onAbsent", "{default: 0}")])];
    let mut triggers = Triggers::start(&item("1"), "", metrics).await;
    triggers.upstream.stop().await;
    let failure = triggers.read("requests").await.failure();
    assert_eq!(failure.code, 503, "{failure:?}");
    failure.assert_contains(&["cannot be reached"]);
}

/// A selector that selects no item gets the default, whether it is right or has a typing error.
#[tokio::test]
async fn a_selector_that_selects_nothing_is_what_on_absent_says() {
    let metrics: &[(&str, &[(&str, &str)])] =
        &[("ignored", &[("onAbsent", "{default: 0}")]), ("told", &[])];
    let triggers = Triggers::start(&item("7"), "", metrics).await;
    let read = async |metric: &str| {
        let path = paths::external("shop", metric);
        triggers.leadsman.get(&format!("{path}?labelSelector=ingress%3Dbb")).await
    };
    let ignored = read("ignored").await;
    let items = ignored.items();
    assert_eq!((items.len(), &items[0]["value"]), (1, &json!("0")), "{ignored:#?}");
    let labels = items[0]["metricLabels"].as_object();
    assert!(labels.is_none_or(|labels| labels.is_empty()), "{ignored:#?}");
    assert_eq!(read("told").await.items(), Vec::<Value>::new());
}

/// What is no number is 0 with `onNaN`, and fails the read without it.
#[tokio::test]
async fn nan_and_infinity_are_what_on_nan_says() {
    for none in ["NaN", "+Inf"] {
        let metrics: &[(&str, &[(&str, &str)])] =
            &[("ignored", &[("onNaN", "{value: 0}")]), ("told", &[])];
        let triggers = Triggers::start(&item(none), "", metrics).await;
        assert_eq!(triggers.read("ignored").await.value(), "0");
        let failure = triggers.read("told").await.failure();
        assert_eq!(failure.code, 500, "{failure:?}");
        failure.assert_contains(&["NaN|infinite"]);
    }
}

#[tokio::test]
async fn a_negative_value_can_be_made_zero_by_the_query() {
    let prometheus = Prometheus::holding(&History::new().gauge("balance", -3.0)).await;
    let mapping = Mapping::external("balance").query("q", "clamp_min(balance, 0)");
    let config = Config::new().prometheus("prometheus", &prometheus.url()).mapping(mapping);
    let leadsman = Leadsman::start(config).await;
    assert_eq!(leadsman.get(&paths::external("shop", "balance")).await.value(), "0");
}
