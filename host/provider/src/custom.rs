//! Reads of custom metrics: values for objects.

mod explained;
mod values;

use std::sync::Arc;
use std::time::Instant;

use super::absence::KnownSeries;
use super::part::{Part, StandIns, count, left_out, not_numbers, stale_warning};
use super::request::reader;
use super::{
    CustomRequest, ObjectSelection, Origin, ReadError, bound, first_list, selector, unserved,
};
use crate::snapshot::{EntryState, NotServed, ReadKind, Snapshot};
use leadsman_evaluation::{
    Evaluations, Mapping, Missing, MissingReason, Reader, Reading, Recipient,
};
use leadsman_model::names::{Namespace, Scope};
use leadsman_model::objects::ObjectStore;
use leadsman_model::query_params::QueryParams;
use leadsman_model::resource::Resource;
use leadsman_model::values::MetricValues;
pub use values::{CustomValues, ObjectValue};

/// A read of a custom metric whose mapping is found.
pub struct CustomRead<'a> {
    request: &'a CustomRequest<'a>,
    reader: Reader<'a>,
    begun: Instant,
    kind: Arc<ObjectStore>,
    /// The namespace of the objects; empty for those that live in none.
    namespace: Option<Namespace>,
    /// The series of the metric, if a rule gives it.
    series: KnownSeries,
    /// The evaluation that is read. If the objects are namespaces, each with an evaluation of its
    /// own, its scope is that of none of them.
    part: Part,
}

/// The result of a read.
pub struct CustomReading<'a> {
    read: &'a CustomRead<'a>,
    groups: Vec<ValueGroup>,
    origin: Option<Origin>,
    /// The parts that could not be read.
    left_out: Option<Missing>,
}

/// Values of one evaluation, and the objects that they are for.
struct ValueGroup {
    namespace: Option<Namespace>,
    names: Vec<Arc<str>>,
    reading: Reading,
    stands: StandIns,
}

impl<'a> CustomRead<'a> {
    /// Finds the mapping, and binds it if it is that of a rule that was never read.
    pub async fn new(
        snapshot: &Snapshot,
        request: &'a CustomRequest<'a>,
    ) -> Result<Self, ReadError> {
        let begun = Instant::now();
        let (evaluations, series) = find(snapshot, request).await?;
        let Some(kind) = evaluations.mapping().kind.clone() else {
            return Err(not_served(NotServed::Unknown, snapshot, request));
        };
        let mapping = evaluations.mapping().clone();
        if !takes_any_name(&mapping, request) {
            first_list(&kind, &mapping, begun).await;
        }
        let read = Self::prepare(request, evaluations, kind, series, begun);
        if read.is_err() {
            count(&mapping, begun, false, &read);
        }
        read
    }

    pub(super) fn prepare(
        request: &'a CustomRequest<'a>,
        evaluations: Arc<Evaluations>,
        kind: Arc<ObjectStore>,
        series: KnownSeries,
        begun: Instant,
    ) -> Result<Self, ReadError> {
        let mapping = evaluations.mapping();
        if !takes_any_name(mapping, request) {
            kind.ready().map_err(|unknown| ReadError::NotSynced {
                metric: request.metric.to_owned(),
                unknown,
            })?;
        }
        let namespace = namespace(kind.resource(), request)?;
        let key = selector("metricLabelSelector", request.metric_selector)?;
        let scope = match &namespace {
            Some(namespace) => mapping.scope(namespace),
            None => Scope::Cluster,
        };
        let reader = reader(request.caller, request.namespace, request);
        let part = Part { evaluations, scope, key: QueryParams::from(key) };
        Ok(Self { request, reader, begun, kind, namespace, series, part })
    }

    /// The origin of an answer from the values that are known now. Waits for nothing.
    pub fn peek(&self) -> Option<Origin> {
        if self.of_namespaces() {
            return None;
        }
        let objects = self.kind.version(self.namespace());
        Some(Origin::new(&*self.part.peek()?, None, objects))
    }

