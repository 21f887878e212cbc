//! Plugin configurations and their schemas: `{"schema": …, "value": …}`.
#![no_main]

use leadsman_config::{published_schema, schema_faults};
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(both) = serde_json::from_str::<Value>(text) else { return };
    let value = both.get("value").unwrap_or(&Value::Null);
    match both.get("schema") {
        Some(schema) => {
            for fault in schema_faults(schema, value, "/mappings/0/config") {
                assert!(fault.path.starts_with("/mappings/0/config"), "{fault:?}");
            }
        }
        None => drop(schema_faults(&published_schema(), value, "")),
    }
});
