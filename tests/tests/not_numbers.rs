//! What stands for NaN and for infinite values: refused unless a policy says otherwise.

use leadsman_tests::{Answer, Config, Leadsman, Mapping, Reply, Upstream, paths};
use serde_json::json;

const METRIC: &str = "latency";

/// What a mapping of pods with this policy answers for these values.
async fn of_pods(
    values: &[(&str, &str)],
    settings: &[(&str, &str)],
) -> (Leadsman, Upstream, Answer) {
    let upstream = Upstream::start(Reply::pods(values)).await;
    let mapping = Mapping::pods(METRIC).query("q", r#"latency{namespace="${namespace}"}"#);
    let mapping = settings.iter().fold(mapping, |mapping, (key, value)| mapping.set(key, value));
    let leadsman = Leadsman::start(Config::shop(&upstream.url()).mapping(mapping)).await;
    let answer = leadsman.get(&paths::pods("shop", METRIC)).await;
    (leadsman, upstream, answer)
}

fn values(answer: &Answer) -> Vec<(String, String)> {
    answer.values().into_iter().collect()
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_stated_value_stands_for_nan_and_for_infinity() {
    for none in ["NaN", "+Inf", "-Inf"] {
        let given = [("web-0", none), ("web-1", "2")];
        let (leadsman, _upstream, answer) = of_pods(&given, &[("onNaN", "{value: 0}")]).await;
        assert_eq!(values(&answer), pairs(&[("web-0", "0"), ("web-1", "2")]), "{none}");
        let warning = answer.header("warning");
        assert!(warning.contains("NaN or infinite: 1; 0 stands for each"), "{answer:#?}");
        let one = leadsman.get(&paths::object("shop", "pods/web-0", METRIC)).await;
        assert_eq!(one.value(), "0", "{one:#?}");
        let refused = leadsman.metric("leadsman_values_refused_total", &[]).await;
        assert!(refused.is_none_or(|count| count == 0.0), "{refused:?}");
    }
    // Every pod at night.
    let idle = [("web-0", "NaN"), ("web-1", "NaN")];
    let (_, _, answer) = of_pods(&idle, &[("onNaN", "{value: 0}")]).await;
    assert_eq!(values(&answer), pairs(&[("web-0", "0"), ("web-1", "0")]));
}

#[tokio::test]
async fn what_counts_as_absent_is_left_out_with_its_reason() {
    let given = [("web-0", "NaN"), ("web-1", "2")];
    let (leadsman, _upstream, answer) = of_pods(&given, &[("onNaN", "absent")]).await;
    assert_eq!(values(&answer), pairs(&[("web-1", "2")]));
    let warning = answer.header("warning");
    assert!(warning.contains("NaN or infinite: 1; they count as absent"), "{answer:#?}");
    let one = leadsman.get(&paths::object("shop", "pods/web-0", METRIC)).await.failure();
    assert_eq!(one.code, 404, "{one:?}");
    one.assert_contains(&["NaN or infinite: 1"]);

    let default = [("onNaN", "absent"), ("onAbsent", "{default: 7}")];
    let (_, _, answer) = of_pods(&given, &default).await;
    assert_eq!(values(&answer), pairs(&[("web-0", "7"), ("web-1", "2")]));
}

/// Nothing stands for NaN unless it is stated for NaN.
#[tokio::test]
async fn a_default_for_what_is_absent_does_not_stand_for_nan() {
    let idle = [("web-0", "NaN"), ("web-1", "NaN")];
    for settings in [&[][..], &[("onAbsent", "{default: 0}")], &[("onNaN", "refuse")]] {
        let (_, _, answer) = of_pods(&idle, settings).await;
        let failure = answer.failure();
        assert_eq!(failure.code, 500, "{settings:?}: {failure:?}");
        failure.assert_contains(&["the value is NaN"]);
    }
}

#[tokio::test]
async fn what_is_beyond_a_quantity_is_refused_whatever_stands_for_nan() {
    let given = [("web-0", "1e300"), ("web-1", "2")];
    let (_, _, answer) = of_pods(&given, &[("onNaN", "{value: 0}")]).await;
    assert_eq!(values(&answer), pairs(&[("web-1", "2")]));
    assert!(answer.header("warning").contains("the largest that fits"), "{answer:#?}");
}

#[tokio::test]
async fn items_are_added_up_with_what_stands_for_those_that_are_no_numbers() {
    let item = |queue: &str, value: &str| json!({"metric": {"queue": queue}, "value": [1, value]});
    let upstream = Upstream::start(Reply::vector(&json!([item("a", "7"), item("b", "NaN")]))).await;
    let mapping = |metric: &str| Mapping::external(metric).query("q", "queue_length");
    let config = Config::new()
        .prometheus("prometheus", &upstream.url())
        .mapping(mapping("refused"))
        .mapping(mapping("zero").set("onNaN", "{value: 0}"))
        .mapping(mapping("without").set("onNaN", "absent"));
    let leadsman = Leadsman::start(config).await;
    let read = async |metric: &str| leadsman.get(&paths::external("shop", metric)).await;
    read("refused").await.failure().assert_contains(&["NaN", "added up"]);
    let of = |answer: &Answer| {
        let items = answer.items();
        let value = |item: &serde_json::Value| item["value"].as_str().map(str::to_owned);
        items.iter().filter_map(value).collect::<Vec<_>>()
    };
    let zero = read("zero").await;
    assert_eq!(of(&zero), ["7", "0"], "{zero:#?}");
    assert!(zero.header("warning").contains("as onNaN says"), "{zero:#?}");
    assert_eq!(of(&read("without").await), ["7"]);
}

/// Which reads an item that cannot be served fails is decided by its labels, and not by the text that
/// messages call it by, in which the values of labels look like others.
#[tokio::test]
async fn labels_are_what_the_plugin_said_whatever_their_values_look_like() {
    let odd = r#"a="b",{tier="gold"},tier=gold"#;
    let item =
        |labels: serde_json::Value, value: &str| json!({"metric": labels, "value": [1, value]});
    let upstream = Upstream::start(Reply::vector(&json!([
        item(json!({"queue": "low,tier=gold"}), "NaN"),
        item(json!({"queue": "high", "tier": "gold"}), "2"),
        item(json!({"queue": odd, "tier": "silver", "odd": odd}), "3"),
    ])))
    .await;
    let config = Config::new()
        .prometheus("prometheus", &upstream.url())
        .mapping(Mapping::external(METRIC).query("q", "queue_length"));
    let leadsman = Leadsman::start(config).await;
    let read = async |selector: &str| {
        let path = paths::external("shop", METRIC);
        leadsman.get(&format!("{path}?labelSelector={selector}")).await
    };
    let gold = read("tier%3Dgold").await;
    assert_eq!(gold.value(), "2", "{gold:#?}");
    let labels = json!({"queue": "high", "tier": "gold"});
    assert_eq!(gold.items()[0]["metricLabels"], labels);
    let silver = read("tier%3Dsilver").await;
    assert_eq!(silver.value(), "3", "{silver:#?}");
    let labels = json!({"queue": odd, "tier": "silver", "odd": odd});
    assert_eq!(silver.items()[0]["metricLabels"], labels);
    assert_eq!(read("odd,tier!%3Dgold").await.value(), "3");
    // The only one without the label is the one that cannot be served.
    for selector in ["!tier", "tier!%3Dgold,tier!%3Dsilver"] {
        let failure = read(selector).await.failure();
        assert_eq!(failure.code, 500, "{selector}: {failure:?}");
        failure.assert_contains(&["NaN", "{queue=low,tier=gold}"]);
    }
}

/// As prometheus-adapter has it for objects, and KEDA for its query.
#[tokio::test]
async fn the_default_for_rules_makes_an_idle_ratio_zero() {
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(|request| {
        if request.path.ends_with("/api/v1/series") {
            let series = json!([
                {"__name__": "lat_sum", "namespace": "shop", "pod": "web-0"},
                {"__name__": "lat_sum", "namespace": "shop", "pod": "web-1"}
            ]);
            Reply::json(200, &json!({"status": "success", "data": series}))
        } else {
            Reply::pods(&[("web-0", "NaN"), ("web-1", "NaN")])
        }
    });
    let rule = "[{seriesQuery: 'lat_sum{namespace!=\"\",pod!=\"\"}', \
                resources: {template: <<.Resource>>}, name: {as: lat_avg}, \
                metricsQuery: 'sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>) / \
                sum(rate(lat_count{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)'}]";
    let path = paths::pods("shop", "lat_avg");
    let config = Config::shop(&upstream.url()).set("rules", rule);
    let refusing = Leadsman::start(&config).await;
    let failure = refusing.get(&path).await.failure();
    assert_eq!(failure.code, 500, "{failure:?}");
    failure.assert_contains(&["the value is NaN"]);

    let zero = Leadsman::start(config.set("discovery", "{onNaN: {value: 0}}")).await;
    let answer = zero.get(&path).await;
    assert_eq!(values(&answer), pairs(&[("web-0", "0"), ("web-1", "0")]));
    assert!(answer.header("warning").contains("0 stands for each, as onNaN says"), "{answer:#?}");
}

/// For external metrics as for those of objects, and `absent` leaves them out.
#[tokio::test]
async fn the_default_for_rules_is_for_external_ones_and_for_infinity_too() {
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(|request| {
        if request.path.ends_with("/api/v1/series") {
            let series = json!([{"__name__": "lag", "namespace": "shop", "pod": "web-0"}]);
            Reply::json(200, &json!({"status": "success", "data": series}))
        } else {
            Reply::pods(&[("web-0", "NaN"), ("web-1", "+Inf")])
        }
    });
    let resources = "resources: {template: <<.Resource>>}";
    let query = "metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (pod)'";
    let rule = format!("[{{seriesQuery: lag, {resources}, {query}}}]");
    let config = Config::shop(&upstream.url()).set("rules", &rule).set("externalRules", &rule);
    let zero = Leadsman::start(config.clone().set("discovery", "{onNaN: {value: 0}}")).await;
    let both = zero.get(&paths::pods("shop", "lag")).await;
    assert_eq!(values(&both), pairs(&[("web-0", "0"), ("web-1", "0")]));
    let external = zero.get(&paths::external("shop", "lag")).await;
    let items = external.items();
    assert!(items.len() == 2 && items.iter().all(|item| item["value"] == "0"), "{external:#?}");
    let absent = Leadsman::start(config.set("discovery", "{onNaN: absent}")).await;
    assert_eq!(absent.get(&paths::external("shop", "lag")).await.items().len(), 0);
    assert_eq!(absent.get(&paths::pods("shop", "lag")).await.items().len(), 0);
}

#[tokio::test]
async fn policies_that_are_none_are_told_with_their_lines() {
    let mapping = |policy: &str| Mapping::external("m").query("q", "m").set("onNaN", policy);
    let config = |policy: &str| Config::shop("http://127.0.0.1:9").mapping(mapping(policy));
    for good in ["refuse", "absent", "{value: -1.5}"] {
        let checked = Leadsman::check(config(good)).await;
        assert_eq!(checked.code, Some(0), "{good}: {}", checked.output);
    }
    for (bad, says) in [("zero", "\"zero\" is not known here"), ("{value: 1e300}", "beyond")] {
        let checked = Leadsman::check(config(bad)).await;
        assert_eq!(checked.code, Some(1), "{bad}: {}", checked.output);
        checked.assert_contains(&["mappings[0].onNaN", says]);
    }
    let long = Mapping::external("m").query("q", "m").set("handover", "2h");
    let checked = Leadsman::check(Config::shop("http://127.0.0.1:9").mapping(long)).await;
    assert_eq!(checked.code, Some(1), "{}", checked.output);
    checked.assert_contains(&["mappings[0].handover", "at most 1h"]);
}
