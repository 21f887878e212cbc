//! A HorizontalPodAutoscaler, as far as its arithmetic goes.
//!
//! Types of our own rather than those of a Kubernetes version: a cluster may be newer (tolerances) or
//! older, and a file need not be complete.

use std::time::Duration;

use leadsman_hpa::{Behavior, Policy, PolicyAmount, Rules, SelectPolicy, Tolerance};
use leadsman_model::quantity::Quantity;
use serde::Deserialize;

/// The object.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Autoscaler {
    #[serde(default)]
    pub(super) metadata: Metadata,
    pub(super) spec: Spec,
    pub(super) status: Option<Status>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Metadata {
    #[serde(default)]
    pub(super) name: String,
    pub(super) namespace: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    pub(super) scale_target_ref: Reference,
    pub(super) min_replicas: Option<i32>,
    pub(super) max_replicas: i32,
    #[serde(default)]
    metrics: Vec<MetricSpec>,
    behavior: Option<BehaviorSpec>,
}

/// The name of an object of the same namespace.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference {
    pub(super) api_version: Option<String>,
    pub(super) kind: String,
    pub(super) name: String,
}

/// One of `spec.metrics`: its type, and the key of that type.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetricSpec {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) pods: Option<MetricSource>,
    pub(super) object: Option<MetricSource>,
    pub(super) external: Option<MetricSource>,
    pub(super) resource: Option<ResourceSource>,
    pub(super) container_resource: Option<ResourceSource>,
}

/// A custom or external metric.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetricSource {
    pub(super) metric: Identifier,
    pub(super) described_object: Option<Reference>,
    pub(super) target: TargetSpec,
    /// What an external metric counts as once it could not be read for a time.
    pub(super) fallback: Option<FallbackSpec>,
}

/// The number of replicas that an external metric wants once reads have failed for so long.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FallbackSpec {
    /// The API's default is three minutes.
    #[serde(default = "three_minutes")]
    pub(super) failure_duration_seconds: u64,
    pub(super) replicas: i32,
}

