//! Reads of resource metrics: cpu and memory of nodes and pods, each evaluated by itself and joined
//! by object and container.

mod evaluations;
mod explained;
mod join;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};

use super::part::{count, left_out};
use super::request::reader;
use super::{ObjectSelection, Origin, ReadError, ResourceRequest, first_list, selector};
use crate::snapshot::{MeasuredKind, NotServed, ResourceMetrics, Snapshot};
use evaluations::{Readings, ResourceEvaluations};
use join::Joined;
use leadsman_evaluation::{Evaluations, ItemLabels, Missing, MissingReason, Reader};
use leadsman_model::field_selector::FieldSelector;
use leadsman_model::names::Namespace;
use leadsman_model::objects::{Object, ObjectStore};
use leadsman_model::quantity::Quantity;
use leadsman_model::selector::Selector;

/// How many namespaces a list over all of them reads at once. Each asks two queries, of which a
/// source has a limit of its own; a namespace that waits for its turn there uses up its deadline.
const CONCURRENT_NAMESPACES: usize = 10;

/// A read of resource metrics whose evaluations are found.
pub struct ResourceRead<'a> {
    request: &'a ResourceRequest<'a>,
    reader: Reader<'a>,
    begun: Instant,
    both: CpuAndMemory,
    labels: Selector,
    fields: FieldSelector,
    /// Nodes, or the pods of one namespace; `None` for the pods of all.
    evaluations: Option<ResourceEvaluations>,
}

/// The evaluations of cpu and memory for one kind of objects.
struct CpuAndMemory {
    kind: Arc<ObjectStore>,
    window: Duration,
    cpu: Measured,
    memory: Measured,
}

/// The evaluations of one resource, with the labels of its items.
struct Measured {
    evaluations: Arc<Evaluations>,
    labels: ItemLabels,
}

/// The result of a read.
pub struct ResourceReading<'a> {
    read: &'a ResourceRead<'a>,
    groups: Vec<ResourceGroup>,
    origin: Option<Origin>,
    /// The parts that could not be read.
    left_out: Option<Missing>,
}

/// What was read of nodes, or of the pods of one namespace.
struct ResourceGroup {
    /// `None` for nodes.
    namespace: Option<Namespace>,
    objects: Vec<Object>,
    readings: Readings,
}

/// Resource metrics of objects.
#[derive(Debug)]
pub struct ResourceValues<'a> {
    /// The kind of the objects.
    pub kind: MeasuredKind,
    /// Whether one object was requested; then there is exactly one.
    pub one: bool,
    /// The time that the values are an average of.
    pub window: Duration,
    /// The values, by object.
    pub values: Vec<ObjectMetrics<'a>>,
    /// Why some are missing.
    pub missing: Option<Missing>,
}

/// The resource metrics of an object.
#[derive(Debug, Clone)]
pub struct ObjectMetrics<'a> {
    /// Its namespace; empty if it lives in none.
    pub namespace: &'a str,
    /// Its name and labels.
    pub object: &'a Object,
    /// When it was evaluated, in milliseconds since the epoch.
    pub evaluated: i64,
    /// When the oldest of its values was measured.
    pub measured: i64,
    /// The values.
    pub amounts: ObjectAmounts<'a>,
}

