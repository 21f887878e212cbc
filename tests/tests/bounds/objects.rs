//! What plugins are told of the objects is bounded.

use leadsman_tests::{
    Config, HOSTILE, Leadsman, Mapping, Others, Reply, Upstream, parse_quantity, paths,
};

const OBJECTS: usize = 2000;
const KEYS: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn labels_without_end_are_refused_and_the_reason_is_told() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1")])).await;
    let counted = |metric: &str, deed: &str| {
        let mapping =
            Mapping::custom(metric, "pods").query("q", r#"load{namespace="${namespace}"}"#);
        mapping.plugin("hostile", deed).set("limits", "{time: 2s}")
    };
    let config = Config::new()
        .prometheus("prometheus", &upstream.url())
        .plugin("hostile", HOSTILE)
        .mapping(counted("all", "do: count-objects"))
        .mapping(counted("one", r#"do: count-objects, labels: ["key-1-7"]"#))
        .mapping(Mapping::external("depth").query("q", "depth"));
    // Each label of each object has a key of its own.
    let config = (0..OBJECTS).fold(config, |config, object| {
        let labels: Vec<_> = (0..KEYS).map(|key| format!("key-{object}-{key}: x")).collect();
        config.object("pods", Some("shop"), &format!("pod-{object}"), &labels.join(", "))
    });
    let leadsman = Leadsman::start(config).await;
    let others = Others::reading(&leadsman, &paths::external("quiet", "depth")).await;
    let before = leadsman.peak_memory();
    let refused = leadsman.get(&paths::pods("shop", "all")).await.failure();
    refused.assert_contains(&["256 different keys", "let the plugin ask for the labels"]);
    let grown = leadsman.peak_memory().saturating_sub(before);
    assert!(grown < 64 << 20, "{} MiB", grown >> 20);
    // A plugin that says what it needs works.
    let served = leadsman.get(&paths::pods("shop", "one")).await.values();
    assert_eq!(served.len(), OBJECTS);
    assert_eq!(parse_quantity(&served["pod-1"]), 2000.0);
    others.were_served().await;
}
