//! Joins the items of cpu and memory by object and container.

use std::collections::{BTreeMap, HashMap, HashSet};

use foldhash::fast::RandomState;

use super::evaluations::Readings;
use super::{Amounts, CpuAndMemory, Measured, ObjectAmounts, ObjectMetrics};
use crate::ReadError;
use leadsman_evaluation::{Missing, MissingReason};
use leadsman_model::objects::Object;
use leadsman_model::quantity::Quantity;
use leadsman_model::resource::Resource;
use leadsman_model::values::{Item, MetricValues, Value, Values};

/// The resource metrics of some objects.
pub(super) struct Joined<'a> {
    objects: &'a [Object],
    cpu: Part<'a>,
    memory: Part<'a>,
    /// The kind of the objects.
    resource: &'a Resource,
    evaluated: i64,
    /// Whether objects have containers.
    containers: bool,
}

/// The items of cpu or of memory.
struct Part<'a> {
    labels: Labels<'a>,
    /// Those of all objects, requested or not.
    items: &'a [Item],
    /// By requested object, then by container.
    values: HashMap<&'a str, Containers<'a>, RandomState>,
}

/// The name of a metric, and the labels that name objects and containers.
#[derive(Debug, Clone, Copy)]
struct Labels<'a> {
    metric: &'a str,
    object: &'a str,
    container: Option<&'a str>,
}

type Containers<'a> = BTreeMap<&'a str, Result<Value, String>>;

impl<'a> Joined<'a> {
    /// Joins the readings, for these objects.
    pub(super) fn new(
        of: &'a CpuAndMemory,
        readings: &'a Readings,
        objects: &'a [Object],
    ) -> Result<Self, ReadError> {
        let [cpu, memory] = [&readings.cpu.evaluated, &readings.memory.evaluated];
        let containers = of.cpu.labels.container.is_some();
        let joined = Self {
            objects,
            evaluated: cpu.time.max(memory.time),
            cpu: Part::new(Labels::of(&of.cpu), &cpu.values, objects)?,
            memory: Part::new(Labels::of(&of.memory), &memory.values, objects)?,
            resource: of.kind.resource(),
            containers,
        };
        Ok(if containers { joined.without_pods_own() } else { joined })
    }

    /// Without the series of pods as a whole, where there are those of containers: what runs in a
    /// pod would count twice. Their container is not set, or is that which holds the pod's network.
    fn without_pods_own(mut self) -> Self {
        for containers in self.cpu.values.values_mut().chain(self.memory.values.values_mut()) {
            let unwanted = if containers.keys().any(|name| !PODS_OWN.contains(name)) {
                &PODS_OWN[..]
            } else if containers.contains_key("") {
                &PODS_OWN[1..]
            } else {
                continue;
            };
            containers.retain(|name, _| !unwanted.contains(name));
        }
        self
    }