    /// Makes the read. Objects that do not exist are not worth an evaluation, so they are searched for first,
    /// unless there is an answer already that was made from what is `known`.
    pub async fn read(&self, known: Option<Origin>) -> Result<CustomReading<'_>, ReadError> {
        let mut reading =
            CustomReading { read: self, groups: Vec::new(), origin: None, left_out: None };
        if self.of_namespaces() {
            (reading.groups, reading.left_out) = self.namespaces().await?;
            return Ok(reading);
        }
        let version = self.kind.version(self.namespace());
        let mut names = match known {
            Some(_) => None,
            None => Some(self.names()?),
        };
        if names.as_ref().is_some_and(Vec::is_empty) {
            return Ok(reading);
        }
        let values = self.part.read(self.reader, names.iter().flatten()).await?;
        let origin = Origin::new(&values.evaluated, None, version);
        if known.is_some_and(|known| known != origin) {
            names = Some(self.names()?);
        }
        let names = names.unwrap_or_default();
        let namespace = self.namespace.as_ref();
        let stands = self.stand_ins(&self.part, &values, namespace, namespace, &names).await?;
        let kept = stands.may_be_kept() && values.evaluated.last_known.is_empty();
        reading.origin = kept.then_some(origin);
        let namespace = self.namespace.clone();
        reading.groups.push(ValueGroup { namespace, names, reading: values, stands });
        Ok(reading)
    }

    /// What stands for values of these objects. `within` is the namespace of the workloads.
    async fn stand_ins(
        &self,
        part: &Part,
        reading: &Reading,
        namespace: Option<&Namespace>,
        within: Option<&Namespace>,
        names: &[Arc<str>],
    ) -> Result<StandIns, ReadError> {
        // An autoscaler reads the metrics of its pods by a selector, and that of an object by name.
        let recipient = match self.request.target {
            ObjectSelection::All if self.is_of_pods() => Recipient::EachPod(names.len()),
            ObjectSelection::All | ObjectSelection::One(_) => Recipient::One,
        };
        let namespace = namespace.map_or("", Namespace::as_str);
        let absent = || match &reading.evaluated.values.served {
            MetricValues::Objects(served) => {
                names.iter().any(|name| served.get(namespace, name).is_none())
            }
            MetricValues::Items(_) => false,
        };
        part.stand_ins(reading, within, recipient, absent).await
    }

    /// Counts and notes an answer without some of its values, or without all.
    pub fn note_missing(&self, missing: &Missing, all: bool) {
        self.part.mapping().note_missing_values(missing, all);
    }

    /// Counts how the read ended.
    pub fn ended<T>(&self, stale: bool, result: &Result<T, ReadError>) {
        count(self.part.mapping(), self.begun, stale, result);
    }

    /// Whether the objects are namespaces, each of which has an evaluation of its own.
    fn of_namespaces(&self) -> bool {
        self.kind.resource().is_namespace() && self.part.mapping().per_namespace()
    }

    fn is_of_pods(&self) -> bool {
        let resource = self.kind.resource();
        resource.group().is_empty() && resource.plural() == "pods"
    }

    fn namespace(&self) -> &str {
        self.namespace.as_ref().map_or("", Namespace::as_str)
    }

    /// Reads the evaluations of all namespaces that are requested, within the deadline of one. Those
    /// that fail are left out.
    async fn namespaces(&self) -> Result<(Vec<ValueGroup>, Option<Missing>), ReadError> {
        let mut parts = Vec::new();
        for name in self.names()? {
            let namespace = name.parse::<Namespace>();
            let scope = namespace.map_err(|error| ReadError::Bad(format!("{error}")))?;
            let (evaluations, key) = (self.part.evaluations.clone(), self.part.key.clone());
            parts.push((name, Part { evaluations, scope: Scope::Namespace(scope), key }));
        }
        let reads = parts.iter().map(|(name, part)| self.of_namespace(name, part));
        let readings = futures_util::future::join_all(reads).await;
        let (mut groups, mut failed) = (Vec::new(), Vec::new());
        for ((name, _), reading) in parts.iter().zip(readings) {
            match reading {
                Ok((reading, stands)) => {
                    let names = vec![name.clone()];
                    groups.push(ValueGroup { namespace: None, names, reading, stands });
                }
                Err(error) => failed.push(error),
            }
        }
        let left_out = left_out(&groups, &failed)?;
        Ok((groups, left_out))
    }

    /// Reads the evaluation of one namespace, for the namespace itself.
    async fn of_namespace(
        &self,
        name: &Arc<str>,
        part: &Part,
    ) -> Result<(Reading, StandIns), ReadError> {
        let reading = part.read(self.reader, std::iter::once(name)).await?;
        let (within, names) = (part.scope.namespace(), std::slice::from_ref(name));
        let stands = self.stand_ins(part, &reading, None, within, names).await?;
        Ok((reading, stands))
    }

    /// The names of the objects that are requested.
    fn names(&self) -> Result<Vec<Arc<str>>, ReadError> {
        let (request, namespace) = (self.request, self.namespace());
        match request.target {
            ObjectSelection::All => {
                let picked = selector("labelSelector", request.label_selector)?;
                Ok(self.kind.select(namespace, &picked))
            }
            ObjectSelection::One(name)
                if takes_any_name(self.part.mapping(), request)
                    || self.kind.exists(namespace, name.as_str()) =>
            {
                Ok(vec![name.as_str().into()])
            }
            ObjectSelection::One(name) => {
                let place = match namespace {
                    "" => String::new(),
                    namespace => format!(" in namespace {namespace}"),
                };
                let message = format!(
                    "the server could not find the metric {} for {} {name}: there is no such \
                     object{place}",
                    request.metric, request.resource
                );
                Err(ReadError::Absent(Missing::new(MissingReason::NoObject, message)))
            }
        }
    }
}

