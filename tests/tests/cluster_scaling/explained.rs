//! `leadsman explain hpa` beside the real controller: the same replicas, and the reason that it gives.

use futures_util::StreamExt as _;
use leadsman_tests::cluster::{ApiClient, ControlPlane, Workload};
use leadsman_tests::eventually;
use leadsman_tests::paths::{CUSTOM_V2, EXTERNAL};
use serde_json::{Value, json};

use super::{TIMEOUT, admin, stage};

/// How many generated situations are decided by both.
const SITUATIONS: u64 = 200;

const NAMESPACE: &str = "explained";

/// A generated number below a bound, the same in each run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The constants of Knuth's MMIX generator.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    pub(crate) fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        let at = usize::try_from(self.below(choices.len() as u64)).expect("an index");
        choices[at].clone()
    }
}

/// An autoscaler that has not been created yet, and the series that it reads.
struct Generated {
    replicas: usize,
    /// Pods whose phase is `Pending`.
    pending: usize,
    autoscaler: Value,
    series: Vec<(String, f64)>,
}

fn generated(at: u64) -> Generated {
    let mut numbers = Numbers(at.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let name = format!("web{at}");
    let replicas = 1 + numbers.below(5);
    let pending = if replicas > 1 { numbers.below(4) / 3 } else { 0 };
    let mut series = Vec::new();
    let mut metrics = Vec::new();
    let count = numbers.one_of(&[1, 1, 2]);
    for kind in 0..count {
        let target = numbers.one_of(&["10", "7500m", "100"]);
        let thousandths: u64 = match target {
            "7500m" => 7_500,
            "100" => 100_000,
            _ => 10_000,
        };
        // Around the target, where the tolerance and rounding matter, and far from it.
        let percent = numbers.one_of(&[0, 25, 50, 89, 90, 95, 100, 109, 111, 130, 250, 900]);
        let value = (thousandths * percent) as f64 / 100_000.0;
        let queue = format!("{name}-{kind}");
        match (kind + numbers.below(3)) % 3 {
            0 => {
                let labels = format!(r#"namespace="{NAMESPACE}",queue="{queue}""#);
                series.push((format!("queue_depth{{{labels}}}"), value * replicas as f64));
                let target = json!({"type": "AverageValue", "averageValue": target});
                metrics.push(external(&queue, target));
            }
            1 => {
                let labels = format!(r#"namespace="{NAMESPACE}",queue="{queue}""#);
                series.push((format!("queue_depth{{{labels}}}"), value));
                metrics.push(external(&queue, json!({"type": "Value", "value": target})));
            }
            _ => {
                // Some pods have no value.
                let silent = numbers.below(3) / 2;
                for pod in 0..replicas.saturating_sub(silent).max(1) {
                    let labels =
                        format!(r#"namespace="{NAMESPACE}",pod="{name}-{pod}",version="1""#);
                    series.push((format!("published{{{labels}}}"), value));
                }
                let target = json!({"type": "AverageValue", "averageValue": target});
                metrics.push(json!({
                    "type": "Pods",
                    "pods": {"metric": {"name": "published"}, "target": target},
                }));
            }
        }
    }
    if numbers.below(8) == 0 {
        let target = json!({"type": "Value", "value": "1"});
        let unknown = json!({"name": "nobody_serves_it"});
        metrics
            .push(json!({"type": "External", "external": {"metric": unknown, "target": target}}));
    }
    let mut rules = || {
        let policy = |numbers: &mut Numbers| {
            json!({
                "type": numbers.one_of(&["Pods", "Percent"]),
                "value": numbers.one_of(&[1, 2, 30, 100]),
                // So long that the change of the first sync counts in all that follow.
                "periodSeconds": 1800,
            })
        };
        json!({
            "stabilizationWindowSeconds": numbers.one_of(&[0, 0, 3600]),
            "selectPolicy": numbers.one_of(&["Max", "Max", "Min", "Disabled"]),
            "policies": [policy(&mut numbers), policy(&mut numbers)],
        })
    };
    let behavior = json!({"scaleUp": rules(), "scaleDown": rules()});
    let min = numbers.one_of(&[1, 1, 2, 4]);
    let max = min + numbers.below(8);
    Generated {
        replicas: usize::try_from(replicas).expect("few"),
        pending: usize::try_from(pending).expect("few"),
        autoscaler: json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"namespace": NAMESPACE, "name": name},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                "minReplicas": min,
                "maxReplicas": max,
                "metrics": metrics,
                "behavior": behavior,
            },
        }),
        series,
    }
}