    /// The metrics of each object, in order, without objects that have no cpu or no memory value at all.
    pub(super) fn all(&self, namespace: &'a str) -> impl Iterator<Item = ObjectMetrics<'a>> {
        self.objects.iter().filter_map(move |object| {
            let name = object.name.as_ref();
            if !self.cpu.has(name) || !self.memory.has(name) {
                return None;
            }
            let mut amounts: BTreeMap<&str, Amounts> = BTreeMap::new();
            let mut measured = i64::MAX;
            for (container, value) in self.cpu.of(name) {
                amounts.entry(container).or_default().cpu = quantity(value, &mut measured);
            }
            for (container, value) in self.memory.of(name) {
                amounts.entry(container).or_default().memory = quantity(value, &mut measured);
            }
            let amounts = if self.containers {
                ObjectAmounts::Containers(amounts.into_iter().collect())
            } else {
                ObjectAmounts::Whole(amounts.into_values().next().unwrap_or_default())
            };
            let evaluated = self.evaluated;
            Some(ObjectMetrics { namespace, object, evaluated, measured, amounts })
        })
    }

    /// The reason for the first missing value: it was refused, a container has only one of cpu and
    /// memory, or an object has none.
    pub(super) fn missing(&self) -> Option<Missing> {
        let refused = self.refused().map(|text| Missing::new(MissingReason::Refused, text));
        let partial = || {
            let partial = self.objects.iter().find_map(|object| self.partial(object))?;
            Some(Missing::new(MissingReason::Partial, partial))
        };
        refused.or_else(partial).or_else(|| self.unknown())
    }

    /// The objects that are left out of a list.
    fn unknown(&self) -> Option<Missing> {
        let lacking: Vec<_> = self
            .objects
            .iter()
            .map(|object| object.name.as_ref())
            .filter(|name| !self.cpu.has(name) || !self.memory.has(name))
            .collect();
        let first = lacking.first()?;
        let all = self.resource.counted(self.objects.len());
        let (count, why) = (lacking.len(), self.why(first));
        let message = format!("nothing is known of {count} of {all}, {first} among them: {why}");
        Some(Missing::new(MissingReason::OtherObjects, message))
    }

    /// The first value that was refused, and why.
    pub(super) fn refused(&self) -> Option<String> {
        self.objects.iter().find_map(|object| self.refused_of(object.name.as_ref()))
    }

    fn refused_of(&self, name: &str) -> Option<String> {
        [&self.cpu, &self.memory].into_iter().find_map(|part| {
            let (container, reason) = part
                .of(name)
                .find_map(|(container, value)| Some((container, value.as_ref().err()?)))?;
            let of = self.called(container);
            let Labels { metric, .. } = part.labels;
            let plural = self.resource.plural();
            Some(format!("{metric}{of} of {plural} {name} is not served: {reason}"))
        })
    }

    /// The first container of a served object that has only one of cpu and memory.
    fn partial(&self, object: &Object) -> Option<String> {
        let name = object.name.as_ref();
        if !self.cpu.has(name) || !self.memory.has(name) {
            return None;
        }
        let lacking = |one: &Part<'_>, other: &Part<'_>| {
            let (container, _) =
                one.of(name).find(|(container, _)| !other.names(name, container))?;
            let (metric, of) = (other.labels.metric, self.called(container));
            let plural = self.resource.plural();
            Some(format!(
                "{metric}{of} of {plural} {name} is missing: there is {} alone",
                one.labels.metric
            ))
        };
        lacking(&self.cpu, &self.memory).or_else(|| lacking(&self.memory, &self.cpu))
    }

    /// Why nothing is served for the one object that was requested.
    pub(super) fn nothing_for(&self, name: &str, asked: &str) -> ReadError {
        if let Some(refused) = self.refused_of(name) {
            return ReadError::Refused(refused);
        }
        let message = format!("{asked} not found: {}", self.why(name));
        ReadError::Absent(Missing::new(MissingReason::OtherObjects, message))
    }

    /// Why nothing is served although there are objects, none of whose values was refused.
    pub(super) fn empty(&self) -> Missing {
        let first = self.objects.first().map_or("", |object| object.name.as_ref());
        let (objects, why) = (self.resource.counted(self.objects.len()), self.why(first));
        let message = format!("nothing is known of {objects}, {first} among them: {why}");
        Missing::new(MissingReason::OtherObjects, message)
    }

    /// Which value an object lacks.
    fn why(&self, name: &str) -> String {
        let lacking = [&self.cpu, &self.memory].into_iter().find(|part| !part.has(name));
        let Part { labels, items, .. } = lacking.unwrap_or(&self.cpu);
        let names: HashSet<_> = items.iter().map(|item| label(item, labels.object)).collect();
        let known = names.len() - usize::from(names.contains(""));
        format!(
            "the query for {} has values for {} and none for this one, whose name is looked for in \
             the label \"{}\"",
            labels.metric,
            self.resource.counted(known),
            labels.object
        )
    }

    fn called(&self, container: &str) -> String {
        if self.containers { format!(" of container {container}") } else { String::new() }
    }
}

fn quantity(value: &Result<Value, String>, measured: &mut i64) -> Option<Quantity> {
    let value = value.as_ref().ok()?;
    *measured = value.time.min(*measured);
    Some(value.quantity)
}

impl<'a> Labels<'a> {
    fn of(part: &'a Measured) -> Self {
        Self {
            metric: part.evaluations.mapping().metric.as_str(),
            object: &part.labels.object,
            container: part.labels.container.as_deref(),
        }
    }
}

impl<'a> Part<'a> {
    fn new(
        labels: Labels<'a>,
        values: &'a Values,
        objects: &'a [Object],
    ) -> Result<Self, ReadError> {
        let MetricValues::Items(items) = &values.served else {
            let metric = labels.metric;
            return Err(ReadError::Refused(format!("{metric} gives no items with labels")));
        };
        let mut wanted: HashMap<&str, Containers<'a>, RandomState> =
            objects.iter().map(|object| (object.name.as_ref(), BTreeMap::new())).collect();
        for item in items {
            let object = label(item, labels.object);
            let Some(containers) = wanted.get_mut(object) else { continue };
            let container = labels.container.map_or("", |name| label(item, name));
            let value = servable(item.value);
            containers
                .entry(container)
                .and_modify(|value| *value = Err(DUPLICATE.to_owned()))
                .or_insert(value);
        }
        // What the plugin's output was refused for is known by its labels alone.
        for refusal in &values.refused {
            let find = |name: &str| {
                let found = refusal.labels.iter().find(|(known, _)| **known == *name);
                found.map(|(_, value)| value.as_ref())
            };
            let Some(object) = find(labels.object) else { continue };
            let Some(containers) = wanted.get_mut(object) else { continue };
            let container = labels.container.and_then(find);
            containers.insert(container.unwrap_or_default(), Err(refusal.reason.clone()));
        }
        Ok(Self { labels, items, values: wanted })
    }

    /// All values of an object, by container.
    fn of(&self, object: &str) -> impl Iterator<Item = (&'a str, &Result<Value, String>)> {
        self.values.get(object).into_iter().flatten().map(|(container, value)| (*container, value))
    }

    /// Whether an object has a value that can be served.
    fn has(&self, object: &str) -> bool {
        self.of(object).any(|(_, value)| value.is_ok())
    }

    fn names(&self, object: &str, container: &str) -> bool {
        self.values.get(object).is_some_and(|containers| containers.contains_key(container))
    }
}

/// The containers of the series that are of a pod as a whole, and of the one that holds its network.
const PODS_OWN: [&str; 2] = ["", "POD"];

/// The reason for several values of one container: which one is right is not known.
const DUPLICATE: &str = "there are several values; aggregate them in the query by <<.GroupBy>>";

/// prometheus-adapter makes 0 of what is negative. Nothing uses less than nothing: such a value is
/// wrong, and zero would be, too.
fn servable(value: Value) -> Result<Value, String> {
    if value.quantity < Quantity::ZERO {
        return Err(format!("the value is negative ({})", value.quantity));
    }
    Ok(value)
}

fn label<'i>(item: &'i Item, name: &str) -> &'i str {
    let found = item.labels.iter().find(|(known, _)| **known == *name);
    found.map_or("", |(_, value)| value)
}

#[cfg(test)]
mod tests;
