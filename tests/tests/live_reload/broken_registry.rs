//! A good plugin from a registry, then every fault of a registry, one after another: the last good
//! version keeps being served, the fault is reported, and the correction is served.

use leadsman_tests::registry::{MANIFEST, Setup};
use leadsman_tests::{
    Authority, Config, Folder, Registry, Upstream, text, truncated, version, version_padded,
};
use serde_json::json;

use crate::scene::{METRIC, PLUGIN, REPOSITORY, Scene, followed, mapping, oci, of_registry, plain};

/// A plugin from a registry, at a tag that moves.
struct Remote {
    scene: Scene,
    registry: Registry,
    number: u32,
}

impl Remote {
    async fn new() -> Self {
        let registry = Registry::start().await;
        registry.push(REPOSITORY, "1", &version(1)).await;
        let tag = followed(&registry, ":1");
        let config = |upstream: &Upstream| of_registry(upstream, &registry, &tag);
        let scene = Scene::new(Folder::plain(), &[], config).await;
        scene.serves(1000.0).await;
        Self { scene, registry, number: 1 }
    }

    /// The artifact under the tag is refused, and the next version that is pushed to it is served.
    async fn refuses_until_the_next_push(&mut self, reason: &str, says: &[&str]) {
        self.refuses(reason, says).await;
        self.number += 1;
        self.registry.push(REPOSITORY, "1", &version(self.number)).await;
        self.scene.serves(f64::from(self.number) * 1000.0).await;
        self.scene.accepts().await;
    }

    async fn refuses(&self, reason: &str, says: &[&str]) {
        let rejected = self.scene.rejects(reason, says).await;
        assert!(rejected.title.contains(METRIC), "{rejected:#?}");
        rejected.assert_contains(&["leadsman.yaml:", "plugins.versioned.oci", REPOSITORY]);
    }
}

#[tokio::test]
async fn a_broken_artifact_is_reported_and_the_last_good_one_served() {
    let mut remote = Remote::new().await;
    let load = remote.scene.load(100);

    remote.registry.push(REPOSITORY, "1", &text()).await;
    remote.refuses_until_the_next_push("NotAPlugin", &["not WebAssembly"]).await;

    remote.registry.push(REPOSITORY, "1", &truncated()).await;
    remote.refuses_until_the_next_push("NotAPlugin", &["not a valid component"]).await;

    remote.registry.push(REPOSITORY, "1", &version_padded(99, 9 << 20)).await;
    remote.refuses_until_the_next_push("TooLarge", &["the limit is 8388608"]).await;

    // The manifest says a smaller size than the actual one.
    let mut manifest = remote.registry.plugin(REPOSITORY, &version_padded(98, 9 << 20)).await;
    manifest["layers"][0]["size"] = json!(1000);
    remote.registry.put_manifest(REPOSITORY, "1", MANIFEST, &manifest).await;
    remote.refuses_until_the_next_push("TooLarge|DigestMismatch", &["bytes|digest"]).await;

    let mut image = remote.registry.plugin(REPOSITORY, &version(97)).await;
    image["layers"][0]["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar+gzip");
    remote.registry.put_manifest(REPOSITORY, "1", MANIFEST, &image).await;
    remote.refuses_until_the_next_push("NotAPlugin", &["tar+gzip"]).await;

    // The stored content no longer matches its digest.
    let manifest = remote.registry.plugin(REPOSITORY, &version(96)).await;
    let layer = manifest["layers"][0]["digest"].as_str().expect("a digest").to_owned();
    remote.registry.corrupt(&layer, &version(95));
    remote.registry.put_manifest(REPOSITORY, "1", MANIFEST, &manifest).await;
    remote.refuses_until_the_next_push("DigestMismatch", &["sha256:"]).await;

    let manifest = remote.registry.plugin(REPOSITORY, &version(94)).await;
    let layer = manifest["layers"][0]["digest"].as_str().expect("a digest").to_owned();
    remote.registry.corrupt(&layer, &version(94)[..1000]);
    remote.registry.put_manifest(REPOSITORY, "1", MANIFEST, &manifest).await;
    remote.refuses_until_the_next_push("DigestMismatch|PullError|TooLarge", &[REPOSITORY]).await;

    remote.scene.went_well(load).await;
}

#[tokio::test]
async fn an_unreachable_registry_fails_no_read() {
    let mut remote = Remote::new().await;
    let load = remote.scene.load(100);

    remote.registry.stop().await;
    remote.refuses("PullError", &["cannot be reached"]).await;
    remote.registry.restart().await;
    // It is correct again without a push.
    remote.scene.accepts().await;

    let digest = remote.registry.push(REPOSITORY, "1", &version(2)).await;
    remote.scene.serves(2000.0).await;
    remote.registry.delete(REPOSITORY, &digest).await;
    remote.refuses("PullError", &["does not exist"]).await;
    remote.registry.push(REPOSITORY, "1", &version(3)).await;
    remote.scene.serves(3000.0).await;
    remote.scene.accepts().await;

    remote.scene.went_well(load).await;
}

