//! What was read: ScaledObjects, what they refer to, and what cannot be read.

use std::collections::{BTreeMap, BTreeSet};

use leadsman_document::{Bounds, Document};
use serde_json::Value;

/// The most ScaledObjects that are converted at once, and the most objects of the other kinds.
const MAX_SCALED_OBJECTS: usize = 20_000;
const MAX_OTHERS: usize = 100_000;

/// The most faults that are reported.
const MAX_FAULTS: usize = 1000;

/// The longest text that is read at once, in bytes.
pub const MAX_TEXT_BYTES: usize = 64 << 20;

/// The groups of KEDA's objects: now, and before version 2.
const GROUPS: [&str; 2] = ["keda.sh", "keda.k8s.io"];

/// Objects as they are in files or in a cluster.
#[derive(Debug, Default)]
pub struct Manifests {
    /// The namespace of objects that name none.
    pub default_namespace: String,
    /// The workloads that exist, where a cluster was asked for all of them: kind, namespace and name.
    pub(crate) existing: Option<BTreeSet<(String, String, String)>>,
    pub(crate) scaled_objects: Vec<Manifest>,
    /// Objects of KEDA that have no counterpart.
    pub(crate) others: Vec<Manifest>,
    /// By namespace, which is empty for those of the cluster, and name.
    pub(crate) authentications: BTreeMap<(String, String), Value>,
    /// By kind, namespace and name.
    pub(crate) workloads: BTreeMap<(String, String, String), Workload>,
    /// What cannot be read, with its place.
    pub faults: Vec<String>,
    counted: usize,
}

/// An object, and where it is from.
#[derive(Debug, Clone)]
pub(crate) struct Manifest {
    pub(crate) kind: String,
    pub(crate) api_version: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) origin: String,
    pub(crate) value: Value,
}

/// What is needed of a workload: the literal values of the environments of its containers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Workload {
    /// In the order of the pod's specification.
    pub(crate) containers: Vec<(String, BTreeMap<String, Option<String>>)>,
}

impl Manifests {
    /// Nothing yet.
    pub fn new(default_namespace: &str) -> Self {
        Self { default_namespace: default_namespace.to_owned(), ..Self::default() }
    }

    /// Reads a text of YAML, with any number of documents, or of JSON. What is wrong with one document
    /// does not hide the others.
    pub fn read(&mut self, origin: &str, text: &str) {
        if text.len() > MAX_TEXT_BYTES {
            let length = text.len();
            self.fault(format!(
                "{origin}: it has {length} bytes; at most {MAX_TEXT_BYTES} are read at once; divide it"
            ));
            return;
        }
        // A byte order mark is no part of the text.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim_start().starts_with('{')
            && let Ok(value) = serde_json::from_str::<Value>(text)
        {
            self.add(origin, value);
            return;
        }
        for (line, document) in documents(text) {
            let (parsed, faults) = Document::parse_within(origin, document, Bounds::MANIFESTS);
            if faults.is_empty() {
                self.add(&format!("{origin}:{}", line + first_line(document)), parsed.value);
                continue;
            }
            for fault in parsed.locate(faults).list {
                let at = line + fault.line.unwrap_or(1);
                let hint = match document.contains("{{") {
                    true => "; it looks like a template: render it first, as `helm template` does",
                    false => "",
                };
                self.fault(format!("{origin}:{at}: {}{hint}", fault.message));
            }
        }
    }

    /// Takes an object, or each of a list.
    pub fn add(&mut self, origin: &str, value: Value) {
        self.take(origin, value, None);
    }

