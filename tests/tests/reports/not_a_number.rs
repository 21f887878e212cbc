//! A quotient of nothing by nothing: what it means is said in one place.

use leadsman_tests::{Config, History, Mapping, paths};
use serde_json::json;

use crate::scene::{SUM, Scene, assert_values, rule, rules, template};

/// Two pods without a request, as at night.
fn idle() -> History {
    let series = |name: &str, pod: &str| format!(r#"{name}{{namespace="shop",pod="{pod}"}}"#);
    ["web-0", "web-1"].iter().fold(History::new(), |history, pod| {
        history.counter(&series("took_sum", pod), 0.0).counter(&series("took_count", pod), 0.0)
    })
}

fn average() -> serde_json::Value {
    let rate = |name: &str| {
        SUM.replace(
            "<<.Series>>{<<.LabelMatchers>>}",
            &format!("rate({name}{{<<.LabelMatchers>>}}[2m])"),
        )
    };
    let query = format!("{} / {}", rate("<<.Series>>"), rate("took_count"));
    let mut average = rule(r#"took_sum{namespace!="",pod!=""}"#, template(), &query);
    average["name"] = json!({"as": "took"});
    average
}

fn shop() -> Config {
    Config::new().pods("shop", &["web-0", "web-1"]).object("namespaces", None, "shop", "")
}

/// Either it is 0 as with prometheus-adapter, or it is said to be NaN: never just missing.
#[tokio::test]
async fn a_rule_whose_values_are_all_nan_says_so() {
    let scene = Scene::start(&idle(), shop().set("rules", &rules(&[average()]))).await;
    for path in ["namespaces/shop/pods/*/took", "namespaces/shop/metrics/took"] {
        let answer = scene.custom(path).await;
        match answer.status {
            200 => {
                let values = answer.values();
                assert!(!values.is_empty(), "{answer:#?}");
                assert!(values.values().all(|value| value == "0"), "{answer:#?}");
            }
            _ => {
                answer.failure().assert_contains(&["took", "NaN"]);
            }
        }
    }
}

/// An idle application is at 0 if the operator says so, for rules and for mappings.
#[tokio::test]
async fn idle_can_mean_zero() {
    let rate =
        |name: &str| format!(r#"sum by (pod) (rate({name}{{namespace="${{namespace}}"}}[2m]))"#);
    let query = format!("{} / {}", rate("took_sum"), rate("took_count"));
    let mapped = Mapping::pods("mapped").query("q", &query).set("onNaN", "{value: 0}");
    let strict = Mapping::pods("strict").query("q", &query);
    let config = shop()
        .mapping(mapped)
        .mapping(strict)
        .set("rules", &rules(&[average()]))
        .set("discovery", "{onNaN: {value: 0}}");
    let scene = Scene::start(&idle(), config).await;
    for metric in ["mapped", "took"] {
        let answer = scene.leadsman.get(&paths::pods("shop", metric)).await;
        assert_values(&answer, &[("web-0", 0.0), ("web-1", 0.0)]);
    }
    let strict = scene.leadsman.get(&paths::pods("shop", "strict")).await.failure();
    strict.assert_contains(&["strict", "NaN"]);
}
