//! Our own values, read in this process as the API reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::metrics::{Metric, MetricKind, measured_kind};
use super::reading::{Number, Reading, labelled};
use crate::app::LoadedConfig;
use leadsman_cluster::Cluster;
use leadsman_evaluation::{Missing, MissingReason, ReadFailure};
use leadsman_model::objects::ObjectStore;
use leadsman_model::quantity::Quantity;
use leadsman_model::serve::Serve;
use leadsman_provider::snapshot::{Contents, Entry, EntryState, LazyMetric, Snapshot};
use leadsman_provider::{
    Amounts, Caller, CustomRead, CustomRequest, CustomValues, ExternalItems, ExternalRead,
    ExternalRequest, ObjectAmounts, ObjectMetrics, ObjectSelection, ReadError, ResourceRead,
    ResourceRequest, ResourceValues,
};

/// The time limit for the first list of the objects of a kind.
const LIST_TIMEOUT: Duration = Duration::from_secs(20);

/// The maximum number of reads after which a deadline is a failure. Deadlines are about a second; a
/// comparison can wait longer.
const MAX_READS: u32 = 20;

/// Our own configuration, with everything that is needed to read it.
pub(super) struct OwnAdapter<'a> {
    config: &'a LoadedConfig,
    cluster: &'a Cluster,
    /// The only namespace to compare.
    only: Option<String>,
    namespaces: OnceCell<Result<Vec<String>, String>>,
}

/// The scope of a read: a namespace, or the cluster.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ReadScope {
    /// The namespace.
    pub(super) namespace: Option<String>,
}

/// Reads one metric from separate evaluations, so that values are not older than the first read.
pub(super) struct Reader<'a> {
    metric: &'a Metric,
    snapshot: Arc<Snapshot>,
    kind: Option<Arc<ObjectStore>>,
}

impl<'a> OwnAdapter<'a> {
    pub(super) async fn new(
        config: &'a LoadedConfig,
        cluster: &'a Cluster,
        only: Option<String>,
    ) -> Self {
        // Binding one metric of each kind keeps the reflector of its objects running.
        let mut watched = BTreeSet::new();
        for entry in config.loaded.snapshot.entries() {
            if let (Serve::Custom(resource), EntryState::Lazy(metric)) =
                (&entry.serve, &entry.state)
                && watched.insert(resource)
            {
                // If it cannot be bound, its reads report why.
                let _ = metric.evaluations().await;
            }
        }
        Self { config, cluster, only, namespaces: OnceCell::new() }
    }

    fn snapshot(&self) -> &'a Arc<Snapshot> {
        &self.config.loaded.snapshot
    }

    /// All metrics.
    pub(super) fn metrics(&self) -> BTreeSet<Metric> {
        self.snapshot().served().map(metric_of).collect()
    }

    /// A reader of a metric with new evaluations.
    pub(super) async fn reader(&self, metric: &'a Metric) -> Result<Reader<'a>, String> {
        let snapshot = self.snapshot();
        // Mappings precede rules.
        let entry = snapshot.served().find(|entry| metric_of(entry) == *metric);
        let snapshot = match entry.map(|entry| &entry.state) {
            Some(EntryState::Lazy(rule)) => snapshot_of(rule).await?,
            _ => snapshot.clone(),
        };
        let kind = kind_of(&snapshot, metric);
        if let Some(kind) = &kind {
            let _ = tokio::time::timeout(LIST_TIMEOUT, kind.first_list()).await;
            kind.ready().map_err(|unknown| unknown.to_string())?;
        }
        Ok(Reader { metric, snapshot, kind })
    }

    /// The scopes in which a metric has objects.
    pub(super) async fn scopes(
        &self,
        metric: &Metric,
        reader: &Reader<'_>,
    ) -> Result<Vec<ReadScope>, String> {
        let namespaces = match (&reader.kind, &metric.of) {
            (Some(kind), _) if !kind.resource().namespaced() => {
                return Ok(vec![ReadScope::default()]);
            }
            (Some(kind), _) => kind.namespaces(),
            (None, MetricKind::External) => self.all_namespaces().await?,
            (None, _) => Vec::new(),
        };
        let wanted = |name: &String| self.only.as_ref().is_none_or(|only| only == name);
        let selected = namespaces.into_iter().filter(wanted);
        Ok(selected.map(|name| ReadScope { namespace: Some(name) }).collect())
    }

    async fn all_namespaces(&self) -> Result<Vec<String>, String> {
        if let Some(only) = &self.only {
            return Ok(vec![only.clone()]);
        }
        self.namespaces.get_or_init(|| self.cluster.namespaces()).await.clone()
    }
}

