//! A ScaledObject as it is written, with the defaults of KEDA.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::field::Fields;

/// What KEDA takes where a ScaledObject says nothing.
const DEFAULT_MAX_REPLICAS: i64 = 100;
const DEFAULT_POLLING_SECONDS: i64 = 30;
const DEFAULT_COOLDOWN_SECONDS: i64 = 300;

/// A key of KEDA 1.
const RESOURCE_METRICS: &str = "resourceMetrics";

/// The most triggers of an object that are converted.
const MAX_TRIGGERS: usize = 50;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScaledObject {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) target: Target,
    /// Seconds between two looks of KEDA's operator.
    pub(crate) polling: i64,
    /// Seconds that pass without activity before the workload goes to zero.
    pub(crate) cooldown: i64,
    /// The same for an object that was never active.
    pub(crate) initial_cooldown: Option<i64>,
    pub(crate) idle: Option<i64>,
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) restores: bool,
    pub(crate) behavior: Option<Value>,
    /// Where KEDA 1 had the metrics of resources, as an autoscaler has them.
    pub(crate) resource_metrics: Vec<Value>,
    pub(crate) autoscaler: Option<String>,
    pub(crate) modifiers: Option<Modifiers>,
    pub(crate) fallback: Option<Fallback>,
    pub(crate) triggers: Vec<Trigger>,
    /// The keys that KEDA does not know either.
    pub(crate) unknown: Vec<String>,
}

/// What is scaled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    /// The container whose environment the triggers name.
    pub(crate) container: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Modifiers {
    pub(crate) formula: String,
    pub(crate) target: String,
    pub(crate) activation_target: Option<String>,
    pub(crate) metric_type: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fallback {
    pub(crate) failure_threshold: i64,
    pub(crate) replicas: i64,
    pub(crate) behavior: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Trigger {
    pub(crate) kind: String,
    pub(crate) name: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) authentication: Option<AuthenticationRef>,
    pub(crate) metric_type: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuthenticationRef {
    pub(crate) name: String,
    /// Whether it is a ClusterTriggerAuthentication.
    pub(crate) of_cluster: bool,
}

impl ScaledObject {
    /// Reads a ScaledObject of `keda.sh` or of the old `keda.k8s.io`. The error has everything that is of
    /// a wrong type or missing.
    pub(crate) fn read(namespace: &str, name: &str, manifest: &Value) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let (labels, annotations) = {
            let mut root = Fields::new(manifest, String::new(), &mut faults);
            match root.inner("metadata") {
                Some(mut metadata) => (metadata.texts("labels"), metadata.texts("annotations")),
                None => Default::default(),
            }
        };
        let object = {
            let mut root = Fields::new(manifest, String::new(), &mut faults);
            root.inner("spec").map(|spec| Self::of_spec(spec, namespace, name))
        };
        let Some(object) = object else {
            if faults.is_empty() {
                faults.push("it has no spec".to_owned());
            }
            return Err(faults);
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self { labels, annotations, ..object })
    }

    fn of_spec(mut spec: Fields<'_, '_>, namespace: &str, name: &str) -> Self {
        let mut unknown = spec.others(&[
            "scaleTargetRef",
            "pollingInterval",
            "initialCooldownPeriod",
            "cooldownPeriod",
            "idleReplicaCount",
            "minReplicaCount",
            "maxReplicaCount",
            "advanced",
            "triggers",
            "fallback",
            // Of keda.k8s.io: a ScaledObject of jobs is refused by these.
            "scaleType",
            "jobTargetRef",
        ]);
        let target = spec.inner("scaleTargetRef").map(|target| target_of(target, &mut unknown));
        let (mut behavior, mut resource_metrics) = (None, Vec::new());
        let (mut autoscaler, mut modifiers, mut restores) = (None, None, false);
        if let Some(mut advanced) = spec.inner("advanced") {
            unknown.extend(advanced.others(&[
                "horizontalPodAutoscalerConfig",
                "restoreToOriginalReplicaCount",
                "scalingModifiers",
            ]));
            restores = advanced.flag("restoreToOriginalReplicaCount");
            if let Some(mut config) = advanced.inner("horizontalPodAutoscalerConfig") {
                unknown.extend(config.others(&["behavior", "name", RESOURCE_METRICS]));
                resource_metrics = config.list(RESOURCE_METRICS).to_vec();
                behavior = config.map("behavior").cloned();
                autoscaler = config.text("name");
            }
            modifiers = advanced.inner("scalingModifiers").and_then(modifiers_of);
        }
        let fallback = spec.inner("fallback").map(|mut fallback| Fallback {
            failure_threshold: fallback.required_integer("failureThreshold"),
            replicas: fallback.required_integer("replicas"),
            behavior: fallback.text("behavior"),
        });
        let mut triggers = Vec::new();
        for (at, item) in spec.list("triggers").iter().enumerate().take(MAX_TRIGGERS + 1) {
            triggers.push(trigger_of(spec.item("triggers", at, item), &mut unknown));
        }
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            target: target.unwrap_or_default(),
            polling: spec.integer("pollingInterval").unwrap_or(DEFAULT_POLLING_SECONDS),
            cooldown: spec.integer("cooldownPeriod").unwrap_or(DEFAULT_COOLDOWN_SECONDS),
            initial_cooldown: spec.integer("initialCooldownPeriod"),
            idle: spec.integer("idleReplicaCount"),
            min: spec.integer("minReplicaCount").unwrap_or_default(),
            max: spec.integer("maxReplicaCount").unwrap_or(DEFAULT_MAX_REPLICAS),
            restores,
            behavior,
            resource_metrics,
            autoscaler,
            modifiers,
            fallback,
            triggers,
            unknown,
        }
    }

    /// Whether it has more triggers than are converted.
    pub(crate) fn has_too_many_triggers(&self) -> bool {
        self.triggers.len() > MAX_TRIGGERS
    }

    /// An annotation that is true or false, as KEDA reads one: what is neither is true.
    pub(crate) fn is_annotated(&self, name: &str) -> bool {
        self.annotations.get(name).is_some_and(|value| parse_bool(value).unwrap_or(true))
    }

    /// The name of the HPA that KEDA makes.
    pub(crate) fn autoscaler_name(&self) -> String {
        self.autoscaler
            .clone()
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| format!("keda-hpa-{}", self.name))
    }
}

