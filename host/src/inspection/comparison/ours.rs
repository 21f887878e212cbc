//! What ours answers, read in this process as the API reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::metrics::{Listed, Metric, usage_resource};
use super::reading::{Number, Reading, labelled};
use crate::app::Live;
use leadsman_cluster::Cluster;
use leadsman_evaluation::ReadFailure;
use leadsman_model::objects::ObjectStore;
use leadsman_model::quantity::Quantity;
use leadsman_model::serve::Serve;
use leadsman_provider::snapshot::{Contents, Entry, EntryState, LazyMetric, Snapshot};
use leadsman_provider::{
    Amounts, Caller, CustomRead, CustomRequest, CustomValues, ExternalItems, ExternalRead,
    ExternalRequest, ObjectMetrics, ReadError, ResourceRead, ResourceRequest, ResourceValues,
    Target, Usage,
};

/// How long to wait for the list of a kind's objects.
const LISTED: Duration = Duration::from_secs(20);

/// How often a read is sent again for want of time. A read waits a second; whoever compares may
/// wait longer.
const AGAIN: u32 = 20;

/// Ours.
pub(super) struct Ours<'a> {
    live: &'a Live,
    cluster: &'a Cluster,
    /// The only namespace that is looked at.
    only: Option<String>,
    namespaces: OnceCell<Result<Vec<String>, String>>,
}

/// Where a metric is read: in a namespace, or at the root.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Place {
    /// The namespace.
    pub(super) namespace: Option<String>,
}

/// Reads one metric from evaluations of its own, which are as new as their first read.
pub(super) struct Reader<'a> {
    metric: &'a Metric,
    snapshot: Arc<Snapshot>,
    kind: Option<Arc<ObjectStore>>,
}

impl<'a> Ours<'a> {
    pub(super) async fn new(live: &'a Live, cluster: &'a Cluster, only: Option<String>) -> Self {
        // One metric of each kind that is bound in the snapshot keeps the kind's objects followed.
        let mut followed = BTreeSet::new();
        for entry in live.loaded.snapshot.entries() {
            if let (Serve::Custom(resource), EntryState::Lazy(metric)) =
                (&entry.serve, &entry.state)
                && followed.insert(resource)
            {
                // Whoever reads it is told why it cannot be bound.
                let _ = metric.evaluations().await;
            }
        }
        Self { live, cluster, only, namespaces: OnceCell::new() }
    }

    fn snapshot(&self) -> &'a Arc<Snapshot> {
        &self.live.loaded.snapshot
    }

    /// All metrics.
    pub(super) fn metrics(&self) -> BTreeSet<Metric> {
        self.snapshot().served().map(named).collect()
    }

    /// Whoever reads a metric with new values.
    pub(super) async fn reader(&self, metric: &'a Metric) -> Result<Reader<'a>, String> {
        let snapshot = self.snapshot();
        // Mappings stand before rules.
        let entry = snapshot.served().find(|entry| named(entry) == *metric);
        let snapshot = match entry.map(|entry| &entry.state) {
            Some(EntryState::Lazy(rule)) => alone(rule).await?,
            _ => snapshot.clone(),
        };
        let kind = kind_of(&snapshot, metric);
        if let Some(kind) = &kind {
            let _ = tokio::time::timeout(LISTED, kind.first_list()).await;
            kind.ready().map_err(|unknown| unknown.to_string())?;
        }
        Ok(Reader { metric, snapshot, kind })
    }

    /// Where there is something to read of a metric.
    pub(super) async fn places(
        &self,
        metric: &Metric,
        reader: &Reader<'_>,
    ) -> Result<Vec<Place>, String> {
        let namespaces = match (&reader.kind, &metric.of) {
            (Some(kind), _) if !kind.resource().namespaced() => return Ok(vec![Place::default()]),
            (Some(kind), _) => kind.namespaces(),
            (None, Listed::External) => self.all_namespaces().await?,
            (None, _) => Vec::new(),
        };
        let wanted = |name: &String| self.only.as_ref().is_none_or(|only| only == name);
        let places = namespaces.into_iter().filter(wanted);
        Ok(places.map(|name| Place { namespace: Some(name) }).collect())
    }

    async fn all_namespaces(&self) -> Result<Vec<String>, String> {
        if let Some(only) = &self.only {
            return Ok(vec![only.clone()]);
        }
        self.namespaces.get_or_init(|| self.cluster.namespaces()).await.clone()
    }
}

