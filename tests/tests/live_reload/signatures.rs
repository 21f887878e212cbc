//! Plugins from a registry that must be signed.

use leadsman_tests::{Config, Folder, Registry, SigningKey, Upstream, version};

use crate::scene::{
    FILE, PLUGIN, REPOSITORY, Scene, followed, mapping, mapping_of, of_file, of_registry, plain,
};

/// The formats of cosign's signatures.
#[derive(Clone, Copy)]
enum Form {
    /// As cosign 2 does.
    Tag,
    /// As cosign 3 does.
    Bundle,
}

impl Form {
    async fn sign(self, registry: &Registry, digest: &str, key: &SigningKey) {
        match self {
            Self::Tag => registry.sign_tag_scheme(REPOSITORY, digest, key).await,
            Self::Bundle => registry.sign_bundle(REPOSITORY, digest, key).await,
        }
    }
}

/// The key as in a configuration.
fn verify(keys: &str) -> String {
    format!("{{publicKey: {keys:?}}}")
}

/// The plugin must be signed with one of these keys.
fn of_signed(upstream: &Upstream, registry: &Registry, keys: &str) -> Config {
    let plugin = format!("{}, verify: {}", followed(registry, ":1"), verify(keys));
    of_registry(upstream, registry, &plugin)
}

async fn pushed(registry: &Registry, number: u32) -> String {
    registry.push(REPOSITORY, "1", &version(number)).await
}

/// Before it is signed, too: a plugin that is signed after the push is served once it is signed.
#[tokio::test]
async fn only_valid_signatures_of_both_formats_are_accepted() {
    for form in [Form::Tag, Form::Bundle] {
        let registry = Registry::start().await;
        let (key, other) = (SigningKey::generate(), SigningKey::generate());
        let first = pushed(&registry, 1).await;
        form.sign(&registry, &first, &key).await;
        let pem = key.public_pem();
        let config = |upstream: &Upstream| of_signed(upstream, &registry, &pem);
        let scene = Scene::new(Folder::plain(), &[], config).await;
        scene.serves(1000.0).await;
        let load = scene.load(100);

        let unsigned = pushed(&registry, 2).await;
        scene.rejects("SignatureInvalid", &["is not signed", REPOSITORY, "leadsman.yaml:"]).await;
        form.sign(&registry, &unsigned, &other).await;
        scene.rejects("SignatureInvalid", &["none of the keys"]).await;
        form.sign(&registry, &unsigned, &key).await;
        scene.serves(2000.0).await;
        scene.accepts().await;

        // A valid signature of something else.
        let third = pushed(&registry, 3).await;
        match form {
            Form::Tag => {
                let signature = format!("{}.sig", first.replace(':', "-"));
                let signed = format!("{}.sig", third.replace(':', "-"));
                registry.retag(REPOSITORY, &signature, &signed).await;
            }
            Form::Bundle => {
                let bundle = key.bundle(&first, "https://sigstore.dev/cosign/sign/v1");
                registry.attach_bundle(REPOSITORY, &third, &bundle).await;
            }
        }
        scene.rejects("SignatureInvalid", &[REPOSITORY]).await;
        form.sign(&registry, &third, &key).await;
        scene.serves(3000.0).await;
        scene.accepts().await;
        scene.went_well(load).await;
    }
}

