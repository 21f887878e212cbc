//! What was converted is served: the values from which the autoscaler makes the replicas of KEDA.

use std::time::{SystemTime, UNIX_EPOCH};

use leadsman_tests::{History, Leadsman, Prometheus, Reply, Upstream, paths};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Converted, object};

fn metric(name: &str) -> String {
    paths::external("shop", &format!("shop.{name}.s0-prometheus"))
}

/// KEDA takes the only element, and 0 for none, NaN and infinity.
#[tokio::test]
async fn values_are_those_that_keda_hands_to_the_autoscaler() {
    let history = History::new()
        .gauge("requests{ingress=\"a\"}", 200.006)
        .gauge("requests{ingress=\"b\"}", 44.0)
        .gauge("idle", 0.0);
    let prometheus = Prometheus::holding(&history).await;
    let url = prometheus.url();
    let cases = [
        ("sum", "sum(requests)", "244006m"),
        ("one", "requests{ingress=\"b\"}", "44"),
        ("none", "sum(no_such_series)", "0"),
        ("nan", "sum(idle) / sum(idle)", "0"),
        ("infinite", "sum(requests) / sum(idle)", "0"),
        ("scaled", "sum(requests) by (ingress) * 10 > 1000", "2000060m"),
    ];
    let of = |(name, query, _): &(&str, &str, &str)| {
        let query = query.replace('\'', "''");
        object(name, &format!("serverAddress: '{url}', threshold: '100', query: '{query}'"), "")
    };
    let manifest: String = cases.iter().map(of).collect();
    let converted = Converted::of(&manifest, &[]).await.checked().await;
    assert_eq!(converted.text("config.yaml").matches("url:").count(), 1, "one source");
    let leadsman = Leadsman::start_file(&converted.file("config.yaml"), &[]).await;
    for (name, _, expected) in cases {
        assert_eq!(leadsman.get(&metric(name)).await.value(), expected, "{name}");
    }
}

/// Other than with KEDA, whose metrics are those of one namespace.
#[tokio::test]
async fn a_metric_of_a_scaled_object_can_be_read_in_every_namespace() {
    let prometheus = Prometheus::holding(&History::new().gauge("requests", 5.0)).await;
    let keys = format!("serverAddress: '{}', threshold: '1', query: requests", prometheus.url());
    let converted = Converted::of(&object("web", &keys, ""), &[]).await.checked().await;
    let leadsman = Leadsman::start_file(&converted.file("config.yaml"), &[]).await;
    let elsewhere = paths::external("elsewhere", "shop.web.s0-prometheus");
    assert_eq!(leadsman.get(&elsewhere).await.value(), "5");
}

#[tokio::test]
async fn what_is_empty_is_no_value_if_the_trigger_says_so() {
    let prometheus = Prometheus::holding(&History::new().gauge("requests", 5.0)).await;
    let url = prometheus.url();
    let keys = format!("serverAddress: '{url}', threshold: '1', ignoreNullValues: 'false'");
    let manifest = [
        object("none", &format!("{keys}, query: no_such_series"), ""),
        object("nan", &format!("{keys}, query: 'requests * (0 / 0)'"), ""),
    ];
    let converted = Converted::of(&manifest.concat(), &[]).await.checked().await;
    let leadsman = Leadsman::start_file(&converted.file("config.yaml"), &[]).await;
    assert_eq!(leadsman.get(&metric("none")).await.items(), Vec::<Value>::new());
    leadsman.get(&metric("nan")).await.failure().assert_contains(&["NaN"]);
}