    fn take(&mut self, origin: &str, mut value: Value, of_list: Option<(&str, &str)>) {
        if value.is_null() {
            return;
        }
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        let of_list = of_list.unwrap_or_default();
        let kind = text("kind").unwrap_or_else(|| of_list.0.to_owned());
        let api_version = text("apiVersion").unwrap_or_else(|| of_list.1.to_owned());
        if let Some(item_kind) = kind.strip_suffix("List")
            && let Some(Value::Array(items)) = value.get_mut("items").map(Value::take)
        {
            for item in items {
                self.take(origin, item, Some((item_kind, &api_version)));
            }
            return;
        }
        if !value.is_object() || kind.is_empty() || api_version.is_empty() {
            self.fault(format!(
                "{origin}: it is no object of Kubernetes: kind or apiVersion is missing"
            ));
            return;
        }
        let metadata = &value["metadata"];
        let named = |key: &str| metadata[key].as_str().filter(|text| !text.is_empty());
        let namespace = named("namespace").unwrap_or(&self.default_namespace).to_owned();
        let name = named("name").map(str::to_owned);
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let of_keda = GROUPS.contains(&group) || group.ends_with(".keda.sh");
        let is_workload =
            group == "apps" && ["Deployment", "StatefulSet", "ReplicaSet"].contains(&&*kind);
        if !of_keda && !is_workload {
            return;
        }
        let Some(name) = name else {
            let message = match metadata["generateName"].is_string() {
                true => "it has no name yet (generateName); convert the object of the cluster",
                false => "it has no name",
            };
            self.fault(format!("{origin}: {kind}: {message}"));
            return;
        };
        self.counted += 1;
        if self.counted > MAX_OTHERS || self.scaled_objects.len() >= MAX_SCALED_OBJECTS {
            self.fault(format!(
                "{origin}: more than {MAX_SCALED_OBJECTS} ScaledObjects, or {MAX_OTHERS} objects in all; \
                 convert them namespace by namespace"
            ));
            return;
        }
        let is_known_group = GROUPS.contains(&group);
        let authentication_of = match kind.as_str() {
            "TriggerAuthentication" if is_known_group => Some(namespace.clone()),
            "ClusterTriggerAuthentication" if is_known_group => Some(String::new()),
            _ => None,
        };
        if is_workload {
            self.workloads.insert((kind, namespace, name), Workload::of(&value));
        } else if let Some(scope) = authentication_of {
            self.authentications.insert((scope, name), value);
        } else {
            let is_scaled_object = is_known_group && kind == "ScaledObject";
            let origin = origin.to_owned();
            let manifest = Manifest { kind, api_version, namespace, name, origin, value };
            let list = if is_scaled_object { &mut self.scaled_objects } else { &mut self.others };
            list.push(manifest);
        }
    }

    /// Something cannot be read. What is said already, or too much, is not said.
    pub fn fault(&mut self, text: String) {
        if self.faults.len() < MAX_FAULTS && !self.faults.contains(&text) {
            self.faults.push(text);
        }
    }

    /// Whether a trigger has a value from the environment of what it scales.
    pub fn has_environments(&self) -> bool {
        self.scaled_objects.iter().any(|object| {
            let triggers = object.value["spec"]["triggers"].as_array();
            let mut metadata = triggers
                .into_iter()
                .flatten()
                .filter_map(|trigger| trigger["metadata"].as_object());
            metadata.any(|metadata| metadata.keys().any(|key| key.ends_with("FromEnv")))
        })
    }

    /// All Deployments and StatefulSets that exist were taken: any other one does not exist.
    pub fn has_all_workloads(&mut self) {
        self.existing = Some(self.workloads.keys().cloned().collect());
    }

    /// Whether there is nothing of KEDA.
    pub fn is_empty(&self) -> bool {
        self.scaled_objects.is_empty() && self.others.is_empty()
    }
}

impl Workload {
    fn of(value: &Value) -> Self {
        let containers = value["spec"]["template"]["spec"]["containers"].as_array();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let environment = |container: &Value| {
            let variables = container["env"].as_array().into_iter().flatten();
            let named = variables.filter_map(|variable| {
                // One that is from elsewhere has no value here.
                Some((text(&variable["name"])?, text(&variable["value"])))
            });
            named.collect::<BTreeMap<_, _>>()
        };
        let containers = containers.into_iter().flatten().map(|container| {
            (text(&container["name"]).unwrap_or_default(), environment(container))
        });
        Self { containers: containers.collect() }
    }