#[tokio::test]
async fn a_key_is_rotated_without_a_gap() {
    let registry = Registry::start().await;
    let (old, new) = (SigningKey::generate(), SigningKey::generate());
    let first = pushed(&registry, 1).await;
    registry.sign_tag_scheme(REPOSITORY, &first, &old).await;
    let mut folder = Folder::mounted();
    folder.put("cosign.pub", old.public_pem());
    let plugin = format!("{}, verify: {{publicKeyFile: cosign.pub}}", followed(&registry, ":1"));
    let config = |upstream: &Upstream| of_registry(upstream, &registry, &plugin);
    let mut scene = Scene::new(folder, &[], config).await;
    scene.serves(1000.0).await;
    let load = scene.load(100);

    scene.folder.put("cosign.pub", old.public_pem() + &new.public_pem());
    let second = pushed(&registry, 2).await;
    registry.sign_tag_scheme(REPOSITORY, &second, &new).await;
    scene.serves(2000.0).await;
    scene.accepts().await;
    let third = pushed(&registry, 3).await;
    registry.sign_tag_scheme(REPOSITORY, &third, &old).await;
    scene.serves(3000.0).await;
    scene.accepts().await;

    // The old key is gone, and its signatures are not trusted any more.
    scene.folder.put("cosign.pub", new.public_pem());
    scene.rejects("SignatureInvalid", &["none of the keys"]).await;
    registry.sign_tag_scheme(REPOSITORY, &third, &new).await;
    scene.accepts().await;
    scene.folder.put("cosign.pub", "no key");
    scene.rejects("SignatureInvalid", &["public key"]).await;
    scene.folder.put("cosign.pub", new.public_pem());
    scene.accepts().await;
    scene.serves(3000.0).await;
    scene.went_well(load).await;
}

#[tokio::test]
async fn a_registry_whose_plugins_must_be_signed() {
    let registry = Registry::start().await;
    let key = SigningKey::generate();
    let digest = pushed(&registry, 2).await;
    let mut scene = Scene::of_file(Folder::plain()).await;
    scene.serves(1000.0).await;
    let required = plain(&registry, &format!(", verify: {}", verify(&key.public_pem())));
    let config = Config::shop(&scene.upstream.url())
        .plugin_from(PLUGIN, &followed(&registry, ":1"))
        .plugin("beside", FILE)
        .mapping(mapping(0))
        .mapping(mapping_of("beside", "beside", 0))
        .set("registries", &required);
    scene.folder.configure(config);
    // Files are not from a registry.
    scene.leadsman.wait_value(&leadsman_tests::paths::pods("shop", "beside"), 1000.0).await;
    scene.rejects("SignatureInvalid", &["is not signed", REPOSITORY]).await;
    scene.serves(1000.0).await;
    registry.sign_bundle(REPOSITORY, &digest, &key).await;
    scene.serves(2000.0).await;
    scene.accepts().await;
}

#[tokio::test]
async fn files_are_refused_where_all_plugins_must_be_signed() {
    let registry = Registry::start().await;
    let key = SigningKey::generate();
    let digest = pushed(&registry, 2).await;
    let mut scene = Scene::of_file(Folder::plain()).await;
    scene.serves(1000.0).await;
    let all = verify(&key.public_pem());
    scene.folder.configure(of_file(&scene.upstream, 0).set("verify", &all));
    let says = ["a signature is required", "push it to a registry", FILE];
    scene.rejects("SignatureInvalid", &says).await;
    scene.serves(1000.0).await;
    let config = of_registry(&scene.upstream, &registry, &followed(&registry, ":1"));
    scene.folder.configure(config.set("verify", &all));
    scene.rejects("SignatureInvalid", &["is not signed"]).await;
    registry.sign_tag_scheme(REPOSITORY, &digest, &key).await;
    scene.serves(2000.0).await;
    scene.accepts().await;
}

/// Each requirement needs a signature by one of its own keys.
#[tokio::test]
async fn all_requirements_of_signatures_must_be_met() {
    let registry = Registry::start().await;
    let (all, own) = (SigningKey::generate(), SigningKey::generate());
    let mut scene = Scene::of_file(Folder::plain()).await;
    scene.serves(1000.0).await;
    let digest = pushed(&registry, 2).await;
    registry.sign_tag_scheme(REPOSITORY, &digest, &own).await;
    let config = of_signed(&scene.upstream, &registry, &own.public_pem());
    scene.folder.configure(config.set("verify", &verify(&all.public_pem())));
    scene.rejects("SignatureInvalid", &["none of the keys"]).await;
    registry.sign_tag_scheme(REPOSITORY, &digest, &all).await;
    scene.serves(2000.0).await;
    scene.accepts().await;
}
