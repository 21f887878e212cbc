//! What is served while a source is away.

use std::time::Duration;

use leadsman_tests::{
    Answer, Config, Exporter, Leadsman, Mapping, Prometheus, Reply, eventually, paths,
};

use super::{METRIC, QUERY, SOON, Scene, good, mapping};

/// The age in a `Warning` header, in seconds: the number before an `s`.
fn age(answer: &Answer) -> Option<f64> {
    let warning = answer.header("warning").replace(' ', "");
    let digits = |c: char| c.is_ascii_digit() || c == '.';
    let mut numbers = warning.match_indices('s').filter_map(|(end, _)| {
        let begin = warning[..end].rfind(|c| !digits(c)).map_or(0, |at| at + 1);
        warning[begin..end].parse().ok()
    });
    numbers.next()
}

#[tokio::test]
async fn the_last_good_value_is_served_up_to_its_age_and_with_it() {
    let lasting = mapping().set("maxAge", "1s").set("onError", "{lastGood: 6s}");
    let scene = Scene::with(good(), lasting, "").await;
    let fresh = scene.read().await;
    assert_eq!((fresh.values().len(), fresh.header("warning")), (2, ""));

    scene.faulty.set_reply(Reply::new(500, "text/plain", "down"));
    let old = eventually("a warning", Duration::from_secs(5), async || {
        let answer = scene.read().await;
        assert_eq!(answer.values(), fresh.values());
        assert!(answer.took < SOON);
        if answer.header("warning").is_empty() { Err(format!("{answer:#?}")) } else { Ok(answer) }
    })
    .await;
    assert!(age(&old).is_some_and(|age| age < 7.0), "{old:#?}");

    let failed = eventually("the end of its time", Duration::from_secs(12), async || {
        let answer = scene.read().await;
        if answer.status == 200 { Err(format!("{answer:#?}")) } else { Ok(answer) }
    })
    .await;
    let failure = failed.failure();
    assert!(failure.code >= 500, "{failure:?}");
    failure.assert_contains(&[METRIC, QUERY, "500"]);

    scene.faulty.set_reply(good());
    scene.recovers().await;
    assert_eq!(scene.read().await.header("warning"), "");
}

#[tokio::test]
async fn a_prometheus_that_hangs_and_recovers() {
    let exporter = Exporter::start(r#"checkouts{namespace="shop",pod="web-0"} 7"#).await;
    let mut prometheus = Prometheus::scraping(&exporter.url()).await;
    prometheus.wait_for("checkouts").await;
    let plain = Mapping::pods(METRIC).query(QUERY, r#"checkouts{namespace="${namespace}"}"#);
    let lasting = Mapping::pods("lasting").query("q", r#"checkouts{namespace="${namespace}"}"#);
    let config = Config::shop(&prometheus.url())
        .mapping(plain)
        .mapping(lasting.set("maxAge", "1s").set("onError", "{lastGood: 10m}"));
    let leadsman = Leadsman::start(config).await;
    let read = async |metric: &str| leadsman.get(&paths::pods("shop", metric)).await;
    assert_eq!(read("lasting").await.value(), "7");

    prometheus.pause().await;
    let hanging = read(METRIC).await;
    let failure = hanging.failure();
    assert!(failure.code >= 500 && failure.took < SOON, "{failure:?}");
    failure.assert_contains(&[METRIC, QUERY, "time|deadline|within|1s"]);
    eventually("a value with a warning", Duration::from_secs(10), async || {
        let answer = read("lasting").await;
        assert_eq!(answer.value(), "7");
        assert!(answer.took < SOON, "{answer:#?}");
        if answer.header("warning").is_empty() { Err(format!("{answer:#?}")) } else { Ok(()) }
    })
    .await;
    assert_eq!(leadsman.get("/readyz").await.status, 200);

    let comes_back = async || {
        eventually("a value again", Duration::from_secs(15), async || {
            let answer = read(METRIC).await;
            // A scrape missed during the hang leaves a gap until the next one.
            let has_value = answer.status == 200 && !answer.items().is_empty();
            if has_value { Ok(answer.value()) } else { Err(format!("{answer:#?}")) }
        })
        .await
    };
    prometheus.resume();
    assert_eq!(comes_back().await, "7");

    prometheus.stop().await;
    prometheus.restart().await;
    prometheus.wait_for("checkouts").await;
    assert_eq!(comes_back().await, "7");
}
