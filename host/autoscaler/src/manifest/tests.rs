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
    assert_eq!(behavior.up, ScalingRules::scale_up());
    assert_eq!(
        behavior.down,
        ScalingRules { select: SelectPolicy::Min, ..ScalingRules::scale_down() }
    );
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
