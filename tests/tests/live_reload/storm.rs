//! Many reloads under load.

use std::time::Instant;

use leadsman_tests::{
    Config, Folder, Load, Registry, Upstream, assert_monotonic, paths, percentile, version,
};

use crate::scene::{FILE, PLUGIN, REPOSITORY, Scene, followed, mapping, mapping_of, path, plain};

/// Edits of mappings after each new version of a plugin.
const EDITS: u32 = 10;
/// New versions in the file, and in the registry.
const VERSIONS: u32 = 10;

/// A value identifies the version of the plugin and the edition of the mapping.
fn value(version: u32, edition: u32) -> f64 {
    f64::from(version * 1000 + edition)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_reloads_under_a_thousand_reads_a_second_lose_no_read() {
    let begun = Instant::now();
    let registry = Registry::start().await;
    registry.push(REPOSITORY, "1", &version(1)).await;
    let tag = followed(&registry, ":1");
    let config = |upstream: &Upstream, edition| {
        Config::shop(&upstream.url())
            .plugin(PLUGIN, FILE)
            .plugin_from("remote", &tag)
            .mapping(mapping(edition))
            .mapping(mapping_of("remote", "remote", edition))
            .set("registries", &plain(&registry, ""))
    };
    let mut folder = Folder::mounted();
    folder.put(FILE, version(1));
    let mut scene = Scene::new(folder, &[], |upstream| config(upstream, 0)).await;
    let remote = paths::pods("shop", "remote");
    scene.serves(1000.0).await;
    scene.leadsman.wait_value(&remote, 1000.0).await;
    let first = scene.leadsman.generation().await;

    let load = scene.load(500);
    let load_of_remote = Load::start(scene.leadsman.api(), &remote, 500);
    let mut edition = 0;
    for number in 2..2 + VERSIONS {
        // Both at once: the registry's is found when the tag is resolved next.
        registry.push(REPOSITORY, "1", &version(number)).await;
        scene.folder.put(FILE, version(number));
        scene.serves(value(number, edition)).await;
        scene.leadsman.wait_value(&remote, value(number, edition)).await;
        for _ in 0..EDITS {
            edition += 1;
            scene.folder.configure(config(&scene.upstream, edition));
            scene.serves(value(number, edition)).await;
            scene.leadsman.wait_value(&remote, value(number, edition)).await;
        }
    }
    for (what, load) in [(path(), load), (remote, load_of_remote)] {
        load.wait_reads(100).await;
        let reads = load.stop().await;
        assert_monotonic(&reads);
        let last = value(1 + VERSIONS, edition);
        assert_eq!(reads.last().map(leadsman_tests::Read::value), Some(last));
        let (p50, p99) = (percentile(&reads, 50), percentile(&reads, 99));
        println!("{what}: {} reads, p50 {p50:?}, p99 {p99:?}", reads.len());
    }
    let changes = VERSIONS * (2 + EDITS);
    let generations = scene.leadsman.generation().await - first;
    println!("{changes} changes, {generations} generations, {:?}", begun.elapsed());
    // The changes of both plugins may have been noticed together, and each is served once.
    assert!(generations >= u64::from(changes - VERSIONS), "{generations} generations");
    assert!(generations <= u64::from(changes), "{generations} generations");
    let peak = scene.leadsman.peak_memory() >> 20;
    assert!(peak < 512, "{peak} MiB");
}