/// Values of an object as a whole, or of its containers.
#[derive(Debug, Clone)]
pub enum ObjectAmounts<'a> {
    /// Of a node.
    Whole(Amounts),
    /// Of a pod: by the names of its containers, in order.
    Containers(Vec<(&'a str, Amounts)>),
}

/// cpu and memory. A container may have only one of both, or neither: missing is not zero.
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

impl<'a> ResourceRead<'a> {
    /// Finds the evaluations.
    pub async fn new(
        snapshot: &Snapshot,
        request: &'a ResourceRequest<'a>,
    ) -> Result<Self, ReadError> {
        let begun = Instant::now();
        let both = CpuAndMemory::find(snapshot, request.kind)?;
        first_list(&both.kind, both.cpu.evaluations.mapping(), begun).await;
        let mappings = [&both.cpu, &both.memory].map(|part| part.evaluations.mapping().clone());
        let read = Self::prepare(request, both, begun);
        if read.is_err() {
            mappings.iter().for_each(|mapping| count(mapping, begun, false, &read));
        }
        read
    }

    fn prepare(
        request: &'a ResourceRequest<'a>,
        both: CpuAndMemory,
        begun: Instant,
    ) -> Result<Self, ReadError> {
        both.kind.ready().map_err(|unknown| ReadError::NotSynced {
            metric: "what is used".to_owned(),
            unknown,
        })?;
        let labels = selector("labelSelector", request.label_selector)?;
        let fields = request.field_selector.parse();
        let fields: FieldSelector =
            fields.map_err(|error| ReadError::Bad(format!("fieldSelector: {error}")))?;
        let evaluations = match (request.kind, request.namespace) {
            (MeasuredKind::Pods, None) => None,
            (_, None) => Some(ResourceEvaluations::new(&both, None)),
            (_, Some(name)) => {
                let namespace = name.parse();
                let namespace = namespace.map_err(|error| ReadError::Bad(format!("{error}")))?;
                Some(ResourceEvaluations::new(&both, Some(namespace)))
            }
        };
        let reader = reader(request.caller, request.namespace, request);
        Ok(Self { request, reader, begun, both, labels, fields, evaluations })
    }

    /// The origin of an answer from the values that are known now. Waits for nothing.
    pub fn peek(&self) -> Option<Origin> {
        let evaluations = self.evaluations.as_ref()?;
        evaluations.peek(self.both.kind.version(evaluations.key()))
    }

    /// Makes the read. Objects that do not exist are not worth an evaluation, so they are searched for first,
    /// unless there is an answer already that was made from what is `known`.
    pub async fn read(&self, known: Option<Origin>) -> Result<ResourceReading<'_>, ReadError> {
        let mut reading =
            ResourceReading { read: self, groups: Vec::new(), origin: None, left_out: None };
        let Some(evaluations) = &self.evaluations else {
            (reading.groups, reading.left_out) = self.everywhere().await?;
            return Ok(reading);
        };
        let version = self.both.kind.version(evaluations.key());
        let mut objects = match known {
            Some(_) => None,
            None => Some(self.objects(evaluations)?),
        };
        if objects.as_ref().is_some_and(Vec::is_empty) {
            return Ok(reading);
        }
        let readings =
            evaluations.read(self.reader, objects.as_deref().unwrap_or_default()).await?;
        let origin = readings.origin(version);
        if known.is_some_and(|known| known != origin) {
            objects = Some(self.objects(evaluations)?);
        }
        let (namespace, objects) = (evaluations.namespace.clone(), objects.unwrap_or_default());
        reading.groups.push(ResourceGroup { namespace, objects, readings });
        reading.origin = Some(origin);
        Ok(reading)
    }

    /// Counts and notes an answer without some of its values, or without all.
    pub fn note_missing(&self, missing: &Missing, all: bool) {
        for part in [&self.both.cpu, &self.both.memory] {
            part.evaluations.mapping().note_missing_values(missing, all);
        }
    }

    /// Counts how the read ended.
    pub fn ended<T>(&self, stale: bool, result: &Result<T, ReadError>) {
        for part in [&self.both.cpu, &self.both.memory] {
            count(part.evaluations.mapping(), self.begun, stale, result);
        }
    }

    /// The pods of all namespaces. What one namespace's values lack is no reason to show none of
    /// the others. Who asks for all of them is a person, so the answer is not worth keeping.
    async fn everywhere(&self) -> Result<(Vec<ResourceGroup>, Option<Missing>), ReadError> {
        // There may be many, and nobody who scales waits for them.
        tokio::task::yield_now().await;
        let mut wanted = Vec::new();
        for name in self.both.kind.namespaces() {
            if !self.fields.admits_namespace(&name) {
                continue;
            }
            let namespace: Namespace =
                name.parse().map_err(|error| ReadError::Bad(format!("{error}")))?;
            let evaluations = ResourceEvaluations::new(&self.both, Some(namespace));
            let objects = self.objects(&evaluations)?;
            if !objects.is_empty() {
                wanted.push((evaluations, objects));
            }
        }
        let reads: Vec<_> = wanted
            .iter()
            .map(|(evaluations, objects)| evaluations.read(self.reader, objects))
            .collect();
        let read: Vec<_> = stream::iter(reads).buffered(CONCURRENT_NAMESPACES).collect().await;
        let (mut answered, mut failed) = (Vec::new(), Vec::new());
        for ((evaluations, objects), readings) in wanted.into_iter().zip(read) {
            match readings {
                Ok(readings) => {
                    let namespace = evaluations.namespace;
                    answered.push(ResourceGroup { namespace, objects, readings });
                }
                Err(error) => failed.push(error),
            }
        }
        let left_out = left_out(&answered, &failed)?;
        Ok((answered, left_out))
    }

    /// The objects that are requested of one namespace, or of the nodes.
    fn objects(&self, evaluations: &ResourceEvaluations) -> Result<Vec<Object>, ReadError> {
        let kind = &self.both.kind;
        match self.request.target {
            ObjectSelection::One(name) => match kind.object(evaluations.key(), name.as_str()) {
                Some(object) => Ok(vec![object]),
                None => {
                    let of = name_of_object(self.request.kind);
                    let message = format!("{of} \"{name}\" not found{}", evaluations.described());
                    Err(ReadError::Absent(Missing::new(MissingReason::NoObject, message)))
                }
            },
            ObjectSelection::All if !self.fields.admits_namespace(evaluations.key()) => {
                Ok(Vec::new())
            }
            ObjectSelection::All => {
                let mut objects = kind.objects(evaluations.key(), &self.labels);
                objects.retain(|object| self.fields.admits_name(&object.name));
                Ok(objects)
            }
        }
    }
}

