//! ScaledObjects of KEDA as Leadsman's mappings and sources, and as plain HorizontalPodAutoscalers.
//!
//! [`Manifests`] takes what was read, [`convert`] makes a [`Conversion`] of it, and that writes itself: a
//! configuration, autoscalers, what is to be mounted, and a report. What cannot be kept is said for each
//! object, with the reason and what to do. Values of Secrets are never read: a source names the files that
//! hold them. No I/O.

mod authentication;
mod autoscaler;
mod cron;
mod field;
mod manifests;
mod modifiers;
mod names;
mod node;
mod note;
mod object;
mod other;
mod policy;
mod prometheus;
mod report;
mod resource;
mod scaled_object;
mod series;
mod source;
mod trigger;
mod write;
mod zero;

use std::collections::{BTreeMap, BTreeSet};

pub use manifests::{MAX_TEXT_BYTES, Manifests};
pub use note::{Note, Weight};
pub use object::API_VERSIONS;
pub use write::{MAX_CONFIG_BYTES, MAX_CONFIG_MAP_BYTES};
pub use zero::ToZero;

use node::Node;
use trigger::Mapping;

/// How objects are converted.
#[derive(Debug, Clone)]
pub struct ConversionSettings {
    /// The folder in which Leadsman's pod has the values of Secrets. An absolute path.
    pub secrets_dir: String,
    /// The namespace of KEDA, where it finds the Secrets of ClusterTriggerAuthentications.
    pub keda_namespace: String,
    /// How workloads get to zero and back.
    pub to_zero: ToZero,
    /// The names of headers with credentials, by the TriggerAuthentication (`namespace/name`) or
    /// ClusterTriggerAuthentication (`name`) that has them in a Secret.
    pub header_names: BTreeMap<String, String>,
}

impl Default for ConversionSettings {
    fn default() -> Self {
        Self {
            secrets_dir: "/etc/leadsman/secrets".to_owned(),
            keda_namespace: "keda".to_owned(),
            to_zero: ToZero::default(),
            header_names: BTreeMap::new(),
        }
    }
}

/// What the conversion of one object may look at.
pub(crate) struct Context<'a> {
    pub(crate) manifests: &'a Manifests,
    pub(crate) settings: &'a ConversionSettings,
}

/// The outcome of converting an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConversionOutcome {
    /// It is written, and nothing is lost.
    Whole,
    /// It is written, and something differs, as its notes say.
    Differs,
    /// It is not written, for the reasons in its notes.
    NotWritten,
}

/// An object, and what it was converted to.
#[derive(Debug, Clone)]
pub struct Converted {
    /// `ScaledObject`, or another kind of KEDA.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Where it was read.
    pub origin: String,
    /// The outcome.
    pub outcome: ConversionOutcome,
    /// The number of metrics of its autoscaler.
    pub metrics: usize,
    /// What is said of it.
    pub notes: Vec<Note>,
    autoscaler: Option<Node>,
    mappings: Vec<Mapping>,
}

/// Everything that was converted, in the order of namespaces and names.
#[derive(Debug, Clone)]
pub struct Conversion {
    /// Each object.
    pub objects: Vec<Converted>,
    /// What could not be read.
    pub faults: Vec<String>,
    secrets_dir: String,
}

impl Conversion {
    /// How many objects became this.
    pub fn count(&self, outcome: ConversionOutcome) -> usize {
        self.objects.iter().filter(|object| object.outcome == outcome).count()
    }
}

/// Converts everything that was read.
pub fn convert(manifests: &Manifests, settings: &ConversionSettings) -> Conversion {
    let context = Context { manifests, settings };
    let mut all: Vec<_> = manifests.scaled_objects.iter().collect();
    all.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    let mut taken = ExclusiveNames::default();
    let mut objects: Vec<_> =
        all.into_iter().map(|manifest| object::convert(manifest, &context, &mut taken)).collect();
    objects.extend(manifests.others.iter().map(object::without_counterpart));
    let faults = manifests.faults.clone();
    Conversion { objects, faults, secrets_dir: settings.secrets_dir.clone() }
}

/// What only one object may have.
#[derive(Debug, Default)]
pub(crate) struct ExclusiveNames {
    /// Namespaces and names of ScaledObjects.
    pub(crate) objects: BTreeSet<(String, String)>,
    /// Kinds, namespaces and names of targets, with the object that scales each.
    pub(crate) targets: BTreeMap<(String, String, String), String>,
    /// Namespaces and names of autoscalers.
    pub(crate) autoscalers: BTreeSet<(String, String)>,
}
