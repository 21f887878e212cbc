//! What all kinds of triggers have: their metadata, and what becomes of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::Context;
use crate::names;
use crate::node::{Entries, Node};
use crate::note::Notes;
use crate::scaled_object::{ScaledObject, Trigger, parse_bool};
use crate::source::Source;

/// The numbers that can be served are below this, with their three places.
pub(crate) const MAX_NUMBER: f64 = 9.2e15;

/// What a trigger becomes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Planned {
    /// The entry of the autoscaler's `metrics`.
    pub(crate) metric: Node,
    /// The mapping that serves it; none for a metric of Kubernetes itself.
    pub(crate) mapping: Option<Mapping>,
}

/// A mapping of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mapping {
    pub(crate) metric: String,
    /// What it was made from.
    pub(crate) about: String,
    pub(crate) queries: Vec<Query>,
    pub(crate) plugin: &'static str,
    pub(crate) config: Entries,
    pub(crate) policies: Entries,
}

/// A query of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    pub(crate) name: String,
    pub(crate) source: Source,
    /// As the configuration has it.
    pub(crate) promql: String,
    /// Whether it is PromQL as it is known here.
    pub(crate) is_known: bool,
}

/// The target of an external metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) per_pod: bool,
    pub(crate) quantity: String,
}

impl Target {
    /// The target of a trigger, as KEDA rounds it. `None` for one that no autoscaler has.
    pub(crate) fn new(
        value: f64,
        metric_type: Option<&str>,
        place: &str,
        notes: &mut Notes,
    ) -> Option<Self> {
        let per_pod = match metric_type {
            None | Some("AverageValue") => true,
            Some("Value") => false,
            Some(other) => {
                notes.refuse(format!(
                    "{place}: the metricType \"{other}\" is not one of an external metric; KEDA refuses it, too"
                ));
                return None;
            }
        };
        if value >= MAX_NUMBER {
            notes.refuse(format!("{place}: a target of {value} is more than can be served"));
            return None;
        }
        let quantity = quantity(value);
        if quantity == "0" {
            notes.refuse(format!(
                "{place}: an autoscaler refuses a target of 0, and so does KEDA's"
            ));
            return None;
        }
        Some(Self { per_pod, quantity })
    }

    pub(crate) fn node(&self) -> Entries {
        let (kind, key) =
            if self.per_pod { ("AverageValue", "averageValue") } else { ("Value", "value") };
        Entries::default().with("type", kind).with(key, &self.quantity)
    }

    /// The entry of an autoscaler for an external metric.
    pub(crate) fn external(&self, metric: &str) -> Node {
        let name = Entries::default().with("name", metric);
        let external = Entries::default().with("metric", name).with("target", self.node());
        Entries::default().with("type", "External").with("external", external).into()
    }
}

/// A number with three places, as KEDA rounds it; negative ones and those that are none are 0.
pub(crate) fn quantity(value: f64) -> String {
    if !value.is_finite() || value <= 0.0 {
        return "0".to_owned();
    }
    let text = format!("{value:.3}");
    let (whole, thousandths) = text.split_once('.').unwrap_or((&text, "000"));
    if thousandths == "000" {
        return whole.to_owned();
    }
    let milli = format!("{whole}{thousandths}");
    format!("{}m", milli.trim_start_matches('0'))
}

/// The metadata of a trigger.
pub(crate) struct Metadata<'a> {
    place: String,
    object: &'a ScaledObject,
    values: &'a BTreeMap<String, String>,
    context: &'a Context<'a>,
    seen: BTreeSet<&'static str>,
}

impl<'a> Metadata<'a> {
    pub(crate) fn new(
        object: &'a ScaledObject,
        index: usize,
        trigger: &'a Trigger,
        context: &'a Context<'a>,
    ) -> Self {
        let place = place(index, trigger);
        Self { place, object, values: &trigger.metadata, context, seen: BTreeSet::new() }
    }

    /// The trigger, as messages call it.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// The value of a key, which may be in the environment of what is scaled. The outer `None` is a value
    /// that is not known; the notes say why.
    pub(crate) fn get(&mut self, key: &'static str, notes: &mut Notes) -> Option<Option<String>> {
        self.seen.insert(key);
        let place = &self.place;
        let value = match self.values.get(key) {
            Some(value) => value.clone(),
            None => match self.values.get(&format!("{key}FromEnv")) {
                None => return Some(None),
                Some(variable) => self.of_environment(key, variable, notes)?,
            },
        };
        if value.contains("{{") && value.contains("}}") {
            notes
                .refuse(format!("{place}: its {key} has a template, {{{{ … }}}}; render it first"));
            return None;
        }
        Some(Some(value))
    }

    /// A value that has to be there.
    pub(crate) fn required(&mut self, key: &'static str, notes: &mut Notes) -> Option<String> {
        let value = self.get(key, notes)?.filter(|value| !value.trim().is_empty());
        if value.is_none() {
            let place = &self.place;
            notes.refuse(format!("{place}: its {key} is missing; KEDA refuses it, too"));
        }
        value
    }

