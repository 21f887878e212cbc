//! Manifests that helm and kubectl render.

use std::collections::BTreeSet;

use leadsman_tests::cluster::ControlPlane;
use serde_json::Value;
use tempfile::NamedTempFile;

use super::site::alone;

/// One object of a stream of YAML documents.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Manifest {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) text: String,
}

/// The objects of a stream.
pub(crate) fn manifests(stream: &str) -> BTreeSet<Manifest> {
    let documents = format!("\n{stream}");
    let documents = documents.split("\n---").map(|document| {
        let lines = document.lines().filter(|line| !line.starts_with('#'));
        lines.collect::<Vec<_>>().join("\n")
    });
    documents.filter(|text| !text.trim().is_empty()).map(manifest).collect()
}

fn manifest(text: String) -> Manifest {
    let value = |key: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(key));
        let found = found.unwrap_or_else(|| panic!("no {key:?} in\n{text}"));
        found.trim_matches([' ', '"']).to_owned()
    };
    Manifest { kind: value("kind:"), name: value("  name:"), text: text.clone() }
}

/// `Kind/name` of each.
pub(crate) fn names(manifests: &BTreeSet<Manifest>) -> BTreeSet<String> {
    manifests.iter().map(|Manifest { kind, name, .. }| format!("{kind}/{name}")).collect()
}

/// A dry run of objects on kube-apiserver, with strict validation of fields.
pub(crate) async fn accepted(
    plane: &'static ControlPlane,
    namespace: &str,
    manifests: &BTreeSet<Manifest>,
) -> Vec<Value> {
    // It checks existing APIServices, of which there must be none.
    let _alone = alone(plane, namespace, "none").await;
    let texts: Vec<_> = manifests.iter().map(|manifest| manifest.text.as_str()).collect();
    let file = file(&texts.join("\n---\n"));
    let file = file.path().display().to_string();
    let line = ["apply", "--dry-run=server", "--validate=strict", "--output=json", "-f", &file];
    let ran = plane.kubectl(&line).await;
    let list: Value = serde_json::from_str(ran.ok()).expect("JSON");
    match list["items"].as_array() {
        Some(items) => items.clone(),
        None => vec![list],
    }
}

/// The configuration in the ConfigMap of the adapter.
pub(crate) fn configuration(rendered: &BTreeSet<Manifest>) -> String {
    let texts = rendered.iter().filter(|object| object.kind == "ConfigMap");
    let mut parts = texts.filter_map(|map| map.text.split_once("\n  config.yaml: |\n"));
    let (_, rest) = parts.next().expect("a ConfigMap with a configuration");
    let lines = rest.lines().take_while(|line| line.is_empty() || line.starts_with("    "));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The rights of a rule of a role: `verb group/resource` or `verb group/resource/name`.
pub(crate) fn allowed(rule: &Value) -> Vec<String> {
    let part = |name: &str| -> Vec<&str> {
        rule[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let mut names: Vec<_> = part("resourceNames").iter().map(|name| format!("/{name}")).collect();
    if names.is_empty() {
        names.push(String::new());
    }
    let mut all = Vec::new();
    for verb in part("verbs") {
        for group in part("apiGroups") {
            for resource in part("resources") {
                all.extend(names.iter().map(|name| format!("{verb} {group}/{resource}{name}")));
            }
        }
    }
    all
}

/// A file with this text.
pub(crate) fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::with_suffix(".yaml").expect("a file");
    std::fs::write(file.path(), text).expect("a file");
    file
}
