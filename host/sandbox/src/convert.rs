//! Converts domain types to types of the plugin contract.

use super::bindings::leadsman::plugin::types;
use leadsman_model::data::{Data, Input};
use leadsman_model::labels::Labels;
use leadsman_model::names::Scope;

/// Converts the input of an evaluation. Columns are moved, except for the cells of labels, which
/// are copied into one list.
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
            .map(|answer| types::Answer {
                query: answer.query,
                data: data(answer.data),
                unit: answer.unit,
                warnings: answer.warnings,
            })
            .collect(),
        objects: input.objects.map(|objects| types::Objects {
            names: objects.names,
            namespaces: objects.namespaces,
            labels: labels(objects.labels),
            addresses: objects.addresses,
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