    pub(crate) fn number(
        &mut self,
        key: &'static str,
        usual: Option<f64>,
        notes: &mut Notes,
    ) -> Option<f64> {
        let text = match usual {
            None => self.required(key, notes)?,
            Some(usual) => match self.get(key, notes)?.filter(|text| !text.is_empty()) {
                Some(text) => text,
                None => return Some(usual),
            },
        };
        let number = text.trim().parse::<f64>().ok().filter(|number| number.abs() < MAX_NUMBER);
        if number.is_none() {
            let (place, text) = (&self.place, leadsman_document::excerpt(&text));
            notes.refuse(format!(
                "{place}: its {key}, \"{text}\", is not a number that can be served"
            ));
        }
        number
    }

    pub(crate) fn flag(
        &mut self,
        key: &'static str,
        usual: bool,
        notes: &mut Notes,
    ) -> Option<bool> {
        let Some(text) = self.get(key, notes)? else { return Some(usual) };
        let flag = parse_bool(&text);
        if flag.is_none() {
            let (place, text) = (&self.place, leadsman_document::excerpt(&text));
            notes.refuse(format!("{place}: its {key}, \"{text}\", is neither true nor false"));
        }
        flag
    }

    /// A list of `name=value`, as `customHeaders` has it.
    pub(crate) fn pairs(
        &mut self,
        key: &'static str,
        notes: &mut Notes,
    ) -> Option<BTreeMap<String, String>> {
        let text = self.get(key, notes)?.filter(|text| !text.is_empty());
        let Some(text) = text else { return Some(BTreeMap::new()) };
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').filter(|(_, value)| !value.contains('='))?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        };
        let pairs: Option<BTreeMap<_, _>> = text.split(',').map(pair).collect();
        if pairs.is_none() {
            let place = &self.place;
            notes.refuse(format!(
                "{place}: its {key} is no list of name=value,name=value; KEDA refuses it, too"
            ));
        }
        pairs
    }

    /// Says which keys have no effect, among those that were not asked for.
    pub(crate) fn finish(self, without_effect: &[&str], notes: &mut Notes) {
        let is_unknown = |key: &&String| {
            let known = key.strip_suffix("FromEnv").unwrap_or(key.as_str());
            !self.seen.contains(known)
                && !self.seen.contains(key.as_str())
                && !without_effect.contains(&key.as_str())
        };
        for key in self.values.keys().filter(is_unknown) {
            let (place, key) = (&self.place, leadsman_document::excerpt(key));
            notes.todo(format!(
                "{place}: KEDA does not know the key {key} either; it has no effect"
            ));
        }
    }

    fn of_environment(&self, key: &str, variable: &str, notes: &mut Notes) -> Option<String> {
        let target = &self.object.target;
        let workload = (target.kind.clone(), self.object.namespace.clone(), target.name.clone());
        let workload = self.context.manifests.workloads.get(&workload);
        let value =
            workload.and_then(|workload| workload.variable(target.container.as_deref(), variable));
        if value.is_none() {
            let place = &self.place;
            let (kind, name) = (&target.kind, &target.name);
            let why = match workload {
                None => {
                    "which is not among what was read; add its manifest, or write the value into the trigger"
                }
                Some(_) => {
                    "which has no value for it in its manifest; write the value into the trigger"
                }
            };
            notes.refuse(format!(
                "{place}: its {key} is the environment variable {variable} of {kind} {name}, {why}"
            ));
        }
        value.map(str::to_owned)
    }
}

/// A trigger, as messages call it.
pub(crate) fn place(index: usize, trigger: &Trigger) -> String {
    let kind = leadsman_document::excerpt(&trigger.kind);
    match &trigger.name {
        Some(name) => format!("trigger {index} ({kind}, {})", leadsman_document::excerpt(name)),
        None => format!("trigger {index} ({kind})"),
    }
}

/// The name of a trigger's metric within those of its object. Names of triggers are unique in an object;
/// without one, the number is.
pub(crate) fn metric_name(object: &ScaledObject, index: usize, trigger: &Trigger) -> String {
    let named = trigger.name.as_deref().map(names::word).filter(|word| !word.is_empty());
    let twice = |word: &String| {
        let same =
            |other: &&Trigger| other.name.as_deref().is_some_and(|name| names::word(name) == *word);
        object.triggers.iter().filter(same).count() > 1
    };
    let part = named.filter(|word| !twice(word)).unwrap_or_else(|| {
        let old = trigger.metadata.get("metricName").map(|name| names::word(name));
        let word = old.filter(|word| !word.is_empty());
        format!("s{index}-{}", word.unwrap_or_else(|| names::word(&trigger.kind)))
    });
    names::metric(&object.namespace, &object.name, &part)
}

#[cfg(test)]
mod tests {
    use super::quantity;

    #[test]
    fn quantities_are_rounded_as_keda_does() {
        for (value, expected) in [
            (100.0, "100"),
            (100.5, "100500m"),
            (0.5, "500m"),
            (0.0005, "1m"),
            (0.0001, "0"),
            (0.0, "0"),
            (-3.0, "0"),
            (f64::NAN, "0"),
            (f64::INFINITY, "0"),
            (1e15, "1000000000000000"),
        ] {
            assert_eq!(quantity(value), expected, "{value}");
        }
    }
}
