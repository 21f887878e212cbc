//! One ScaledObject: what it must have, and what it becomes.

use std::collections::BTreeSet;

use leadsman_document::excerpt;
use leadsman_model::names::is_dns_label;

use crate::manifests::Manifest;
use crate::names::{is_object_name, is_target};
use crate::node::Entries;
use crate::note::{Note, Notes, Weight};
use crate::scaled_object::ScaledObject;
use crate::trigger::{Mapping, Planned};
use crate::zero::Zero;
use crate::{Context, ConversionOutcome, Converted, ExclusiveNames};
use crate::{autoscaler, cron, modifiers, other, prometheus, resource};

/// The API versions of ScaledObjects that are read, the newer one first.
pub const API_VERSIONS: [&str; 2] = ["keda.sh/v1alpha1", "keda.k8s.io/v1alpha1"];

/// Annotations of KEDA that hold everything.
const PAUSED: &str = "autoscaling.keda.sh/paused";
const PAUSED_REPLICAS: &str = "autoscaling.keda.sh/paused-replicas";

pub(crate) fn convert(
    manifest: &Manifest,
    context: &Context<'_>,
    taken: &mut ExclusiveNames,
) -> Converted {
    let mut notes = Notes::default();
    let written = written(manifest, context, taken, &mut notes);
    let notes = notes.into_list();
    let weight = notes.iter().map(|note| note.weight).max();
    let outcome = match (&written, weight) {
        (None, _) | (_, Some(Weight::Refused)) => ConversionOutcome::NotWritten,
        (_, Some(Weight::Differs)) => ConversionOutcome::Differs,
        (_, Some(Weight::Todo) | None) => ConversionOutcome::Whole,
    };
    let (autoscaler, mappings, metrics) = match written {
        Some(written) if outcome != ConversionOutcome::NotWritten => {
            (Some(written.autoscaler), written.mappings, written.metrics)
        }
        _ => (None, Vec::new(), 0),
    };
    Converted {
        kind: manifest.kind.clone(),
        namespace: manifest.namespace.clone(),
        name: manifest.name.clone(),
        origin: manifest.origin.clone(),
        outcome,
        metrics,
        notes,
        autoscaler,
        mappings,
    }
}

/// An object of KEDA that nothing here does the work of.
pub(crate) fn without_counterpart(manifest: &Manifest) -> Converted {
    let text = match &*manifest.kind {
        "ScaledJob" => {
            "it starts Jobs, which no autoscaler does; leave it with KEDA, beside which Leadsman runs"
        }
        "HTTPScaledObject" => {
            "it holds requests until a pod is there, which no autoscaler does; leave it with the HTTP add-on of \
             KEDA"
        }
        _ => "it is nothing that scales; leave it with KEDA",
    };
    let note = Note { weight: Weight::Refused, text: text.to_owned() };
    Converted {
        kind: manifest.kind.clone(),
        namespace: manifest.namespace.clone(),
        name: manifest.name.clone(),
        origin: manifest.origin.clone(),
        outcome: ConversionOutcome::NotWritten,
        metrics: 0,
        notes: vec![note],
        autoscaler: None,
        mappings: Vec::new(),
    }
}

/// What is written of an object.
struct Written {
    autoscaler: crate::node::Node,
    mappings: Vec<Mapping>,
    metrics: usize,
}

