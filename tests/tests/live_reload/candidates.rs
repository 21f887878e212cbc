//! Shadow evaluations of a candidate plugin.

use std::time::Duration;

use leadsman_tests::{Config, Folder, Reply, Upstream, eventually, version};
use serde_json::Value;

use crate::scene::{FILE, METRIC, PLUGIN, Scene, mapping};

const NEXT: &str = "next.wasm";

/// The mapping with a candidate, with values that are evaluated again soon, but not before a
/// candidate is stopped after its 100 ms.
fn with_candidate(upstream: &Upstream, candidate: &str) -> Config {
    let shadowed = mapping(0).set("maxAge", "400ms").set("candidate", candidate);
    Config::shop(&upstream.url()).plugin(PLUGIN, FILE).plugin("next", NEXT).mapping(shadowed)
}

async fn scene(next: u32, candidate: &str) -> Scene {
    let mut folder = Folder::plain();
    folder.put(FILE, version(1));
    folder.put(NEXT, version(next));
    Scene::new(folder, &[], |upstream| with_candidate(upstream, candidate)).await
}

/// Waits until this many evaluations of the candidate have this outcome.
async fn tried(scene: &Scene, outcome: &str, count: u64) -> Value {
    let seen = eventually(&format!("{count} {outcome}"), Duration::from_secs(30), async || {
        scene.serves(1000.0).await;
        let candidate = scene.leadsman.mapping(METRIC).await["candidate"].clone();
        let enough = candidate[outcome].as_u64().is_some_and(|seen| seen >= count);
        if enough { Ok(candidate) } else { Err(format!("{candidate:#}")) }
    })
    .await;
    let labels = [("mapping", "pods/load"), ("outcome", outcome)];
    let counted = scene.leadsman.metric("leadsman_candidate_evaluations_total", &labels).await;
    assert!(counted.is_some_and(|counted| counted >= count as f64), "{counted:?}");
    seen
}