/// A formula over two triggers, one of which has labels and one of which is empty, and a schedule that
/// always holds.
#[tokio::test]
async fn formulas_and_schedules_are_served() {
    let history = History::new().gauge("queue{name=\"a\"}", 30.0).gauge("workers", 4.0);
    let prometheus = Prometheus::holding(&history).await;
    let url = prometheus.url();
    let manifest = format!(
        "apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{name: formula, namespace: shop}}
spec:
  scaleTargetRef: {{name: formula}}
  minReplicaCount: 1
  advanced:
    scalingModifiers: {{formula: 'queue > 20 ? queue / workers + missing : 1', target: '2'}}
  triggers:
    - {{type: prometheus, name: queue, metadata: {{serverAddress: '{url}', threshold: '1', query: queue}}}}
    - {{type: prometheus, name: workers, metadata: {{serverAddress: '{url}', threshold: '1', query: workers}}}}
    - {{type: prometheus, name: missing, metadata: {{serverAddress: '{url}', threshold: '1', query: none}}}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{name: hours, namespace: shop}}
spec:
  scaleTargetRef: {{name: hours}}
  minReplicaCount: 1
  triggers:
    - type: cron
      metadata: {{timezone: Europe/Berlin, start: '0 0 * * *', end: '* * * * *', desiredReplicas: '7'}}
"
    );
    let converted = Converted::of(&manifest, &[]).await.checked().await;
    let leadsman = Leadsman::start_file(&converted.file("config.yaml"), &[]).await;
    let read = async |metric: &str| leadsman.get(&paths::external("shop", metric)).await.value();
    assert_eq!(read("shop.formula.composite-metric").await, "7500m");
    assert_eq!(read("shop.hours.s0-cron").await, "7");
}

/// What KEDA reads from a Secret is in a file, and what it sends with a query is sent.
#[tokio::test]
async fn credentials_are_read_from_mounted_files_and_parameters_are_sent() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
    let now = now.as_secs_f64();
    let upstream =
        Upstream::start(Reply::vector(&json!([{"metric": {}, "value": [now, "12"]}]))).await;
    upstream.require_header("authorization", "Bearer soundings");
    let folder = TempDir::new().expect("a folder");
    let secrets = folder.path().join("mounted");
    let token = secrets.join("secrets/shop/thanos/token");
    std::fs::create_dir_all(token.parent().expect("a folder")).expect("a folder");
    std::fs::write(&token, "soundings\n").expect("a file");
    let manifest = format!(
        "apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: {{name: thanos, namespace: shop}}
spec: {{secretTargetRef: [{{parameter: bearerToken, name: thanos, key: token}}]}}
---
apiVersion: v1
kind: Secret
metadata: {{name: thanos, namespace: shop}}
stringData: {{token: never-to-be-seen}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{name: web, namespace: shop}}
spec:
  scaleTargetRef: {{name: web}}
  minReplicaCount: 1
  triggers:
    - type: prometheus
      metadata:
        serverAddress: {}
        query: sum(x)
        threshold: '3'
        namespace: shop
        customHeaders: X-Client-Id=cid
        queryParameters: dedup=true
        authModes: bearer
      authenticationRef: {{name: thanos}}
",
        upstream.url()
    );
    std::fs::write(folder.path().join("objects.yaml"), manifest).expect("a file");
    let secrets = secrets.display().to_string();
    let converted = Converted::within(folder, &["--secrets-dir", &secrets]).await.checked().await;
    for name in ["config.yaml", "autoscalers.yaml", "mounts.yaml", "report.txt"] {
        assert!(!converted.text(name).contains("never-to-be-seen"), "{name}");
    }
    assert!(converted.text("mounts.yaml").contains("path: secrets/shop/thanos/token"));
    let leadsman = Leadsman::start_file(&converted.file("config.yaml"), &[]).await;
    assert_eq!(leadsman.get(&metric("web")).await.value(), "12");
    let request = upstream.last_request();
    assert_eq!(request.header("x-client-id"), Some("cid"));
    for (name, value) in [("namespace", "shop"), ("dedup", "true")] {
        assert!(request.query.contains(&(name.to_owned(), value.to_owned())), "{request:?}");
    }
}

/// `fallback`: the value of which the autoscaler makes the replicas that are stated.
#[tokio::test]
async fn a_fallback_stands_once_the_source_is_gone() {
    let prometheus = Prometheus::holding(&History::new().gauge("requests", 5.0)).await;
    let url = prometheus.url();
    let keys = format!("serverAddress: '{url}', threshold: '3', query: requests");
    let fallback = "  fallback: {failureThreshold: 0, replicas: 6}\n";
    let manifest = object("web", &keys, fallback);
    let converted = Converted::of(&manifest, &[]).await.checked().await;
    drop(prometheus);
    let leadsman = Leadsman::start_file(&converted.file("config.yaml"), &[]).await;
    assert_eq!(leadsman.get(&metric("web")).await.value(), "18");
}
