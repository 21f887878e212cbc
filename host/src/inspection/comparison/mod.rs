//! Compares all values with those of another adapter.
//!
//! Our values are read in this process, as the API reads them, before and after those of the other
//! adapter: values change, and a value between the two readings is no difference. Differences are
//! verified by further attempts before they are reported.

mod differences;
mod metrics;
mod other;
mod ours;
mod reading;
mod report;

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use crate::app::{self, ClusterOptions, StartError};
use differences::{Difference, DifferenceKind, compared};
use leadsman_rules::Unserved;
use metrics::{Metric, MetricKind};
use ours::{OwnAdapter, ReadScope};

use super::{InspectError, InspectOptions, Inspection, inspect};
use other::OtherAdapter;
pub use other::{OtherEndpoint, OtherOptions};
pub use report::Comparison;

/// The number of metrics that are compared concurrently. prometheus-adapter lists objects for each
/// read, at a limited rate.
const MAX_CONCURRENT: usize = 6;

/// The number of attempts before a difference is reported.
const MAX_ATTEMPTS: u32 = 3;

/// The delay between attempts, in which new samples arrive.
const RETRY_DELAY: Duration = Duration::from_secs(3);

/// The options of a comparison.
#[derive(Debug, Clone)]
pub struct CompareOptions {
    /// Our configuration and the cluster.
    pub ours: InspectOptions,
    /// The other adapter.
    pub other: OtherOptions,
    /// The only namespace to compare; `None` for all.
    pub namespace: Option<String>,
    /// The allowed difference of two values, as a fraction of the larger one.
    pub tolerance: f64,
}

/// Why a comparison failed.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// Our configuration cannot be loaded.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Our rules cannot be inspected.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// There is no cluster whose objects could be read.
    #[error("comparing needs the cluster that both serve: name it with --kubeconfig")]
    NoCluster,
    /// Requests to the other adapter fail.
    #[error("{0}")]
    Other(String),
}

/// Compares every metric that both adapters have, and lists those that only one has.
pub async fn compare(options: &CompareOptions) -> Result<Comparison, CompareError> {
    let InspectOptions { config, flags, kubeconfig } = &options.ours;
    let cluster = ClusterOptions::Connect { kubeconfig: kubeconfig.clone(), service: None };
    let loaded = app::load(config.clone(), flags, &cluster).await?;
    let cluster = loaded.cluster.clone().ok_or(CompareError::NoCluster)?;
    let other = OtherAdapter::new(&options.other, &cluster).map_err(CompareError::Other)?;
    let mut theirs = other.metrics().await.map_err(CompareError::Other)?;
    let ours = OwnAdapter::new(&loaded, &cluster, options.namespace.clone()).await;
    let own_metrics: BTreeSet<_> = ours.metrics();
    let is_resource_metric =
        |metric: &Metric| matches!(metric.of, MetricKind::ResourceMetrics { .. });
    if !own_metrics.iter().any(is_resource_metric) {
        // Another server serves the resource metrics.
        theirs.retain(|metric| !is_resource_metric(metric));
    }
    let mut comparison = Comparison {
        with: options.other.to_string(),
        faults: loaded
            .loaded
            .faults
            .iter()
            .filter_map(|(_, faults)| Some(faults.only(false)?.to_string()))
            .collect(),
        both: own_metrics.intersection(&theirs).count(),
        ..Comparison::default()
    };
    comparison.only_here = own_metrics.difference(&theirs).map(Metric::title).collect();
    let missing: Vec<_> = theirs.difference(&own_metrics).collect();
    if !missing.is_empty() {
        // Only now another list of all series is needed.
        let inspection = inspect(&options.ours).await?;
        let explained = |metric: &&Metric| (metric.title(), why_missing(&inspection, metric));
        comparison.only_there = missing.iter().map(explained).collect();
    }
    let comparisons = own_metrics.intersection(&theirs).map(|metric| MetricComparison {
        ours: &ours,
        other: &other,
        metric,
        tolerance: options.tolerance,
    });
    let mut results = stream::iter(comparisons).map(MetricComparison::run).buffered(MAX_CONCURRENT);
    while let Some(result) = results.next().await {
        comparison.values += result.values;
        comparison.differences.extend(result.differences);
    }
    Ok(comparison)
}

/// Why our rules do not give a metric that the other adapter has.
fn why_missing(inspection: &Inspection, metric: &Metric) -> String {
    let unserved = inspection.rules.iter().flat_map(|rule| &rule.unserved);
    let of_its_name = |unserved: &&Unserved| match &unserved.metric {
        Some(name) => name.as_str() == metric.name,
        None => *unserved.series == *metric.name,
    };
    if let Some(Unserved { why, .. }) = unserved.clone().find(of_its_name) {
        return why.to_string();
    }
    let unlisted = inspection.rules.iter().find_map(|rule| {
        let reason = rule.series.as_ref().err()?;
        Some(format!("perhaps of {}, whose series cannot be listed: {reason}", rule.place))
    });
    unlisted.unwrap_or_else(|| match &metric.of {
        MetricKind::Custom { .. } | MetricKind::External => {
            "no rule gives it from the series that there are now".to_owned()
        }
        MetricKind::ResourceMetrics { .. } => "resourceRules do not ask for it".to_owned(),
    })
}

/// The comparison of one metric.
struct MetricComparison<'a> {
    ours: &'a OwnAdapter<'a>,
    other: &'a OtherAdapter,
    metric: &'a Metric,
    tolerance: f64,
}

/// The result of comparing one metric.
#[derive(Default)]
struct MetricResult {
    /// The number of values that were compared.
    values: usize,
    differences: Vec<Difference>,
}

impl MetricComparison<'_> {
    async fn run(self) -> MetricResult {
        let mut result = MetricResult::default();
        for attempt in 1..=MAX_ATTEMPTS {
            result = match self.once().await {
                Ok(result) => result,
                Err(reason) => {
                    // The other adapter lists the metric, and was not read.
                    let what = DifferenceKind::Failed { ours: Err(reason), theirs: Ok(1) };
                    let scope = ReadScope::default();
                    let difference = Difference { metric: self.metric.title(), scope, what };
                    MetricResult { values: 0, differences: vec![difference] }
                }
            };
            if attempt == MAX_ATTEMPTS
                || !result.differences.iter().any(|of| of.what.is_difference())
            {
                break;
            }
            tokio::time::sleep(RETRY_DELAY).await;
        }
        result
    }

    async fn once(&self) -> Result<MetricResult, String> {
        let before = self.ours.reader(self.metric).await?;
        let after = self.ours.reader(self.metric).await?;
        let mut result = MetricResult::default();
        for scope in self.ours.scopes(self.metric, &before).await? {
            let ours = before.read(&scope).await;
            let theirs = self.other.read(self.metric, &scope).await;
            let again = after.read(&scope).await;
            result.values += theirs.as_ref().map_or(0, |reading| reading.values.len());
            let found = compared(&ours, &again, &theirs, self.tolerance);
            result.differences.extend(found.into_iter().map(|what| Difference {
                metric: self.metric.title(),
                scope: scope.clone(),
                what,
            }));
        }
        Ok(result)
    }
}
