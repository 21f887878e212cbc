//! What stands for values that are not known: a stated number, or the number that makes an
//! autoscaler ask for a stated number of replicas.
//!
//! The controller of HorizontalPodAutoscalers computes replicas from values, so a number of replicas
//! is stated by the value that leads to it, which depends on the type of the target:
//!
//! | what is read | target | the controller asks for | so the value is |
//! |---|---|---|---|
//! | an external metric or a metric of an object | `averageValue` | value / target, rounded up | target × replicas |
//! | an external metric or a metric of an object | `value` | value / target × ready pods, rounded up | target × replicas / ready pods |
//! | the same, and the workload has no replica | `value` | value / target, rounded up | target × replicas |
//! | a metric of pods | `averageValue` | average / target × pods, rounded up | target × replicas / pods, for each pod |
//!
//! Quotients are rounded down to thousandths, since the controller rounds up.
//!
//! Of a metric of pods the controller multiplies by the pods that run and have a value, ready or not. Those
//! that a read is answered for stand for them, and not the ready ones: while pods run that are not ready,
//! these would be too few, the value too high, and with the present replicas higher at each read.

use std::fmt;
use std::sync::Arc;

use super::workloads::Workloads;
use leadsman_model::names::Namespace;
use leadsman_model::quantity::Quantity;
use leadsman_model::workload::{Scale, WorkloadName};

/// What stands for values that are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StandIn {
    /// This number.
    Value(Quantity),
    /// The number that leads to a number of replicas.
    Replicas(Arc<StatedReplicas>),
}

impl fmt::Display for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => write!(f, "{value}"),
            Self::Replicas(stated) => {
                let replicas = stated.replicas;
                match stated.behavior {
                    ReplicasBehavior::Static => write!(f, "the number for {replicas} replicas"),
                    ReplicasBehavior::Current => write!(f, "the number for the present replicas"),
                    ReplicasBehavior::CurrentIfHigher => {
                        write!(
                            f,
                            "the number for {replicas} replicas, or the present ones if they are more"
                        )
                    }
                    ReplicasBehavior::CurrentIfLower => {
                        write!(
                            f,
                            "the number for {replicas} replicas, or the present ones if they are fewer"
                        )
                    }
                }
            }
        }
    }
}

/// A number of replicas that is requested while values are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedReplicas {
    /// The number.
    pub replicas: u32,
    /// What the present number of replicas changes about it.
    pub behavior: ReplicasBehavior,
    /// The autoscaler's target. More than 0.
    pub target: Quantity,
    /// What the target is compared with.
    pub target_type: TargetType,
    /// The workload that the autoscaler scales, in the namespace of a read.
    pub workload: Option<WorkloadName>,
}

/// What the present number of replicas changes about a stated one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplicasBehavior {
    /// Nothing.
    Static,
    /// The present number counts.
    Current,
    /// The present number counts if it is higher.
    CurrentIfHigher,
    /// The present number counts if it is lower.
    CurrentIfLower,
}

/// What a target is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetType {
    /// The value divided by the number of pods.
    AverageValue,
    /// The value.
    Value,
}

/// Who gets the number that stands for values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient {
    /// An object, or an external metric as a whole.
    One,
    /// Each of so many pods.
    EachPod(usize),
}

/// A number that stands for values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatedNumber {
    /// The number.
    pub quantity: Quantity,
    /// The replicas that it leads to, if these are what is stated.
    pub replicas: Option<u32>,
    /// Whether it depends on the present state of a workload.
    pub of_now: bool,
}

impl StandIn {
    /// The number for a read of a namespace. The error says why there is none, for people.
    pub async fn number(
        &self,
        workloads: &Workloads,
        namespace: Option<&Namespace>,
        recipient: Recipient,
    ) -> Result<StatedNumber, String> {
        match self {
            Self::Value(quantity) => Ok((*quantity).into()),
            Self::Replicas(stated) => stated.number(workloads, namespace, recipient).await,
        }
    }
}

impl From<Quantity> for StatedNumber {
    fn from(quantity: Quantity) -> Self {
        Self { quantity, replicas: None, of_now: false }
    }
}

/// As messages have it: `600 (for 6 replicas)`.
impl fmt::Display for StatedNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.replicas {
            None => self.quantity.fmt(f),
            Some(1) => write!(f, "{} (for 1 replica)", self.quantity),
            Some(replicas) => write!(f, "{} (for {replicas} replicas)", self.quantity),
        }
    }
}

