//! The control plane itself: assumptions of the tests in a cluster.

use std::time::Duration;

use leadsman_tests::cluster::{
    Account, ControlPlane, Credentials, Hpa, Metric, Registration, Rule, Subject, Target, Trust,
    Workload,
};
use leadsman_tests::{Authority, HttpClient, Reply, Request, Upstream, eventually, paths, replace};
use serde_json::json;

#[tokio::test]
async fn an_hpa_reports_a_missing_metric() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let workload = Workload::stateful_set(&admin, "missing", "broker", 2).await;
    assert_eq!(workload.pods().await, ["broker-0", "broker-1"]);
    let hpa = Hpa::create(&admin, &workload, 1..=10, &[Metric::pods("published", "60m")]).await;
    let condition = hpa.wait_condition("ScalingActive", "published").await;
    assert_eq!(
        (condition.status.as_str(), condition.reason.as_str()),
        ("False", "FailedGetPodsMetric")
    );
    let described = plane.kubectl(&["describe", "hpa", "-n", "missing", "broker"]).await;
    assert!(described.ok().contains("FailedGetPodsMetric"), "{described:#?}");
    for (replicas, pods) in [(3, &["broker-0", "broker-1", "broker-2"][..]), (1, &["broker-0"])] {
        workload.scale(replicas).await;
        workload.reconcile().await;
        assert_eq!(workload.pods().await, pods);
    }
}

#[tokio::test]
async fn users_are_authenticated() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let account = Account::create(&admin, "who", "reader").await;
    let path = "/api/v1/namespaces/who/pods";
    let users = plane.authorities();
    let user = Credentials::Certificate(users.clients.client("jane"));
    let token = Credentials::Token(account.token(&admin).await);
    let foreign = Credentials::Certificate(users.front_proxy.client("jane"));
    for (who, status) in [
        (&user, 403),
        (&token, 403),
        (&Credentials::Anonymous, 403),
        (&foreign, 401),
        (&Credentials::Token("bad".to_owned()), 401),
    ] {
        assert_eq!(plane.client(who).read(path).await.status, status, "{who:?}");
    }
    let rules = [Rule::new(&["list"], "", &["pods"])];
    for subject in [Subject::user("jane"), account.subject()] {
        admin.allow(&subject, Some("who"), &rules).await;
    }
    for who in [&user, &token] {
        plane.client(who).get(path).await;
    }
    // kubectl sees the same with the file.
    let kubeconfig = account.kubeconfig(plane).await;
    plane.kubectl_with(&kubeconfig, &["get", "pods"]).await.ok();
    let refused = plane.kubectl_with(&kubeconfig, &["get", "pods", "-n", "default"]).await;
    assert!(refused.failed().contains("system:serviceaccount:who:reader"), "{refused:#?}");
    // The audit log has the users who requested reviews.
    let asked = plane.reviews("admin");
    assert!(asked.iter().any(|review| review.spec["user"] == "jane"), "{asked:#?}");
    assert!(plane.reviews("nobody").is_empty());
}

#[tokio::test]
async fn a_namespace_is_deleted_with_its_pods() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    Workload::deployment(&admin, "ending", "web", 2).await;
    plane.kubectl(&["delete", "namespace", "ending", "--timeout=30s"]).await.ok();
    assert!(admin.find("/api/v1/namespaces/ending").await.is_none());
}

/// The aggregator and an HPA with an adapter that has one value for everything.
#[tokio::test]
async fn an_hpa_scales_by_values_through_the_aggregator() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let authority = Authority::new("adapter-ca");
    let server = authority.server_named("adapter", &["adapter.metrics.svc"]).server_config(None);
    let adapter = Upstream::start_tls(Reply::json(200, &json!({})), server).await;
    adapter.reply_with(stand_in);
    let port = adapter.url().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    let port = port.expect("a port");
    let trust = authority.pem();
    let trust = Trust::Authority(&trust);
    let registration = Registration::new(plane, "metrics", "adapter", port, trust).await;
    registration.wait_available().await;
    let name = "v1beta1.external.metrics.k8s.io";
    assert_eq!(registration.authority(name).await, Some(authority.pem()));

    let path = paths::external("scaled", "depth");
    let list = plane.kubectl(&["get", "--raw", &path]).await;
    assert!(list.ok().contains("ExternalMetricValueList"), "{list:#?}");
    let asked = adapter.requests().into_iter().rfind(|request| request.path == path);
    assert_eq!(asked.expect("the request").header("x-remote-user"), Some("admin"));

    let workload = Workload::deployment(&admin, "scaled", "web", 1).await;
    let metric = Metric::external("depth", Target::Average("10"));
    let hpa = Hpa::create(&admin, &workload, 0..=5, &[metric]).await;
    let status = hpa.wait_desired(3).await;
    let value = &status["currentMetrics"][0]["external"]["current"]["averageValue"];
    assert_eq!(value, "10", "{status:#}");
    registration.remove().await;
    // kube-apiserver takes a moment to notice that the APIService is gone.
    eventually("nobody serves it any more", Duration::from_secs(20), async || {
        match admin.read(&path).await.status {
            404 => Ok(()),
            status => Err(status.to_string()),
        }
    })
    .await;
}