fn three_minutes() -> u64 {
    180
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Identifier {
    pub(super) name: String,
    pub(super) selector: Option<LabelSelector>,
}

/// Cpu or memory of pods, or of one container of each.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ResourceSource {
    pub(super) name: String,
    pub(super) container: Option<String>,
    pub(super) target: TargetSpec,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TargetSpec {
    pub(super) value: Option<String>,
    pub(super) average_value: Option<String>,
    pub(super) average_utilization: Option<i32>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LabelSelector {
    #[serde(default)]
    pub(super) match_labels: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    pub(super) match_expressions: Vec<Expression>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Expression {
    pub(super) key: String,
    pub(super) operator: String,
    #[serde(default)]
    pub(super) values: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BehaviorSpec {
    scale_up: Option<RulesSpec>,
    scale_down: Option<RulesSpec>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RulesSpec {
    stabilization_window_seconds: Option<u64>,
    select_policy: Option<String>,
    policies: Option<Vec<PolicySpec>>,
    tolerance: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicySpec {
    #[serde(rename = "type")]
    kind: String,
    value: i32,
    period_seconds: u64,
}

/// What the controller says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) current_replicas: Option<i32>,
    #[serde(default)]
    pub(super) desired_replicas: i32,
    pub(super) last_scale_time: Option<String>,
    #[serde(default)]
    pub(super) conditions: Vec<Condition>,
}

/// A condition of the status.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) message: String,
}

/// The subresource `scale` of the target.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Scale {
    pub(super) spec: ScaleSpec,
    #[serde(default)]
    pub(super) status: ScaleStatus,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ScaleSpec {
    #[serde(default)]
    pub(super) replicas: i32,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct ScaleStatus {
    #[serde(default)]
    pub(super) replicas: i32,
    #[serde(default)]
    pub(super) selector: String,
}

impl MetricSpec {
    /// Its name: of the metric, or of the resource.
    pub(super) fn name(&self) -> &str {
        let source = self.pods.as_ref().or(self.object.as_ref()).or(self.external.as_ref());
        let resource = self.resource.as_ref().or(self.container_resource.as_ref());
        let of_source = source.map(|source| source.metric.name.as_str());
        of_source.or_else(|| resource.map(|source| source.name.as_str())).unwrap_or_default()
    }
}

impl Spec {
    /// The metrics; without any, the API's default: 80 % of the cpu that is requested.
    pub(super) fn metrics(&self) -> Vec<MetricSpec> {
        if !self.metrics.is_empty() {
            return self.metrics.clone();
        }
        let target = TargetSpec { average_utilization: Some(80), ..TargetSpec::default() };
        let cpu = ResourceSource { name: "cpu".to_owned(), container: None, target };
        vec![MetricSpec {
            kind: "Resource".to_owned(),
            pods: None,
            object: None,
            external: None,
            resource: Some(cpu),
            container_resource: None,
        }]
    }

    /// How far a ratio may be from 1, with the controller's default where the autoscaler has none.
    pub(super) fn tolerance(&self) -> Tolerance {
        let of = |rules: Option<&RulesSpec>| {
            let text = rules?.tolerance.as_deref()?;
            text.parse::<Quantity>().ok().map(Quantity::as_f64)
        };
        let behavior = self.behavior.as_ref();
        let default = Tolerance::default();
        Tolerance {
            up: of(behavior.and_then(|b| b.scale_up.as_ref())).unwrap_or(default.up),
            down: of(behavior.and_then(|b| b.scale_down.as_ref())).unwrap_or(default.down),
        }
    }

    /// The behavior, with the API's defaults for what it leaves out.
    pub(super) fn behavior(&self) -> Option<Behavior> {
        let behavior = self.behavior.as_ref()?;
        Some(Behavior {
            up: rules(behavior.scale_up.as_ref(), Rules::scale_up()),
            down: rules(behavior.scale_down.as_ref(), Rules::scale_down()),
        })
    }
}

fn rules(written: Option<&RulesSpec>, default: Rules) -> Rules {
    let Some(written) = written else { return default };
    Rules {
        window: written.stabilization_window_seconds.map(Duration::from_secs).or(default.window),
        select: match written.select_policy.as_deref() {
            Some("Min") => SelectPolicy::Min,
            Some("Disabled") => SelectPolicy::Disabled,
            _ => SelectPolicy::Max,
        },
        policies: written
            .policies
            .as_ref()
            .map_or(default.policies, |policies| policies.iter().map(policy).collect()),
    }
}

fn policy(written: &PolicySpec) -> Policy {
    let amount = match written.kind.as_str() {
        "Percent" => PolicyAmount::Percent(written.value),
        _ => PolicyAmount::Pods(written.value),
    };
    Policy { amount, period: Duration::from_secs(written.period_seconds) }
}

impl std::fmt::Display for LabelSelector {
    /// As a query parameter has it, in the order of keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts: Vec<(&str, String)> = self
            .match_labels
            .iter()
            .map(|(key, value)| (key.as_str(), format!("{key}={value}")))
            .collect();
        for Expression { key, operator, values } in &self.match_expressions {
            let mut values = values.clone();
            values.sort();
            let values = values.join(",");
            parts.push((
                key,
                match operator.as_str() {
                    "In" => format!("{key} in ({values})"),
                    "NotIn" => format!("{key} notin ({values})"),
                    "DoesNotExist" => format!("!{key}"),
                    _ => key.clone(),
                },
            ));
        }
        parts.sort();
        let parts: Vec<_> = parts.into_iter().map(|(_, part)| part).collect();
        f.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec(extra: serde_json::Value) -> Spec {
        let mut spec =
            json!({"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 3});
        for (key, value) in extra.as_object().unwrap() {
            spec[key] = value.clone();
        }
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn what_is_left_out_has_the_defaults_of_the_api() {
        let bare = spec(json!({}));
        assert_eq!(bare.behavior(), None);
        assert_eq!(bare.tolerance(), Tolerance { up: 0.1, down: 0.1 });
        let metrics = bare.metrics();
        let cpu = metrics[0].resource.as_ref().unwrap();
        assert_eq!((cpu.name.as_str(), cpu.target.average_utilization), ("cpu", Some(80)));
        let half =
            spec(json!({"behavior": {"scaleDown": {"selectPolicy": "Min", "tolerance": "50m"}}}));
        let behavior = half.behavior().unwrap();
        assert_eq!(behavior.up, Rules::scale_up());
        assert_eq!(behavior.down, Rules { select: SelectPolicy::Min, ..Rules::scale_down() });
        assert_eq!(half.tolerance(), Tolerance { up: 0.1, down: 0.05 });
    }

    #[test]
    fn selectors_are_texts_in_the_order_of_keys() {
        let selector: LabelSelector = serde_json::from_value(json!({
            "matchLabels": {"queue": "orders", "app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "NotIn", "values": ["b", "a"]},
                {"key": "beta", "operator": "DoesNotExist"},
                {"key": "zone", "operator": "Exists"},
            ],
        }))
        .unwrap();
        assert_eq!(selector.to_string(), "app=web,!beta,queue=orders,tier notin (a,b),zone");
    }
}
