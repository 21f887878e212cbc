//! A HorizontalPodAutoscaler and its status.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::ApiClient;
use super::metrics::Metric;
use super::objects::path_of;
use super::workload::Workload;
use crate::waiting::eventually;

/// An HPA of a workload.
#[derive(Debug, Clone)]
pub struct Hpa {
    client: ApiClient,
    workload: Workload,
    path: String,
}

/// One of its conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// The reason code.
    pub reason: String,
    /// The message for people.
    pub message: String,
}

/// The controller syncs each two seconds, and delays new pods.
const PATIENCE: Duration = Duration::from_secs(60);

impl Hpa {
    /// A new HPA with the name of its workload, which scales it within these bounds at each sync of
    /// the controller.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn create(
        client: &ApiClient,
        workload: &Workload,
        bounds: RangeInclusive<u32>,
        metrics: &[Metric],
    ) -> Self {
        let object = json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"namespace": workload.namespace(), "name": workload.name()},
            "spec": {
                "scaleTargetRef": workload.reference(),
                "minReplicas": bounds.start(),
                "maxReplicas": bounds.end(),
                "metrics": metrics.iter().map(Metric::json).collect::<Vec<_>>(),
                "behavior": {"scaleUp": at_once(), "scaleDown": at_once()},
            },
        });
        client.apply(&object).await;
        Self { client: client.clone(), workload: workload.clone(), path: path_of(&object) }
    }

    /// The HPA of a workload that was created elsewhere, under the name of the workload.
    pub fn of(client: &ApiClient, workload: &Workload) -> Self {
        let metadata = json!({"namespace": workload.namespace(), "name": workload.name()});
        let path = path_of(&json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": metadata,
        }));
        Self { client: client.clone(), workload: workload.clone(), path }
    }

    /// Lets it scale at each sync of the controller in these directions: `scaleUp`, `scaleDown`.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn hurry(&self, directions: &[&str]) {
        for direction in directions {
            let behavior = json!({*direction: at_once()});
            self.client.merge(&self.path, &json!({"spec": {"behavior": behavior}})).await;
        }
    }

    /// Its status as the controller reports it.
    ///
    /// # Panics
    /// If it is not there any more.
    pub async fn status(&self) -> Value {
        self.client.get(&self.path).await["status"].clone()
    }

    /// How many pods the controller wants.
    ///
    /// # Panics
    /// If it is not there any more.
    pub async fn desired(&self) -> Option<u64> {
        self.status().await["desiredReplicas"].as_u64()
    }

    /// Runs the workload until the controller wants this many pods and has them. Returns the status
    /// at that time.
    ///
    /// # Panics
    /// If it does not come so far in time.
    pub async fn wait_desired(&self, replicas: usize) -> Value {
        let what = format!("{replicas} pods of {}", self.workload.name());
        eventually(&what, PATIENCE, async || {
            let followed = self.workload.follow().await;
            let status = self.status().await;
            let settled = [&status["desiredReplicas"], &status["currentReplicas"]];
            // A count of 0 is omitted.
            let reached =
                settled.iter().all(|count| count.as_u64().unwrap_or(0) == replicas as u64);
            if reached && followed == replicas { Ok(status) } else { Err(format!("{status:#}")) }
        })
        .await
    }

    /// One of its conditions, such as `ScalingActive`.
    ///
    /// # Panics
    /// If it is not there any more.
    pub async fn condition(&self, kind: &str) -> Option<Condition> {
        let status = self.status().await;
        let conditions = status["conditions"].as_array()?;
        let found = conditions.iter().find(|condition| condition["type"] == kind)?;
        let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
        let (status, reason, message) = (text("status"), text("reason"), text("message"));
        Some(Condition { status, reason, message })
    }

    /// Runs the workload until the message of a condition contains this text.
    ///
    /// # Panics
    /// If it does not in time.
    pub async fn wait_condition(&self, kind: &str, text: &str) -> Condition {
        eventually(&format!("{text:?} in {kind}"), PATIENCE, async || {
            self.workload.follow().await;
            match self.condition(kind).await {
                Some(condition) if condition.message.contains(text) => Ok(condition),
                other => Err(format!("{other:#?}")),
            }
        })
        .await
    }
}

/// The behaviour in a direction without delays or limits.
fn at_once() -> Value {
    json!({
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [{"type": "Pods", "value": 1000, "periodSeconds": 1}],
    })
}
