//! The first start, without a last good state.

use leadsman_tests::{Config, Folder, Leadsman, Registry, text, version};

use crate::scene::{FILE, PLUGIN, REPOSITORY, Scene, mapping, mapping_of, oci, of_registry, plain};

const NOBODY: &str = "http://127.0.0.1:9";

/// Both report the same faults, all of them, and exit with 1.
async fn refused(folder: &Folder, says: &[&str]) {
    let Err(exited) = Leadsman::launch_file(&folder.config(), &[]).await else {
        panic!("it serves")
    };
    assert_eq!(exited.status.code(), Some(1), "{}", exited.log);
    exited.assert_contains(says);
    let checked = Leadsman::check_file(&folder.config()).await;
    assert_eq!(checked.code, Some(1), "{}", checked.output);
    checked.assert_contains(says);
}

#[tokio::test]
async fn faults_of_plugins_and_mappings_are_reported_together() {
    let mut folder = Folder::plain();
    folder.put(FILE, version(1));
    folder.put("broken.wasm", text());
    let config = Config::shop(NOBODY)
        .plugin(PLUGIN, FILE)
        .plugin("broken", "broken.wasm")
        .plugin("missing", "missing.wasm")
        .mapping(mapping(600))
        .mapping(mapping_of("one", "broken", 0))
        .mapping(mapping_of("other", "missing", 0));
    folder.configure(config);
    let says = [
        "leadsman.yaml:",
        "no edition is as high",
        "broken.wasm",
        "not WebAssembly",
        "missing.wasm",
        "No such file",
        "3 faults",
    ];
    refused(&folder, &says).await;
}

#[tokio::test]
async fn an_artifact_missing_in_the_registry_is_reported() {
    let registry = Registry::start().await;
    registry.push(REPOSITORY, "1", &version(1)).await;
    let upstream = leadsman_tests::Upstream::start(crate::scene::two_pods()).await;
    let mut folder = Folder::plain();
    folder.configure(of_registry(&upstream, &registry, &oci(&registry, ":2")));
    refused(&folder, &["plugins.versioned.oci", ":2 does not exist"]).await;
    let closed = format!("oci: \"127.0.0.1:9/{REPOSITORY}:1\"");
    folder.configure(of_registry(&upstream, &registry, &closed));
    refused(&folder, &["plugins.versioned.oci", "127.0.0.1:9"]).await;

    let config = Config::shop(NOBODY)
        .plugin_from(PLUGIN, &oci(&registry, ":1"))
        .mapping(mapping(0))
        .set("registries", &plain(&registry, ", requireDigest: true"));
    folder.configure(config);
    refused(&folder, &["a digest is required", "@sha256:"]).await;
}

#[tokio::test]
async fn a_good_configuration_with_a_registry_has_no_faults() {
    let registry = Registry::start().await;
    registry.push(REPOSITORY, "1", &version(1)).await;
    let mut folder = Folder::plain();
    let config = Config::shop(NOBODY)
        .plugin_from(PLUGIN, &oci(&registry, ":1"))
        .mapping(mapping(0))
        .set("registries", &plain(&registry, ""));
    folder.configure(config);
    let checked = Leadsman::check_file(&folder.config()).await;
    assert_eq!(checked.code, Some(0), "{}", checked.output);
    checked.assert_contains(&["1 mapping, no faults"]);
}

/// A plugin that no mapping uses is reported, too.
#[tokio::test]
async fn a_broken_plugin_that_no_mapping_uses_is_reported() {
    let mut scene = Scene::of_file(Folder::plain()).await;
    scene.serves(1000.0).await;
    scene.folder.put("broken.wasm", text());
    let config = crate::scene::of_file(&scene.upstream, 1).plugin("spare", "broken.wasm");
    scene.folder.configure(config);
    scene.serves(1001.0).await;
    let rejected =
        scene.leadsman.wait_rejected("NotAPlugin", &["broken.wasm", "plugins.spare.file"]).await;
    assert_eq!(rejected.title, "plugin spare");
    scene.folder.put("broken.wasm", version(5));
    scene.accepts().await;
}
