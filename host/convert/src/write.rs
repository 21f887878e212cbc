//! The documents of a conversion.

use std::collections::{BTreeMap, BTreeSet};

use leadsman_model::text::one_line;

use crate::node::{Entries, Node, write_item};
use crate::source::{self, MountKind, Mounted, Source};
use crate::trigger::Mapping;
use crate::{Conversion, Converted};

/// The longest configuration that Leadsman reads from a file, and the most that fits into a ConfigMap, in
/// bytes.
pub const MAX_CONFIG_BYTES: usize = 8 << 20;
/// The most that a ConfigMap holds, in bytes.
pub const MAX_CONFIG_MAP_BYTES: usize = 1 << 20;

/// How much of all queries Leadsman looks into, as the sum of the squares of their lengths: half of what it
/// refuses. They were looked into here; further ones say `check: false`.
const MAX_QUERY_WORK: usize = 1 << 29;
/// The same for a team's document.
const MAX_TEAM_QUERY_WORK: usize = 1 << 26;

/// The version of configurations.
const API_VERSION: &str = "leadsman.dev/v1alpha1";

/// How many mappings a team has without a word of the operator.
const USUAL_MAPPINGS: usize = 50;

/// The name of the volume with the values of Secrets.
const VOLUME: &str = "converted-credentials";

impl Conversion {
    /// The configuration, as a file: sources and mappings.
    pub fn config(&self) -> String {
        let sources = self.sources();
        let mut text = self.head();
        self.write_sources(&sources, &mut text);
        write_mappings(self.written(), &sources, MAX_QUERY_WORK, &mut text);
        text
    }

    /// The operator's part where each namespace has its mappings itself: sources, and who may query them.
    pub fn operator_config(&self) -> String {
        let sources = self.sources();
        let mut text = self.head();
        self.write_sources(&sources, &mut text);
        let teams: Vec<Node> = self
            .namespaces()
            .into_iter()
            .map(|(namespace, objects)| {
                let mappings = objects.iter().flat_map(|object| &object.mappings);
                let count = mappings.clone().count();
                let used: BTreeSet<_> = mappings
                    .flat_map(|mapping| &mapping.queries)
                    .filter_map(|query| sources.get(&query.source).map(String::as_str))
                    .collect();
                let used = used.into_iter().map(Node::from).collect::<Vec<_>>();
                let team = Entries::default()
                    .with("namespaces", vec![Node::from(namespace)])
                    .with("sources", used)
                    .maybe("limits", limits(count));
                Node::from(team)
            })
            .collect();
        Node::from(Entries::default().with("teams", teams)).write(&mut text, 0);
        text
    }

    /// The mappings of each namespace, as a ConfigMap of this name in it. Nobody reads them in another one.
    pub fn team_config_maps(&self, name: &str) -> Vec<String> {
        let sources = self.sources();
        let maps = self.namespaces().into_iter().map(|(namespace, objects)| {
            let mut text = format!("apiVersion: {API_VERSION}\nkind: Config\n");
            write_mappings(objects.into_iter(), &sources, MAX_TEAM_QUERY_WORK, &mut text);
            let label = Entries::default().with("leadsman.dev/config", "true");
            config_map(namespace, name, label, text)
        });
        maps.collect()
    }

    /// The configuration, as a ConfigMap.
    pub fn config_map(&self, namespace: &str, name: &str) -> String {
        config_map(namespace, name, Entries::default(), self.config())
    }

    /// The operator's part, as a ConfigMap.
    pub fn operator_config_map(&self, namespace: &str, name: &str) -> String {
        config_map(namespace, name, Entries::default(), self.operator_config())
    }

    fn head(&self) -> String {
        let objects = match self.written().count() {
            1 => "1 ScaledObject".to_owned(),
            many => format!("{many} ScaledObjects"),
        };
        format!("# Converted from {objects} of KEDA.\napiVersion: {API_VERSION}\nkind: Config\n")
    }

    fn write_sources(&self, sources: &BTreeMap<&Source, String>, text: &mut String) {
        if sources.is_empty() {
            return;
        }
        let entries: BTreeMap<_, _> =
            sources.iter().map(|(source, name)| (name, source.node(&self.secrets_dir))).collect();
        let entries: Entries = entries.into_iter().collect();
        Node::from(Entries::default().with("sources", entries)).write(text, 0);
    }

    /// What is written of each namespace that has mappings.
    fn namespaces(&self) -> BTreeMap<&str, Vec<&Converted>> {
        let mut namespaces: BTreeMap<&str, Vec<&Converted>> = BTreeMap::new();
        for object in self.written().filter(|object| !object.mappings.is_empty()) {
            namespaces.entry(&object.namespace).or_default().push(object);
        }
        namespaces
    }

    /// The autoscalers, each as a document; empty if there are none.
    pub fn autoscalers(&self) -> String {
        let mut text = String::new();
        for object in self.written() {
            let Some(autoscaler) = &object.autoscaler else { continue };
            if !text.is_empty() {
                text.push_str("---\n");
            }
            let title = format!("{}/{}", object.namespace, object.name);
            text.push_str(&format!("# In place of the ScaledObject {}\n", one_line(&title, 400)));
            autoscaler.write(&mut text, 0);
        }
        text
    }