fn written(
    manifest: &Manifest,
    context: &Context<'_>,
    taken: &mut ExclusiveNames,
    notes: &mut Notes,
) -> Option<Written> {
    if !API_VERSIONS.contains(&manifest.api_version.as_str()) {
        let version = excerpt(&manifest.api_version);
        notes.refuse(format!(
            "its version, {version}, is not known: there are {}",
            API_VERSIONS.join(" and ")
        ));
        return None;
    }
    for (key, name, is_valid) in [
        ("namespace", &manifest.namespace, is_dns_label(&manifest.namespace)),
        ("name", &manifest.name, is_object_name(&manifest.name)),
    ] {
        if !is_valid {
            let hint = if name.contains("{{") { ": render the template first" } else { "" };
            notes.refuse(format!("its {key}, \"{}\", is none of Kubernetes{hint}", excerpt(name)));
        }
    }
    let id = (manifest.namespace.clone(), manifest.name.clone());
    if !taken.objects.insert(id) {
        notes.refuse("it is there twice; the first one is converted");
    }
    let object = match ScaledObject::read(&manifest.namespace, &manifest.name, &manifest.value) {
        Ok(object) => object,
        Err(faults) => {
            for fault in faults {
                notes.refuse(format!("{fault}; KEDA refuses it, too"));
            }
            return None;
        }
    };
    let spec = &manifest.value["spec"];
    if spec["scaleType"] == "job" || !spec["jobTargetRef"].is_null() {
        notes.refuse(
            "it starts Jobs (scaleType: job), which no autoscaler does; leave it with KEDA",
        );
        return None;
    }
    let object = paused(object, notes);
    check(&object, context, taken, notes);
    for key in &object.unknown {
        notes.todo(format!("KEDA does not know the key {} either; it has no effect", excerpt(key)));
    }
    if object.restores {
        notes.differs(
            "restoreToOriginalReplicaCount: an autoscaler that is deleted leaves the replicas as they are",
        );
    }
    let zero = if is_paused(&object) {
        Zero::Never
    } else {
        Zero::of(&object, context.settings.to_zero, notes)
    };
    if !object.resource_metrics.is_empty() && manifest.api_version == API_VERSIONS[0] {
        notes.todo("KEDA does not know the key resourceMetrics any more; it has no effect");
    }
    let is_old = manifest.api_version != API_VERSIONS[0];
    let planned = planned(&object, &zero, is_old, context, notes);
    if notes.are_refusal() {
        return None;
    }
    let planned = planned?;
    let metrics = planned.len();
    let (entries, mappings): (Vec<_>, Vec<_>) =
        planned.into_iter().map(|planned| (planned.metric, planned.mapping)).unzip();
    let autoscaler = autoscaler::node(&object, entries, &zero, notes);
    Some(Written { autoscaler, mappings: mappings.into_iter().flatten().collect(), metrics })
}