impl StatedReplicas {
    async fn number(
        &self,
        workloads: &Workloads,
        namespace: Option<&Namespace>,
        recipient: Recipient,
    ) -> Result<StatedNumber, String> {
        let Some(name) = self.workload.as_ref().filter(|_| self.depends_on_workload()) else {
            return self.number_at(None, recipient).map_err(|error| error.to_string());
        };
        let Some(namespace) = namespace else {
            return Err(format!("the read is for no namespace, so that {name} is in none"));
        };
        let workload = name.in_namespace(namespace.clone());
        let scale = workloads.scale(&workload).await;
        let scale = scale
            .map_err(|reason| format!("the replicas of {workload} are not known: {reason}"))?;
        self.number_at(Some(scale), recipient).map_err(|error| format!("{workload}: {error}"))
    }

    /// Whether the number is another with other replicas or ready pods of the workload.
    pub fn depends_on_workload(&self) -> bool {
        self.behavior != ReplicasBehavior::Static || self.target_type == TargetType::Value
    }

    /// The number while the workload is scaled like this.
    pub fn number_at(
        &self,
        scale: Option<Scale>,
        recipient: Recipient,
    ) -> Result<StatedNumber, Unreachable> {
        let replicas = self.replicas_at(scale)?;
        let by = match (recipient, self.target_type, scale) {
            (Recipient::EachPod(pods), ..) => u32::try_from(pods).unwrap_or(u32::MAX),
            (Recipient::One, TargetType::AverageValue, _) => 1,
            // Without a replica the controller divides by the target alone.
            (Recipient::One, TargetType::Value, Some(Scale { replicas: 0, .. })) => 1,
            (Recipient::One, TargetType::Value, scale) => {
                scale.and_then(|scale| scale.ready).ok_or(Unreachable::ReadyUnknown)?
            }
        };
        let quantity = reaching(self.target, replicas, by)?;
        Ok(StatedNumber { quantity, replicas: Some(replicas), of_now: scale.is_some() })
    }

    /// The number of replicas while the workload is scaled like this.
    fn replicas_at(&self, scale: Option<Scale>) -> Result<u32, Unreachable> {
        let current = scale.map(|scale| scale.replicas).ok_or(Unreachable::ReplicasUnknown);
        Ok(match self.behavior {
            ReplicasBehavior::Static => self.replicas,
            ReplicasBehavior::Current => current?,
            ReplicasBehavior::CurrentIfHigher => self.replicas.max(current?),
            ReplicasBehavior::CurrentIfLower => self.replicas.min(current?),
        })
    }
}

/// Why no value leads to a number of replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// The present number of replicas is not known.
    #[error("the present number of replicas is not known")]
    ReplicasUnknown,
    /// The number of ready pods is not known.
    #[error("the number of ready pods is not known")]
    ReadyUnknown,
    /// No pod is ready, and the controller multiplies with the number of ready pods.
    #[error("no pod is ready, so that no value leads to {0} replicas")]
    NoneReady(u32),
    /// The value is beyond what can be served.
    #[error("the value that leads to {0} replicas is beyond what can be served")]
    TooLarge(u32),
    /// Thousandths are too coarse for the target.
    #[error("the target is too small: no value in thousandths leads to {0} replicas")]
    TooCoarse(u32),
}

/// The value of which the controller makes this number of replicas, where it multiplies the ratio of
/// value and target with `by`.
fn reaching(target: Quantity, replicas: u32, by: u32) -> Result<Quantity, Unreachable> {
    let target = target.milli();
    if by == 0 {
        return match replicas {
            0 => Ok(Quantity::ZERO),
            _ => Err(Unreachable::NoneReady(replicas)),
        };
    }
    let value = i128::from(target) * i128::from(replicas) / i128::from(by);
    let value = i64::try_from(value).map_err(|_| Unreachable::TooLarge(replicas))?;
    // As the controller computes it, with floats: these may make a little more of an exact product.
    let asked = |value: i64| (value as f64 / target as f64 * f64::from(by)).ceil();
    let found = [value, value.saturating_sub(1)].into_iter();
    let mut found = found.filter(|value| asked(*value) == f64::from(replicas));
    found.next().map(Quantity::from_milli).ok_or(Unreachable::TooCoarse(replicas))
}

#[cfg(test)]
mod tests;