/// The name of an entry in discovery.
fn named(entry: &Entry) -> Metric {
    Metric::served(&entry.serve, entry.metric.as_str())
}

/// A snapshot of a rule's metric alone, bound anew.
async fn alone(metric: &LazyMetric) -> Result<Arc<Snapshot>, String> {
    let contents = Contents { mappings: vec![metric.bind_anew().await?], ..Contents::default() };
    Ok(Arc::new(Snapshot::new(0, contents)))
}

fn kind_of(snapshot: &Snapshot, metric: &Metric) -> Option<Arc<ObjectStore>> {
    let entry = snapshot.served().find(|entry| named(entry) == *metric)?;
    entry.evaluations()?.mapping().kind.clone()
}

impl Reader<'_> {
    /// Reads all objects of a place.
    pub(super) async fn read(&self, place: &Place) -> Result<Reading, String> {
        for _ in 1..AGAIN {
            match self.once(place).await {
                Err(ReadError::Failed { failure: ReadFailure::Deadline { .. }, .. }) => {}
                other => return other.map_err(|error| error.to_string()),
            }
        }
        self.once(place).await.map_err(|error| error.to_string())
    }

    async fn once(&self, place: &Place) -> Result<Reading, ReadError> {
        let namespace = place.namespace.as_deref();
        let (metric, caller) = (self.metric.name.as_str(), Caller::default());
        match &self.metric.of {
            Listed::Custom { resource } => {
                let request = CustomRequest {
                    caller,
                    namespace,
                    resource,
                    target: Target::All,
                    metric,
                    label_selector: "",
                    metric_selector: "",
                };
                let read = CustomRead::new(&self.snapshot, &request).await?;
                let reading = read.read(None).await?;
                let CustomValues { values, missing, .. } = reading.values()?;
                let values = values.iter().map(|of| (of.name.to_owned(), of.value.quantity));
                let missing = missing.map(|missing| missing.message);
                Ok(self::reading(values.collect(), reading.warning().or(missing)))
            }
            Listed::External => {
                let namespace = namespace.unwrap_or_default();
                let request = ExternalRequest { caller, namespace, metric, metric_selector: "" };
                let read = ExternalRead::new(&self.snapshot, &request).await?;
                let reading = read.read().await?;
                let ExternalItems { items, missing } = reading.items()?;
                let values = items.iter().map(|item| {
                    let labels = item.labels.iter().map(|(name, value)| (&**name, &**value));
                    (labelled(labels), item.value.quantity)
                });
                let missing = missing.map(|missing| missing.message);
                Ok(self::reading(values.collect(), reading.warning().or(missing)))
            }
            Listed::Usage { resource } => {
                let Some(kind) = usage_resource(resource) else { return Ok(Reading::default()) };
                let request = ResourceRequest {
                    caller,
                    kind,
                    namespace,
                    target: Target::All,
                    label_selector: "",
                    field_selector: "",
                };
                let read = ResourceRead::new(&self.snapshot, &request).await?;
                let reading = read.read(None).await?;
                let ResourceValues { values, missing, .. } = reading.values()?;
                let all = amounts(&values);
                let missing = missing.map(|missing| missing.message);
                Ok(self::reading(all, reading.warning().or(missing)))
            }
        }
    }
}

/// cpu and memory of nodes, and of the containers of pods.
fn amounts(objects: &[ObjectMetrics<'_>]) -> BTreeMap<String, Quantity> {
    let mut values = BTreeMap::new();
    for object in objects {
        let name = &object.object.name;
        match &object.usage {
            Usage::Whole(amounts) => add(&mut values, name, *amounts),
            Usage::Containers(containers) => {
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

fn reading(values: BTreeMap<String, Quantity>, warning: Option<String>) -> Reading {
    let values = values.into_iter().map(|(of, quantity)| (of, Number::Known(quantity)));
    Reading { values: values.collect(), warning }
}
