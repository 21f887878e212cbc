//! Reads of what nodes and pods use: cpu and memory, each evaluated by itself and joined by object
//! and container.

mod join;
mod place;

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::custom::selector;
use super::{Found, ReadError, Target, count};
use crate::model::field_selector::FieldSelector;
use crate::model::names::Namespace;
use crate::model::quantity::Quantity;
use crate::model::selector::Selector;
use crate::model::serve::Serve;
use crate::objects::Object;
use crate::snapshot::{Snapshot, Usage, UsageOf};
use join::Joined;
use place::Place;

/// How many namespaces a list over all of them reads at once. Each asks two queries, of which a
/// source has a limit of its own; a namespace that waits for its turn there uses up its deadline.
const AT_ONCE: usize = 10;

/// A read of what nodes or pods use.
#[derive(Debug, Clone, Copy)]
pub struct UsageRequest<'a> {
    /// Path and query, which tell it from other requests.
    pub raw: &'a str,
    /// Of what.
    pub resource: UsageResource,
    /// The namespace; `None` for nodes, and for pods of all namespaces.
    pub namespace: Option<&'a str>,
    /// Which objects.
    pub target: Target<'a>,
    /// Picks objects by their labels.
    pub label_selector: &'a str,
    /// Picks objects by name and namespace.
    pub field_selector: &'a str,
}

/// What it is that uses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageResource {
    /// Nodes.
    Nodes,
    /// Pods.
    Pods,
}

impl UsageResource {
    /// As requests call them.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::Pods => "pods",
        }
    }

    /// What metrics-server and prometheus-adapter call an object that is not there.
    fn of_object(self) -> &'static str {
        match self {
            Self::Nodes => "node",
            Self::Pods => "pods",
        }
    }

    /// What they call one of which nothing is known.
    fn of_usage(self) -> &'static str {
        match self {
            Self::Nodes => "nodemetrics",
            Self::Pods => "podmetrics",
        }
    }

    fn of(self, usage: &Usage) -> Option<&UsageOf> {
        match self {
            Self::Nodes => usage.nodes.as_ref(),
            Self::Pods => usage.pods.as_ref(),
        }
    }
}

/// What an object uses.
#[derive(Debug, Clone)]
pub struct ObjectUsage<'a> {
    /// Its namespace; empty if it lives in none.
    pub namespace: &'a str,
    /// Its name and labels.
    pub object: &'a Object,
    /// When this was found out, in milliseconds since the epoch.
    pub evaluated: i64,
    /// When the oldest of its values was measured.
    pub measured: i64,
    /// The values.
    pub uses: Uses<'a>,
}

/// Values of an object as a whole, or of its containers.
#[derive(Debug, Clone)]
pub enum Uses<'a> {
    /// Of a node.
    Whole(Amounts),
    /// Of a pod: by the names of its containers, in order.
    Containers(Vec<(&'a str, Amounts)>),
}

/// What something uses. A container may have only one of both, or neither: missing is not zero.
///
/// prometheus-adapter gives 0 for the missing one. An HPA would take that for an idle container;
/// for a container without a value it leaves the whole pod out of the average, and treats it as
/// one that it knows nothing of. `kubectl top` adds up what there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Cores.
    pub cpu: Option<Quantity>,
    /// Bytes.
    pub memory: Option<Quantity>,
}

