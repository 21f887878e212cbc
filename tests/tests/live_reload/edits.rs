//! An edit is served without a restart.

use leadsman_tests::{Config, Folder, Registry, Reply, Upstream, paths, version};

use crate::scene::{
    FILE, PLUGIN, REPOSITORY, Scene, followed, mapping, mapping_of, oci, of_file, of_registry,
    path, plain, two_pods,
};

#[tokio::test]
async fn an_edited_mapping_is_served_and_so_is_its_reversal() {
    for folder in [Folder::plain(), Folder::mounted()] {
        let mut scene = Scene::of_file(folder).await;
        scene.serves(1000.0).await;
        let before = scene.leadsman.generation().await;
        for edition in [1, 2, 1] {
            scene.folder.configure(of_file(&scene.upstream, edition));
            scene.serves(1000.0 + f64::from(edition)).await;
        }
        let after = scene.leadsman.generation().await;
        assert_eq!(after, before + 3);
        scene.leadsman.wait_metric("leadsman_configuration_generation", &[], after as f64).await;
    }
}

#[tokio::test]
async fn an_added_mapping_is_served_and_a_removed_one_is_not() {
    let mut scene = Scene::of_file(Folder::plain()).await;
    let added = paths::pods("shop", "added");
    assert_eq!(scene.leadsman.get(&added).await.status, 404);
    let more = of_file(&scene.upstream, 0).mapping(mapping_of("added", PLUGIN, 7));
    scene.folder.configure(more);
    scene.leadsman.wait_value(&added, 1007.0).await;
    scene.folder.configure(of_file(&scene.upstream, 1));
    scene.serves(1001.0).await;
    assert_eq!(scene.leadsman.get(&added).await.status, 404);
    // None of its series is left.
    let labels = [("mapping", "pods/added")];
    assert_eq!(scene.leadsman.metric("leadsman_mapping_available", &labels).await, None);
}

#[tokio::test]
async fn a_replaced_plugin_file_is_served() {
    for folder in [Folder::plain(), Folder::mounted()] {
        let mut scene = Scene::of_file(folder).await;
        scene.serves(1000.0).await;
        let digest = scene.leadsman.mapping("load").await["pluginDigest"].clone();
        for number in [2, 3, 1] {
            scene.folder.put(FILE, version(number));
            scene.serves(f64::from(number) * 1000.0).await;
        }
        assert_eq!(scene.leadsman.mapping("load").await["pluginDigest"], digest);
    }
}

#[tokio::test]
async fn an_overwritten_plugin_file_is_served() {
    let scene = Scene::of_file(Folder::plain()).await;
    scene.folder.overwrite(FILE, version(2));
    scene.serves(2000.0).await;
}

#[tokio::test]
async fn one_swap_of_a_mounted_folder_changes_mapping_and_plugin() {
    let mut scene = Scene::of_file(Folder::mounted()).await;
    scene.serves(1000.0).await;
    let load = scene.load(100);
    let config = of_file(&scene.upstream, 5).to_string();
    scene.folder.put_all(&[(FILE, &version(2)), ("leadsman.yaml", config.as_bytes())]);
    scene.serves(2005.0).await;
    scene.went_well(load).await;
}

#[tokio::test]
async fn a_push_to_a_tag_is_served_where_the_tag_is_used_and_nowhere_else() {
    let registry = Registry::start().await;
    let first = registry.push(REPOSITORY, "1", &version(1)).await;
    let pinned = paths::pods("shop", "pinned");
    let config = |upstream: &leadsman_tests::Upstream, plugin: &str| {
        Config::shop(&upstream.url())
            .plugin_from(PLUGIN, plugin)
            .plugin_from("pinned", &oci(&registry, &format!("@{first}")))
            .mapping(mapping(0))
            .mapping(mapping_of("pinned", "pinned", 0))
            .set("registries", &plain(&registry, ""))
    };
    let tag = followed(&registry, ":1");
    let mut scene = Scene::new(Folder::plain(), &[], |upstream| config(upstream, &tag)).await;
    scene.serves(1000.0).await;
    scene.leadsman.wait_value(&pinned, 1000.0).await;
    for number in [2, 3] {
        registry.push(REPOSITORY, "1", &version(number)).await;
        scene.serves(f64::from(number) * 1000.0).await;
        scene.leadsman.wait_value(&pinned, 1000.0).await;
    }
    // The previous version is named by digest, and the tag does not move.
    scene.folder.configure(config(&scene.upstream, &oci(&registry, &format!("@{first}"))));
    scene.serves(1000.0).await;
    scene.folder.configure(config(&scene.upstream, &tag));
    scene.serves(3000.0).await;
    // Or the tag is moved back.
    registry.retag(REPOSITORY, &first, "1").await;
    scene.serves(1000.0).await;
}

