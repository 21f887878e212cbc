//! The page in a real cluster: real autoscalers, and who may see it.

use std::time::Duration;

use leadsman_tests::cluster::{
    Account, Adapter, ControlPlane, Hpa, Metric, Target, Trust, Workload,
};
use leadsman_tests::{
    Browser, Config, HttpClient, Leadsman, Mapping, Reply, Upstream, eventually, paths,
};
use serde_json::{Value, json};

/// How long a sync of the controller, a watch and a cached decision may take together.
const TIMEOUT: Duration = Duration::from_secs(60);

const AUTOSCALERS: &str = "horizontalpodautoscalers.autoscaling";

/// A value that occurs nowhere else.
const VALUE: &str = "81549300576";

fn config(upstream: &Upstream) -> Config {
    Config::new()
        .prometheus("prometheus", &upstream.url())
        .mapping(Mapping::external("depth").query("q", r#"depth{namespace="${namespace}"}"#))
}

/// The autoscaler of a namespace, in `/status.json`.
async fn shown(leadsman: &Leadsman, namespace: &str) -> Value {
    let status = leadsman.status().await;
    let items = status["autoscalers"]["items"].as_array().cloned().unwrap_or_default();
    items.into_iter().find(|item| item["namespace"] == namespace).unwrap_or_default()
}

async fn becomes(leadsman: &Leadsman, namespace: &str, state: &str) -> Value {
    eventually(state, TIMEOUT, async || {
        let item = shown(leadsman, namespace).await;
        if item["state"] == state { Ok(item) } else { Err(format!("{item:#}")) }
    })
    .await
}

/// A vector of one series without labels.
fn depth(value: &str) -> Reply {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.map_or(0.0, |time| time.as_secs_f64());
    Reply::vector(&json!([{"metric": {}, "value": [now, value]}]))
}

#[tokio::test]
async fn real_autoscalers_are_shown_in_their_states() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let upstream = Upstream::start(depth("20")).await;
    upstream.reply_with(|_| depth("20"));
    let adapter = Adapter::new(plane, "page-real", &[AUTOSCALERS]).await;
    let leadsman =
        adapter.start_with(config(&upstream), &["--service", "page-real/leadsman"]).await;
    let _registration = adapter.register(leadsman.api().port(), Trust::Injected).await;
    let workload = Workload::deployment(&admin, "page-shop", "web", 2).await;
    let metric = Metric::external("depth", Target::Average("10"));
    let hpa = Hpa::create(&admin, &workload, 1..=5, &[metric]).await;
    hpa.wait_desired(2).await;
    let fine = becomes(&leadsman, "page-shop", "fine").await;
    assert_eq!((&fine["replicas"], &fine["wants"]), (&json!(2), &json!(2)), "{fine:#}");
    assert_eq!(fine["metrics"][0]["mapping"], "external/depth");
    upstream.reply_with(|_| depth("81"));
    hpa.wait_desired(5).await;
    let at_max = becomes(&leadsman, "page-shop", "atMax").await;
    assert_eq!(at_max["wants"], 9, "{at_max:#}");
    // What holds it is what its controller says holds it.
    let limited = hpa.wait_condition("ScalingLimited", "maximum replica count").await;
    assert_eq!(limited.status, "True");
    assert!(at_max["verdict"].as_str().is_some_and(|said| said.contains("maxReplicas (5)")));
    let body = json!({"status": "error", "errorType": "bad_data", "error": "it is broken"});
    upstream.reply_with(move |_| Reply::json(422, &body));
    let failing = becomes(&leadsman, "page-shop", "failing").await;
    let why = failing["metrics"][0]["failure"].as_str().unwrap_or_default();
    assert!(why.contains("it is broken"), "{failing:#}");
    assert!(failing["metrics"][0]["value"].is_null(), "missing is not zero: {failing:#}");
    let mut browser = Browser::open(&leadsman.page("/?q=page-shop"), (1400, 900)).await;
    browser
        .until(
            "document.querySelector('[data-list=autoscalers] .state')?.textContent === 'failing'",
        )
        .await;
    // It works again, and is switched off.
    upstream.reply_with(|_| depth("20"));
    becomes(&leadsman, "page-shop", "fine").await;
    browser
        .until("document.querySelector('[data-list=autoscalers] .state')?.textContent === 'fine'")
        .await;
    workload.scale(0).await;
    eventually("no replica", TIMEOUT, async || {
        workload.reconcile().await;
        let item = shown(&leadsman, "page-shop").await;
        if item["state"] == "pinnedAtZero" { Ok(()) } else { Err(format!("{item:#}")) }
    })
    .await;
    browser.until("document.querySelector('[data-list=autoscalers] .state')?.textContent === 'pinned at zero'").await;
    browser.picture("real-autoscaler").await;
}

#[tokio::test]
async fn a_right_that_is_missing_is_told_and_all_else_works() {
    let plane = ControlPlane::shared().await;
    let upstream = Upstream::start(depth(VALUE)).await;
    let adapter = Adapter::new(plane, "page-blind", &[]).await;
    let leadsman = adapter.start(config(&upstream)).await;
    let told = eventually("the right that is missing", TIMEOUT, async || {
        let about = leadsman.status().await["autoscalers"].clone();
        if about["state"] == "forbidden" { Ok(about) } else { Err(about.to_string()) }
    })
    .await;
    let why = told["reason"].as_str().unwrap_or_default();
    for part in ["horizontalpodautoscalers", "\"list\", \"watch\"", "page.autoscalers"] {
        assert!(why.contains(part), "{part} in {why}");
    }
    let mut browser = Browser::open(&leadsman.page("/"), (1400, 900)).await;
    browser
        .until("document.querySelector('#autoscalers').innerText.includes('a right is missing')")
        .await;
    browser.until("document.querySelectorAll('[data-list=mappings] > li').length === 1").await;
}

/// Binds a role that may see the page to a subject of a binding.
async fn allow(plane: &ControlPlane, name: &str, subject: Value) {
    let admin = plane.admin();
    let group = "rbac.authorization.k8s.io";
    let version = format!("{group}/v1");
    admin
        .create(&json!({
            "apiVersion": version, "kind": "ClusterRole", "metadata": {"name": name},
            "rules": [{"nonResourceURLs": ["/status"], "verbs": ["get"]}],
        }))
        .await;
    admin
        .create(&json!({
            "apiVersion": version, "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
            "subjects": [subject],
        }))
        .await;
}

/// Everything that shows values.
const SHOWS: [&str; 3] = ["/status.json", "/status/events", "/status/explain/external/depth"];

async fn statuses(leadsman: &Leadsman, caller: &HttpClient) -> Vec<u16> {
    let mut statuses = Vec::new();
    for path in ["/status.json", "/status/explain/external/depth"] {
        statuses.push(leadsman.admin_as(caller, path).await.status);
    }
    statuses
}

#[tokio::test]
async fn users_with_the_right_see_the_page_and_nobody_else() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let upstream = Upstream::start(depth(VALUE)).await;
    let adapter = Adapter::new(plane, "page-users", &[]).await;
    let leadsman = adapter.start_with(config(&upstream), &["--admin-auth", "cluster"]).await;
    // This machine is nobody.
    for path in SHOWS {
        let answer = leadsman.admin(path).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"), "{path}");
        assert!(!answer.body.contains(VALUE));
    }
    // A binding for everybody opens it to nobody.
    let everybody = json!({
        "kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:unauthenticated",
    });
    allow(plane, "page-everybody", everybody).await;
    let account = Account::create(&admin, "page-users", "oncall").await;
    let token = account.token(&admin).await;
    let oncall = HttpClient::with_token(&token);
    assert_eq!(statuses(&leadsman, &oncall).await, [403, 403]);
    assert_eq!(statuses(&leadsman, &HttpClient::with_token("wrong")).await, [401, 401]);
    let refused = leadsman.admin_as(&oncall, "/status.json").await.failure();
    refused.assert_contains(&[r#"cannot get path "/status""#]);
    let subject = json!({"kind": "ServiceAccount", "namespace": "page-users", "name": "oncall"});
    allow(plane, "page-oncall", subject).await;
    eventually("the right to count", TIMEOUT, async || {
        let answer = leadsman.admin_as(&oncall, "/status.json").await;
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    assert_eq!(leadsman.admin("/status.json").await.status, 401, "{}", leadsman.log());
    // The files of the page hold no values, and metrics neither.
    for path in ["/", "/page/main.js", "/metrics"] {
        let answer = leadsman.admin(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.body.contains(VALUE), "{path}");
    }
    // In a browser: the page asks for a token, and is there with one.
    let mut browser = Browser::open(&leadsman.page("/"), (1200, 900)).await;
    browser.until("!document.querySelector('#token').hidden").await;
    browser.value("document.querySelector('#token-text').focus()").await;
    browser.write(&token).await;
    browser.press("Enter").await;
    browser.until("document.querySelector('#live').textContent === 'live'").await;
    browser.until("document.querySelectorAll('[data-list=mappings] > li').length === 1").await;
    browser.click("[data-list=mappings] .open").await;
    browser.until("document.querySelector('.inside:not([hidden])').innerText.length > 40").await;
    assert_eq!(
        browser.value("location.href.includes('ey')").await,
        false,
        "no token in the address"
    );
}

#[tokio::test]
async fn a_page_for_users_needs_a_cluster() {
    let upstream = Upstream::start(depth(VALUE)).await;
    let launched = Leadsman::launch(config(&upstream), &["--admin-auth", "cluster"]).await;
    let Err(exited) = launched else { panic!("it serves") };
    assert_eq!(exited.status.code(), Some(3), "{}", exited.log);
    exited.assert_contains(&["--admin-auth=cluster", "there is no cluster to ask"]);
    let local = Leadsman::start(config(&upstream)).await;
    assert!(local.get(&paths::external("shop", "depth")).await.body.contains(VALUE));
    assert!(local.admin("/status.json").await.body.contains(VALUE));
}