/// The metric of an entry, as discovery names it.
fn metric_of(entry: &Entry) -> Metric {
    Metric::served(&entry.serve, entry.metric.as_str())
}

/// A snapshot that contains only a rule metric, with a new binding.
async fn snapshot_of(metric: &LazyMetric) -> Result<Arc<Snapshot>, String> {
    let contents = Contents { mappings: vec![metric.bind_anew().await?], ..Contents::default() };
    Ok(Arc::new(Snapshot::new(0, contents)))
}

fn kind_of(snapshot: &Snapshot, metric: &Metric) -> Option<Arc<ObjectStore>> {
    let entry = snapshot.served().find(|entry| metric_of(entry) == *metric)?;
    entry.evaluations()?.mapping().kind.clone()
}

impl Reader<'_> {
    /// Reads all objects of a scope.
    pub(super) async fn read(&self, scope: &ReadScope) -> Result<Reading, String> {
        for _ in 1..MAX_READS {
            match self.once(scope).await {
                Err(ReadError::Failed { failure: ReadFailure::Deadline { .. }, .. }) => {}
                other => return other.map_err(|error| error.to_string()),
            }
        }
        self.once(scope).await.map_err(|error| error.to_string())
    }

    async fn once(&self, scope: &ReadScope) -> Result<Reading, ReadError> {
        let namespace = scope.namespace.as_deref();
        let (metric, caller) = (self.metric.name.as_str(), Caller::default());
        match &self.metric.of {
            MetricKind::Custom { resource } => {
                let request = CustomRequest {
                    caller,
                    namespace,
                    resource,
                    target: ObjectSelection::All,
                    metric,
                    label_selector: "",
                    metric_selector: "",
                };
                let read = CustomRead::new(&self.snapshot, &request).await?;
                let reading = read.read(None).await?;
                let CustomValues { values, missing, .. } = reading.values()?;
                let values = values.iter().map(|of| (of.name.to_owned(), of.value.quantity));
                Ok(self::reading(values.collect(), reading.warning(), missing))
            }
            MetricKind::External => {
                let namespace = namespace.unwrap_or_default();
                let request = ExternalRequest { caller, namespace, metric, metric_selector: "" };
                let read = ExternalRead::new(&self.snapshot, &request).await?;
                let reading = read.read().await?;
                let ExternalItems { items, missing } = reading.items()?;
                let values = items.iter().map(|item| {
                    let labels = item.labels.iter().map(|(name, value)| (&**name, &**value));
                    (labelled(labels), item.value.quantity)
                });
                Ok(self::reading(values.collect(), reading.warning(), missing))
            }
            MetricKind::ResourceMetrics { resource } => {
                let Some(kind) = measured_kind(resource) else { return Ok(Reading::default()) };
                let request = ResourceRequest {
                    caller,
                    kind,
                    namespace,
                    target: ObjectSelection::All,
                    label_selector: "",
                    field_selector: "",
                };
                let read = ResourceRead::new(&self.snapshot, &request).await?;
                let reading = read.read(None).await?;
                let ResourceValues { values, missing, .. } = reading.values()?;
                let all = amounts(&values);
                Ok(self::reading(all, reading.warning(), missing))
            }
        }
    }
}

/// CPU and memory of nodes, and of the containers of pods.
fn amounts(objects: &[ObjectMetrics<'_>]) -> BTreeMap<String, Quantity> {
    let mut values = BTreeMap::new();
    for object in objects {
        let name = &object.object.name;
        match &object.amounts {
            ObjectAmounts::Whole(amounts) => add(&mut values, name, *amounts),
            ObjectAmounts::Containers(containers) => {
                for (container, amounts) in containers {
                    add(&mut values, &format!("{name} {container}"), *amounts);
                }
            }
        }
    }
    values
}

fn add(values: &mut BTreeMap<String, Quantity>, of: &str, amounts: Amounts) {
    for (amount, quantity) in [("cpu", amounts.cpu), ("memory", amounts.memory)] {
        values.extend(quantity.map(|quantity| (format!("{of} {amount}"), quantity)));
    }
}

fn reading(
    values: BTreeMap<String, Quantity>,
    warning: Option<String>,
    missing: Option<Missing>,
) -> Reading {
    let disagrees = missing.as_ref().is_some_and(|of| of.reason == MissingReason::Disagreement);
    let warning = warning.or_else(|| missing.map(|of| of.message));
    let values = values.into_iter().map(|(of, quantity)| (of, Number::Quantity(quantity)));
    Reading { values: values.collect(), warning, disagrees }
}
