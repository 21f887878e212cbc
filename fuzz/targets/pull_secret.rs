//! Pull secrets: a reference on the first line, then the JSON.
#![no_main]

use leadsman_oci::{Reference, RegistryCredentials};

/// The marker of secrets in the seeds. Messages may contain keys, but never values.
const SECRET: &str = "hunter2";

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Some((reference, json)) = text.split_once('\n') else { return };
    let Ok(reference) = reference.parse::<Reference>() else { return };
    let reported = match RegistryCredentials::for_registry(json, &reference) {
        Ok(credentials) => format!("{credentials:?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    let in_a_key = || {
        let parsed = serde_json::from_str::<serde_json::Value>(json).unwrap_or_default();
        let auths = parsed.get("auths").and_then(|auths| auths.as_object());
        auths.is_some_and(|auths| auths.keys().any(|key| key.contains(SECRET)))
    };
    let in_reference = reference.to_string().contains(SECRET);
    assert!(!reported.contains(SECRET) || in_reference || in_a_key(), "{reported}");
});