    /// The literal value of a variable of a container, or of the first one.
    pub(crate) fn variable(&self, container: Option<&str>, name: &str) -> Option<&str> {
        let (_, variables) = match container {
            Some(container) => self.containers.iter().find(|(name, _)| name == container)?,
            None => self.containers.first()?,
        };
        variables.get(name)?.as_deref()
    }
}

/// The documents of a text, each with the number of lines before it. They are separated before they are
/// parsed, so that a fault in one does not hide those that follow.
fn documents(text: &str) -> Vec<(usize, &str)> {
    let (mut documents, mut start, mut start_line, mut at) = (Vec::new(), 0, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let content = line.trim_end();
        let ends = content == "---" || content.starts_with("--- ") || content.starts_with("---\t");
        if ends {
            documents.push((start_line, &text[start..at]));
            // What stands behind the dashes belongs to the document.
            let dashes = "---".len();
            (start, start_line) = (at + dashes, number);
        }
        at += line.len();
    }
    documents.push((start_line, &text[start..]));
    let has_content = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    documents.retain(|(_, document)| document.lines().any(has_content));
    documents
}

/// The number of the first line of a document that has content, from 1.
fn first_line(document: &str) -> usize {
    let has_content = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    document.lines().position(has_content).map_or(1, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Manifests {
        let mut manifests = Manifests::new("default");
        manifests.read("a.yaml", text);
        manifests
    }

    const OBJECT: &str =
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: web}\n";

    #[test]
    fn documents_have_the_lines_of_their_file() {
        let manifests = read(&format!(
            "# head\n---\n{OBJECT}--- # next\n\n# b\n{OBJECT}---\na: [\n---\n{OBJECT}"
        ));
        let origins: Vec<_> = manifests.scaled_objects.iter().map(|one| &*one.origin).collect();
        assert_eq!(origins, ["a.yaml:3", "a.yaml:9", "a.yaml:15"]);
        let [fault] = manifests.faults.as_slice() else { panic!("{:?}", manifests.faults) };
        assert!(fault.starts_with("a.yaml:13: this is not YAML"), "{fault}");
    }

    #[test]
    fn lists_of_any_depth_are_taken_apart() {
        let list = serde_json::json!({
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObjectList",
                 "items": [{"metadata": {"name": "a", "namespace": "shop"}}]},
                {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}},
                {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledJob", "metadata": {"name": "j"}},
                null,
            ],
        });
        let manifests = read(&list.to_string());
        assert_eq!((manifests.scaled_objects.len(), manifests.others.len()), (1, 1));
        assert_eq!(manifests.scaled_objects[0].namespace, "shop");
        assert_eq!(manifests.faults, Vec::<String>::new());
    }

    #[test]
    fn what_is_no_object_is_a_fault() {
        for (text, message) in [
            ("a: b\n", "no object of Kubernetes"),
            ("just text\n", "no object of Kubernetes"),
            ("- a\n", "no object of Kubernetes"),
            ("apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\n", "ScaledObject: it has no name"),
            (
                "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {generateName: a-}\n",
                "generateName",
            ),
            (
                "{{- if .Values.keda }}\nkind: ScaledObject\n{{- end }}\n",
                "it looks like a template",
            ),
        ] {
            let manifests = read(text);
            assert!(manifests.is_empty());
            let faults = manifests.faults.join("\n");
            assert!(faults.contains(message), "{text}: {faults}");
        }
    }

    #[test]
    fn environments_are_those_of_the_pods() {
        let manifests = read(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      \
             containers:\n        - {name: app, env: [{name: A, value: one}, {name: B, valueFrom: {}}]}\n        \
             - {name: side, env: [{name: A, value: two}]}\n",
        );
        let key = ("Deployment".to_owned(), "default".to_owned(), "web".to_owned());
        let workload = &manifests.workloads[&key];
        assert_eq!(workload.variable(None, "A"), Some("one"));
        assert_eq!(workload.variable(None, "B"), None);
        assert_eq!(workload.variable(Some("side"), "A"), Some("two"));
        assert_eq!(workload.variable(Some("none"), "A"), None);
    }
}
