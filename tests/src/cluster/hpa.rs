//! A HorizontalPodAutoscaler and its status.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::ApiClient;
use super::metrics::Metric;
use super::objects::path_of;
use super::workload::Workload;
use crate::waiting::eventually;

/// An HPA that scales a workload.
#[derive(Debug, Clone)]
pub struct Hpa {
    client: ApiClient,
    workload: Workload,
    path: String,
}

/// A condition of an HPA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// The reason code.
    pub reason: String,
    /// The message.
    pub message: String,
}

/// The controller syncs every 2 s, and takes some time to consider new pods.
const SYNC_TIMEOUT: Duration = Duration::from_secs(60);

impl Hpa {
    /// Creates an HPA with the name of its workload. It can scale within these bounds at each sync
    /// of the controller.
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
                "behavior": {"scaleUp": immediate(), "scaleDown": immediate()},
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

    /// The same, once somebody has created it.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn created(client: &ApiClient, workload: &Workload) -> Self {
        let hpa = Self::of(client, workload);
        eventually(&format!("an autoscaler of {}", workload.name()), SYNC_TIMEOUT, async || {
            client.try_read(&hpa.path).await?.succeeded()
        })
        .await;
        hpa
    }

    /// Removes the delays and limits of these directions: `scaleUp`, `scaleDown`.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn scale_immediately(&self, directions: &[&str]) {
        for direction in directions {
            let behavior = json!({*direction: immediate()});
            self.client.merge(&self.path, &json!({"spec": {"behavior": behavior}})).await;
        }
    }

    /// The status that the controller reports.
    ///
    /// # Panics
    /// If it was deleted.
    pub async fn status(&self) -> Value {
        self.client.get(&self.path).await["status"].clone()
    }

    /// The number of replicas that the controller desires.
    ///
    /// # Panics
    /// If it was deleted.
    pub async fn desired(&self) -> Option<u64> {
        self.status().await["desiredReplicas"].as_u64()
    }

    /// Reconciles the workload until the desired and current number of replicas is this one.
    /// Returns the status.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_desired(&self, replicas: usize) -> Value {
        let what = format!("{replicas} pods of {}", self.workload.name());
        eventually(&what, SYNC_TIMEOUT, async || {
            let running = self.workload.reconcile().await;
            let status = self.status().await;
            let counts = [&status["desiredReplicas"], &status["currentReplicas"]];
            // A count of 0 is omitted.
            let reached = counts.iter().all(|count| count.as_u64().unwrap_or(0) == replicas as u64);
            if reached && running == replicas { Ok(status) } else { Err(format!("{status:#}")) }
        })
        .await
    }

    /// A condition, such as `ScalingActive`.
    ///
    /// # Panics
    /// If it was deleted.
    pub async fn condition(&self, kind: &str) -> Option<Condition> {
        let status = self.status().await;
        let conditions = status["conditions"].as_array()?;
        let found = conditions.iter().find(|condition| condition["type"] == kind)?;
        let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
        let (status, reason, message) = (text("status"), text("reason"), text("message"));
        Some(Condition { status, reason, message })
    }

    /// Reconciles the workload until the message of a condition contains this text.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_condition(&self, kind: &str, text: &str) -> Condition {
        eventually(&format!("{text:?} in {kind}"), SYNC_TIMEOUT, async || {
            self.workload.reconcile().await;
            match self.condition(kind).await {
                Some(condition) if condition.message.contains(text) => Ok(condition),
                other => Err(format!("{other:#?}")),
            }
        })
        .await
    }
}

/// The behaviour of a direction without delays or limits.
fn immediate() -> Value {
    json!({
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [{"type": "Pods", "value": 1000, "periodSeconds": 1}],
    })
}
