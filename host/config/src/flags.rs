//! Settings of the command line that supplement the configuration: the flags of prometheus-adapter.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::SCHEMA;
use leadsman_document::{Fault, nearest, segment};
use leadsman_rules::OnSeveral;

/// The name of the source that flags define.
pub const FLAGS_SOURCE: &str = "prometheus";

/// Settings of the command line that supplement the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// The source, as it would be written under `prometheus`.
    pub prometheus: Option<Value>,
    /// The interval between lists of series.
    pub relist_interval: Option<Duration>,
    /// The maximum age of the newest sample of a listed series.
    pub max_age: Option<Duration>,
    /// Whether rules send exactly the queries of prometheus-adapter.
    pub exact_queries: bool,
    /// The value of an object for which several series of a rule have different values.
    pub on_several: Option<OnSeveral>,
}

/// The sections of prometheus-adapter's configuration.
const SECTIONS: [&str; 3] = ["rules", "externalRules", "resourceRules"];

/// The keys that such a file may have: `discovery` is what messages about its metrics name.
const KEYS: [&str; 4] = ["rules", "externalRules", "resourceRules", "discovery"];

/// The fault of a file of prometheus-adapter without the flag for Prometheus.
const NO_PROMETHEUS: &str = "a configuration of prometheus-adapter does not say where \
                                        Prometheus is; say it with --prometheus-url";

/// Whether it is a file of prometheus-adapter without the flag for Prometheus. [`apply`] reports it.
pub(super) fn lacks_prometheus(flags: &Flags, tree: &Value) -> bool {
    flags.prometheus.is_none() && tree.as_object().is_some_and(is_of_adapter)
}

/// Converts a file of prometheus-adapter to a configuration, and applies the flags.
pub(super) fn apply(flags: &Flags, tree: &mut Value) -> Vec<Fault> {
    let Value::Object(map) = tree else { return Vec::new() };
    let is_of_adapter = is_of_adapter(map);
    for section in SECTIONS {
        if let Some(section) = map.get_mut(section) {
            remove_nulls(section);
        }
    }
    map.retain(|key, value| !(SECTIONS.contains(&key.as_str()) && value.is_null()));
    let mut faults = Vec::new();
    if is_of_adapter {
        // Reported here, and removed so that the schema does not report it again.
        map.retain(|key, _| {
            let known = KEYS.contains(&key.as_str());
            if !known {
                faults.push(Fault::unknown_key(format!("/{}", segment(key)), key, KEYS));
            }
            known
        });
        map.insert("apiVersion".to_owned(), "leadsman.dev/v1alpha1".into());
        map.insert("kind".to_owned(), "Config".into());
        if flags.prometheus.is_none() {
            faults.push(Fault::at("", NO_PROMETHEUS));
        }
    }
    if let Some(prometheus) = &flags.prometheus {
        let sources = map.entry("sources").or_insert(Value::Null);
        if sources.is_null() {
            *sources = Value::Object(Map::new());
        }
        if let Value::Object(sources) = sources {
            if sources.contains_key(FLAGS_SOURCE) {
                let message = "is given by --prometheus-url, too; leave one of them out";
                faults.push(Fault::at(format!("/sources/{FLAGS_SOURCE}"), message));
            } else {
                sources.insert(FLAGS_SOURCE.to_owned(), json!({"prometheus": prometheus}));
            }
        }
    }
    faults
}

/// Whether a file is one of prometheus-adapter: it has one of its sections, possibly misspelled, and
/// no section of Leadsman only.
fn is_of_adapter(map: &Map<String, Value>) -> bool {
    let ours = |key: &str| {
        !KEYS.contains(&key)
            && SCHEMA.get("properties").is_some_and(|known| known.get(key).is_some())
    };
    if map.contains_key("apiVersion") || map.contains_key("kind") {
        return false;
    }
    SECTIONS.iter().any(|section| map.contains_key(*section))
        || (map.keys().any(|key| nearest(key, SECTIONS).is_some())
            && !map.keys().any(|key| ours(key)))
}

/// Removes keys without a value, which Go treats as not written.
fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(remove_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(remove_nulls),
        _ => {}
    }
}
