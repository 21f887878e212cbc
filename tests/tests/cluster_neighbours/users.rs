//! Who may read through a delegate, and who the delegate is told that asks.

use std::time::Duration;

use leadsman_tests::cluster::{Rule, Subject, Trust};
use leadsman_tests::{Answer, HttpClient, Leadsman, Reply, Upstream, eventually, paths};
use serde_json::json;

use super::scene::{Scene, TIMEOUT};

const CUSTOM: &str = "custom.metrics.k8s.io";

/// The aggregator, forwarding a request of this user.
fn proxied(scene: &Scene, user: &str) -> HttpClient {
    let proxy = scene.plane.authorities().aggregator();
    HttpClient::with_certificate(proxy).header("x-remote-user", user)
}

async fn reads(leadsman: &Leadsman, caller: &HttpClient, path: &str) -> Answer {
    eventually("rights that count", TIMEOUT, async || {
        let answer = leadsman.get_as(caller, path).await;
        if answer.status == 200 { Ok(answer) } else { Err(format!("{answer:#?}")) }
    })
    .await
}

/// prometheus-adapter authorizes the user who asks once more, by groups as well.
#[tokio::test]
async fn a_front_proxy_passes_the_user_on_and_nobody_reads_more() {
    let mut scene = Scene::new("neighbours-user").await;
    let config = scene.config();
    let leadsman = scene.start(&config).await;
    let rules = [Rule::new(&["get"], CUSTOM, &["pods/requests"])];
    let admin = scene.plane.admin();
    let readers = Subject::Group("readers".to_owned());
    admin.allow(&readers, Some(scene.namespace), &rules).await;
    let jane = proxied(&scene, "jane").header("x-remote-group", "readers");
    let answer = reads(&leadsman, &jane, &scene.requests()).await;
    assert_eq!(answer.values()["web-0"], "12");
    // It is refused here, before it is passed on.
    let john = proxied(&scene, "john");
    let refused = leadsman.get_as(&john, &scene.requests()).await.failure();
    assert_eq!(refused.code, 403);
    assert!(!refused.message.contains("delegate"), "{refused:?}");
    refused.assert_contains(&["User \"john\" cannot get resource \"pods/requests\""]);
    let elsewhere = leadsman.get_as(&jane, &paths::pods("default", "requests")).await;
    assert_eq!(elsewhere.failure().code, 403);
    // Without the certificate the headers count for nothing.
    let impostor = HttpClient::anonymous().header("x-remote-user", "jane");
    let impostor = impostor.header("x-remote-group", "readers");
    let status = leadsman.get_as(&impostor, &scene.requests()).await.status;
    assert!([401, 403].contains(&status), "{status}");
}

/// The account of the adapter reads, after the user was authorized here.
#[tokio::test]
async fn the_own_account_reads_for_who_was_authorized_here() {
    let mut scene = Scene::new("neighbours-account").await;
    let admin = scene.plane.admin();
    let account = scene.adapter.account();
    let rules = [
        Rule::new(&["get"], CUSTOM, &["*"]),
        Rule::new(&["list"], "external.metrics.k8s.io", &["*"]),
    ];
    admin.allow(&account.subject(), None, &rules).await;
    let token = account.token(&admin).await;
    scene.folder.put("token", &token);
    let file = scene.folder.path("token");
    let config = scene.config_with(&format!("serviceAccount: {{tokenFile: {file:?}}}"));
    let leadsman = scene.start(&config).await;
    let jane = Subject::user("jane");
    let rules = [Rule::new(&["get"], CUSTOM, &["pods/requests"])];
    admin.allow(&jane, Some(scene.namespace), &rules).await;
    let answer = reads(&leadsman, &proxied(&scene, "jane"), &scene.requests()).await;
    assert_eq!(answer.values()["web-0"], "12");
    let refused = leadsman.get_as(&proxied(&scene, "john"), &scene.requests()).await.failure();
    assert_eq!(refused.code, 403);
    // A token that prometheus-adapter does not know is the adapter's fault and not the caller's.
    scene.folder.put("token", "unknown");
    let failure = leadsman.get_as(&proxied(&scene, "jane"), &scene.requests()).await.failure();
    assert_eq!(failure.code, 502);
    failure.assert_contains(&["the delegate \"prometheus-adapter\"", "own credentials (401"]);
}