/// The target, in the new form or the old one, which knew Deployments alone.
fn target_of(mut target: Fields<'_, '_>, unknown: &mut Vec<String>) -> Target {
    unknown.extend(target.others(&[
        "apiVersion",
        "kind",
        "name",
        "envSourceContainerName",
        "deploymentName",
        "containerName",
    ]));
    let or = |text: Option<String>, usual: &str| {
        text.filter(|text| !text.is_empty()).unwrap_or_else(|| usual.to_owned())
    };
    let container = target.text("envSourceContainerName");
    let name = target.text("name");
    Target {
        api_version: or(target.text("apiVersion"), "apps/v1"),
        kind: or(target.text("kind"), "Deployment"),
        name: name.or_else(|| target.text("deploymentName")).unwrap_or_default(),
        container: container.or_else(|| target.text("containerName")),
    }
}

/// Modifiers without any setting are none, as in KEDA.
fn modifiers_of(mut modifiers: Fields<'_, '_>) -> Option<Modifiers> {
    let formula = modifiers.text("formula").unwrap_or_default();
    let target = modifiers.number_text("target").unwrap_or_default();
    let activation_target = modifiers.number_text("activationTarget");
    let metric_type = modifiers.text("metricType").filter(|kind| !kind.is_empty());
    let is_set = !formula.is_empty() || !target.is_empty() || activation_target.is_some();
    (is_set || metric_type.is_some()).then_some(Modifiers {
        formula,
        target,
        activation_target,
        metric_type,
    })
}

