//! External metrics without items.

use leadsman_tests::{Config, Leadsman, Mapping, Reply, Upstream, paths};
use serde_json::json;

use crate::{counted, sample, warns};

#[tokio::test]
async fn queries_without_series_are_named() {
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(|request| match request.promql().contains("errors") {
        true => Reply::vector(&json!([])),
        false => Reply::vector(&json!([sample(&json!({}), "20")])),
    });
    let config = Config::new()
        .prometheus("prometheus", &upstream.url())
        .mapping(Mapping::external("errors").query("q", "sum(errors)"))
        .mapping(
            Mapping::external("ratio")
                .query("n", "sum(errors)")
                .query("d", "sum(all)")
                .plugin("ratio", "numerator: n, denominator: d"),
        );
    let leadsman = Leadsman::start(config).await;
    let answer = leadsman.get(&paths::external("shop", "errors")).await;
    assert_eq!(answer.items().len(), 0);
    warns(
        &answer,
        &["external metric errors has no items", "query 'q' was answered without series"],
    );
    counted(&leadsman, "external/errors", "no_series", "\"q\" was answered without").await;
    let answer = leadsman.get(&paths::external("shop", "ratio")).await;
    assert_eq!(answer.items().len(), 0);
    warns(
        &answer,
        &["external metric ratio has no items", "query 'n' was answered without series"],
    );
}

#[tokio::test]
async fn a_selector_that_picks_no_item_is_told_with_some_items() {
    let items: Vec<_> =
        (0..5).map(|number| sample(&json!({"queue": format!("q{number}")}), "1")).collect();
    let upstream = Upstream::start(Reply::vector(&json!(items))).await;
    let config = Config::new()
        .prometheus("prometheus", &upstream.url())
        .mapping(Mapping::external("depth").query("q", "depth"));
    let leadsman = Leadsman::start(config).await;
    let path = format!("{}?labelSelector=queue%3Dnone", paths::external("shop", "depth"));
    for _ in 0..2 {
        let answer = leadsman.get(&path).await;
        assert_eq!(answer.items().len(), 0);
        let told = ["the selector queue=none picks none of 5 items", "{queue=q0}, {queue=q1}"];
        warns(&answer, &told);
        assert!(!answer.header("warning").contains("q3"), "{answer:#?}");
    }
    counted(&leadsman, "external/depth", "none_selected", "queue=none").await;
    let all = leadsman.get(&paths::external("shop", "depth")).await;
    assert_eq!((all.items().len(), all.header("warning")), (5, ""));
}

/// Nothing stands between empty braces.
#[tokio::test]
async fn an_item_without_labels_is_called_so() {
    let upstream = Upstream::start(Reply::vector(&json!([sample(&json!({}), "NaN")]))).await;
    let config = Config::new()
        .prometheus("prometheus", &upstream.url())
        .mapping(Mapping::external("depth").query("q", "depth"));
    let leadsman = Leadsman::start(config).await;
    let failure = leadsman.get(&paths::external("shop", "depth")).await.failure();
    failure.assert_contains(&["the value is NaN", "an item without labels"]);
    assert!(!failure.message.contains("{}"), "{}", failure.message);
}
