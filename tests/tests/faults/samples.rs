//! Answers whose samples are no values of objects.

use std::time::Duration;

use leadsman_tests::{Reply, eventually, paths};
use serde_json::json;

use super::{METRIC, Scene};

#[tokio::test]
async fn a_native_histogram_is_not_taken_for_a_number() {
    let histogram = json!({"count": "10", "sum": "3.5", "buckets": [[0, "0.5", "1", "10"]]});
    let items = json!([{"metric": {"pod": "web-0"}, "histogram": [1_695_018_199.504, histogram]}]);
    let scene = Scene::new(Reply::vector(&items)).await;
    scene.fails_and_recovers(&["histogram"]).await;
}

#[tokio::test]
async fn a_sample_that_is_not_a_number() {
    let items = json!([{"metric": {"pod": "web-0"}, "value": [1_695_018_199.504, "many"]}]);
    let scene = Scene::new(Reply::vector(&items)).await;
    scene.fails_and_recovers(&[]).await;
}

#[tokio::test]
async fn several_series_for_one_object() {
    let scene = Scene::new(Reply::pods(&[("web-0", "1"), ("web-0", "2")])).await;
    scene.fails_and_recovers(&["web-0", "several series"]).await;
}

#[tokio::test]
async fn series_without_the_label_that_names_the_object() {
    let items = json!([{"metric": {"instance": "x"}, "value": [1_695_018_199.504, "1"]}]);
    let scene = Scene::new(Reply::vector(&items)).await;
    scene.fails_and_recovers(&["\"pod\"", "instance"]).await;
}

#[tokio::test]
async fn values_that_no_quantity_can_express() {
    for (value, word) in
        [("NaN", "NaN"), ("+Inf", "inf"), ("-Inf", "inf"), ("1e300", "large|beyond|fit")]
    {
        let scene = Scene::new(Reply::pods(&[("web-0", value), ("web-1", "2")])).await;
        // Only this object has no value.
        let answer = scene.read().await;
        assert_eq!(answer.values().into_iter().collect::<Vec<_>>(), [("web-1".into(), "2".into())]);
        let one = scene.leadsman.get(&paths::object("shop", "pods/web-0", METRIC)).await;
        one.failure().assert_contains(&[METRIC, "web-0", word]);
        // If no value is left, the reason is reported instead of "not found".
        scene.faulty.set_reply(Reply::pods(&[("web-0", value)]));
        let all = eventually("a failure", Duration::from_secs(10), async || {
            let all = scene.read().await;
            if all.status >= 400 { Ok(all) } else { Err(format!("{all:#?}")) }
        })
        .await;
        all.failure().assert_contains(&[METRIC, word]);
    }
}

#[tokio::test]
async fn no_series_is_no_value_and_never_zero() {
    let scene = Scene::new(Reply::pods(&[])).await;
    let one = scene.leadsman.get(&paths::object("shop", "pods/web-0", METRIC)).await.failure();
    assert_eq!((one.code, one.reason.as_str()), (404, "NotFound"));
    one.assert_contains(&[METRIC, "web-0"]);
    // An empty list is an error to an HPA, as a failure is.
    let all = scene.read().await;
    assert!(all.status >= 400 || all.items().is_empty(), "{all:#?}");
}