fn trigger_of(mut trigger: Fields<'_, '_>, unknown: &mut Vec<String>) -> Trigger {
    unknown.extend(trigger.others(&[
        "type",
        "name",
        "metadata",
        "authenticationRef",
        "metricType",
        "useCachedMetrics",
    ]));
    // Values are shared and refreshed ahead of reads in any case.
    let _ = trigger.flag("useCachedMetrics");
    let authentication = trigger.inner("authenticationRef").map(|mut reference| {
        let of_cluster = reference.text("kind").as_deref() == Some("ClusterTriggerAuthentication");
        AuthenticationRef { name: reference.text("name").unwrap_or_default(), of_cluster }
    });
    Trigger {
        kind: trigger.text("type").unwrap_or_default(),
        name: trigger.text("name").filter(|name| !name.is_empty()),
        metadata: trigger.texts("metadata"),
        authentication,
        metric_type: trigger.text("metricType").filter(|kind| !kind.is_empty()),
    }
}

/// A boolean as Go reads one.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_are_those_of_keda() {
        let manifest =
            json!({"spec": {"scaleTargetRef": {"name": "web"}, "triggers": [{"type": "cpu"}]}});
        let object = ScaledObject::read("shop", "web", &manifest).unwrap();
        assert_eq!((object.min, object.max), (0, 100));
        assert_eq!((object.polling, object.cooldown), (30, 300));
        assert_eq!(object.autoscaler_name(), "keda-hpa-web");
        assert_eq!((&*object.target.api_version, &*object.target.kind), ("apps/v1", "Deployment"));
    }

    #[test]
    fn the_old_form_names_a_deployment() {
        let manifest = json!({
            "spec": {"scaleTargetRef": {"deploymentName": "web", "containerName": "app"}, "triggers": []},
        });
        let object = ScaledObject::read("shop", "web", &manifest).unwrap();
        assert_eq!(object.target.name, "web");
        assert_eq!(object.target.container.as_deref(), Some("app"));
        assert_eq!(object.unknown, Vec::<String>::new());
    }

    #[test]
    fn every_wrong_type_is_said_with_its_place() {
        let manifest = json!({
            "metadata": {"annotations": ["a"]},
            "spec": {
                "scaleTargetRef": "web",
                "minReplicaCount": "1",
                "maxReplicaCount": 1.5,
                "advanced": {"restoreToOriginalReplicaCount": "yes"},
                "triggers": [{"type": 1, "metadata": {"query": ["a"], "threshold": 100, "b": true}}, "cpu"],
            },
        });
        let faults = ScaledObject::read("shop", "web", &manifest).unwrap_err();
        for expected in [
            "metadata.annotations is a list, not a map",
            "spec.scaleTargetRef is a text, not a map",
            "spec.minReplicaCount is a text, not a whole number",
            "spec.maxReplicaCount is a number, not a whole number",
            "spec.advanced.restoreToOriginalReplicaCount is a text, not true or false",
            "spec.triggers[0].type is a number, not a text",
            "spec.triggers[0].metadata.query is a list, not a text",
            "spec.triggers[1] is a text, not a map",
        ] {
            assert!(faults.iter().any(|fault| fault == expected), "{expected}: {faults:#?}");
        }
        assert_eq!(faults.len(), 8, "{faults:#?}");
        let no_spec = ScaledObject::read("shop", "web", &json!({"kind": "ScaledObject"}));
        assert_eq!(no_spec.unwrap_err(), ["it has no spec"]);
    }

    #[test]
    fn keys_that_nobody_knows_are_kept_in_mind() {
        let manifest = json!({
            "spec": {
                "scaleTargetRef": {"name": "a", "nmae": "b"},
                "minReplicas": 1,
                "triggers": [{"type": "cpu", "metdata": {}}],
            },
        });
        let object = ScaledObject::read("shop", "web", &manifest).unwrap();
        let expected = ["spec.minReplicas", "spec.scaleTargetRef.nmae", "spec.triggers[0].metdata"];
        assert_eq!(object.unknown, expected);
    }
}