pub(crate) fn external(queue: &str, target: Value) -> Value {
    let metric = json!({"name": "queue_depth", "selector": {"matchLabels": {"queue": queue}}});
    json!({"type": "External", "external": {"metric": metric, "target": target}})
}

/// Runs `leadsman explain hpa` with these arguments; returns its JSON.
pub(crate) async fn explained(arguments: &[&str]) -> Value {
    ControlPlane::shared().await.explained(arguments).await
}

/// The status of an autoscaler once the controller has decided. The autoscaler is deleted then, since the
/// controller has those of other tests to look after.
async fn decided(admin: &ApiClient, name: &str) -> Value {
    let path =
        format!("/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers/{name}");
    let status = eventually(&format!("a decision about {name}"), TIMEOUT, async || {
        let status = admin.get(&path).await["status"].clone();
        let conditions = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let about_scaling = conditions
            .iter()
            .any(|of| of["type"] == "ScalingActive" || of["reason"] == "SucceededRescale");
        if about_scaling { Ok(status) } else { Err(format!("{status:#}")) }
    })
    .await;
    admin.delete(&path).await;
    status
}

#[tokio::test]
async fn the_arithmetic_is_that_of_the_controller() {
    let (stage, admin) = (stage(), admin().await);
    let all: Vec<_> = (0..SITUATIONS).map(generated).collect();
    let mut queues = 0;
    for (series, value) in all.iter().flat_map(|of| &of.series) {
        stage.traffic.set(series, *value);
        queues += usize::from(series.starts_with("queue_depth"));
    }
    admin.namespace(NAMESPACE).await;
    let created = futures_util::stream::iter(&all).map(async |of| {
        let name = of.autoscaler["metadata"]["name"].as_str().expect("a name");
        let workload = Workload::deployment(&admin, NAMESPACE, name, of.replicas).await;
        for pod in 0..of.pending {
            let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{}-{pod}", workload.name());
            admin.merge_status(&path, &json!({"phase": "Pending"})).await;
        }
    });
    created.buffer_unordered(8).collect::<Vec<_>>().await;
    eventually("all series", TIMEOUT, async || {
        let path = format!("{EXTERNAL}/namespaces/{NAMESPACE}/queue_depth");
        let answer = admin.try_read(&path).await?;
        let items = answer.items().len();
        if items == queues { Ok(()) } else { Err(format!("{items} of {queues}")) }
    })
    .await;
    let pods = format!("{CUSTOM_V2}/namespaces/{NAMESPACE}/pods/*/published");
    eventually("all pods", TIMEOUT, async || {
        let answer = admin.try_read(&pods).await?;
        if answer.is_success() { Ok(()) } else { Err(answer.body) }
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let predictions = futures_util::stream::iter(&all).map(async |of| {
        let name = of.autoscaler["metadata"]["name"].as_str().expect("a name");
        let file = folder.path().join(format!("{name}.json"));
        std::fs::write(&file, of.autoscaler.to_string()).expect("a file");
        (name, explained(&["--file", &file.display().to_string()]).await)
    });
    let predictions: Vec<_> = predictions.buffered(4).collect().await;
    for of in &all {
        admin.apply(&of.autoscaler).await;
    }
    let mut differences = Vec::new();
    let mut changes = 0;
    for ((name, explanation), of) in predictions.iter().zip(&all) {
        let status = decided(&admin, name).await;
        // Where it cannot compute a number, it leaves the target and its own status as they were.
        let conditions = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_inactive = |of: &Value| of["type"] == "ScalingActive" && of["status"] == "False";
        let desired = match conditions.iter().any(is_inactive) {
            true => of.replicas as u64,
            false => status["desiredReplicas"].as_u64().unwrap_or_default(),
        };
        changes += usize::from(desired != of.replicas as u64);
        if explanation["replicas"] != desired {
            differences.push(format!("{:#}\n{explanation:#}\n{status:#}", of.autoscaler["spec"]));
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {SITUATIONS} differ, the first:\n{}",
        differences.len(),
        differences[0]
    );
    assert!(changes > 40, "only {changes} of {SITUATIONS} scale at all");
}
