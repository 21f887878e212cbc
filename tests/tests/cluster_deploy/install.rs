//! Installations with each kind of certificate.

use std::time::Duration;

use leadsman_tests::cluster::ConfigMap;
use leadsman_tests::{
    Authority, Config, HttpClient, Identity, Leadsman, Mapping, eventually, paths,
};
use serde_json::{Value, json};

use super::others::{define, inject, issue, secret};
use super::site::Site;

const TIMEOUT: Duration = Duration::from_secs(20);

/// A certificate for the Service of a site, by the test's own authority.
fn certificate(site: &Site, authority: &Authority) -> Identity {
    let name = format!("{}.{}.svc", site.release, site.namespace);
    authority.server_named("leadsman", &[&name])
}

/// Asserts that every APIService trusts only this authority.
async fn assert_trusted(site: &Site, authority: &Authority) {
    assert_eq!(site.authorities().await, vec![Some(authority.pem()); 3]);
}

fn tls(values: Value) -> Value {
    json!({"tls": values})
}

#[tokio::test]
async fn with_an_authority_of_its_own() {
    let site = Site::new("by-self").await;
    site.install(&json!({})).await;
    let first = site.run().await;
    site.assert_works().await;
    let trusted = site.authorities().await;
    assert!(trusted.iter().all(Option::is_some), "{trusted:#?}");

    // The chart does not know the authority, and does not write it.
    site.upgrade(&json!({"replicas": 3})).await;
    assert_eq!(site.authorities().await, trusted);
    site.assert_works().await;

    // Another replica uses the same authority.
    drop(first);
    let _second = site.run().await;
    site.assert_works().await;
    assert_eq!(site.authorities().await, trusted);
    site.uninstall().await;
}

#[tokio::test]
async fn with_a_certificate_by_helm() {
    let site = Site::new("by-helm").await;
    site.install(&tls(json!({"type": "helm"}))).await;
    let first = site.run().await;
    site.assert_works().await;
    let trusted = site.authorities().await;

    // An upgrade keeps it.
    site.upgrade(&json!({"tls": {"type": "helm"}, "replicas": 3})).await;
    assert_eq!(site.authorities().await, trusted);
    site.assert_works().await;

    // A new authority is trusted beside the old one, which pods use until they are replaced.
    site.upgrade(&tls(json!({"type": "helm", "helm": {"renew": true}}))).await;
    let both = site.authorities().await;
    for (new, old) in both.iter().zip(&trusted) {
        let (new, old) = (new.clone().unwrap_or_default(), old.clone().unwrap_or_default());
        assert!(new.contains(&old) && new.matches("BEGIN").count() == 2, "{new}\n{old}");
    }
    site.assert_works().await;
    drop(first);
    let _second = site.run().await;
    site.assert_works().await;
    site.uninstall().await;
}

/// The test acts as cert-manager: it creates the Secret that the Certificate names, and writes its
/// authority where the annotation says.
#[tokio::test]
async fn with_a_certificate_by_cert_manager() {
    let site = Site::new("by-cert-manager").await;
    let admin = site.plane.admin();
    define(site.plane).await;
    site.install(&tls(json!({"type": "cert-manager"}))).await;
    let (certificate, authority) = (format!("{}-tls", site.release), Authority::new("issuer"));
    issue(&admin, site.namespace, &certificate, &authority).await;
    inject(&admin, &format!("{}/{certificate}", site.namespace), &authority).await;
    let _leadsman = site.run().await;
    site.assert_works().await;

    // An upgrade keeps what the injector wrote.
    site.upgrade(&json!({"certManager": {"enabled": true}, "replicas": 3})).await;
    assert_trusted(&site, &authority).await;
    site.assert_works().await;
    site.uninstall().await;
}

#[tokio::test]
async fn with_an_existing_secret() {
    let site = Site::new("by-secret").await;
    let authority = Authority::new("somebody");
    let identity = certificate(&site, &authority);
    secret(&site.plane.admin(), site.namespace, "serving", &identity).await;
    let existing = json!({"name": "serving", "caBundle": authority.pem()});
    site.install(&tls(json!({"type": "existingSecret", "existingSecret": existing}))).await;
    let _leadsman = site.run().await;
    site.assert_works().await;
    assert_trusted(&site, &authority).await;
    site.uninstall().await;
}

#[tokio::test]
async fn with_a_secret_and_without_verifying_it() {
    let site = Site::new("by-nobody").await;
    // Its name is wrong, too.
    let identity = Authority::new("somebody").server("elsewhere");
    secret(&site.plane.admin(), site.namespace, "serving", &identity).await;
    let values = json!({
        "tls": {"type": "existingSecret", "existingSecret": {"name": "serving"}},
        "apiService": {"insecureSkipTLSVerify": true},
    });
    site.install(&values).await;
    let _leadsman = site.run().await;
    site.assert_works().await;
    assert!(site.authorities().await.iter().all(Option::is_none));
    site.uninstall().await;
}

#[tokio::test]
async fn with_a_certificate_in_the_values() {
    let site = Site::new("by-values").await;
    let authority = Authority::new("somebody");
    let Identity { certificate, key } = certificate(&site, &authority);
    let given = json!({
        "enable": true, "ca": authority.pem(), "certificate": certificate, "key": key,
    });
    site.install(&tls(given)).await;
    let _leadsman = site.run().await;
    site.assert_works().await;
    assert_trusted(&site, &authority).await;
    site.uninstall().await;
}

