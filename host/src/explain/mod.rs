//! Explains why a metric has its value and why an autoscaler wants its replicas: what the controller reads,
//! what the adapter did for that read, the arithmetic, and the limits on its result.
//!
//! Everything is read with the rights of the user: nobody sees values that they may not read.

mod explainer;
mod fallback;
mod gather;
mod hour;
mod metric;
mod past;
mod pods;
mod read_by;
mod readings;
mod record;
mod requests;
mod stand_in;
mod text;
mod trial;
pub(crate) mod try_mapping;
mod verdict;
mod waits;
mod what_if;

use std::path::PathBuf;

use leadsman_cluster::{Cluster, ConnectError};
use leadsman_provider::explanation::MetricExplanation;
use serde::Serialize;

use crate::app::StartError;
use autoscaler::AutoscalerCondition;
pub use explainer::{Explainer, Reads, paths_in};
use leadsman_autoscaler::{manifest as autoscaler, notation};
pub use metric::MetricText;
pub use read_by::{ExplainedRead, ReadBy};
pub use requests::MetricRead;
pub(crate) use trial::MappingFile;
pub use try_mapping::{TryOptions, try_mapping};
pub use what_if::{Assumption, WhatIf};

/// Which autoscaler, and what to assume of it.
#[derive(Debug, Clone, Default)]
pub struct ExplainOptions {
    /// The cluster; `None` for the one that this process is a pod of.
    pub kubeconfig: Option<PathBuf>,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// A file with the autoscaler, in place of the one in the cluster.
    pub file: Option<PathBuf>,
    /// A configuration to read the metrics with, in this process, in place of the cluster's adapter.
    pub config: Option<PathBuf>,
    /// What to assume in place of what there is.
    pub what_if: WhatIf,
}

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// There is no way to the cluster.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// There is no cluster.
    #[error("there is no cluster to ask: this is no pod; name one with --kubeconfig")]
    NoCluster,
    /// The file cannot be read, or is no autoscaler.
    #[error("{file}: {reason}")]
    File {
        /// Its name.
        file: String,
        /// Why.
        reason: String,
    },
    /// Something that the arithmetic needs cannot be read.
    #[error("cannot read {what}: {reason}")]
    Read {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
    /// The configuration cannot be loaded.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The configuration has faults.
    #[error("{0}")]
    Faults(String),
    /// The assumptions do not fit the autoscaler.
    #[error("{0}")]
    WhatIf(String),
}

/// An explanation. Its fields are what `--output json` has.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// In one sentence.
    pub verdict: String,
    /// Namespace and name of the autoscaler.
    pub autoscaler: String,
    /// The target and its replicas.
    target: Target,
    /// The bounds and rules.
    bounds: Bounds,
    /// The number of replicas that the arithmetic leads to; where the controller reports that what it
    /// recommended or changed before holds that, the number that it stays at.
    pub replicas: i32,
    /// For how long it waits, where its controller reports that it is held and it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits: Option<waits::Waits>,
    /// Each metric, in the order of the autoscaler.
    metrics: Vec<Metric>,
    /// What the controller itself reports; `None` while it has not looked at the autoscaler.
    controller: Option<Controller>,
    /// What was reported on the autoscaler within the last hour, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    past: Vec<past::PastEvent>,
    /// Why that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    past_unknown: Option<String>,
    /// What was assumed in place of what there is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    assumed: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    kind: String,
    name: String,
    /// `spec.replicas`.
    replicas: i32,
    /// `status.replicas`.
    running: i32,
    /// The selector of its pods.
    selector: String,
    /// Pods that are there.
    pods: usize,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Bounds {
    min: i32,
    max: i32,
    tolerance_up: f64,
    tolerance_down: f64,
}

/// A metric, what was read, and what it proposes.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    /// The name of the metric, or of the resource.
    name: String,
    /// Its type and name.
    title: String,
    /// The target in words.
    target: String,
    /// The request of the controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    /// What was read, in all notations.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// The value of each pod, or of each item.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<String>,
    /// What the adapter says besides the values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// The arithmetic, step by step.
    arithmetic: Vec<String>,
    /// The replicas that it proposes.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposes: Option<i32>,
    /// Why it proposes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    /// Whether it decides.
    decides: bool,
    /// What its clocks say while it fails.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clocks: Vec<String>,
    /// Its last hour.
    hour: hour::Hour,
    /// What the adapter did for it, if the adapter explains its answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<MetricExplanation>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Controller {
    current_replicas: i32,
    desired_replicas: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_scale_time: Option<String>,
    conditions: Vec<AutoscalerCondition>,
}

/// What autoscalers are explained with.
pub struct HpaExplainer {
    cluster: Cluster,
    /// This process, where it reads the metrics itself.
    own: Option<Explainer>,
}

impl HpaExplainer {
    /// Connects to the cluster, and loads the configuration if there is one.
    pub async fn new(options: &ExplainOptions) -> Result<Self, ExplainError> {
        let kubeconfig = options.kubeconfig.as_deref();
        let cluster = Cluster::connect(kubeconfig).await?;
        let cluster = cluster.ok_or(ExplainError::NoCluster)?;
        let own = match &options.config {
            Some(config) => Some(Explainer::new(kubeconfig, Some(config.clone())).await?),
            None => None,
        };
        Ok(Self { cluster, own })
    }

    /// Explains an autoscaler.
    pub async fn explain(&self, options: &ExplainOptions) -> Result<Explanation, ExplainError> {
        let mut gathered = gather::gather(&self.cluster, self.own.as_ref(), options).await?;
        let assumed = options.what_if.apply(&mut gathered).map_err(ExplainError::WhatIf)?;
        Ok(verdict::explain(&gathered, assumed))
    }
}