impl CustomReading<'_> {
    /// The origin of the answer, if it may be cached.
    pub fn origin(&self) -> Option<Origin> {
        self.origin
    }

    /// The number of objects that are requested.
    pub fn size(&self) -> usize {
        self.groups.iter().map(|group| group.names.len()).sum()
    }

    /// Whether values are served although there are no newer ones.
    pub fn is_stale(&self) -> bool {
        self.groups.iter().any(|group| group.reading.stale.is_some())
    }

    /// Warnings about old values.
    pub fn warning(&self) -> Option<String> {
        let mapping = self.read.part.mapping();
        let stale = |group: &ValueGroup| stale_warning(&group.reading, &group.stands, mapping);
        let stale = self.groups.iter().find_map(stale);
        let not_numbers =
            || self.groups.iter().find_map(|group| not_numbers(&group.reading, mapping));
        stale.or_else(not_numbers)
    }

    /// A warning of a source, which may mean that the values are made from a part of the series alone.
    pub fn source_warning(&self) -> Option<&str> {
        self.groups.iter().find_map(|group| group.reading.evaluated.basis.warning())
    }
}

async fn find(
    snapshot: &Snapshot,
    request: &CustomRequest<'_>,
) -> Result<(Arc<Evaluations>, KnownSeries), ReadError> {
    let CustomRequest { metric, resource, namespace, .. } = *request;
    let entry = snapshot.find(metric, ReadKind::Custom(resource), namespace);
    let entry = entry.map_err(|why| not_served(why, snapshot, request))?;
    let series = match &entry.state {
        EntryState::Lazy(metric) => Some(metric.series()),
        EntryState::Ready(_) | EntryState::Rejected(_) => None,
    };
    Ok((bound(entry).await?, series))
}

fn not_served(why: NotServed<'_>, snapshot: &Snapshot, request: &CustomRequest<'_>) -> ReadError {
    let CustomRequest { metric, resource, .. } = *request;
    let also = match why {
        NotServed::Rejected(rejection) => return ReadError::rejected(rejection),
        NotServed::NotLoaded(why) => {
            return ReadError::not_loaded(&format!("metric {metric} for {resource}"), why);
        }
        NotServed::AsOthers(entries) => {
            let others: Vec<_> = entries.iter().map(|entry| entry.serve.described()).collect();
            Some(("served_as_another", format!("it is served {}", others.join(" and "))))
        }
        NotServed::InOtherNamespaces => {
            Some(("served_elsewhere", "it is served in other namespaces alone".to_owned()))
        }
        NotServed::Unknown => None,
    };
    let message = format!("the server could not find the metric {metric} for {resource}");
    unserved(snapshot, metric, ReadKind::Custom(resource), message, also)
}

/// Whether the objects that there are do not matter to a request.
fn takes_any_name(mapping: &Mapping, request: &CustomRequest<'_>) -> bool {
    mapping.any_object && matches!(request.target, ObjectSelection::One(_))
}

/// The namespace of the objects, checked against their kind.
fn namespace(
    resource: &Resource,
    request: &CustomRequest<'_>,
) -> Result<Option<Namespace>, ReadError> {
    let metric = request.metric;
    match (request.namespace, resource.namespaced()) {
        (Some(name), true) => {
            name.parse().map(Some).map_err(|error| ReadError::Bad(format!("{error}")))
        }
        (None, false) => Ok(None),
        (None, true) => Err(ReadError::NotFound(format!(
            "{resource} live in namespaces: ask for namespaces/NAMESPACE/{resource}/NAME/{metric}"
        ))),
        (Some(_), false) => Err(ReadError::NotFound(format!(
            "{resource} live in no namespace: ask for {resource}/NAME/{metric}"
        ))),
    }
}
