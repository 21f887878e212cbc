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

/// The name of the volume with the values of Secrets.
const VOLUME: &str = "converted-credentials";

impl Conversion {
    /// The configuration, as a file.
    pub fn config(&self) -> String {
        let sources = self.sources();
        let mut text = format!(
            "# Converted from {} of KEDA.\napiVersion: leadsman.dev/v1alpha1\nkind: Config\n",
            match self.written().count() {
                1 => "1 ScaledObject".to_owned(),
                many => format!("{many} ScaledObjects"),
            }
        );
        if !sources.is_empty() {
            let entries: BTreeMap<_, _> = sources
                .iter()
                .map(|(source, name)| (name, source.node(&self.secrets_dir)))
                .collect();
            let entries: Entries = entries.into_iter().collect();
            Node::from(Entries::default().with("sources", entries)).write(&mut text, 0);
        }
        let mut work = 0_usize;
        let mappings =
            self.written().flat_map(|object| object.mappings.iter().map(move |of| (object, of)));
        text.push_str("mappings:");
        let mut is_empty = true;
        for (object, mapping) in mappings {
            if std::mem::take(&mut is_empty) {
                text.push('\n');
            }
            let about = format!("{}/{}, {}", object.namespace, object.name, mapping.about);
            text.push_str(&format!("  # {}\n", one_line(&about, 200)));
            write_item(&node(mapping, &sources, &mut work), &mut text, 2);
        }
        if is_empty {
            text.push_str(" []\n");
        }
        text
    }

    /// The configuration, as a ConfigMap.
    pub fn config_map(&self, namespace: &str, name: &str) -> String {
        let metadata = Entries::default().with("name", name).with("namespace", namespace);
        let data = Entries::default().with("config.yaml", self.config());
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

/// A mapping as it is written.
fn node(mapping: &Mapping, sources: &BTreeMap<&Source, String>, work: &mut usize) -> Node {
    let queries: Entries = mapping
        .queries
        .iter()
        .map(|query| {
            *work = work.saturating_add(query.promql.len().saturating_pow(2));
            let is_checked = query.is_known && *work <= MAX_QUERY_WORK;
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