#[tokio::test]
async fn an_unchanged_mapping_keeps_its_values() {
    let mut folder = Folder::plain();
    folder.put(FILE, version(1));
    let registry = Registry::start().await;
    registry.push(REPOSITORY, "1", &version(1)).await;
    // Nothing is refreshed ahead of a read, so that each query has a known cause.
    let still =
        || mapping_of("still", PLUGIN, 0).set("maxAge", "10m").set("refreshAtMostEvery", "10m");
    let tag = followed(&registry, ":1");
    let config = |upstream: &leadsman_tests::Upstream, edition| {
        of_file(upstream, edition)
            .mapping(still())
            .plugin_from("remote", &tag)
            .mapping(mapping_of("remote", "remote", edition))
            .set("registries", &plain(&registry, ""))
    };
    let mut scene = Scene::new(folder, &[], |upstream| config(upstream, 0)).await;
    let (still, remote) = (paths::pods("shop", "still"), paths::pods("shop", "remote"));
    scene.leadsman.wait_value(&still, 1000.0).await;
    let asked = || {
        let requests = scene.upstream.requests();
        requests.iter().filter(|request| request.promql().starts_with("still")).count()
    };
    assert_eq!(asked(), 1);
    for edition in 1..=3 {
        scene.folder.configure(config(&scene.upstream, edition));
        scene.serves(1000.0 + f64::from(edition)).await;
        registry.push(REPOSITORY, "1", &version(1 + edition)).await;
        let value = 1000.0 * f64::from(1 + edition) + f64::from(edition);
        scene.leadsman.wait_value(&remote, value).await;
        scene.leadsman.wait_value(&still, 1000.0).await;
    }
    assert_eq!(asked(), 1);
}

#[tokio::test]
async fn an_edited_source_is_used_from_then_on() {
    let mut scene = Scene::of_file(Folder::plain()).await;
    scene.serves(1000.0).await;
    let other = leadsman_tests::Upstream::start(two_pods()).await;
    let old = scene.upstream.queries();
    scene.folder.configure(of_file(&other, 1));
    scene.serves(1001.0).await;
    assert!(other.queries() > 0);
    let answer = scene.leadsman.get(&path()).await;
    assert_eq!(answer.values().len(), 2);
    assert!(scene.upstream.queries() <= old + 1, "the old source is asked on");
}

#[tokio::test]
async fn a_plugin_moves_from_a_file_to_a_registry() {
    let registry = Registry::start().await;
    registry.push(REPOSITORY, "2", &version(2)).await;
    let mut scene = Scene::of_file(Folder::plain()).await;
    scene.serves(1000.0).await;
    let load = scene.load(100);
    scene.folder.configure(of_registry(&scene.upstream, &registry, &followed(&registry, ":2")));
    scene.serves(2000.0).await;
    scene.went_well(load).await;
}

/// How many loads were counted: of all that a document says, and of a part of it or nothing.
async fn loads(scene: &Scene) -> [Option<f64>; 2] {
    let of = async |outcome: &str| {
        scene.leadsman.metric("leadsman_configuration_loads_total", &[("outcome", outcome)]).await
    };
    [of("ok").await, of("rejected").await]
}

#[tokio::test]
async fn a_start_and_an_edit_with_a_new_plugin_are_one_load_each() {
    let mut scene = Scene::of_file(Folder::plain()).await;
    assert_eq!(loads(&scene).await, [Some(1.0), Some(0.0)]);
    scene.folder.put("other.wasm", version(2));
    let config = of_file(&scene.upstream, 1)
        .plugin("other", "other.wasm")
        .mapping(mapping_of("added", "other", 7));
    scene.folder.configure(config);
    scene.leadsman.wait_value(&paths::pods("shop", "added"), 2007.0).await;
    assert_eq!(loads(&scene).await, [Some(2.0), Some(0.0)], "its plugin was loading, not rejected");
}

/// The registry takes the connection and says nothing, so that the plugin stays as it is for 30 s.
#[tokio::test]
async fn reads_of_what_is_being_loaded_are_told_and_counted_so() {
    let mut scene = Scene::of_file(Folder::plain()).await;
    let silent = Upstream::start(Reply::NoReply).await;
    let url = silent.url();
    let registry = url.strip_prefix("http://").expect("a URL without TLS");
    let config = of_file(&scene.upstream, 0)
        .plugin_from("slow", &format!("oci: \"{registry}/{REPOSITORY}:1\""))
        .mapping(mapping_of("added", "slow", 0))
        .set("registries", &format!("[{{prefix: \"{registry}\", plainHttp: true}}]"));
    scene.folder.configure(config);
    scene.leadsman.wait_rejected("Loading", &["plugins.slow.oci", "being loaded"]).await;
    let failure = scene.leadsman.get(&paths::pods("shop", "added")).await.failure();
    assert_eq!(failure.code, 503, "{failure:#?}");
    failure.assert_contains(&["pods/added is configured and not served yet", "being loaded"]);
    let unserved = async |reason: &str| {
        scene.leadsman.metric("leadsman_reads_unserved_total", &[("reason", reason)]).await
    };
    assert_eq!(unserved("loading").await, Some(1.0));
    assert_eq!(unserved("rejected").await, None);
    assert_eq!(loads(&scene).await, [Some(1.0), Some(0.0)], "the edit is not loaded yet");
    scene.serves(1000.0).await;
}
