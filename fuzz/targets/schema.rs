//! Plugin configurations and their schemas: `{"schema": …, "value": …}`.
#![no_main]

use leadsman_config::published_schema;
use leadsman_document::json_schema::{check, explain, mismatches};
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(both) = serde_json::from_str::<Value>(text) else { return };
    let value = both.get("value").unwrap_or(&Value::Null);
    match both.get("schema") {
        Some(schema) => {
            if check(schema).is_err() {
                return;
            }
            for fault in mismatches(schema, value, "/mappings/0/config") {
                assert!(fault.path.starts_with("/mappings/0/config"), "{fault:?}");
            }
        }
        None => drop(explain(&published_schema(), value, "")),
    }
});
