//! Teams' plugins from a registry, with settings of the team and the operator.

use leadsman_tests::registry::Setup;
use leadsman_tests::{Registry, SigningKey, version};

use super::*;

const REPOSITORY: &str = "team-a/versioned";

/// A mapping whose plugin comes from a registry.
fn pulled(registry: &Registry, settings: &str) -> Config {
    let reference = format!("{}/{REPOSITORY}:1", registry.address());
    Config::new()
        .plugin_from("mine", &format!("oci: '{reference}', checkEvery: 1s{settings}"))
        .mapping(Mapping::pods("load").plugin("mine", "").query("q", "n1"))
}

/// The operator's settings for a namespace and the registry.
fn opened(site: &Site<'_>, namespace: &str, registry: &Registry, more: &str) -> Config {
    let address = registry.address();
    site.config().set("registries", &format!("[{{prefix: '{address}', plainHttp: true}}]")).team(
        &format!(
            "namespaces: [{namespace}], sources: [prometheus], \
             registries: ['{address}/team-a']{more}"
        ),
    )
}

#[tokio::test]
async fn a_pull_secret_is_of_the_teams_own_namespace() {
    let site = Site::new("pulling").await;
    let registry = Registry::start_with(Setup { requires_auth: true, ..Default::default() }).await;
    registry.push(REPOSITORY, "1", &version(1)).await;
    site.operator.write(opened(&site, "pulling-a", &registry, "")).await;
    let leadsman = site.start().await;
    let a = site.team("pulling-a").await;
    let load = paths::pods("pulling-a", "load");

    a.write(pulled(&registry, "")).await;
    a.wait_event("PullError", &["name a pull secret"]).await;
    a.write(pulled(&registry, ", pullSecret: registry")).await;
    // The Secret exists, but the adapter may not read it before the team allows it.
    let admin = site.plane.admin();
    for namespace in ["pulling-a", "pulling-b"] {
        admin.namespace(namespace).await;
        admin
            .apply(&json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "kubernetes.io/dockerconfigjson",
                "metadata": {"namespace": namespace, "name": "registry"},
                "stringData": {".dockerconfigjson": registry.pull_secret()},
            }))
            .await;
    }
    a.wait_event("PullError", &["pulling-a/registry", "secrets \"registry\" is forbidden"]).await;
    let get = [Rule::new(&["get"], "", &["secrets"]).named(&["registry"])];
    let account = site.adapter.account().subject();
    admin.allow(&account, Some("pulling-b"), &get).await;
    // A Secret of another namespace is not used, even with the same name.
    for name in ["../../pulling-b/secrets/registry", "pulling-b/registry"] {
        a.write(pulled(&registry, &format!(", pullSecret: '{name}'"))).await;
        eventually(&format!("that {name} is refused"), TIMEOUT, async || {
            let all = rejected(&leadsman, &a.owner()).await;
            let told = all.iter().any(|one| one["message"].to_string().contains(name));
            if told { Ok(()) } else { Err(format!("{all:#?}")) }
        })
        .await;
        assert_ne!(site.read(&leadsman, &load).await.status, 200);
    }
    a.write(pulled(&registry, ", pullSecret: registry")).await;
    admin.allow(&account, Some("pulling-a"), &get).await;
    site.serves(&leadsman, &load, "1k").await;
    a.wait_event("Loaded", &["load"]).await;
}

#[tokio::test]
async fn a_team_and_the_operator_may_both_require_signatures() {
    let site = Site::new("signing").await;
    let registry = Registry::start().await;
    let (operators, teams) = (SigningKey::generate(), SigningKey::generate());
    let digest = registry.push(REPOSITORY, "1", &version(1)).await;
    let key = |key: &SigningKey| format!(", verify: {{publicKey: {:?}}}", key.public_pem());
    site.operator.write(opened(&site, "signing-a", &registry, &key(&operators))).await;
    let leadsman = site.start().await;
    let a = site.team("signing-a").await;
    let load = paths::pods("signing-a", "load");
    let config = pulled(&registry, &key(&teams));
    a.write(&config).await;
    a.wait_event("SignatureInvalid", &["is not signed"]).await;
    registry.sign_tag_scheme(REPOSITORY, &digest, &teams).await;
    a.wait_event("SignatureInvalid", &["has no good signature"]).await;
    assert_ne!(site.read(&leadsman, &load).await.status, 200);
    registry.sign_bundle(REPOSITORY, &digest, &operators).await;
    site.serves(&leadsman, &load, "1k").await;

    // Plugins in a ConfigMap have no signature.
    let bytes = a.clone().with_binary("mine.wasm", &version(2));
    let mapping = Mapping::pods("load").plugin("mine", "").query("q", "n1");
    bytes.write(Config::new().plugin("mine", "mine.wasm").mapping(mapping)).await;
    bytes.wait_event("SignatureInvalid", &["a plugin from a ConfigMap cannot have one"]).await;
}
