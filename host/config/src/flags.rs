//! What the command line says beside the configuration: the flags of prometheus-adapter.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::SCHEMA;
use leadsman_document::{Fault, nearest, segment};
use leadsman_rules::OnSeveral;

/// What the source that flags name is called.
pub const FLAGS_SOURCE: &str = "prometheus";

/// What the command line says beside the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// The source that it names, as it would be written under `prometheus`.
    pub prometheus: Option<Value>,
    /// How often series are listed.
    pub relist_interval: Option<Duration>,
    /// How old the samples of a series may be for it to be listed.
    pub max_age: Option<Duration>,
    /// Whether rules send the very queries that prometheus-adapter would.
    pub exact_queries: bool,
    /// What an object gets from several series of a rule that do not agree.
    pub on_several: Option<OnSeveral>,
}

/// The sections of prometheus-adapter's configuration.
const SECTIONS: [&str; 3] = ["rules", "externalRules", "resourceRules"];

/// What a file of prometheus-adapter lacks without the flag.
pub(super) const NO_PROMETHEUS: &str = "a configuration of prometheus-adapter does not say where \
                                        Prometheus is; say it with --prometheus-url";

/// Makes a file of prometheus-adapter a configuration, and adds what flags say.
pub(super) fn apply(flags: &Flags, tree: &mut Value) -> Vec<Fault> {
    let Value::Object(map) = tree else { return Vec::new() };
    let of_adapter = is_of_adapter(map);
    for section in SECTIONS {
        if let Some(section) = map.get_mut(section) {
            without_nothing(section);
        }
    }
    map.retain(|key, value| !(SECTIONS.contains(&key.as_str()) && value.is_null()));
    let mut faults = Vec::new();
    if of_adapter {
        // What is told of here need not be told of as no key of ours.
        map.retain(|key, _| {
            let known = SECTIONS.contains(&key.as_str());
            if !known {
                faults.push(Fault::unknown_key(format!("/{}", segment(key)), key, SECTIONS));
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

/// Whether a file is one of prometheus-adapter: it has a section of it, maybe with a typing error, and
/// nothing that only a configuration of ours has.
fn is_of_adapter(map: &Map<String, Value>) -> bool {
    let ours = |key: &str| {
        !SECTIONS.contains(&key)
            && SCHEMA.get("properties").is_some_and(|known| known.get(key).is_some())
    };
    if map.contains_key("apiVersion") || map.contains_key("kind") {
        return false;
    }
    SECTIONS.iter().any(|section| map.contains_key(*section))
        || (map.keys().any(|key| nearest(key, SECTIONS).is_some())
            && !map.keys().any(|key| ours(key)))
}

/// Takes out what is written without a value: Go reads it as not written.
fn without_nothing(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(without_nothing);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nothing),
        _ => {}
    }
}
