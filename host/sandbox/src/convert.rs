//! From the domain to the contract.

use super::bindings::leadsman::plugin::types;
use super::error::RunError;
use leadsman_model::data::{Data, Input};
use leadsman_model::labels::Labels;
use leadsman_model::names::Scope;

/// How many different labels objects may have together, and how many cells: a label that one object
/// has takes a cell, of 4 bytes, of each.
const MAX_OBJECT_LABELS: usize = 1000;
const MAX_OBJECT_CELLS: usize = 4_000_000;

/// Whether the objects of an input are few enough to be handed over.
pub(super) fn check_objects(input: &Input) -> Result<(), RunError> {
    let Some((_, _, labels)) = &input.objects else { return Ok(()) };
    let (objects, labels) = (labels.rows(), labels.columns());
    if labels <= MAX_OBJECT_LABELS && objects.saturating_mul(labels) <= MAX_OBJECT_CELLS {
        return Ok(());
    }
    Err(RunError::Objects { objects, labels })
}

/// An input as the contract has it. Columns are moved, not copied, but for the labels' cells,
/// which become one list.
pub(super) fn input(input: Input) -> types::Input {
    let (text, ends) = input.dictionary.into_parts();
    types::Input {
        dictionary: types::Dictionary { bytes: text.into_bytes(), ends },
        scope: match input.scope {
            Scope::Namespace(namespace) => types::Scope::Namespace(namespace.as_str().to_owned()),
            Scope::Cluster => types::Scope::Cluster,
        },
        answers: input
            .answers
            .into_iter()
            .map(|(query, answer, warnings)| types::Answer { query, data: data(answer), warnings })
            .collect(),
        objects: input.objects.map(|(names, namespaces, rows)| types::Objects {
            names,
            namespaces,
            labels: labels(rows),
        }),
        now: input.now,
    }
}

fn data(data: Data) -> types::Data {
    match data {
        Data::Vector(vector) => types::Data::Vector(types::Vector {
            labels: labels(vector.labels),
            times: vector.times,
            values: vector.values,
        }),
        Data::Matrix(matrix) => types::Data::Matrix(types::Matrix {
            labels: labels(matrix.labels),
            ends: matrix.ends,
            times: matrix.times,
            values: matrix.values,
        }),
        Data::Scalar { time, value } => types::Data::Scalar(types::Scalar { time, value }),
        Data::Text { time, text } => types::Data::Text(types::Message { time, text }),
    }
}

fn labels(labels: Labels) -> types::Labels {
    let rows = u32::try_from(labels.rows()).unwrap_or(u32::MAX);
    let (names, cells) = labels.into_parts();
    types::Labels { names, rows, cells }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadsman_model::dictionary::Dictionary;

    fn with_objects(objects: u32, labels_each: u32, shared: bool) -> Input {
        let mut labels = Labels::default();
        for object in 0..objects {
            labels.add_row();
            for label in 0..labels_each {
                let name = if shared { label } else { object * labels_each + label };
                labels.set(name + 1, 1);
            }
        }
        let objects = Some((vec![], vec![], labels));
        let dictionary = Dictionary::new();
        Input { dictionary, scope: Scope::Cluster, answers: vec![], objects, now: 0 }
    }

    #[test]
    fn objects_with_labels_of_their_own_are_refused_before_they_are_copied() {
        check_objects(&with_objects(2000, 60, true)).unwrap();
        let error = check_objects(&with_objects(100, 60, false)).unwrap_err().to_string();
        assert!(error.contains("100 objects with 6000 different labels"), "{error}");
        let error = check_objects(&with_objects(50_000, 90, true)).unwrap_err().to_string();
        assert!(error.contains("50000 objects with 90 different labels"), "{error}");
    }
}