    /// What is to be mounted into Leadsman's pod, as values of its chart; `None` if it is nothing.
    pub fn mounts(&self) -> Option<String> {
        let sources = self.sources();
        let mounts: BTreeSet<&Mounted> =
            sources.keys().flat_map(|source| source.mounts()).collect();
        if mounts.is_empty() {
            return None;
        }
        let mut text = "# Values of Leadsman's chart: the files that the sources name. A pod mounts what is in \
                        its\n# own namespace, so each of these is needed there, too, under the name that \
                        follows it:\n"
            .to_owned();
        let mut of_objects: BTreeMap<(MountKind, String), Vec<Node>> = BTreeMap::new();
        for mounted in &mounts {
            let item = Entries::default().with("key", &mounted.key).with("path", mounted.path());
            of_objects.entry((mounted.kind, mounted.copy())).or_default().push(item.into());
        }
        let named: BTreeSet<_> = mounts
            .iter()
            .map(|mounted| (mounted.kind, &mounted.namespace, &mounted.name, mounted.copy()))
            .collect();
        for (kind, namespace, name, copy) in named {
            match kind {
                MountKind::Secret => {
                    text.push_str(&format!("#   Secret {name} of {namespace}: {copy}\n"));
                }
                MountKind::ConfigMap => {
                    text.push_str(&format!("#   ConfigMap {name} of {namespace}: {copy}\n"));
                }
                MountKind::Token => text.push_str("#   (a token of its own service account)\n"),
            }
        }
        let projected = of_objects.into_iter().map(|((kind, copy), items)| {
            let named = |name: String| Entries::default().with("name", name).with("items", items);
            let entry = match kind {
                MountKind::Secret => Entries::default().with("secret", named(copy)),
                MountKind::ConfigMap => Entries::default().with("configMap", named(copy)),
                MountKind::Token => {
                    let token = Entries::default().with("path", "tokens/own");
                    Entries::default().with("serviceAccountToken", token)
                }
            };
            Node::from(entry)
        });
        let projected = Entries::default().with("sources", projected.collect::<Vec<_>>());
        let volume = Entries::default().with("name", VOLUME).with("projected", projected);
        let mount = Entries::default()
            .with("name", VOLUME)
            .with("mountPath", self.secrets_dir.trim_end_matches('/'))
            .with("readOnly", true);
        Node::from(
            Entries::default()
                .with("extraVolumes", vec![Node::from(volume)])
                .with("extraVolumeMounts", vec![Node::from(mount)]),
        )
        .write(&mut text, 0);
        Some(text)
    }

    fn written(&self) -> impl Iterator<Item = &Converted> {
        self.objects.iter().filter(|object| object.autoscaler.is_some())
    }

    /// Each source once, with its name.
    fn sources(&self) -> BTreeMap<&Source, String> {
        let mappings = self.written().flat_map(|object| &object.mappings);
        let sources: BTreeSet<_> = mappings
            .flat_map(|mapping| mapping.queries.iter().map(|query| &query.source))
            .collect();
        source::named(sources)
    }
}

/// A ConfigMap with a configuration.
fn config_map(namespace: &str, name: &str, labels: Entries, config: String) -> String {
    let metadata = Entries::default()
        .with("name", name)
        .with("namespace", namespace)
        .unless_empty("labels", labels);
    let data = Entries::default().with("config.yaml", config);
    let mut text = String::new();
    Node::from(
        Entries::default()
            .with("apiVersion", "v1")
            .with("kind", "ConfigMap")
            .with("metadata", metadata)
            .with("data", data),
    )
    .write(&mut text, 0);
    text
}

/// What a team needs for so many mappings, if it is more than it has anyway: an autoscaler reads each one
/// four times a minute.
fn limits(mappings: usize) -> Option<Entries> {
    let count = i64::try_from(mappings).ok().filter(|_| mappings > USUAL_MAPPINGS)?;
    Some(
        Entries::default()
            .with("mappings", count)
            .with("evaluationsPerMinute", count.saturating_mul(12))
            .with("pluginTimePerMinute", Node::duration(format!("{}s", (count / 8).max(6)))),
    )
}

/// The mappings of objects. Queries beyond what Leadsman looks into of one document are not checked again.
fn write_mappings<'c>(
    objects: impl Iterator<Item = &'c Converted>,
    sources: &BTreeMap<&Source, String>,
    max_work: usize,
    text: &mut String,
) {
    let mut work = 0_usize;
    text.push_str("mappings:");
    let mut is_empty = true;
    for object in objects {
        for mapping in &object.mappings {
            if std::mem::take(&mut is_empty) {
                text.push('\n');
            }
            let about = format!("{}/{}, {}", object.namespace, object.name, mapping.about);
            text.push_str(&format!("  # {}\n", one_line(&about, 200)));
            write_item(&node(mapping, sources, &mut work, max_work), text, 2);
        }
    }
    if is_empty {
        text.push_str(" []\n");
    }
}

/// A mapping as it is written.
fn node(
    mapping: &Mapping,
    sources: &BTreeMap<&Source, String>,
    work: &mut usize,
    max_work: usize,
) -> Node {
    let queries: Entries = mapping
        .queries
        .iter()
        .map(|query| {
            *work = work.saturating_add(query.promql.len().saturating_pow(2));
            let is_checked = query.is_known && *work <= max_work;
            let source = sources.get(&query.source).cloned().unwrap_or_default();
            let entries = Entries::default()
                .with("source", source)
                .with("promql", &query.promql)
                .maybe("check", (!is_checked).then_some(false));
            (query.name.clone(), entries)
        })
        .collect();
    Entries::default()
        .with("metric", &mapping.metric)
        .with("serve", Entries::default().with("external", Entries::default()))
        .unless_empty("queries", queries)
        .with("plugin", mapping.plugin)
        .unless_empty("config", mapping.config.clone())
        .extended(mapping.policies.clone())
        .into()
}
