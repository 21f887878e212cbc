//! Configurations: the operator's from a file and from a ConfigMap, and a team's.
#![no_main]

use std::collections::BTreeSet;
use std::path::Path;

use leadsman_config::{DocumentOrigin, Flags, Parsed, parse, valid};
use leadsman_document::Document;
use leadsman_evaluation::TeamLimits;
use leadsman_model::names::Namespace;

libfuzzer_sys::fuzz_target!(|text: &str| {
    // Queries are checked on a separate thread.
    leadsman_fuzz::only_own_panics();
    let (document, faults) = Document::parse("config.yaml", text);
    if !faults.is_empty() {
        // The result does not depend on where the text comes from.
        reported(&document, faults, text);
        return;
    }
    let Ok(namespace) = "shop".parse::<Namespace>() else { return };
    let keys = BTreeSet::from(["mine.wasm".to_owned()]);
    let team = valid::Team {
        namespaces: vec!["shop".to_owned()],
        sources: vec!["prometheus".to_owned()],
        registries: vec!["registry.example/shop".to_owned()],
        verify: None,
        limits: TeamLimits::default(),
    };
    // A folder that does not exist: no file is found.
    checked(text, &DocumentOrigin::Folder(Path::new("/nonexistent")));
    checked(text, &DocumentOrigin::ConfigMap(&keys));
    checked(text, &DocumentOrigin::Team { keys: &keys, namespace: &namespace, team: &team });
});

fn checked(text: &str, origin: &DocumentOrigin<'_>) {
    let Parsed { document, config, faults, .. } =
        parse("config.yaml", origin, &Flags::default(), text);
    if !faults.is_empty() {
        reported(&document, faults, text);
        return;
    }
    // JSON is YAML with the same meaning. YAML has no implicit keys that are longer than this.
    let json = document.value.to_string();
    if json.len() > 1000 {
        return;
    }
    let again = parse("config.yaml", origin, &Flags::default(), &json);
    assert_eq!(again.faults, [], "{json}");
    assert_eq!(again.document.value, document.value, "{json}");
    assert_eq!(format!("{:?}", again.config), format!("{config:?}"), "{json}");
}

/// Every fault has an existing line.
fn reported(document: &Document, faults: Vec<leadsman_document::Fault>, text: &str) {
    let faults = document.locate(faults);
    // All line breaks of YAML.
    let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
    for fault in &faults.list {
        let line = fault.line.unwrap_or_default();
        assert!((1..=lines + 1).contains(&line), "{fault:?} of {lines} lines");
    }
    assert!(!faults.to_string().is_empty());
}
