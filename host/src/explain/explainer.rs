//! The backend of an explanation: the adapter of a cluster, with the rights of the user, or this process
//! with a configuration of its own.

use std::path::{Path, PathBuf};

use leadsman_api as api;
use leadsman_cluster::Cluster;
use leadsman_config::Flags;
use leadsman_control::ConfigOrigin;
use leadsman_model::serve::Serve;
use leadsman_provider::explanation::{KIND, MetricExplanation, With};
use leadsman_provider::snapshot::Snapshot;
use serde_json::Value;

use super::read_by::{ReadBy, read_by};
use super::requests::{MetricRead, ServedAs, segment};
use super::{ExplainError, readings};
use crate::app::{self, ClusterOptions, LoadedConfig};

/// Where reads are explained.
pub struct Explainer(ExplainBackend);

enum ExplainBackend {
    Cluster(Box<Cluster>),
    Process(Box<LoadedConfig>),
}

/// Which reads to explain.
#[derive(Debug, Clone)]
pub enum Reads {
    /// That of a path.
    Path(String),
    /// That of a metric, for what it is served.
    Metric(MetricRead),
    /// Those of a metric in a namespace, in each way in which it is served.
    Mapping {
        /// The namespace.
        namespace: String,
        /// The metric.
        metric: String,
    },
}

impl Explainer {
    /// Loads a configuration in this process, or else connects to a cluster.
    pub async fn new(
        kubeconfig: Option<&Path>,
        config: Option<PathBuf>,
    ) -> Result<Self, ExplainError> {
        let Some(config) = config else {
            let cluster = Cluster::connect(kubeconfig).await?;
            return Ok(Self(ExplainBackend::Cluster(Box::new(
                cluster.ok_or(ExplainError::NoCluster)?,
            ))));
        };
        Self::of(load(&config, kubeconfig).await?)
    }

    /// Explains with a configuration that was loaded, unless it has faults.
    pub(super) fn of(config: LoadedConfig) -> Result<Self, ExplainError> {
        if config.loaded.refuses_a_document() {
            let faults = config.loaded.faults.iter().map(|(_, faults)| faults.to_string());
            return Err(ExplainError::Faults(faults.collect::<Vec<_>>().join("\n")));
        }
        Ok(Self(ExplainBackend::Process(Box::new(config))))
    }

    /// The paths of reads.
    pub async fn paths(&self, reads: &Reads) -> Result<Vec<String>, ExplainError> {
        match reads {
            Reads::Path(path) => Ok(vec![path.clone()]),
            Reads::Metric(read) => Ok(vec![read.path(&self.custom_version().await)]),
            Reads::Mapping { namespace, metric } => {
                let version = self.custom_version().await;
                let served = self.served(metric, &version).await?;
                if served.is_empty() {
                    return Err(ExplainError::Read {
                        what: format!("the metric {metric}"),
                        reason: "it is not served, as an external metric or for any objects"
                            .to_owned(),
                    });
                }
                Ok(served.iter().map(|of| of.path(namespace, metric, &version)).collect())
            }
        }
    }

    /// Explains the read of a path.
    pub async fn explain(&self, path: &str, with: With) -> Result<MetricExplanation, ExplainError> {
        let failed = |reason| ExplainError::Read { what: path.to_owned(), reason };
        match &self.0 {
            ExplainBackend::Process(loaded) => {
                api::explain(&loaded.loaded.snapshot, path, with).await.map_err(failed)
            }
            ExplainBackend::Cluster(cluster) => {
                let found = explained(cluster, path, with, None).await.map_err(failed)?;
                let foreign =
                    || "what answers there explains nothing: it is no Leadsman, or an older one";
                found.ok_or_else(|| failed(foreign().to_owned()))
            }
        }
    }

    /// The autoscalers that read what an explanation is of, each with its last hour; `None` without a
    /// cluster whose adapter keeps one.
    pub async fn read_by(&self, document: &MetricExplanation) -> Option<ReadBy> {
        match &self.0 {
            ExplainBackend::Process(_) => None,
            ExplainBackend::Cluster(cluster) => read_by(cluster, document).await,
        }
    }

    /// The version of `custom.metrics.k8s.io` to ask for.
    async fn custom_version(&self) -> String {
        match &self.0 {
            ExplainBackend::Cluster(cluster) => readings::custom_version(cluster).await,
            ExplainBackend::Process(_) => "v1beta2".to_owned(),
        }
    }