/// An adapter's responses: discovery, and one value.
fn stand_in(request: &Request) -> Reply {
    let parts: Vec<_> = request.path.trim_matches('/').split('/').collect();
    let &["apis", group, version, ref rest @ ..] = &parts[..] else {
        return Reply::json(404, &json!({}));
    };
    let body = if rest.is_empty() {
        let verbs = json!(["get"]);
        let kind = "ExternalMetricValueList";
        json!({
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": format!("{group}/{version}"),
            "resources": [{"name": "depth", "namespaced": true, "kind": kind, "verbs": verbs}],
        })
    } else {
        json!({
            "kind": "ExternalMetricValueList",
            "apiVersion": format!("{group}/{version}"),
            "metadata": {},
            "items": [{
                "metricName": "depth",
                "metricLabels": {},
                "timestamp": "2026-01-01T00:00:00Z",
                "value": "30",
            }],
        })
    };
    Reply::json(200, &body)
}

#[tokio::test]
async fn helm_knows_its_version_and_the_cluster() {
    let plane = ControlPlane::shared().await;
    let version = plane.helm(&["version", "--template", "{{.Version}}"]).await;
    assert!(version.ok().starts_with("v3."), "{version:#?}");
    assert_eq!(
        plane.helm(&["list", "--all-namespaces", "--output", "json"]).await.ok().trim(),
        "[]"
    );
}

#[tokio::test]
async fn kube_apiserver_restarts_with_its_data() {
    let plane = ControlPlane::start().await;
    plane.admin().namespace("kept").await;
    plane.stop_api_server().await;
    assert!(plane.admin().try_read("/readyz").await.is_err());
    plane.start_api_server().await;
    plane.admin().get("/api/v1/namespaces/kept").await;
    let anonymous = HttpClient::anonymous().get(&format!("{}/livez", plane.url())).await;
    assert_eq!(anonymous.expect("an answer").status, 200);

    // It publishes another front proxy authority for extension API servers as soon as it has one.
    let next = Authority::new("next-front-proxy-ca").pem();
    let both = format!("{}{next}", plane.authorities().front_proxy.pem());
    replace(plane.authorities().front_proxy_file(), &both);
    let path = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";
    eventually("both authorities", Duration::from_secs(30), async || {
        let told = plane.admin().get(path).await["data"]["requestheader-client-ca-file"].clone();
        // In the PEM format that it writes itself.
        let lines = |pem: &str| pem.split_whitespace().collect::<String>();
        let found = lines(told.as_str().unwrap_or_default()).contains(&lines(&next));
        if found { Ok(()) } else { Err(told.to_string()) }
    })
    .await;
}

#[tokio::test]
async fn an_adapter_has_exactly_the_rights_that_it_needs() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let resources = ["pods", "ingresses.networking.k8s.io"];
    let account = Account::adapter(&admin, "adapters", "leadsman", &resources).await;
    let client = plane.client(&Credentials::Token(account.token(&admin).await));
    let authentication = "configmaps/extension-apiserver-authentication";
    for (path, status) in [
        ("/api/v1/pods".to_owned(), 200),
        ("/apis/networking.k8s.io/v1/ingresses".to_owned(), 200),
        (format!("/api/v1/namespaces/kube-system/{authentication}"), 200),
        ("/api/v1/namespaces/adapters/secrets/leadsman-ca".to_owned(), 404),
        ("/api/v1/services".to_owned(), 403),
        ("/api/v1/namespaces/adapters/secrets/other".to_owned(), 403),
        ("/api/v1/namespaces/kube-system/configmaps/other".to_owned(), 403),
    ] {
        assert_eq!(client.read(&path).await.status, status, "{path}");
    }
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": "jane", "nonResourceAttributes": {"path": "/livez", "verb": "get"}},
    });
    client.create(&review).await;
    let asked = plane.reviews("system:serviceaccount:adapters:leadsman");
    assert_eq!(asked.len(), 1, "{asked:#?}");
}