#[tokio::test]
async fn a_candidate_with_equal_values_is_counted_as_same() {
    let scene = scene(1, "{plugin: next}").await;
    let seen = tried(&scene, "same", 3).await;
    assert_eq!((&seen["different"], &seen["failed"]), (&0.into(), &0.into()), "{seen:#}");
    assert_eq!(seen["differences"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn a_candidate_that_differs_is_shown_and_promoted_by_an_edit() {
    let mut scene = scene(2, "{plugin: next}").await;
    let load = scene.load(100);
    let seen = tried(&scene, "different", 3).await;
    assert_eq!(seen["plugin"], "next");
    let differences = seen["differences"].as_array().expect("differences");
    assert_eq!(differences.len(), 2, "{seen:#}");
    for (difference, pod) in differences.iter().zip(["shop/web-0", "shop/web-1"]) {
        assert_eq!(difference["of"], pod);
        assert_eq!((&difference["served"], &difference["candidate"]), (&"1k".into(), &"2k".into()));
    }
    let counted = scene.leadsman.metric("leadsman_candidate_differences_total", &[]).await;
    assert!(counted.is_some_and(|counted| counted >= 6.0), "{counted:?}");

    let promoted = mapping(0).plugin("next", "");
    let config = Config::shop(&scene.upstream.url()).plugin("next", NEXT).mapping(promoted);
    scene.folder.configure(config);
    scene.serves(2000.0).await;
    assert_eq!(scene.leadsman.mapping(METRIC).await["candidate"], Value::Null);
    scene.accepts().await;
    scene.went_well(load).await;
}

#[tokio::test]
async fn another_configuration_of_the_same_plugin_may_be_the_candidate() {
    let scene = scene(1, &format!("{{plugin: {PLUGIN}, config: {{odd: web-1}}}}")).await;
    let seen = tried(&scene, "different", 2).await;
    let differences = seen["differences"].as_array().expect("differences");
    assert_eq!(differences.len(), 1, "{seen:#}");
    assert_eq!(differences[0]["of"], "shop/web-1");
    assert_eq!(differences[0]["candidate"], "1000500m");
}

#[tokio::test]
async fn a_failing_candidate_affects_no_read() {
    let hostile = std::fs::read(leadsman_tests::HOSTILE).expect("the hostile plugin");
    for (deed, says) in [("trap", "trapped"), ("loop", "stopped after"), ("fail", "as told")] {
        let candidate = format!("{{plugin: next, config: {{do: {deed}, message: as told}}}}");
        let mut folder = Folder::plain();
        folder.put(FILE, version(1));
        folder.put(NEXT, &hostile);
        let scene = Scene::new(folder, &[], |upstream| with_candidate(upstream, &candidate)).await;
        let load = scene.load(100);
        // More failures in a row than open the circuit breaker of a serving plugin.
        let seen = tried(&scene, "failed", 7).await;
        assert_eq!((&seen["same"], &seen["different"]), (&0.into(), &0.into()), "{seen:#}");
        let told = seen["lastError"].as_str().unwrap_or_default();
        assert!(told.contains(says), "{told}");
        let labels = [("mapping", "pods/load")];
        let available = scene.leadsman.metric("leadsman_mapping_available", &labels).await;
        assert_eq!(available, Some(1.0), "{deed}");
        scene.went_well(load).await;
    }
}

#[tokio::test]
async fn a_candidate_with_other_queries_is_refused() {
    let mut scene = Scene::of_file(Folder::plain()).await;
    scene.serves(1000.0).await;
    scene.folder.put(NEXT, version(2));
    scene.folder.configure(with_candidate(&scene.upstream, "{plugin: next, config: {ask: up}}"));
    let says = ["\"next\" asks for other queries", "mappings[0].candidate"];
    scene.rejects("ConfigInvalid", &says).await;
    scene.serves(1000.0).await;
    scene
        .folder
        .configure(with_candidate(&scene.upstream, "{plugin: next, config: {edition: 600}}"));
    scene.rejects("ConfigInvalid", &["candidate.config.edition", "no edition is as high"]).await;
    scene.folder.configure(with_candidate(&scene.upstream, "{plugin: next}"));
    scene.accepts().await;
    tried(&scene, "different", 1).await;
}

/// The shadow evaluation waits for an unavailable candidate; reads do not.
#[tokio::test]
async fn a_broken_candidate_is_reported_and_blocks_nothing() {
    let mut scene = Scene::of_file(Folder::plain()).await;
    scene.serves(1000.0).await;
    scene.folder.put(NEXT, leadsman_tests::text());
    scene.folder.configure(with_candidate(&scene.upstream, "{plugin: next}"));
    scene.rejects("NotAPlugin", &["not WebAssembly", NEXT]).await;
    scene.serves(1000.0).await;
    scene.folder.put(NEXT, version(2));
    scene.accepts().await;
    tried(&scene, "different", 1).await;
}

/// Changes of the source between two evaluations do not count as differences.
#[tokio::test]
async fn plugin_and_candidate_get_the_same_answers() {
    let count = std::sync::atomic::AtomicU32::new(0);
    let per_object = mapping(0)
        .plugin("per-object", "object: pod")
        .set("maxAge", "100ms")
        .set("candidate", "{plugin: per-object}");
    let scene = Scene::new(Folder::plain(), &[], |upstream| {
        Config::shop(&upstream.url()).mapping(per_object)
    })
    .await;
    scene.upstream.reply_with(move |_| {
        let next = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst).to_string();
        Reply::pods(&[("web-0", &next), ("web-1", &next)])
    });
    let seen = eventually("five of the same", Duration::from_secs(30), async || {
        assert_eq!(scene.leadsman.get(&crate::scene::path()).await.status, 200);
        let seen = scene.leadsman.mapping(METRIC).await["candidate"].clone();
        if seen["same"].as_u64() >= Some(5) { Ok(seen) } else { Err(format!("{seen:#}")) }
    })
    .await;
    assert_eq!((&seen["different"], &seen["failed"]), (&0.into(), &0.into()), "{seen:#}");
}
