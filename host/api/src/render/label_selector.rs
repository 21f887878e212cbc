//! The metric selector as `metav1.LabelSelector`, which each item of an answer repeats.

use std::collections::BTreeMap;

use serde::Serialize;

use leadsman_model::selector::{Operator, Selector};

/// `metav1.LabelSelector`, in both encodings.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
#[serde(rename_all = "camelCase")]
pub(super) struct LabelSelector {
    #[prost(btree_map = "string, string", tag = "1")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    match_labels: BTreeMap<String, String>,
    #[prost(message, repeated, tag = "2")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    match_expressions: Vec<LabelSelectorRequirement>,
}

#[derive(Clone, PartialEq, Serialize, prost::Message)]
struct LabelSelectorRequirement {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    operator: String,
    #[prost(string, repeated, tag = "3")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<String>,
}

impl LabelSelector {
    /// `None` if nothing is required.
    pub(super) fn of(selector: &Selector) -> Option<Self> {
        if selector.is_empty() {
            return None;
        }
        let mut whole = Self::default();
        for requirement in selector.requirements() {
            let key = &requirement.key;
            let (operator, values) = match &requirement.operator {
                Operator::In(values) if values.len() == 1 => {
                    whole.match_labels.insert(key.clone(), values[0].clone());
                    continue;
                }
                Operator::In(values) => ("In", values.clone()),
                Operator::NotIn(values) => ("NotIn", values.clone()),
                Operator::Exists => ("Exists", Vec::new()),
                Operator::DoesNotExist => ("DoesNotExist", Vec::new()),
                Operator::GreaterThan(limit) => ("Gt", vec![limit.to_string()]),
                Operator::LessThan(limit) => ("Lt", vec![limit.to_string()]),
            };
            whole.match_expressions.push(LabelSelectorRequirement {
                key: key.clone(),
                operator: operator.to_owned(),
                values,
            });
        }
        Some(whole)
    }
}
