//! Leadsman with a metric of its own, and another adapter behind it.

use std::path::PathBuf;
use std::time::Duration;

use leadsman_tests::{
    Answer, Config, Leadsman, Mapping, Reply, Request, Upstream, eventually, paths,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a change may take: lists are asked for every second, and again after a failure.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// A read that waits for nobody.
pub(crate) const SOON: Duration = Duration::from_millis(700);

/// The metric that the other adapter has.
pub(crate) const THEIRS: &str = "theirs";

/// The metric that Leadsman has.
pub(crate) const OWN: &str = "own";

/// Leadsman between a Prometheus and another adapter.
pub(crate) struct Scene {
    pub(crate) leadsman: Leadsman,
    pub(crate) other: Upstream,
    _prometheus: Upstream,
    _token: Token,
}

/// A file with a token.
pub(crate) struct Token {
    folder: TempDir,
}

impl Token {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        std::fs::write(folder.path().join("token"), "of-the-adapter").expect("a file");
        Self { folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    /// A delegate that gets this token, with further settings as the inside of a flow mapping.
    pub(crate) fn delegate(&self, name: &str, url: &str, settings: &str) -> String {
        format!(
            "{{name: {name}, url: '{url}', auth: {{serviceAccount: {{tokenFile: {:?}}}}}, \
             listEvery: 1s{settings}}}",
            self.path()
        )
    }
}

/// All APIs, and a short time.
pub(crate) const REST: &str = ", apis: [custom, external, resource], timeout: 1s";

impl Scene {
    /// The other adapter is one without faults, and gets the rest of all APIs.
    pub(crate) async fn new() -> Self {
        Self::with(REST).await
    }

    /// The same with these settings.
    pub(crate) async fn with(settings: &str) -> Self {
        let other = Upstream::start(Reply::NoReply).await;
        other.reply_with(adapter);
        let token = Token::new();
        let delegate = token.delegate("other", &other.url(), settings);
        let (leadsman, prometheus) = start(&[delegate]).await;
        eventually("the lists of the other adapter", TIMEOUT, async || {
            let listed = leadsman.get(paths::CUSTOM_V2).await.body;
            if listed.contains("pods/theirs") { Ok(()) } else { Err(listed) }
        })
        .await;
        Self { leadsman, other, _prometheus: prometheus, _token: token }
    }

    /// Reads a metric of the other adapter.
    pub(crate) async fn theirs(&self) -> Answer {
        self.leadsman.get(&paths::pods("shop", THEIRS)).await
    }

    /// Asserts that the own metric is served, and soon.
    pub(crate) async fn own_is_served(&self) {
        own_is_served(&self.leadsman).await;
    }

    /// Waits until the other adapter's metric is served again.
    pub(crate) async fn recovers(&self) {
        self.other.reply_with(adapter);
        eventually("the value of the other adapter", TIMEOUT, async || {
            let answer = self.theirs().await;
            if answer.status == 200 { Ok(()) } else { Err(format!("{answer:#?}")) }
        })
        .await;
        assert_eq!(self.theirs().await.values()["web-0"], "7");
    }
}

pub(crate) async fn own_is_served(leadsman: &Leadsman) {
    let answer = leadsman.get(&paths::pods("shop", OWN)).await;
    assert_eq!(answer.values().len(), 2, "{answer:#?}");
    assert!(answer.took < SOON, "{answer:#?}");
}

/// Leadsman with these delegates, and its Prometheus.
pub(crate) async fn start(delegates: &[String]) -> (Leadsman, Upstream) {
    let prometheus = Upstream::start(Reply::pods(&[("web-0", "1"), ("web-1", "2")])).await;
    let leadsman = Leadsman::start(config(&prometheus.url(), delegates)).await;
    (leadsman, prometheus)
}

/// The metric [`OWN`], and these delegates.
pub(crate) fn config(prometheus: &str, delegates: &[String]) -> Config {
    Config::shop(prometheus)
        .mapping(Mapping::pods(OWN).query("q", r#"own{namespace="${namespace}"}"#))
        .set("delegates", &format!("[{}]", delegates.join(", ")))
}

/// What another adapter answers: lists, values, and 404 for what it does not have.
pub(crate) fn adapter(request: &Request) -> Reply {
    let path = request.path.trim_start_matches("/apis/");
    let segments: Vec<_> = path.split('/').collect();
    match segments.as_slice() {
        ["metrics.k8s.io", "v1", ..] => not_found("there is no such version"),
        [group, version] => Reply::json(200, &list(group, version)),
        ["custom.metrics.k8s.io", version, .., metric] if metric.starts_with(THEIRS) => {
            Reply::json(200, &custom(version, metric))
        }
        ["external.metrics.k8s.io", _, .., metric] if metric.starts_with(THEIRS) => {
            Reply::json(200, &external(metric))
        }
        ["metrics.k8s.io", "v1beta1", .., "pods"] => Reply::json(
            200,
            &json!({"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1",
                    "metadata": {}, "items": []}),
        ),
        _ => not_found("there is no such metric"),
    }
}

pub(crate) fn not_found(message: &str) -> Reply {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": "NotFound", "code": 404,
    });
    Reply::json(404, &status)
}

fn list(group: &str, version: &str) -> Value {
    let entry = |name: &str, kind: &str| json!({"name": name, "singularName": "", "namespaced": true, "kind": kind, "verbs": ["get"]});
    let resources = match group {
        "custom.metrics.k8s.io" => vec![
            entry(&format!("pods/{THEIRS}"), "MetricValueList"),
            // Both have it.
            entry(&format!("pods/{OWN}"), "MetricValueList"),
        ],
        "external.metrics.k8s.io" => vec![entry("theirs_queue", "ExternalMetricValueList")],
        _ => vec![entry("pods", "PodMetrics"), entry("secrets", "Secret")],
    };
    json!({"kind": "APIResourceList", "apiVersion": "v1",
           "groupVersion": format!("{group}/{version}"), "resources": resources})
}

pub(crate) fn custom(version: &str, metric: &str) -> Value {
    json!({
        "kind": "MetricValueList",
        "apiVersion": format!("custom.metrics.k8s.io/{version}"),
        "metadata": {},
        "items": [{
            "describedObject": {"kind": "Pod", "namespace": "shop", "name": "web-0", "apiVersion": "/v1"},
            "metric": {"name": metric, "selector": null},
            "timestamp": "2026-01-01T00:00:00Z",
            "value": "7",
        }],
    })
}

fn external(metric: &str) -> Value {
    json!({
        "kind": "ExternalMetricValueList",
        "apiVersion": "external.metrics.k8s.io/v1beta1",
        "metadata": {},
        "items": [{
            "metricName": metric, "metricLabels": {}, "timestamp": "2026-01-01T00:00:00Z", "value": "9",
        }],
    })
}