#[tokio::test]
async fn a_reference_edited_to_a_missing_artifact_changes_nothing() {
    let mut remote = Remote::new().await;
    let load = remote.scene.load(100);
    let Remote { scene, registry, .. } = &mut remote;
    let good = oci(registry, ":1");
    let nowhere = format!("oci: \"127.0.0.1:9/{REPOSITORY}:1\"");
    let unknown = oci(registry, &format!("@sha256:{}", "0".repeat(64)));
    let bad = [
        (oci(registry, ":2"), "PullError", "does not exist"),
        (unknown, "PullError", "does not exist"),
        (nowhere, "PullError", "127.0.0.1:9"),
        (format!("{good}, maxBytes: 2048"), "TooLarge", "the limit is 2048"),
    ];
    for (plugin, reason, says) in bad {
        scene.folder.configure(of_registry(&scene.upstream, registry, &plugin));
        scene.rejects(reason, &[says, "plugins.versioned.oci"]).await;
        scene.folder.configure(of_registry(&scene.upstream, registry, &good));
        scene.accepts().await;
    }
    for (plugin, says) in [
        (format!("oci: \"{}/Team:1\"", registry.address()), "plugins.versioned.oci"),
        (format!("{good}, checkEvery: 10ms"), "at least 1s"),
        (format!("{good}, file: x.wasm"), "only one of"),
    ] {
        scene.folder.configure(of_registry(&scene.upstream, registry, &plugin));
        scene.rejects("ConfigInvalid", &[says]).await;
        scene.folder.configure(of_registry(&scene.upstream, registry, &good));
        scene.accepts().await;
    }
    remote.scene.went_well(load).await;
}

#[tokio::test]
async fn a_digest_is_required_if_configured() {
    let mut remote = Remote::new().await;
    let digest = remote.registry.push(REPOSITORY, "2", &version(2)).await;
    let Remote { scene, registry, .. } = &mut remote;
    let config = |scene: &Scene, plugin: &str| {
        Config::shop(&scene.upstream.url())
            .plugin_from(PLUGIN, plugin)
            .mapping(mapping(0))
            .set("registries", &plain(registry, ", requireDigest: true"))
    };
    scene.folder.configure(config(scene, &oci(registry, ":2")));
    scene.rejects("NotAllowed", &["digest is required", "@sha256", "leadsman.yaml:"]).await;
    scene.serves(1000.0).await;
    scene.folder.configure(config(scene, &oci(registry, &format!("@{digest}"))));
    scene.serves(2000.0).await;
    scene.accepts().await;
}

#[tokio::test]
async fn a_closed_registry_over_tls_needs_credentials_and_an_authority() {
    let authority = Authority::new("the registry's authority");
    let tls = Some(authority.server("registry"));
    let registry = Registry::start_with(Setup { tls, requires_auth: true }).await;
    registry.push(REPOSITORY, "2", &version(2)).await;
    let mut scene = Scene::of_file(Folder::plain()).await;
    scene.serves(1000.0).await;
    let load = scene.load(100);
    let config = |scene: &Scene, plugin: &str, registries: &str| {
        Config::shop(&scene.upstream.url())
            .plugin_from(PLUGIN, &format!("{}{plugin}", followed(&registry, ":2")))
            .mapping(mapping(0))
            .set("registries", registries)
    };
    let known = format!("[{{prefix: \"{}\", caFile: ca.crt}}]", registry.address());

    scene.folder.configure(config(&scene, "", "[]"));
    scene.rejects("PullError", &["not trusted", "caFile"]).await;
    scene.folder.put("ca.crt", Authority::new("somebody else").pem());
    scene.folder.configure(config(&scene, "", &known));
    scene.rejects("PullError", &["not trusted"]).await;
    scene.folder.put("ca.crt", authority.pem());
    scene.rejects("PullError", &["name a pull secret"]).await;
    // The registry does not accept this user.
    let auth = "c29tZWJvZHk6c29tZXRoaW5n";
    let wrong = json!({"auths": {registry.address(): {"auth": auth}}});
    scene.folder.put("secret.json", wrong.to_string());
    scene.folder.configure(config(&scene, ", pullSecretFile: secret.json", &known));
    scene.rejects("PullError", &["refuses", "credentials"]).await;
    assert!(!scene.leadsman.log().contains(auth), "credentials are logged");
    scene.folder.put("secret.json", registry.pull_secret());
    scene.serves(2000.0).await;
    scene.accepts().await;
    scene.went_well(load).await;
}
