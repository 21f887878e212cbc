//! Authentication and authorization of requests to Leadsman's port, in a real cluster.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use leadsman_tests::cluster::{Adapter, ControlPlane, Rule, Subject, Workload};
use leadsman_tests::{
    Answer, Authority, Config, HttpClient, Leadsman, Mapping, Reply, Upstream, eventually, paths,
    replace,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

const CUSTOM: &str = "custom.metrics.k8s.io";
const EXTERNAL: &str = "external.metrics.k8s.io";
/// A value that occurs nowhere else.
const VALUE: &str = "81549300576";
/// How long a change of rights or authorities may take to be effective. Decisions are cached for 10
/// s.
const COUNTS: Duration = Duration::from_secs(30);

/// Leadsman with the metrics `load` of pods and the external metric `depth`, in its own namespace.
struct Site {
    plane: &'static ControlPlane,
    namespace: &'static str,
    adapter: Adapter<'static>,
    leadsman: Arc<Leadsman>,
    _upstream: Upstream,
}

impl Site {
    /// With this many pods, `web-0` and so on.
    async fn new(namespace: &'static str, pods: usize) -> Self {
        let plane = ControlPlane::shared().await;
        Workload::deployment(&plane.admin(), namespace, "web", pods).await;
        let names: Vec<_> = (0..pods).map(|number| format!("web-{number}")).collect();
        let values: Vec<_> = names.iter().map(|name| (name.as_str(), VALUE)).collect();
        let upstream = Upstream::start(Reply::pods(&values)).await;
        let config = Config::new()
            .prometheus("prometheus", &upstream.url())
            .mapping(Mapping::pods("load").query("q", r#"load{namespace="${namespace}"}"#))
            .mapping(Mapping::external("depth").query("q", "depth"));
        let adapter = Adapter::new(plane, namespace, &["pods"]).await;
        let leadsman = Arc::new(adapter.start(config).await);
        Self { plane, namespace, adapter, leadsman, _upstream: upstream }
    }

    /// The path of the metric of all pods, as the HPA controller reads it.
    fn load(&self) -> String {
        paths::pods(self.namespace, "load")
    }

    /// Allows a subject to read `load` in the namespace.
    async fn allow(&self, subject: &Subject) {
        let rules = [Rule::new(&["get"], CUSTOM, &["pods/load"])];
        self.plane.admin().allow(subject, Some(self.namespace), &rules).await;
    }

    /// Withdraws all rights in the namespace.
    async fn take_all_away(&self) {
        let group = "/apis/rbac.authorization.k8s.io/v1";
        let bindings = format!("{group}/namespaces/{}/rolebindings", self.namespace);
        self.plane.admin().delete(&bindings).await;
    }

    async fn read(&self, caller: &HttpClient, path: &str) -> Answer {
        self.leadsman.get_as(caller, path).await
    }

    /// The status code that a caller gets for `load`.
    async fn status(&self, caller: &HttpClient) -> u16 {
        self.read(caller, &self.load()).await.status
    }

    /// Whether a caller gets this status for `load` by now.
    async fn becomes(&self, caller: &HttpClient, status: u16) -> Result<(), String> {
        let answer = self.read(caller, &self.load()).await;
        if answer.status == status { Ok(()) } else { Err(format!("{answer:#?}")) }
    }

    /// A token of the adapter's service account.
    async fn token(&self) -> String {
        self.adapter.account().token(&self.plane.admin()).await
    }

    /// The reviews of a user, and how often each was requested.
    fn questions(&self, user: &str) -> BTreeMap<String, usize> {
        let reviews = self.plane.reviews(&self.adapter.user());
        let about = reviews.iter().filter(|review| review.spec["user"] == user);
        about.fold(BTreeMap::new(), |mut questions, review| {
            *questions.entry(review.spec.to_string()).or_default() += 1;
            questions
        })
    }
}

/// The aggregator, forwarding a request of this user.
fn proxied(plane: &ControlPlane, user: &str) -> HttpClient {
    HttpClient::with_certificate(plane.authorities().aggregator()).header("x-remote-user", user)
}

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
async fn a_client_certificate_authenticates_its_user() {
    let site = Site::new("certified", 1).await;
    site.allow(&Subject::user("jane")).await;
    site.allow(&Subject::Group("readers".to_owned())).await;
    let users = site.plane.authorities();
    let foreign = Authority::new("client-ca");
    for (who, identity, status) in [
        ("with the right", users.clients.client("jane"), 200),
        ("by a group", users.clients.member("john", "readers"), 200),
        ("of the masters", users.clients.member("root", "system:masters"), 200),
        ("without the right", users.clients.client("john"), 403),
        ("expired", users.clients.expired("jane"), 401),
        ("of nobody", users.clients.client(""), 401),
        ("of another authority", foreign.member("jane", "system:masters"), 401),
    ] {
        let answer = site.read(&HttpClient::with_certificate(&identity), &site.load()).await;
        assert_eq!(answer.status, status, "{who}: {answer:#?}");
        if status != 200 {
            assert_eq!(answer.failure().code, status);
        }
    }
}

#[tokio::test]
async fn a_token_authenticates_its_service_account() {
    let site = Site::new("tokens", 1).await;
    let token = site.token().await;
    let account = HttpClient::with_token(&token);
    let refused = site.read(&account, &site.load()).await.failure();
    assert_eq!(refused.code, 403);
    refused.assert_contains(&[r#"User "system:serviceaccount:tokens:leadsman" cannot get"#]);
    let cut = &token[..token.len() - 8];
    for bad in ["bad", cut] {
        let refused = site.read(&HttpClient::with_token(bad), &site.load()).await.failure();
        assert_eq!((refused.code, refused.reason.as_str()), (401, "Unauthorized"));
        refused.assert_contains(&["the bearer token is not valid"]);
    }
    // Every service account of a namespace is in the group of the namespace.
    site.allow(&Subject::Group("system:serviceaccounts:tokens".to_owned())).await;
    eventually("the right to count", COUNTS, async || site.becomes(&account, 200).await).await;
    // An unknown certificate does not invalidate a valid token.
    let both = HttpClient::with_certificate(&Authority::new("other").client("jane"))
        .header("authorization", &format!("Bearer {token}"));
    assert_eq!(site.status(&both).await, 200);
}

#[tokio::test]
async fn granted_and_withdrawn_rights_take_effect() {
    let site = Site::new("changing", 1).await;
    let jane = HttpClient::with_certificate(&site.plane.authorities().clients.client("jane"));
    let john = proxied(site.plane, "john");
    site.allow(&Subject::user("jane")).await;
    assert_eq!((site.status(&jane).await, site.status(&john).await), (200, 403));
    site.take_all_away().await;
    site.allow(&Subject::user("john")).await;
    eventually("the change", COUNTS, async || {
        site.becomes(&jane, 403).await?;
        site.becomes(&john, 200).await
    })
    .await;
}

/// Every route, and some that do not exist.
fn routes(namespace: &str) -> Vec<String> {
    let mut routes: Vec<_> = [
        "/",
        "/api",
        "/apis",
        "/apis/",
        "/openapi/v2",
        "/openapi/v3",
        "/metrics",
        "/status.json",
        "/unknown",
        "/livez/ping",
        "/readyz/",
        "//livez",
        "/apis//livez",
        "/debug/pprof/",
        "/apis/apps/v1",
    ]
    .map(str::to_owned)
    .to_vec();
    for group in [CUSTOM, EXTERNAL] {
        routes.extend([format!("/apis/{group}"), format!("/apis/{group}/")]);
    }
    for version in [paths::CUSTOM_V1, paths::CUSTOM_V2] {
        routes.push(version.to_owned());
        for rest in [
            "",
            "pods/*/load",
            "pods/web-0/load",
            "pods/*/load?labelSelector=app%3Dweb",
            "pods/*/load/",
            "pods//load",
            "pods/*/unknown",
            "metrics/load",
            "load",
        ] {
            routes.push(format!("{version}/namespaces/{namespace}/{rest}"));
        }
        routes.extend([format!("{version}/"), format!("{version}/pods/web-0/load")]);
    }
    routes.push(paths::EXTERNAL.to_owned());
    routes.push(paths::external(namespace, "depth"));
    routes.push(format!("/{}", paths::pods(namespace, "load")));
    routes.push(format!("/livez{}", paths::pods(namespace, "load")));
    routes
}

#[tokio::test]
async fn anonymous_requests_are_served_nothing() {
    let site = Site::new("walked", 1).await;
    let root = proxied(site.plane, "root").header("x-remote-group", "system:masters");
    // Responses of other clients are cached now, and must not leak.
    for path in [site.load(), paths::external(site.namespace, "depth")] {
        assert!(site.read(&root, &path).await.body.contains(VALUE));
    }
    for path in routes(site.namespace) {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS] {
            let answer = site.leadsman.send(method.clone(), &path).await;
            assert_eq!(answer.status, 403, "{method} {path}: {answer:#?}");
            assert!(!answer.body.contains(VALUE), "{method} {path}: {answer:#?}");
            if method == Method::GET {
                answer.failure().assert_contains(&[r#"User "system:anonymous" cannot"#]);
            }
        }
    }
    // Every cluster allows everybody to read these (system:public-info-viewer).
    for path in ["/livez", "/readyz", "/healthz", "/version"] {
        let answer = site.leadsman.get(path).await;
        assert_eq!((answer.status, answer.body.contains(VALUE)), (200, false), "{answer:#?}");
    }
    let denied = site.leadsman.metric("leadsman_requests_denied_total", &[("reason", "forbidden")]);
    assert!(denied.await >= Some(routes(site.namespace).len() as f64));
}

#[tokio::test]
async fn the_admin_address_serves_values_to_loopback_only() {
    let site = Site::new("admin", 2).await;
    let john = proxied(site.plane, "john");
    site.allow(&Subject::user("john")).await;
    assert_eq!(site.status(&john).await, 200);
    let page = site.leadsman.admin("/").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(site.leadsman.admin("/status.json").await.ok().to_string().contains(VALUE));
    let pods = site.leadsman.metric("leadsman_objects", &[("resource", "pods")]).await;
    assert!(pods >= Some(2.0), "{pods:?}");
    assert_eq!(
        site.leadsman.metric("leadsman_objects_followed", &[("resource", "pods")]).await,
        Some(1.0)
    );
    assert!(!site.leadsman.admin("/metrics").await.body.contains(VALUE));
}

const READS: usize = 200;
const OBJECTS: usize = 20;

/// Reads the objects repeatedly, many at once, over separate connections.
async fn read_them_all(site: &Site, caller: impl Fn() -> HttpClient) {
    let mut reads = JoinSet::new();
    let callers: Vec<_> = (0..4).map(|_| caller()).collect();
    for number in 0..READS {
        let (leadsman, caller) = (site.leadsman.clone(), callers[number % 4].clone());
        let object = format!("pods/web-{}", number % OBJECTS);
        let path = paths::object(site.namespace, &object, "load");
        reads.spawn(async move { leadsman.get_as(&caller, &path).await });
    }
    for answer in reads.join_all().await {
        assert_eq!(answer.value(), VALUE);
    }
}

#[tokio::test]
async fn equal_reviews_are_sent_once() {
    let site = Site::new("shared", OBJECTS).await;
    let everything = [Rule::new(&["get"], CUSTOM, &["*"])];
    site.plane.admin().allow(&Subject::user("all"), None, &everything).await;
    site.allow(&Subject::user("some")).await;

    read_them_all(&site, || proxied(site.plane, "all")).await;
    let asked = site.questions("all");
    assert!(asked.values().sum::<usize>() <= 3, "{asked:#?}");

    // One review for everything, then one for each object; cached decisions may expire meanwhile.
    read_them_all(&site, || proxied(site.plane, "some")).await;
    let asked = site.questions("some");
    assert_eq!(asked.len(), OBJECTS + 1, "{asked:#?}");
    assert!(asked.values().all(|&times| times <= 2), "{asked:#?}");

    // A direct request has not been authorized by kube-apiserver before.
    let some = site.plane.authorities().clients.client("all");
    read_them_all(&site, || HttpClient::with_certificate(&some)).await;
    let asked = site.questions("all");
    assert!(asked.len() >= OBJECTS, "{asked:#?}");
    assert!(asked.values().all(|&times| times <= 3), "{asked:#?}");
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
