//! What ours answers, read in this process as the API reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OnceCell;

use super::metrics::{Listed, Metric, usage_resource};
use super::reading::{Number, Reading, labelled};
use crate::app::Live;
use crate::cluster::Cluster;
use crate::evaluation::ReadFailure;
use crate::model::quantity::Quantity;
use crate::model::serve::Serve;
use crate::objects::Kind;
use crate::provider::{
    self, Amounts, CustomRequest, ExternalRequest, Found, ReadError, Target, UsageRequest, Uses,
};
use crate::snapshot::{Contents, Offer, Snapshot};

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
    kind: Option<Arc<Kind>>,
}

impl<'a> Ours<'a> {
    pub(super) async fn new(live: &'a Live, cluster: &'a Cluster, only: Option<String>) -> Self {
        // One metric of each kind that is bound in the snapshot keeps the kind's objects followed.
        let mut followed = BTreeSet::new();
        for offer in live.loaded.snapshot.offers().all() {
            if let Serve::Custom(resource) = &offer.serve
                && followed.insert(resource)
            {
                // Whoever reads it is told why it cannot be bound.
                let _ = offer.evaluations().await;
            }
        }
        Self { live, cluster, only, namespaces: OnceCell::new() }
    }

    fn snapshot(&self) -> &'a Arc<Snapshot> {
        &self.live.loaded.snapshot
    }

    /// All metrics.
    pub(super) fn metrics(&self) -> BTreeSet<Metric> {
        let snapshot = self.snapshot();
        let named = snapshot.served();
        let named = named.map(|known| Metric::served(known.serve, known.metric.as_str()));
        let usage = snapshot.usage().into_iter().flat_map(|usage| usage.kinds());
        let usage = usage.map(|kind| Metric::usage(kind.resource().plural()));
        named.chain(usage).collect()
    }

    /// Whoever reads a metric with new values.
    pub(super) async fn reader(&self, metric: &'a Metric) -> Result<Reader<'a>, String> {
        let snapshot = self.snapshot();
        let is = |other: &Metric| other == metric;
        let mapped = snapshot.mappings().iter().any(|known| {
            let mapping = known.mapping();
            is(&Metric::served(&mapping.serve, mapping.metric.as_str()))
        });
        let offer = snapshot
            .offers()
            .all()
            .iter()
            .find(|offer| is(&Metric::served(&offer.serve, offer.metric.as_str())));
        let snapshot = match offer {
            Some(offer) if !mapped => self.alone(offer).await?,
            _ => snapshot.clone(),
        };
        let kind = kind_of(&snapshot, metric);
        if let Some(kind) = &kind {
            let _ = tokio::time::timeout(LISTED, kind.settled()).await;
            kind.ready().map_err(|unknown| unknown.to_string())?;
        }
        Ok(Reader { metric, snapshot, kind })
    }

    /// A snapshot of a rule's metric alone, bound anew.
    async fn alone(&self, offer: &Arc<Offer>) -> Result<Arc<Snapshot>, String> {
        let offer = offer.clone();
        let bound = tokio::task::spawn_blocking(move || offer.with.bind()).await;
        let evaluations = bound.map_err(|error| error.to_string())??;
        let contents = Contents { mappings: vec![evaluations], ..Contents::default() };
        Ok(Arc::new(Snapshot::new(0, contents)))
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

fn kind_of(snapshot: &Snapshot, metric: &Metric) -> Option<Arc<Kind>> {
    match &metric.of {
        Listed::External => None,
        Listed::Custom { .. } => {
            let mut mappings = snapshot.mappings().iter().map(|known| known.mapping());
            let found = mappings
                .find(|known| Metric::served(&known.serve, known.metric.as_str()) == *metric);
            found.and_then(|mapping| mapping.kind.clone())
        }
        Listed::Usage { resource } => {
            let usage = snapshot.usage()?;
            usage.kinds().find(|kind| kind.resource().plural() == resource).cloned()
        }
    }
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
        let metric = self.metric.name.as_str();
        // Answers are kept under this name; what is read here is asked for by nobody else.
        let raw = "comparison";
        let found = match &self.metric.of {
            Listed::Custom { resource } => {
                let request = CustomRequest {
                    raw,
                    namespace,
                    resource,
                    target: Target::All,
                    metric,
                    label_selector: "",
                    metric_selector: "",
                };
                provider::custom(&self.snapshot, &request, |_, _, objects| {
                    let values = objects.iter();
                    packed(values.map(|of| (of.name.to_owned(), of.value.quantity)).collect())
                })
                .await?
            }
            Listed::External => {
                let namespace = namespace.unwrap_or_default();
                let request = ExternalRequest { raw, namespace, metric, label_selector: "" };
                provider::external(&self.snapshot, &request, |items| {
                    let items = items.iter().map(|item| {
                        let labels = item.labels.iter().map(|(name, value)| (&**name, &**value));
                        (labelled(labels), item.value.quantity)
                    });
                    packed(items.collect())
                })
                .await?
            }
            Listed::Usage { resource } => {
                let Some(resource) = usage_resource(resource) else {
                    return Ok(Reading::default());
                };
                let request = UsageRequest {
                    raw,
                    resource,
                    namespace,
                    target: Target::All,
                    label_selector: "",
                    field_selector: "",
                };
                provider::usage(&self.snapshot, &request, |_, objects| {
                    let mut values = BTreeMap::new();
                    for object in objects {
                        let name = &object.object.name;
                        match &object.uses {
                            Uses::Whole(amounts) => add(&mut values, name, *amounts),
                            Uses::Containers(containers) => {
                                for (container, amounts) in containers {
                                    add(&mut values, &format!("{name} {container}"), *amounts);
                                }
                            }
                        }
                    }
                    packed(values)
                })
                .await?
            }
        };
        Ok(unpacked(&found))
    }
}

fn add(values: &mut BTreeMap<String, Quantity>, of: &str, amounts: Amounts) {
    for (amount, quantity) in [("cpu", amounts.cpu), ("memory", amounts.memory)] {
        values.extend(quantity.map(|quantity| (format!("{of} {amount}"), quantity)));
    }
}

/// Answers are kept as they were rendered, so values are rendered, too.
fn packed(values: BTreeMap<String, Quantity>) -> Bytes {
    let values: BTreeMap<_, _> =
        values.into_iter().map(|(of, quantity)| (of, quantity.milli())).collect();
    serde_json::to_vec(&values).unwrap_or_default().into()
}

fn unpacked(found: &Found) -> Reading {
    let values: BTreeMap<String, i64> = serde_json::from_slice(&found.body).unwrap_or_default();
    let known = |milli| Number::Known(Quantity::from_milli(milli));
    let values = values.into_iter().map(|(of, milli)| (of, known(milli)));
    Reading { values: values.collect(), warning: found.warning.clone() }
}