#[tokio::test]
async fn with_one_certificate_after_the_other() {
    let site = Site::new("by-turns").await;
    let mut trusted = Vec::new();
    for values in [tls(json!({"type": "helm"})), tls(json!({})), tls(json!({"type": "helm"}))] {
        let command = if trusted.is_empty() { "install" } else { "upgrade" };
        site.helm(command, &values, &[]).await.ok();
        site.registration.route_service_here().await;
        let _leadsman = site.run().await;
        site.assert_works().await;
        trusted.push(site.authorities().await);
    }
    assert!(trusted[0] != trusted[1] && trusted[1] != trusted[2], "{trusted:#?}");
    site.uninstall().await;
}

/// As `config` of the chart.
fn config(mappings: Value) -> Value {
    json!({"config": {"mappings": mappings}})
}

#[tokio::test]
async fn with_a_fault_the_pod_is_not_ready_and_an_event_reports_it() {
    let site = Site::new("faulty").await;
    let mut mappings = super::site::mappings();
    mappings[0]["plugin"] = json!("per-objects");
    site.install(&config(mappings)).await;
    let waiting = site.plane.try_run_pod(site.namespace, &site.release).await;
    let waiting = waiting.expect("a process that waits");
    let told = ["config.yaml:", "did you mean \"per-object\"?"];
    site.config_map().wait_event("ConfigInvalid", &told).await;
    assert_ne!(waiting.get("/readyz").await.status, 200);

    // The upgrade that corrects it restarts nothing.
    site.upgrade(&json!({})).await;
    let _leadsman = Leadsman::expect_ready(Ok(waiting)).await;
    site.assert_works().await;
    site.uninstall().await;
}

#[tokio::test]
async fn with_an_upgrade_of_the_configuration_no_pod_restarts() {
    let site = Site::new("upgraded").await;
    site.install(&json!({})).await;
    let template = async || {
        let path = format!("/apis/apps/v1/namespaces/upgraded/deployments/{}", site.release);
        site.plane.admin().get(&path).await["spec"]["template"].clone()
    };
    let before = template().await;
    let leadsman = site.run().await;
    site.assert_works().await;

    let mut mappings = super::site::mappings();
    mappings[1]["metric"] = json!("queue_length");
    site.upgrade(&config(mappings.clone())).await;
    assert_eq!(template().await, before);
    let path = paths::external(super::site::SHOP, "queue_length");
    let root = HttpClient::with_certificate(site.plane.authorities().admin());
    eventually("the metric of the upgrade", TIMEOUT, async || {
        let answer = leadsman.get_as(&root, &path).await;
        if answer.is_success() { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;

    // With a faulty upgrade, the last good configuration keeps being served.
    mappings[1]["plugin"] = json!("externl");
    site.upgrade(&config(mappings)).await;
    site.config_map().wait_event("ConfigInvalid", &["did you mean \"external\"?"]).await;
    leadsman.get_as(&root, &path).await.ok();
    site.uninstall().await;
}

#[tokio::test]
async fn with_configurations_of_teams() {
    let site = Site::new("teams").await;
    let teams = json!([{"namespaces": ["team-*"], "sources": ["prometheus"]}]);
    let all = json!({
        "config": {"mappings": super::site::mappings(), "teams": teams},
        "teams": {"enabled": true},
    });
    site.install(&all).await;
    let leadsman = site.run().await;
    let admin = site.plane.admin();
    admin.namespace("team-a").await;
    let team = ConfigMap::of_team(&admin, "team-a", "metrics");
    team.write(Config::new().mapping(Mapping::external("depth").query("q", "depth"))).await;
    let root = HttpClient::with_certificate(site.plane.authorities().admin());
    eventually("the metric of a team", TIMEOUT, async || {
        let answer = leadsman.get_as(&root, &paths::external("team-a", "depth")).await;
        if answer.is_success() { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    team.write("kind: [Config").await;
    team.wait_event("ConfigInvalid", &["team-a/metrics config.yaml:"]).await;
    // It needed no right that it does not have.
    let log = leadsman.log();
    assert!(!log.contains("forbidden"), "{log}");
    site.assert_works().await;
    site.uninstall().await;
}

#[tokio::test]
async fn with_an_existing_config_map() {
    let site = Site::new("by-map").await;
    let config = json!({
        "apiVersion": "leadsman.dev/v1alpha1",
        "kind": "Config",
        "sources": {"prometheus": {"prometheus": {"url": site.upstream.url()}}},
        "mappings": super::site::mappings(),
    });
    let metadata = json!({"namespace": site.namespace, "name": "mine"});
    let mut map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
    map["data"] = json!({"config.yaml": config.to_string()});
    site.plane.admin().apply(&map).await;
    let values = json!({
        "config": null,
        "rules": {"existing": "mine"},
        "rbac": {"resources": [{"group": "", "resource": "pods"}]},
    });
    site.install(&values).await;
    let leadsman = site.run().await;
    site.assert_works().await;
    map["data"]["config.yaml"] = json!("kind: [Config");
    site.plane.admin().apply(&map).await;
    let mine = ConfigMap::of_operator(&site.plane.admin(), site.namespace, "mine");
    mine.wait_event("ConfigInvalid", &["what was served before goes on"]).await;
    site.assert_works().await;
    assert!(!leadsman.log().contains("forbidden"), "{}", leadsman.log());
    site.uninstall().await;
}
