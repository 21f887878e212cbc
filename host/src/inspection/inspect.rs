//! Finding out what rules give: the configuration, one list of series for each series query, and
//! what becomes of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::found::Inspection;
use leadsman_cluster::{Cluster, ConnectError};
use leadsman_config::{Flags, Parsed, valid};
use leadsman_control::{self as control, ConfigOrigin, SeriesList};
use leadsman_model::resource::Resource;
use leadsman_rules::{Seen, resolver};
use leadsman_source::Source;
use leadsman_source::SourceSettings;

/// Whose rules are looked at.
#[derive(Debug, Clone)]
pub struct InspectOptions {
    /// Where the configuration is.
    pub config: ConfigOrigin,
    /// What the command line says beside it.
    pub flags: Flags,
    /// The cluster, for kinds of objects that not every cluster has; `None` for the one that this
    /// process is a pod of, if it is one.
    pub kubeconfig: Option<PathBuf>,
}

/// Why nothing can be said of rules.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// There is no way to the cluster.
    #[error(transparent)]
    Cluster(#[from] ConnectError),
    /// The configuration cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// Reads a configuration, lists series once, and says what its rules make of them.
pub async fn inspect(options: &InspectOptions) -> Result<Inspection, InspectError> {
    leadsman_runtime::tls::install_provider();
    let cluster = Cluster::connect(options.kubeconfig.as_deref()).await?;
    let parsed = control::read(&options.config, &options.flags, cluster.as_ref())
        .await
        .map_err(InspectError::Unreadable)?;
    let kinds = match &cluster {
        Some(cluster) => Some(cluster.resources().await),
        None => None,
    };
    let (resources, kinds) = match kinds {
        Some(Ok(resources)) => (resources, Some(Ok(()))),
        Some(Err(reason)) => (Vec::new(), Some(Err(reason))),
        None => (Vec::new(), None),
    };
    let mut inspection = made(parsed, &resources).await;
    inspection.kinds = kinds;
    if !matches!(inspection.kinds, Some(Ok(()))) {
        // A kind may be there although no cluster has told.
        for rule in &mut inspection.rules {
            rule.doubts = std::mem::take(&mut rule.faults);
        }
    }
    Ok(inspection)
}

async fn made(parsed: Parsed, resources: &[Resource]) -> Inspection {
    let mut inspection = Inspection::of(&parsed);
    if let Some(rules) = &parsed.config.rules {
        let lists = listed(rules, parsed.config.sources.get(&rules.discovery.source)).await;
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

/// What was found for each series query.
pub(super) type Lists = BTreeMap<String, Result<Seen, String>>;

async fn listed(rules: &valid::Rules, source: Option<&SourceSettings>) -> Lists {
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