    /// The API and kind of objects that a metric is served for.
    async fn served(&self, metric: &str, version: &str) -> Result<Vec<ServedAs>, ExplainError> {
        match &self.0 {
            ExplainBackend::Process(loaded) => Ok(served_in(&loaded.loaded.snapshot, metric)),
            ExplainBackend::Cluster(cluster) => {
                let custom = format!("/apis/custom.metrics.k8s.io/{version}");
                let external = "/apis/external.metrics.k8s.io/v1beta1".to_owned();
                let mut served = Vec::new();
                for (path, is_custom) in [(custom, true), (external, false)] {
                    // An API that there is none of serves nothing.
                    let Ok(list) = readings::get(cluster, &path).await else { continue };
                    served.extend(listed(&list.body, metric, is_custom));
                }
                Ok(served)
            }
        }
    }
}

/// Loads a configuration in this process, for evaluations that are recorded as a whole. The objects are those
/// of a cluster, if one is named.
pub(super) async fn load(
    config: &Path,
    kubeconfig: Option<&Path>,
) -> Result<LoadedConfig, ExplainError> {
    let cluster = match kubeconfig {
        Some(file) => ClusterOptions::Connect { kubeconfig: Some(file.to_owned()), service: None },
        None => ClusterOptions::Never,
    };
    let origin = ConfigOrigin::File(config.to_owned());
    Ok(app::load_recording(origin, &Flags::default(), &cluster).await?)
}

/// The APIs and kinds of objects that a snapshot serves a metric for.
fn served_in(snapshot: &Snapshot, metric: &str) -> Vec<ServedAs> {
    let served = snapshot.of_name(metric).filter_map(|entry| match &entry.serve {
        Serve::Custom(resource) => Some(ServedAs::Custom {
            resource: resource.to_string(),
            namespaced: resource.namespaced(),
        }),
        Serve::External => Some(ServedAs::External),
        Serve::ResourceMetrics(_) => None,
    });
    served.collect()
}

/// The paths of reads of a metric in a namespace, in each way in which a snapshot serves it.
pub fn paths_in(snapshot: &Snapshot, namespace: &str, metric: &str) -> Vec<String> {
    let served = served_in(snapshot, metric);
    served.iter().map(|of| of.path(namespace, metric, "v1beta2")).collect()
}

/// What a list of discovery says of a metric.
fn listed(list: &Value, metric: &str, is_custom: bool) -> Vec<ServedAs> {
    let resources = list["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    let served = resources.iter().filter_map(|resource| {
        let name = resource["name"].as_str()?;
        if !is_custom {
            return (name == metric).then_some(ServedAs::External);
        }
        let (of, name) = name.split_once('/')?;
        let namespaced = resource["namespaced"].as_bool().unwrap_or(true);
        (name == metric).then(|| ServedAs::Custom { resource: of.to_owned(), namespaced })
    });
    served.collect()
}

/// Asks the adapter of a cluster for the explanation of a read, with the last hour of an autoscaler if
/// one is named; `None` if what answers is no explanation.
pub(super) async fn explained(
    cluster: &Cluster,
    path: &str,
    with: With,
    autoscaler: Option<&str>,
) -> Result<Option<MetricExplanation>, String> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let fixture = if with.fixture { "&fixture=true" } else { "" };
    let named =
        autoscaler.map_or_else(String::new, |name| format!("&autoscaler={}", segment(name)));
    let path = format!("{path}{separator}explain=true{fixture}{named}");
    let answer = readings::get(cluster, &path).await?;
    if answer.body["kind"] != KIND {
        return Ok(None);
    }
    serde_json::from_value(answer.body)
        .map(Some)
        .map_err(|error| format!("an explanation that this version cannot read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_metric_is_served_as_discovery_lists_it() {
        let list = json!({"resources": [
            {"name": "pods/m", "namespaced": true},
            {"name": "namespaces/m", "namespaced": false},
            {"name": "pods/other", "namespaced": true},
        ]});
        let paths = listed(&list, "m", true);
        let paths = paths.iter().map(|of| of.path("shop", "m", "v1beta2"));
        assert_eq!(
            paths.collect::<Vec<_>>(),
            [
                "/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/%2A/m",
                "/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/metrics/m",
            ]
        );
        let external = json!({"resources": [{"name": "m"}, {"name": "mm"}]});
        let paths = listed(&external, "m", false);
        let path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/m";
        assert_eq!(
            paths.iter().map(|of| of.path("shop", "m", "v1beta2")).collect::<Vec<_>>(),
            [path]
        );
    }
}