/// The metrics of an object. What is wrong with one trigger does not hide what is wrong with another.
fn planned(
    object: &ScaledObject,
    zero: &Zero,
    is_old: bool,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Option<Vec<Planned>> {
    let mut all = Vec::new();
    // KEDA 1 hands them to its autoscaler as they are.
    for source in object.resource_metrics.iter().filter(|_| is_old) {
        let metric = Entries::default().with("type", "Resource").with("resource", source);
        all.push(Some(Planned { metric: metric.into(), mapping: None }));
    }
    for (index, trigger) in object.triggers.iter().enumerate() {
        let planned = match &*trigger.kind {
            "cpu" | "memory" => resource::plan(object, index, trigger, context, notes),
            // A formula takes the place of all others.
            _ if object.modifiers.is_some() => continue,
            "prometheus" => prometheus::plan(object, index, trigger, zero, context, notes),
            "cron" => cron::plan(object, index, trigger, zero, context, notes),
            _ => {
                other::refuse(index, trigger, notes);
                None
            }
        };
        all.push(planned);
    }
    if let Some(modifiers) = &object.modifiers {
        all.push(modifiers::plan(object, modifiers, zero, context, notes));
    }
    all.into_iter().collect()
}

fn is_paused(object: &ScaledObject) -> bool {
    object.annotations.contains_key(PAUSED_REPLICAS) || object.is_annotated(PAUSED)
}

/// A paused object, as an autoscaler that scales in neither direction.
fn paused(mut object: ScaledObject, notes: &mut Notes) -> ScaledObject {
    if !is_paused(&object) {
        return object;
    }
    notes.todo(
        "it is paused: its autoscaler is written with both directions disabled, and nothing takes it to zero; \
         convert it again without the annotation",
    );
    if let Some(written) = object.annotations.get(PAUSED_REPLICAS) {
        match written.trim().parse::<i64>() {
            // No autoscaler does anything at 0 replicas.
            Ok(replicas) if (0..=i64::from(i32::MAX)).contains(&replicas) => {
                if replicas > 0 {
                    object.min = object.min.min(replicas);
                    object.max = object.max.max(replicas);
                    object.idle = None;
                }
            }
            _ => notes.refuse(format!(
                "the annotation {PAUSED_REPLICAS}, \"{}\", is no number of replicas",
                excerpt(written)
            )),
        }
    }
    let disabled = serde_json::json!({"selectPolicy": "Disabled"});
    object.behavior = Some(serde_json::json!({"scaleUp": disabled, "scaleDown": disabled}));
    object
}

/// What KEDA refuses itself, and what refers to nothing.
fn check(
    object: &ScaledObject,
    context: &Context<'_>,
    taken: &mut ExclusiveNames,
    notes: &mut Notes,
) {
    let target = &object.target;
    if target.name.is_empty() {
        notes.refuse("it refers to nothing: scaleTargetRef.name is missing");
    } else if !is_target(&target.api_version, &target.kind, &target.name) {
        let [version, kind, name] =
            [&target.api_version, &target.kind, &target.name].map(|text| excerpt(text));
        notes.refuse(format!("its target, {kind} {name} of {version}, is none of Kubernetes"));
    }
    let id = (target.kind.clone(), object.namespace.clone(), target.name.clone());
    let is_known = ["Deployment", "StatefulSet"].contains(&target.kind.as_str())
        && target.api_version == "apps/v1";
    if is_known && context.manifests.existing.as_ref().is_some_and(|all| !all.contains(&id)) {
        notes.todo(format!("its target, {} {}, is not in the cluster", target.kind, target.name));
    }
    let other = taken.targets.insert(id.clone(), object.name.clone());
    if let Some(other) = other.filter(|_| !target.name.is_empty()) {
        notes.refuse(format!(
            "its target, {} {}, is scaled by the ScaledObject {other}, too; bring their triggers into one",
            target.kind, target.name
        ));
        taken.targets.insert(id, other);
    }
    let autoscaler = object.autoscaler_name();
    if !is_object_name(&autoscaler) {
        notes.refuse(format!(
            "the name of its HPA, \"{}\", is none of Kubernetes",
            excerpt(&autoscaler)
        ));
    } else if !taken.autoscalers.insert((object.namespace.clone(), autoscaler.clone())) {
        notes.refuse(format!("another ScaledObject has an HPA of the name {autoscaler}, too"));
    }
    if object.min < 0 || object.max < 1 {
        notes.refuse("minReplicaCount must be at least 0, and maxReplicaCount at least 1");
    }
    if object.min.max(1) > object.max {
        notes.refuse(format!(
            "minReplicaCount, {}, is above maxReplicaCount, {}; KEDA refuses it, too",
            object.min, object.max
        ));
    }
    if object.idle.is_some_and(|idle| idle < 0 || idle >= object.min) {
        notes.refuse("idleReplicaCount must be below minReplicaCount; KEDA refuses it, too");
    }
    if object.polling < 0 || object.cooldown < 0 {
        notes.refuse("pollingInterval and cooldownPeriod must be at least 0");
    }
    if object.triggers.is_empty() {
        notes.refuse("it has no triggers; KEDA refuses it, too");
    }
    if object.has_too_many_triggers() {
        notes.refuse("it has more than 50 triggers; divide it");
    }
    let mut names = BTreeSet::new();
    for name in object.triggers.iter().filter_map(|trigger| trigger.name.as_ref()) {
        if !names.insert(name) {
            let name = excerpt(name);
            notes.refuse(format!("two of its triggers have the name {name}; KEDA refuses it, too"));
        }
    }
}
