//! Shadow evaluation: a candidate plugin runs on the same input as the serving one, and its values
//! are compared and never served.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::error::EvaluationError;
use leadsman_model::object_table::ObjectColumns;
use leadsman_model::quantity::Quantity;
use leadsman_model::values::Values;
use leadsman_sandbox::Plugin;

/// The most differences of one evaluation that are kept for the status page.
const MAX_DIFFERENCES: usize = 10;

/// A candidate plugin.
pub struct Candidate {
    /// Its name.
    pub plugin_name: String,
    /// The plugin.
    pub plugin: Plugin,
    /// Its configuration as JSON.
    pub config: String,
    /// What it asks for of the objects, if it wants to see them.
    pub object_columns: Option<ObjectColumns>,
    comparison: Mutex<Comparison>,
}

/// The outcomes of a candidate's shadow evaluations so far.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// Those with the same values.
    pub same: u64,
    /// Those with other values.
    pub different: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that had not ended when the next evaluation was due.
    pub skipped: u64,
    /// The last failure.
    pub last_error: Option<String>,
    /// The first few differences of the last evaluation that had any.
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
    pub fn new(
        plugin_name: String,
        plugin: Plugin,
        config: String,
        object_columns: Option<ObjectColumns>,
    ) -> Self {
        Self { plugin_name, plugin, config, object_columns, comparison: Mutex::default() }
    }

    /// The outcomes so far.
    pub fn comparison(&self) -> Comparison {
        self.comparison.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records a shadow evaluation that had not ended in time.
    pub(super) fn skipped(&self) -> &'static str {
        self.comparison.lock().unwrap_or_else(PoisonError::into_inner).skipped += 1;
        "skipped"
    }

    /// Records the outcome of a shadow evaluation. Returns how it is counted, and how many values
    /// differ.
    pub(super) fn record(
        &self,
        served: &Values,
        candidate: Result<Values, EvaluationError>,
    ) -> (&'static str, usize) {
        let mut comparison = self.comparison.lock().unwrap_or_else(PoisonError::into_inner);
        let values = match candidate {
            Ok(values) => values,
            Err(error) => {
                comparison.failed += 1;
                comparison.last_error = Some(error.to_string());
                return ("failed", 0);
            }
        };
        let (differences, count) = differences(served, &values);
        if count == 0 {
            comparison.same += 1;
            return ("same", 0);
        }
        comparison.different += 1;
        comparison.differences = differences;
        ("different", count)
    }
}

fn differences(served: &Values, candidate: &Values) -> (Vec<Difference>, usize) {
    let by_name = |values: &Values| values.served.named().into_iter().collect();
    let served: BTreeMap<String, Quantity> = by_name(served);
    let mut candidate: BTreeMap<String, Quantity> = by_name(candidate);
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
    found.truncate(MAX_DIFFERENCES);
    (found, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadsman_model::values::{MetricValues, ObjectValues, Value};

    fn values(of: &[(&str, f64)]) -> Values {
        let mut objects = ObjectValues::default();
        for (name, value) in of {
            let quantity = Quantity::from_f64(*value).unwrap();
            objects.insert("shop", name, Ok(Value { quantity, time: 0, window: None }));
        }
        let served = MetricValues::Objects(objects);
        Values { served, refused: vec![], refused_count: 0, not_numbers: 0 }
    }

    #[test]
    fn what_differs_is_told_from_both_sides() {
        let served = values(&[("a", 1.0), ("b", 2.0), ("c", 3.0)]);
        let (found, count) = differences(&served, &values(&[("a", 1.0), ("b", 2.5), ("d", 4.0)]));
        let reported: Vec<_> = found
            .iter()
            .map(|d| {
                let text = |value: Option<Quantity>| value.map(|value| value.to_string());
                (d.of.as_str(), text(d.served), text(d.candidate))
            })
            .collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            reported,
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
