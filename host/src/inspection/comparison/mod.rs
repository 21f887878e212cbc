//! What another adapter answers to the same requests, and where that differs.
//!
//! Ours is read in this process, as the API would read it, before and after the other one: values
//! move, and what lies between two readings is no difference. Whatever differs is looked at again
//! before it is told.

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
use differences::{Difference, What, compared};
use leadsman_rules::Unserved;
use metrics::{Listed, Metric};
use ours::{Ours, Place};

use super::{InspectError, InspectOptions, Inspection, inspect};
use other::Other;
pub use other::{OtherOptions, Who};
pub use report::Comparison;

/// How many metrics are read at once. prometheus-adapter lists objects for each read, at a limited
/// rate.
const AT_ONCE: usize = 6;

/// How often what differs is looked at before it is told.
const LOOKS: u32 = 3;

/// How long to wait before another look: samples come in the meantime.
const PAUSE: Duration = Duration::from_secs(3);

/// What is compared, with whom, and how closely.
#[derive(Debug, Clone)]
pub struct CompareOptions {
    /// Our configuration and the cluster.
    pub ours: InspectOptions,
    /// The other adapter.
    pub other: OtherOptions,
    /// The only namespace whose objects are read; `None` for all.
    pub namespace: Option<String>,
    /// How far apart two values may be, as a part of the larger one.
    pub tolerance: f64,
}

/// Why nothing could be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// Our configuration cannot be loaded.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Our rules cannot be looked at.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// There is no cluster, whose objects are what is read.
    #[error("comparing needs the cluster that both serve: name it with --kubeconfig")]
    NoCluster,
    /// The other adapter cannot be asked.
    #[error("{0}")]
    Other(String),
}

/// Reads every metric of either from both.
pub async fn compare(options: &CompareOptions) -> Result<Comparison, CompareError> {
    let InspectOptions { config, flags, kubeconfig } = &options.ours;
    let cluster = ClusterOptions::Around { kubeconfig: kubeconfig.clone(), service: None };
    let loaded = app::load(config.clone(), flags, &cluster).await?;
    let cluster = loaded.cluster.clone().ok_or(CompareError::NoCluster)?;
    let other = Other::new(&options.other, &cluster).map_err(CompareError::Other)?;
    let mut theirs = other.metrics().await.map_err(CompareError::Other)?;
    let ours = Ours::new(&loaded, &cluster, options.namespace.clone()).await;
    let mine: BTreeSet<_> = ours.metrics();
    let is_usage = |metric: &Metric| matches!(metric.of, Listed::Usage { .. });
    if !mine.iter().any(is_usage) {
        // Somebody else serves what nodes and pods use.
        theirs.retain(|metric| !is_usage(metric));
    }
    let mut comparison = Comparison {
        with: options.other.to_string(),
        faults: loaded
            .loaded
            .faults
            .iter()
            .filter_map(|(_, faults)| Some(faults.only(false)?.to_string()))
            .collect(),
        both: mine.intersection(&theirs).count(),
        ..Comparison::default()
    };
    comparison.only_here = mine.difference(&theirs).map(Metric::title).collect();
    let missing: Vec<_> = theirs.difference(&mine).collect();
    if !missing.is_empty() {
        // Only now is it worth another list of all series.
        let inspection = inspect(&options.ours).await?;
        let told = |metric: &&Metric| (metric.title(), why_missing(&inspection, metric));
        comparison.only_there = missing.iter().map(told).collect();
    }
    let looks = mine.intersection(&theirs).map(|metric| Look {
        ours: &ours,
        other: &other,
        metric,
        tolerance: options.tolerance,
    });
    let mut looked = stream::iter(looks).map(Look::look).buffered(AT_ONCE);
    while let Some(seen) = looked.next().await {
        comparison.values += seen.values;
        comparison.differences.extend(seen.differences);
    }
    Ok(comparison)
}

/// Why we do not have a metric that the other one has, as far as rules tell.
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
        let reason = rule.seen.as_ref().err()?;
        Some(format!("perhaps of {}, whose series cannot be listed: {reason}", rule.place))
    });
    unlisted.unwrap_or_else(|| match &metric.of {
        Listed::Custom { .. } | Listed::External => {
            "no rule gives it from the series that there are now".to_owned()
        }
        Listed::Usage { .. } => "resourceRules do not ask for it".to_owned(),
    })
}

/// One metric of both.
struct Look<'a> {
    ours: &'a Ours<'a>,
    other: &'a Other,
    metric: &'a Metric,
    tolerance: f64,
}

/// What was seen of a metric.
#[derive(Default)]
struct Seen {
    /// How many values were compared.
    values: usize,
    differences: Vec<Difference>,
}

impl Look<'_> {
    async fn look(self) -> Seen {
        let mut seen = Seen::default();
        for look in 1..=LOOKS {
            seen = match self.once().await {
                Ok(seen) => seen,
                Err(reason) => {
                    // What theirs has of it was not read.
                    let what = What::Unread { ours: Err(reason), theirs: Ok(1) };
                    let place = Place::default();
                    let difference = Difference { metric: self.metric.title(), place, what };
                    Seen { values: 0, differences: vec![difference] }
                }
            };
            if look == LOOKS || !seen.differences.iter().any(|of| of.what.is_difference()) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        seen
    }

    async fn once(&self) -> Result<Seen, String> {
        let before = self.ours.reader(self.metric).await?;
        let after = self.ours.reader(self.metric).await?;
        let mut seen = Seen::default();
        for place in self.ours.places(self.metric, &before).await? {
            let ours = before.read(&place).await;
            let theirs = self.other.read(self.metric, &place).await;
            let again = after.read(&place).await;
            seen.values += theirs.as_ref().map_or(0, |reading| reading.values.len());
            let found = compared(&ours, &again, &theirs, self.tolerance);
            seen.differences.extend(found.into_iter().map(|what| Difference {
                metric: self.metric.title(),
                place: place.clone(),
                what,
            }));
        }
        Ok(seen)
    }
}
