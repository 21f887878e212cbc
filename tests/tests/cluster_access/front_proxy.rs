//! The front proxy: whom it may impersonate, and which proxy may.

use std::collections::BTreeMap;

use leadsman_tests::cluster::Subject;
use leadsman_tests::{Authority, HttpClient, eventually, paths, replace};
use serde_json::{Value, json};

use super::{COUNTS, Site, VALUE, proxied};

#[tokio::test]
async fn a_front_proxy_impersonates_the_user_in_its_headers() {
    let site = Site::new("proxied", 1).await;
    let user = |name: &str| proxied(site.plane, name);
    site.allow(&Subject::user("jane")).await;
    site.allow(&Subject::Group("readers".to_owned())).await;
    let answer = site.read(&user("jane"), &site.load()).await;
    assert_eq!(answer.values(), BTreeMap::from([("web-0".to_owned(), VALUE.to_owned())]));
    let member =
        user("john").header("x-remote-group", "others").header("x-remote-group", "readers");
    assert_eq!(site.status(&member).await, 200);
    assert_eq!(site.status(&user("root").header("x-remote-group", "system:masters")).await, 200);
    assert!(site.questions("root").is_empty(), "nobody need be asked about them");

    let refused = site.read(&user("john"), &site.load()).await.failure();
    assert_eq!((refused.code, refused.reason.as_str()), (403, "Forbidden"));
    refused.assert_contains(&[
        r#"pods.custom.metrics.k8s.io "*" is forbidden"#,
        r#"User "john" cannot get resource "pods/load""#,
        r#"in API group "custom.metrics.k8s.io""#,
        r#"in the namespace "proxied""#,
    ]);
    // A right in one namespace does not apply to another namespace or metric.
    let elsewhere = site.read(&user("jane"), &paths::pods("default", "load")).await.failure();
    elsewhere.assert_contains(&[r#"User "jane" cannot get"#, r#"in the namespace "default""#]);
    let other = site.read(&user("jane"), &paths::external("proxied", "depth")).await.failure();
    assert_eq!(other.code, 403);
    other.assert_contains(&[
        r#"User "jane" cannot list resource "depth""#,
        r#"in API group "external.metrics.k8s.io""#,
        r#"in the namespace "proxied""#,
    ]);
    let at_the_root = format!("{}/namespaces/proxied/metrics/load", paths::CUSTOM_V2);
    site.read(&user("jane"), &at_the_root)
        .await
        .failure()
        .assert_contains(&[r#"cannot get resource "metrics""#]);
}

#[tokio::test]
async fn reviews_contain_all_that_the_front_proxy_says_of_a_user() {
    let site = Site::new("extra", 1).await;
    let jane = proxied(site.plane, "jane")
        .header("x-remote-uid", "7")
        .header("x-remote-group", "a")
        .header("x-remote-group", "b")
        .header("x-remote-extra-Acme.com%2Fproject", "one")
        .header("x-remote-extra-acme.com%2fproject", "two")
        .header("x-remote-extra-scopes", "all");
    assert_eq!(site.status(&jane).await, 403);
    let questions = site.questions("jane");
    assert!(!questions.is_empty());
    for question in questions.keys() {
        let spec: Value = serde_json::from_str(question).expect("the review as it was logged");
        assert_eq!(spec["uid"], "7", "{spec}");
        assert_eq!(spec["groups"], json!(["a", "b", "system:authenticated"]), "{spec}");
        assert_eq!(
            spec["extra"],
            json!({"acme.com/project": ["one", "two"], "scopes": ["all"]}),
            "{spec}"
        );
    }
}

#[tokio::test]
async fn the_aggregators_own_requests_may_read_discovery() {
    let site = Site::new("groupless", 1).await;
    for (user, paths) in [
        (
            "system:kube-aggregator",
            &["/apis", paths::CUSTOM_V1, paths::CUSTOM_V2, paths::EXTERNAL][..],
        ),
        ("system:aggregator", &["/openapi/v2", "/openapi/v3", "/version"]),
    ] {
        let caller = proxied(site.plane, user);
        for path in paths {
            site.read(&caller, path).await.ok();
        }
        assert_eq!(site.status(&caller).await, 403);
    }
}

#[tokio::test]
async fn only_the_front_proxy_may_impersonate_users() {
    let site = Site::new("impostors", 1).await;
    site.allow(&Subject::user("jane")).await;
    let users = site.plane.authorities();
    let name = "front-proxy-client";
    // An authority is not identified by its name.
    let impostor = Authority::new("front-proxy-ca").client(name);
    let token = format!("Bearer {}", site.token().await);
    for (who, caller, status, says) in [
        (
            "an impostor",
            HttpClient::with_certificate(&impostor),
            401,
            "client certificate is not trusted",
        ),
        (
            "another name",
            HttpClient::with_certificate(&users.front_proxy.client("somebody")),
            401,
            r#"the client certificate's name "somebody" is not one of a front proxy"#,
        ),
        (
            "too late",
            HttpClient::with_certificate(&users.front_proxy.expired(name)),
            401,
            "expired",
        ),
        (
            "the right name of a user",
            HttpClient::with_certificate(&users.clients.client(name)),
            403,
            r#"User "front-proxy-client" cannot get"#,
        ),
        (
            "a user",
            HttpClient::with_certificate(&users.clients.client("john")),
            403,
            r#"User "john" cannot get"#,
        ),
        (
            "an account",
            HttpClient::anonymous().header("authorization", &token),
            403,
            r#"User "system:serviceaccount:impostors:leadsman" cannot get"#,
        ),
        ("nobody", HttpClient::anonymous(), 403, r#"User "system:anonymous" cannot get"#),
    ] {
        let caller =
            caller.header("x-remote-user", "jane").header("x-remote-group", "system:masters");
        let refused = site.read(&caller, &site.load()).await.failure();
        assert_eq!(refused.code, status, "{who}: {refused:?}");
        refused.assert_contains(&[says]);
    }
    let silent = HttpClient::with_certificate(users.aggregator());
    assert_eq!(site.status(&silent).await, 401, "a front proxy that names nobody is nobody");
    assert!(site.questions("jane").is_empty(), "nobody was taken for her");
}

#[tokio::test]
async fn a_new_front_proxy_authority_takes_effect_at_once() {
    let site = Site::new("rotated", 1).await;
    site.allow(&Subject::user("jane")).await;
    let old = proxied(site.plane, "jane");
    let next = Authority::new("next-front-proxy-ca");
    let identity = next.client("front-proxy-client");
    let new = || HttpClient::with_certificate(&identity).header("x-remote-user", "jane");
    // One connection stays open all the time: the meaning of its certificate changes with the
    // authorities.
    let lasting = new();
    let file = site.plane.authorities().front_proxy_file();
    let before = site.plane.authorities().front_proxy.pem();
    assert_eq!((site.status(&old).await, site.status(&lasting).await), (200, 401));

    replace(file, &format!("{before}{}", next.pem()));
    for caller in [&lasting, &new()] {
        eventually("the new authority", COUNTS, async || site.becomes(caller, 200).await).await;
    }
    assert_eq!(site.status(&old).await, 200);
    // kube-apiserver only adds authorities and never removes any: that is left to an administrator.
    replace(file, &before);
    let data = json!({"data": {"requestheader-client-ca-file": before}});
    let config = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";
    site.plane.admin().merge(config, &data).await;
    for caller in [&lasting, &new()] {
        eventually("the old authority", COUNTS, async || site.becomes(caller, 401).await).await;
    }
    assert_eq!(site.status(&old).await, 200);
    assert!(
        site.leadsman.log().contains("the trusted authorities have changed"),
        "{}",
        site.leadsman.log()
    );
}
