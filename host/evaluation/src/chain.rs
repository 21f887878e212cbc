//! Chains: mappings with several plugins, in which the values of one plugin are an answer for the next.

use std::collections::HashMap;

use super::runs::RunCounts;
use leadsman_model::data::{Answer, Data, Input, Vector};
use leadsman_model::dictionary::Dictionary;
use leadsman_model::names::Scope;
use leadsman_model::object_table::ObjectColumns;
use leadsman_model::values::{MetricValues, Values};
use leadsman_sandbox::{Plugin, Trace};

/// The name of the answer that a plugin gets of the one before it.
pub const PREVIOUS: &str = "previous";

/// The labels of that answer where values are for objects.
const OBJECT: &str = "object";
const NAMESPACE: &str = "namespace";

/// A plugin of a chain, after the first.
pub struct Link {
    /// Its name.
    pub plugin_name: String,
    /// The plugin.
    pub plugin: Plugin,
    /// Its configuration as JSON.
    pub config: String,
    /// What it asks for of the objects, if it wants to see them.
    pub object_columns: Option<ObjectColumns>,
    /// The queries whose answers it gets, too.
    pub queries: Vec<String>,
    /// Its runs.
    pub runs: RunCounts,
}

impl Link {
    /// Whether both do the same.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.plugin.digest() == other.plugin.digest()
            && self.config == other.config
            && self.object_columns == other.object_columns
            && self.queries == other.queries
    }

    /// What it gets: the answers that it names, and what the plugin before it gave.
    pub(super) fn input(&self, queries: &Input, previous: Answer) -> Input {
        let mut input = queries.clone();
        input.objects = None;
        input.answers.retain(|answer| self.queries.contains(&answer.query));
        input.with_answer(PREVIOUS, previous)
    }
}

/// The values of a plugin as an answer. Those that were refused are not in it. Numbers are as the plugin
/// gave them, and not as they would be served.
pub(super) fn answer(values: &Values, trace: &Trace, scope: &Scope) -> Answer {
    let mut dictionary = Dictionary::new();
    let mut vector = Vector::default();
    match &values.served {
        MetricValues::Objects(objects) => {
            let [object, namespace] = [OBJECT, NAMESPACE].map(|name| dictionary.intern(name));
            let own = scope.namespace().map_or("", |namespace| namespace.as_str());
            for measure in trace.capture.measures() {
                let of = if measure.namespace.is_empty() { own } else { measure.namespace };
                // Of objects that live in no namespace, none that a plugin names counts.
                let found = objects.get(of, measure.object).map(|value| (of, value));
                let found = found.or_else(|| Some(("", objects.get("", measure.object)?)));
                let Some((of, Ok(value))) = found else { continue };
                vector.labels.add_row();
                let name = dictionary.intern(measure.object);
                vector.labels.set(object, name);
                if !of.is_empty() {
                    let of = dictionary.intern(of);
                    vector.labels.set(namespace, of);
                }
                vector.times.push(value.time);
                // What stands for a number that is none is the value.
                let is_number = measure.value.is_finite();
                vector.values.push(if is_number { measure.value } else { value.quantity.as_f64() });
            }
        }
        MetricValues::Items(items) => {
            let given = trace.capture.measures().map(|measure| (measure.labels, measure.value));
            let given: HashMap<_, _> = given.collect();
            for item in items {
                let labels: Vec<(&str, &str)> =
                    item.labels.iter().map(|(name, text)| (&**name, &**text)).collect();
                vector.labels.add_row();
                for (name, text) in &item.labels {
                    let (name, text) = (dictionary.intern(name), dictionary.intern(text));
                    vector.labels.set(name, text);
                }
                vector.times.push(item.value.time);
                let given = given.get(&labels).copied().filter(|value| value.is_finite());
                vector.values.push(given.unwrap_or_else(|| item.value.quantity.as_f64()));
            }
        }
    }
    Answer { dictionary, data: Data::Vector(vector), unit: None, warnings: Vec::new() }
}
