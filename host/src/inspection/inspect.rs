//! Inspects rules: reads the configuration, lists series once for each series query, and derives the
//! metrics.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::inspected::Inspection;
use leadsman_cluster::{Cluster, ConnectError};
use leadsman_config::{Flags, Parsed, valid};
use leadsman_control::{self as control, ConfigOrigin, SeriesList};
use leadsman_model::resource::Resource;
use leadsman_rules::{ListedSeries, resolver};
use leadsman_source::Source;
use leadsman_source::SourceSettings;

/// The options of an inspection.
#[derive(Debug, Clone)]
pub struct InspectOptions {
    /// The location of the configuration.
    pub config: ConfigOrigin,
    /// Settings of the command line that supplement it.
    pub flags: Flags,
    /// The cluster, for kinds of objects that not every cluster has; `None` for the one that this
    /// process is a pod of, if it is one.
    pub kubeconfig: Option<PathBuf>,
}

/// Why rules could not be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The cluster cannot be connected to.
    #[error(transparent)]
    Cluster(#[from] ConnectError),
    /// The configuration cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// Inspects the rules of a configuration.
pub async fn inspect(options: &InspectOptions) -> Result<Inspection, InspectError> {
    leadsman_runtime::tls::install_provider();
    let cluster = Cluster::connect(options.kubeconfig.as_deref()).await?;
    let parsed = control::read(&options.config, &options.flags, cluster.as_ref())
        .await
        .map_err(InspectError::Unreadable)?;
    let discovered = match &cluster {
        Some(cluster) => Some(cluster.resources().await),
        None => None,
    };
    let (resources, discovery) = match discovered {
        Some(Ok(resources)) => (resources, Some(Ok(()))),
        Some(Err(reason)) => (Vec::new(), Some(Err(reason))),
        None => (Vec::new(), None),
    };
    let mut inspection = inspect_with(parsed, &resources).await;
    inspection.discovery = discovery;
    if !matches!(inspection.discovery, Some(Ok(()))) {
        // Without discovery it is not known whether a kind exists.
        for rule in &mut inspection.rules {
            rule.possible_faults = std::mem::take(&mut rule.faults);
        }
    }
    Ok(inspection)
}

async fn inspect_with(parsed: Parsed, resources: &[Resource]) -> Inspection {
    let mut inspection = Inspection::of(&parsed);
    if let Some(rules) = &parsed.config.rules {
        let lists = list_series(rules, parsed.config.sources.get(&rules.discovery.source)).await;
        inspection.add(
            &parsed.document,
            rules,
            &lists,
            &parsed.config.mappings,
            &resolver(resources),
        );
    }
    inspection
}

/// The result of each series query.
pub(super) type SeriesLists = BTreeMap<String, Result<ListedSeries, String>>;

async fn list_series(rules: &valid::Rules, source: Option<&SourceSettings>) -> SeriesLists {
    let name = &rules.discovery.source;
    let reason = match source.map(Source::new) {
        Some(Ok(source)) => {
            let lists = control::list_series(rules, &source).await.into_iter();
            return lists.map(|SeriesList { query, seen, .. }| (query, seen)).collect();
        }
        Some(Err(error)) => format!("the source \"{name}\": {:#}", anyhow::Error::from(error)),
        None => format!("the source \"{name}\" has a fault"),
    };
    let queries = rules.series_queries().into_iter();
    queries.map(|query| (query.to_owned(), Err(reason.clone()))).collect()
}
