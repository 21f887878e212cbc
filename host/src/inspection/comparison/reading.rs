//! The values that a read returned.

use std::collections::BTreeMap;

use serde_json::Value;

use leadsman_model::quantity::Quantity;

/// The values that a read returned.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Reading {
    /// The values by object, by labels of an item, or by container.
    pub(super) values: BTreeMap<String, Number>,
    /// The warning, which says why values are missing.
    pub(super) warning: Option<String>,
    /// Whether values are missing because several series are for one object and do not agree.
    pub(super) disagrees: bool,
}

/// A value in an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Number {
    /// A valid quantity.
    Quantity(Quantity),
    /// Any other text.
    Text(String),
}

impl Number {
    /// Parses a value.
    pub(super) fn read(text: &str) -> Self {
        match text.parse() {
            Ok(quantity) => Self::Quantity(quantity),
            Err(_) => Self::Text(text.to_owned()),
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Quantity(quantity) => quantity.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Reading {
    /// Reads a list of custom metrics.
    pub(super) fn of_objects(list: &Value) -> Self {
        Self::of_items(list, |item| {
            let name = item["describedObject"]["name"].as_str().unwrap_or_default().to_owned();
            vec![(name, text(&item["value"]))]
        })
    }

    /// Reads a list of external metrics.
    pub(super) fn of_external(list: &Value) -> Self {
        Self::of_items(list, |item| {
            let labels = item["metricLabels"].as_object().into_iter().flatten();
            let labels =
                labels.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()));
            vec![(labelled(labels), text(&item["value"]))]
        })
    }

    /// Reads a list of resource metrics.
    pub(super) fn of_resources(list: &Value) -> Self {
        Self::of_items(list, |item| {
            let name = item["metadata"]["name"].as_str().unwrap_or_default();
            let containers = item["containers"].as_array().into_iter().flatten();
            let parts = containers.map(|container| {
                let of = container["name"].as_str().unwrap_or_default();
                (format!("{name} {of}"), &container["usage"])
            });
            let whole = item.get("usage").map(|usage| (name.to_owned(), usage));
            let parts = parts.chain(whole);
            parts.flat_map(|(of, usage)| amounts(&of, usage)).collect()
        })
    }

    fn of_items(list: &Value, read: impl Fn(&Value) -> Vec<(String, String)>) -> Self {
        let items = list["items"].as_array().into_iter().flatten();
        let values = items.flat_map(read).map(|(of, value)| (of, Number::read(&value)));
        Self { values: values.collect(), warning: None, disagrees: false }
    }
}

/// The amounts of each resource.
fn amounts(of: &str, usage: &Value) -> Vec<(String, String)> {
    let usage = usage.as_object().into_iter().flatten();
    usage.map(|(amount, value)| (format!("{of} {amount}"), text(value))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The labels of an item as text: `{queue="a"}`.
pub(super) fn labelled<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let labels: BTreeMap<_, _> = labels.collect();
    let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", labels.join(","))
}