/// Answers a read. `render` is told the time that the values are an average of; where one object is
/// asked for, there is exactly one.
pub async fn usage(
    snapshot: &Snapshot,
    request: &UsageRequest<'_>,
    render: impl FnOnce(Duration, &[ObjectUsage<'_>]) -> Bytes,
) -> Result<Found, ReadError> {
    let begun = Instant::now();
    let (window, of) = find(snapshot, request)?;
    let mut stale = false;
    let render = |objects: &[ObjectUsage<'_>]| render(window, objects);
    let result = Read { of, window, request }.answer(&mut stale, render).await;
    for part in [&of.cpu, &of.memory] {
        let mapping = part.evaluations.mapping();
        count(mapping, &result, stale);
        mapping.metrics.read_took(begun.elapsed());
    }
    result
}

fn find<'s>(
    snapshot: &'s Snapshot,
    request: &UsageRequest<'_>,
) -> Result<(Duration, &'s UsageOf), ReadError> {
    let usage = snapshot.usage();
    let found = usage.and_then(|usage| Some((usage.window, request.resource.of(usage)?)));
    found.ok_or_else(|| {
        let plural = request.resource.plural();
        let rejected = snapshot.rejected().iter().find(|rejected| match &rejected.mapping {
            Some((_, Serve::Usage(resource))) => resource.plural() == plural,
            _ => false,
        });
        if let Some(rejected) = rejected {
            return ReadError::unavailable(rejected);
        }
        let query = match request.resource {
            UsageResource::Nodes => "nodeQuery",
            UsageResource::Pods => "containerQuery",
        };
        ReadError::NotFound(format!(
            "the server could not find what {plural} use: resourceRules of the configuration have \
             no {query} for cpu and memory"
        ))
    })
}

struct Read<'a> {
    of: &'a UsageOf,
    window: Duration,
    request: &'a UsageRequest<'a>,
}

impl<'a> Read<'a> {
    async fn answer(
        &self,
        stale: &mut bool,
        render: impl FnOnce(&[ObjectUsage<'_>]) -> Bytes,
    ) -> Result<Found, ReadError> {
        let request = self.request;
        self.of.kind.ready().map_err(|unknown| ReadError::NotSynced {
            metric: "what is used".to_owned(),
            unknown,
        })?;
        let labels = selector("labelSelector", request.label_selector)?;
        let fields = request.field_selector.parse();
        let fields: FieldSelector =
            fields.map_err(|error| ReadError::Bad(format!("fieldSelector: {error}")))?;
        match (request.resource, request.namespace) {
            (UsageResource::Pods, None) => self.everywhere(&labels, &fields, stale, render).await,
            (_, namespace) => {
                let namespace = match namespace {
                    Some(name) => {
                        Some(name.parse().map_err(|error| ReadError::Bad(format!("{error}")))?)
                    }
                    None => None,
                };
                let place = Place::new(self.of, namespace, self.window, request.raw);
                self.at(&place, &labels, &fields, stale, render).await
            }
        }
    }

    /// Nodes, or the pods of one namespace.
    async fn at(
        &self,
        place: &Place<'a>,
        labels: &Selector,
        fields: &FieldSelector,
        stale: &mut bool,
        render: impl FnOnce(&[ObjectUsage<'_>]) -> Bytes,
    ) -> Result<Found, ReadError> {
        let version = place.version();
        // As with custom metrics: what is not there is not worth an evaluation.
        let mut objects = None;
        if !place.answered_before(version) {
            let known = self.objects(place, labels, fields)?;
            if known.is_empty() {
                return Ok(Found { body: render(&[]), warning: None });
            }
            objects = Some(known);
        }
        let readings = place.read(objects.as_deref().unwrap_or_default()).await?;
        *stale = readings.stale();
        if let Some(body) = place.remembered(&readings, version) {
            return Ok(Found { body, warning: readings.warning() });
        }
        let objects = match objects {
            Some(objects) => objects,
            None => self.objects(place, labels, fields)?,
        };
        let joined = Joined::new(self.of, &readings, &objects)?;
        let used: Vec<_> = joined.all(place.key()).collect();
        let mut missing = joined.missing();
        if used.is_empty() {
            if let Target::One(name) = self.request.target {
                let name_in_full = match place.key() {
                    "" => name.to_owned(),
                    namespace => format!("{namespace}/{name}"),
                };
                let resource = self.request.resource.of_usage();
                let asked = format!("{resource}.metrics.k8s.io \"{name_in_full}\"");
                return Err(joined.nothing_for(name, &asked));
            }
            if let Some(refused) = joined.refused() {
                return Err(ReadError::Refused(refused));
            }
            missing = joined.empty();
        }
        let body = render(&used);
        if missing.is_none() {
            place.remember(&readings, version, &body);
        }
        Ok(Found { body, warning: readings.warning().or(missing) })
    }

    /// The pods of all namespaces. What one namespace's values lack is no reason to show none of
    /// the others. Who asks for all of them is a person, so nothing is remembered.
    async fn everywhere(
        &self,
        labels: &Selector,
        fields: &FieldSelector,
        stale: &mut bool,
        render: impl FnOnce(&[ObjectUsage<'_>]) -> Bytes,
    ) -> Result<Found, ReadError> {
        let mut places = Vec::new();
        for name in self.of.kind.namespaces() {
            if !fields.admits_namespace(&name) {
                continue;
            }
            let namespace: Namespace =
                name.parse().map_err(|error| ReadError::Bad(format!("{error}")))?;
            let place = Place::new(self.of, Some(namespace), self.window, self.request.raw);
            let objects = self.objects(&place, labels, fields)?;
            if !objects.is_empty() {
                places.push((place, objects));
            }
        }
        let reads: Vec<_> = places.iter().map(|(place, objects)| place.read(objects)).collect();
        let read: Vec<_> = stream::iter(reads).buffered(AT_ONCE).collect().await;
        let (mut joined, mut failed, mut warning) = (Vec::new(), Vec::new(), None);
        for ((place, objects), readings) in places.iter().zip(&read) {
            match readings {
                Ok(readings) => {
                    *stale |= readings.stale();
                    warning = warning.or_else(|| readings.warning());
                    joined.push((place, Joined::new(self.of, readings, objects)?));
                }
                Err(error) => failed.push(error),
            }
        }
        if let Some(error) = failed.first() {
            if joined.is_empty() {
                return Err((*error).clone());
            }
            let which = match failed.len() {
                1 => "a namespace is".to_owned(),
                count => format!("{count} namespaces are"),
            };
            warning = Some(format!("{which} left out: {error}"));
        }
        let used: Vec<_> =
            joined.iter().flat_map(|(place, joined)| joined.all(place.key())).collect();
        let warning = warning.or_else(|| joined.iter().find_map(|(_, joined)| joined.missing()));
        Ok(Found { body: render(&used), warning })
    }

    /// The objects of a place that are asked for.
    fn objects(
        &self,
        place: &Place<'_>,
        labels: &Selector,
        fields: &FieldSelector,
    ) -> Result<Vec<Object>, ReadError> {
        let kind = &self.of.kind;
        match self.request.target {
            Target::One(name) => match kind.object(place.key(), name) {
                Some(object) => Ok(vec![object]),
                None => Err(ReadError::NotFound(format!(
                    "{} \"{name}\" not found{}",
                    self.request.resource.of_object(),
                    place.described()
                ))),
            },
            Target::All if !fields.admits_namespace(place.key()) => Ok(Vec::new()),
            Target::All => {
                let mut objects = kind.objects(place.key(), labels);
                objects.retain(|object| fields.admits_name(&object.name));
                Ok(objects)
            }
        }
    }
}