/// prometheus-adapter has the filter for impersonation of every API server, and asks for the right.
#[tokio::test]
async fn an_adapter_takes_impersonation_of_an_account_with_the_right() {
    let mut scene = Scene::new("neighbours-as-user").await;
    let admin = scene.plane.admin();
    let account = scene.adapter.account().clone();
    let token = account.token(&admin).await;
    scene.folder.put("token", &token);
    let file = scene.folder.path("token");
    let config = scene.config_with(&format!("impersonate: {{tokenFile: {file:?}}}"));
    let leadsman = scene.start(&config).await;
    let rules = [Rule::new(&["get"], CUSTOM, &["pods/requests"])];
    let readers = Subject::Group("of-the-team".to_owned());
    admin.allow(&readers, Some(scene.namespace), &rules).await;
    let jane = proxied(&scene, "jane").header("x-remote-group", "of-the-team");
    // Without the right it is refused there, by name.
    let refused = eventually("the refusal of prometheus-adapter", TIMEOUT, async || {
        let answer = leadsman.get_as(&jane, &scene.requests()).await;
        let failed = answer.status == 403 && answer.body.contains("impersonate");
        if failed { Ok(answer.failure()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    refused.assert_contains(&["the delegate \"prometheus-adapter\" answered"]);
    let rules = [Rule::new(&["impersonate"], "", &["users", "groups"])];
    admin.allow(&account.subject(), None, &rules).await;
    assert_eq!(reads(&leadsman, &jane, &scene.requests()).await.values()["web-0"], "12");
}

/// A kube-apiserver understands impersonation; the user's rights there are what counts.
#[tokio::test]
async fn kube_apiserver_takes_impersonation_and_a_loop_through_it_is_found() {
    let mut scene = Scene::new("neighbours-impersonate").await;
    let admin = scene.plane.admin();
    let account = scene.adapter.account();
    let rules = [Rule::new(&["impersonate"], "", &["users", "groups", "serviceaccounts"])];
    admin.allow(&account.subject(), None, &rules).await;
    let token = account.token(&admin).await;
    scene.folder.put("token", &token);
    let file = scene.folder.path("token");
    let config = scene.alone().set(
        "delegates",
        &format!(
            "[{{name: cluster, url: '{}', insecureSkipTLSVerify: true, listEvery: 1s, timeout: 5s, \
             auth: {{impersonate: {{tokenFile: {file:?}}}}}, apis: [custom]}}]",
            scene.plane.url()
        ),
    );
    let leadsman = scene.start(&config).await;
    // kube-apiserver has another server for the group.
    let (certificate, theirs) = (scene.adapter.authority().pem(), scene.theirs.url());
    let port = theirs.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let registration = scene.adapter.register(port, Trust::Unverified).await;
    let jane = Subject::user("jane");
    let rules = [Rule::new(&["get"], CUSTOM, &["pods/requests"])];
    admin.allow(&jane, Some(scene.namespace), &rules).await;
    let answer = reads(&leadsman, &proxied(&scene, "jane"), &scene.requests()).await;
    assert_eq!(answer.values()["web-0"], "12");
    // And now that server is this adapter.
    registration.route_to(leadsman.api().port(), Trust::Authority(&certificate)).await;
    let nobodys = paths::pods(scene.namespace, "nobodys");
    let root = scene.root();
    let refused = eventually("the loop is found", TIMEOUT, async || {
        let answer = leadsman.get_as(&root, &nobodys).await;
        if answer.status == 508 { Ok(answer.failure()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    refused.assert_contains(&["the delegate \"cluster\" sends requests back to this adapter"]);
    assert!(refused.took < Duration::from_secs(5), "{refused:?}");
    registration.remove().await;
}

/// A Service of ours as a delegate is refused before anything is asked.
#[tokio::test]
async fn the_own_service_is_no_delegate() {
    let scene = Scene::new("neighbours-own").await;
    let upstream = Upstream::start(Reply::vector(&json!([]))).await;
    let service = format!("{}/leadsman", scene.namespace);
    let config = scene.alone().prometheus("other", &upstream.url()).set(
        "delegates",
        &format!(
            "[{{name: myself, service: {{namespace: {}, name: leadsman}}, \
             insecureSkipTLSVerify: true, auth: {{serviceAccount: {{tokenFile: {:?}}}}}, \
             apis: [custom]}}]",
            scene.namespace,
            scene.adapter.kubeconfig()
        ),
    );
    let leadsman = scene.adapter.start_with(config, &["--service", &service]).await;
    let rejected = eventually("the delegate is rejected", TIMEOUT, async || {
        let status = leadsman.status().await;
        let rejected = status["rejected"].to_string();
        if rejected.contains("adapter's own") { Ok(rejected) } else { Err(format!("{status:#}")) }
    })
    .await;
    assert!(rejected.contains(&format!("the Service {service} is")), "{rejected}");
    // The rest of the configuration is served.
    let answer = leadsman.get_as(&scene.root(), &scene.jobs()).await;
    assert_eq!(answer.values()["web-0"], "20");
}
