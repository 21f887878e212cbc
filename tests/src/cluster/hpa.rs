//! A HorizontalPodAutoscaler, and what its controller makes of it.

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
    /// Why, in one word.
    pub reason: String,
    /// Why, for a person.
    pub message: String,
}

/// The controller looks each two seconds, and for pods that are new it waits.
const PATIENCE: Duration = Duration::from_secs(60);

impl Hpa {
    /// A new HPA that has the name of its workload and scales it within these bounds, as fast as
    /// the controller looks.
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

    /// The HPA of a workload that somebody else made, under the name of the workload.
    pub fn of(client: &ApiClient, workload: &Workload) -> Self {
        let metadata = json!({"namespace": workload.namespace(), "name": workload.name()});
        let path = path_of(&json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": metadata,
        }));
        Self { client: client.clone(), workload: workload.clone(), path }
    }

    /// Lets it scale as fast as the controller looks, in these directions: `scaleUp`, `scaleDown`.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn hurry(&self, directions: &[&str]) {
        for direction in directions {
            let behavior = json!({*direction: at_once()});
            self.client.merge(&self.path, &json!({"spec": {"behavior": behavior}})).await;
        }
    }

    /// What the controller says of it.
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

    /// Follows the workload until the controller wants so many pods, and has them. Gives the
    /// status at that time.
    ///
    /// # Panics
    /// If it does not come so far in time.
    pub async fn wait_desired(&self, replicas: usize) -> Value {
        let what = format!("{replicas} pods of {}", self.workload.name());
        eventually(&what, PATIENCE, async || {
            let followed = self.workload.follow().await;
            let status = self.status().await;
            let settled = [&status["desiredReplicas"], &status["currentReplicas"]];
            // A count of 0 is not written.
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

    /// Follows the workload until the message of a condition holds this text.
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

/// The behaviour in a direction that holds nothing back.
fn at_once() -> Value {
    json!({
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [{"type": "Pods", "value": 1000, "periodSeconds": 1}],
    })
}
