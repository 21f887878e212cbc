//! A plugin on trial: it runs on what the serving one ran on, and what it gives is compared.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::error::EvaluationError;
use leadsman_model::quantity::Quantity;
use leadsman_model::values::{Served, Values};
use leadsman_sandbox::Plugin;

/// How many differences of one evaluation are kept to be shown.
const SHOWN: usize = 10;

/// A plugin on trial.
pub struct Candidate {
    /// Its name.
    pub plugin_name: String,
    /// The plugin.
    pub plugin: Plugin,
    /// Its configuration as JSON.
    pub config: String,
    seen: Mutex<Comparison>,
}

/// How a candidate did so far.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// Evaluations in which it gave the same values.
    pub same: u64,
    /// Evaluations in which it gave others.
    pub different: u64,
    /// Evaluations in which it gave none.
    pub failed: u64,
    /// Evaluations for which it took too long: the next one was due before it had ended.
    pub skipped: u64,
    /// Why it gave none, the last time.
    pub last_error: Option<String>,
    /// How its values differed, the last time that they did. The first few of them.
    pub differences: Vec<Difference>,
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Namespace and name of the object, or the labels of the item.
    pub of: String,
    /// What is served; `None` for nothing.
    pub served: Option<Quantity>,
    /// What the candidate gave; `None` for nothing.
    pub candidate: Option<Quantity>,
}

impl Candidate {
    /// A candidate that has not run yet.
    pub fn new(plugin_name: String, plugin: Plugin, config: String) -> Self {
        Self { plugin_name, plugin, config, seen: Mutex::default() }
    }

    /// How it did so far.
    pub fn seen(&self) -> Comparison {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that it took too long.
    pub(super) fn skipped(&self) -> &'static str {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).skipped += 1;
        "skipped"
    }

    /// Notes what it gave beside what is served. Says how that is counted, and how many values
    /// differ.
    pub(super) fn note(
        &self,
        served: &Values,
        candidate: Result<Values, EvaluationError>,
    ) -> (&'static str, usize) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let values = match candidate {
            Ok(values) => values,
            Err(error) => {
                seen.failed += 1;
                seen.last_error = Some(error.to_string());
                return ("failed", 0);
            }
        };
        let (differences, count) = differences(served, &values);
        if count == 0 {
            seen.same += 1;
            return ("same", 0);
        }
        seen.different += 1;
        seen.differences = differences;
        ("different", count)
    }
}

fn differences(served: &Values, candidate: &Values) -> (Vec<Difference>, usize) {
    let (served, mut candidate) = (by_name(&served.served), by_name(&candidate.served));
    let mut found = Vec::new();
    for (of, served) in served {
        let other = candidate.remove(&of);
        if other != Some(served) {
            found.push(Difference { of, served: Some(served), candidate: other });
        }
    }
    let added = candidate.into_iter().map(|(of, value)| Difference {
        of,
        served: None,
        candidate: Some(value),
    });
    found.extend(added);
    let count = found.len();
    found.truncate(SHOWN);
    (found, count)
}

fn by_name(served: &Served) -> BTreeMap<String, Quantity> {
    match served {
        Served::Objects(objects) => objects
            .iter()
            .map(|(namespace, name, value)| {
                let name = match namespace {
                    "" => name.to_owned(),
                    namespace => format!("{namespace}/{name}"),
                };
                (name, value.quantity)
            })
            .collect(),
        Served::Items(items) => items
            .iter()
            .map(|item| {
                let labels: Vec<_> =
                    item.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
                (labels.join(","), item.value.quantity)
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadsman_model::values::{ObjectValues, Value};

    fn values(of: &[(&str, f64)]) -> Values {
        let mut objects = ObjectValues::default();
        for (name, value) in of {
            let quantity = Quantity::from_f64(*value).unwrap();
            objects.insert("shop", name, Ok(Value { quantity, time: 0, window: None }));
        }
        Values { served: Served::Objects(objects), refused: vec![], refused_count: 0 }
    }

    #[test]
    fn what_differs_is_told_from_both_sides() {
        let served = values(&[("a", 1.0), ("b", 2.0), ("c", 3.0)]);
        let (found, count) = differences(&served, &values(&[("a", 1.0), ("b", 2.5), ("d", 4.0)]));
        let told: Vec<_> = found
            .iter()
            .map(|d| {
                let text = |value: Option<Quantity>| value.map(|value| value.to_string());
                (d.of.as_str(), text(d.served), text(d.candidate))
            })
            .collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [
                ("shop/b", some("2"), some("2500m")),
                ("shop/c", some("3"), None),
                ("shop/d", None, some("4"))
            ]
        );
        assert_eq!(count, 3);
        assert_eq!(differences(&served, &served.clone()).1, 0);
    }
}