impl ResourceReading<'_> {
    /// The origin of the answer, if it may be cached.
    pub fn origin(&self) -> Option<Origin> {
        self.origin
    }

    /// The number of objects that are requested.
    pub fn size(&self) -> usize {
        self.groups.iter().map(|group| group.objects.len()).sum()
    }

    /// Whether values are served although there are no newer ones.
    pub fn is_stale(&self) -> bool {
        self.groups.iter().any(|group| group.readings.is_stale())
    }

    /// Warnings about old values.
    pub fn warning(&self) -> Option<String> {
        let both = &self.read.both;
        self.groups.iter().find_map(|group| group.readings.warning(both))
    }

    /// The values of the objects that were requested, joined.
    pub fn values(&self) -> Result<ResourceValues<'_>, ReadError> {
        let ResourceRead { request, both, evaluations: single, .. } = self.read;
        let one = matches!(request.target, ObjectSelection::One(_));
        let (mut values, mut missing) = (Vec::new(), self.left_out.clone());
        for ResourceGroup { namespace, objects, readings } in &self.groups {
            let namespace = namespace.as_ref().map_or("", Namespace::as_str);
            let joined = Joined::new(both, readings, objects)?;
            values.extend(joined.all(namespace));
            missing = missing.or_else(|| joined.missing());
            if single.is_some() && values.is_empty() && !objects.is_empty() {
                missing = Some(self.read.nothing(&joined, namespace)?);
            }
        }
        let missing = missing.or_else(|| self.groups.is_empty().then(|| self.read.none_picked()));
        Ok(ResourceValues { kind: request.kind, one, window: both.window, values, missing })
    }
}

impl ResourceRead<'_> {
    /// Why there is no value for any of the objects, if that is no error.
    fn nothing(&self, joined: &Joined<'_>, namespace: &str) -> Result<Missing, ReadError> {
        if let ObjectSelection::One(name) = self.request.target {
            let in_full = match namespace {
                "" => name.to_string(),
                namespace => format!("{namespace}/{name}"),
            };
            let metrics = name_of_metrics(self.request.kind);
            let asked = format!("{metrics}.metrics.k8s.io \"{in_full}\"");
            return Err(joined.nothing_for(name.as_str(), &asked));
        }
        match joined.refused() {
            Some(refused) => Err(ReadError::Refused(refused)),
            None => Ok(joined.empty()),
        }
    }
}

impl ResourceRead<'_> {
    /// Why no object is picked.
    fn none_picked(&self) -> Missing {
        let ResourceRequest { namespace, label_selector, field_selector, kind, .. } = *self.request;
        let place = namespace.map_or_else(String::new, |name| format!(" in namespace {name}"));
        let selectors: Vec<_> =
            [label_selector, field_selector].into_iter().filter(|text| !text.is_empty()).collect();
        let picked = match selectors.is_empty() {
            true => String::new(),
            false => format!(" that {} picks", selectors.join(" with ")),
        };
        let message = format!("there are no {}{place}{picked}", kind.plural());
        Missing::new(MissingReason::NoObjectSelected, message)
    }
}

impl CpuAndMemory {
    fn find(snapshot: &Snapshot, kind: MeasuredKind) -> Result<Self, ReadError> {
        let ResourceMetrics { cpu, memory } =
            snapshot.resource_metrics(kind).map_err(|why| not_served(why, kind))?;
        let of = |evaluations: &Arc<Evaluations>| {
            let labels = evaluations.mapping().items.clone()?;
            Some(Measured { evaluations: evaluations.clone(), labels })
        };
        let found = of(cpu).zip(of(memory)).zip(cpu.mapping().kind.clone());
        let ((cpu, memory), of) = found.ok_or_else(|| not_served(NotServed::Unknown, kind))?;
        Ok(Self { kind: of, window: cpu.labels.window, cpu, memory })
    }
}

/// What metrics-server and prometheus-adapter call an object that does not exist.
fn name_of_object(kind: MeasuredKind) -> &'static str {
    match kind {
        MeasuredKind::Nodes => "node",
        MeasuredKind::Pods => "pods",
    }
}

/// What they call an object without metrics.
fn name_of_metrics(kind: MeasuredKind) -> &'static str {
    match kind {
        MeasuredKind::Nodes => "nodemetrics",
        MeasuredKind::Pods => "podmetrics",
    }
}

fn not_served(why: NotServed<'_>, kind: MeasuredKind) -> ReadError {
    match why {
        NotServed::Rejected(rejection) => return ReadError::rejected(rejection),
        NotServed::NotLoaded(why) => {
            return ReadError::not_loaded(&format!("use of {}", kind.plural()), why);
        }
        NotServed::AsOthers(_) | NotServed::InOtherNamespaces | NotServed::Unknown => {}
    }
    let query = match kind {
        MeasuredKind::Nodes => "nodeQuery",
        MeasuredKind::Pods => "containerQuery",
    };
    let message = format!(
        "the server could not find what {} use: resourceRules of the configuration have no {query} \
         for cpu and memory",
        kind.plural()
    );
    ReadError::Unserved { reason: "unknown_metric", message }
}
