//! The circuit breaker: a plugin that fails repeatedly makes only its own mapping unavailable,
//! until it works again.

use std::time::Duration;

use leadsman_tests::{Folder, Reply, Upstream, eventually, paths};

use crate::scene::{FILE, METRIC, PLUGIN, Scene, mapping_of, of_file, path, two_pods};

/// Makes the plugin fail for one of the two mappings.
fn mislead(upstream: &Upstream) {
    upstream.reply_with(|request| {
        let value = if request.promql().starts_with(METRIC) { "-1" } else { "1" };
        Reply::pods(&[("web-0", value), ("web-1", "2")])
    });
}

#[tokio::test]
async fn failures_in_a_row_open_the_circuit_breaker_of_the_mapping_only() {
    let mut scene = Scene::of_file(Folder::plain()).await;
    let beside = paths::pods("shop", "beside");
    let young = |mapping: leadsman_tests::Mapping| mapping.set("maxAge", "100ms");
    let config = leadsman_tests::Config::shop(&scene.upstream.url())
        .plugin(PLUGIN, FILE)
        .mapping(young(mapping_of(METRIC, PLUGIN, 1)))
        .mapping(young(mapping_of("beside", PLUGIN, 1)));
    scene.folder.configure(config);
    scene.serves(1001.0).await;
    let load = leadsman_tests::Load::start(scene.leadsman.api(), &beside, 50);
    let labels = [("mapping", "pods/load")];
    scene.leadsman.wait_metric("leadsman_mapping_available", &labels, 1.0).await;

    mislead(&scene.upstream);
    let failure =
        eventually("a mapping that is unavailable", Duration::from_secs(30), async || {
            let answer = scene.leadsman.get(&path()).await;
            if answer.status == 503 { Ok(answer.failure()) } else { Err(format!("{answer:#?}")) }
        })
        .await;
    println!("{}", failure.message);
    assert_eq!(failure.reason, "ServiceUnavailable");
    failure.assert_contains(&[METRIC, "5 failures in a row", "trapped", "a value below zero"]);
    scene.leadsman.wait_metric("leadsman_mapping_available", &labels, 0.0).await;
    let other = [("mapping", "pods/beside")];
    assert_eq!(scene.leadsman.metric("leadsman_mapping_available", &other).await, Some(1.0));
    let told = scene.leadsman.mapping(METRIC).await["unavailable"].to_string();
    assert!(told.contains("a value below zero"), "{told}");
    // While the circuit breaker is open, reads cause no query and no run of the plugin.
    let asked = || {
        let requests = scene.upstream.requests();
        requests.iter().filter(|request| request.promql().starts_with(METRIC)).count()
    };
    let before = asked();
    for _ in 0..50 {
        assert_eq!(scene.leadsman.get(&path()).await.status, 503);
    }
    assert!(asked() <= before + 1, "{} queries in a rest", asked() - before);

    scene.upstream.set_reply(two_pods());
    scene.serves(1001.0).await;
    scene.leadsman.wait_metric("leadsman_mapping_available", &labels, 1.0).await;
    scene.went_well(load).await;
}

/// A new version of the plugin closes the circuit breaker at once.
#[tokio::test]
async fn a_new_version_of_the_plugin_closes_the_circuit_breaker() {
    let mut scene = Scene::of_file(Folder::plain()).await;
    scene.serves(1000.0).await;
    mislead(&scene.upstream);
    scene.folder.configure(of_file(&scene.upstream, 1));
    eventually("a mapping that is unavailable", Duration::from_secs(30), async || {
        let answer = scene.leadsman.get(&path()).await;
        if answer.status == 503 { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    scene.upstream.set_reply(two_pods());
    scene.folder.put(FILE, leadsman_tests::version(2));
    scene.leadsman.wait_value_within(&path(), 2001.0, Duration::from_secs(4)).await;
}
