//! PromQL of all versions is taken as Prometheus takes it.

use leadsman_tests::{Config, History, Leadsman, Mapping, Reply, Upstream, paths};
use serde_json::json;

use crate::scene::{Scene, assert_values, rule, rules, template};

/// A mapping of pods with this query.
fn of_pods(metric: &str, query: &str) -> Mapping {
    Mapping::pods(metric).query("q", query)
}

#[tokio::test]
async fn raw_strings_and_functions_of_prometheus_2() {
    let history = History::new()
        .gauge(r#"level{namespace="shop",pod="web-0"}"#, 5.0)
        .gauge(r#"level{namespace="shop",pod="web-x"}"#, 6.0);
    let raw = r#"sum(<<.Series>>{<<.LabelMatchers>>,pod=~`web-\d+`}) by (<<.GroupBy>>)"#;
    let mut of_rule = rule(r#"level{namespace!="",pod!=""}"#, template(), raw);
    of_rule["name"] = json!({"as": "of_rule"});
    let smoothed = r#"holt_winters(level{namespace="${namespace}",pod="web-0"}[10m], 0.5, 0.5)"#;
    let config = Config::new()
        .mapping(of_pods(
            "mapped",
            r#"sum by (pod) (level{namespace="${namespace}",pod=~`web-\d+`})"#,
        ))
        .mapping(of_pods("smoothed", smoothed))
        .set("rules", &rules(&[of_rule]))
        .pods("shop", &["web-0", "web-x"]);
    let checked =
        Leadsman::check(config.clone().prometheus("prometheus", "http://127.0.0.1:9")).await;
    assert_eq!(checked.code, Some(0), "{}", checked.output);
    for arguments in [&[][..], &["--exact-queries"]] {
        let scene = Scene::start_with(&history, config.clone(), arguments).await;
        for metric in ["mapped", "of_rule", "smoothed"] {
            let answer = scene.leadsman.get(&paths::pods("shop", metric)).await;
            assert_values(&answer, &[("web-0", 5.0)]);
        }
    }
}

/// What the parser at hand does not know may be known to the Prometheus that is asked.
#[tokio::test]
async fn a_function_of_another_version_does_not_refuse_the_file() {
    let config = Config::shop("http://127.0.0.1:9")
        .mapping(of_pods(
            "smooth",
            r#"double_exponential_smoothing(level{namespace="${namespace}"}[10m], 0.5, 0.5)"#,
        ))
        .mapping(of_pods("newest", r#"ts_of_last_over_time(level{namespace="${namespace}"}[10m])"#))
        .mapping(of_pods("sound", r#"level{namespace="${namespace}"}"#));
    let checked = Leadsman::check(&config).await;
    assert_eq!(checked.code, Some(0), "{}", checked.output);
    Leadsman::start(&config).await;
}

#[tokio::test]
async fn names_of_labels_with_dots() {
    let upstream = Upstream::start(Reply::NoReply).await;
    let metric = json!({"k8s.pod.name": "web-0", "k8s.namespace.name": "shop"});
    upstream
        .set_reply(Reply::vector(&json!([{"metric": metric, "value": [1_695_018_199.504, "7"]}])));
    let query = r#"sum by ("k8s.pod.name") ({"queue.depth","k8s.namespace.name"="${namespace}",${selector}})"#;
    let config = Config::shop(&upstream.url()).mapping(
        Mapping::custom("depth", "pods")
            .query("q", query)
            .plugin("per-object", r#"object: "k8s.pod.name""#),
    );
    let checked = Leadsman::check(&config).await;
    assert_eq!(checked.code, Some(0), "{}", checked.output);
    let leadsman = Leadsman::start(&config).await;
    let path = paths::pods("shop", "depth");
    assert_values(&leadsman.get(&path).await, &[("web-0", 7.0)]);
    // A selector has such a key, too.
    let chosen = format!("{path}?metricLabelSelector=k8s.pod.name%3Dweb-0");
    assert_values(&leadsman.get(&chosen).await, &[("web-0", 7.0)]);
    let sent = upstream.last_request();
    assert!(sent.promql().contains(r#""k8s.pod.name"="web-0""#), "{}", sent.promql());
}

/// How a fault may tell to write a `${1}` that is not replaced.
const ESCAPES: [&str; 4] = ["$${1}", r"\${1}", r"$\{1}", "${$}{1}"];

/// `$1` and `${1}` of a replacement are not the adapter's.
#[tokio::test]
async fn groups_of_a_replacement_reach_prometheus() {
    let history = History::new()
        .gauge(r#"lag{namespace="shop",topic="orders#v2"}"#, 3.0)
        .gauge(r#"lag{namespace="shop",topic="mail#v1"}"#, 4.0);
    let query = |first: &str, second: &str| {
        let series = r#"lag{namespace="${namespace}"}"#;
        format!(
            r#"sum by (t) (label_replace({series}, "t", "{first}-v-{second}", "topic", "(.*)#v(.*)"))"#
        )
    };
    let config =
        |query: &str| Config::new().mapping(Mapping::external("lag_of_topics").query("q", query));
    let path = "namespaces/shop/lag_of_topics?labelSelector=t%3Dorders-v-2";
    let plain = Scene::start(&history, config(&query("$1", "$2"))).await;
    assert_eq!(plain.external(path).await.value(), "3");

    let braces = query("${1}", "${2}");
    let checked =
        Leadsman::check(config(&braces).prometheus("prometheus", "http://127.0.0.1:9")).await;
    let written = if checked.code == Some(0) {
        braces
    } else {
        checked.assert_contains(&["${1}"]);
        // The fault tells the way.
        let escape = ESCAPES.iter().find(|escape| checked.output.contains(**escape));
        let escape = escape.unwrap_or_else(|| panic!("no way in:\n{}", checked.output));
        query(escape, &escape.replace('1', "2"))
    };
    let scene = Scene::start(&history, config(&written)).await;
    assert_eq!(scene.external(path).await.value(), "3");
}
