//! Tests with autoscalers of each kind.

use serde_json::json;

use super::super::Verdict;
use super::*;

/// An autoscaler with these keys in its spec and its status.
fn hpa(spec: Value, status: Value) -> Value {
    let mut hpa = json!({
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "web"},
            "maxReplicas": 5,
            "metrics": [{"type": "External", "external": {
                "metric": {"name": "depth"}, "target": {"type": "AverageValue", "averageValue": "10"},
            }}],
        },
        "status": {
            "currentReplicas": 1,
            "conditions": [{"type": "ScalingActive", "status": "True"}],
        },
    });
    for (of, keys) in [("spec", spec), ("status", status)] {
        for (key, value) in keys.as_object().unwrap() {
            hpa[of][key] = value.clone();
        }
    }
    hpa
}

fn reported_with(hpa: &Value, context: &AutoscalerContext) -> Vec<(Verdict, String)> {
    let findings = findings("shop/web", hpa, context);
    findings.into_iter().map(|one| (one.verdict, one.what)).collect()
}

fn reported(spec: Value) -> Vec<(Verdict, String)> {
    reported_with(&hpa(spec, json!({})), &AutoscalerContext::default())
}

/// A configuration whose external metric `depth` has these keys.
fn configured(keys: &str) -> AutoscalerContext {
    let text = format!(
        "apiVersion: leadsman.dev/v1alpha1\nkind: Config\n\
         sources: {{p: {{prometheus: {{url: http://p}}}}}}\n\
         mappings: [{{metric: depth, serve: {{external: {{}}}}, \
         queries: {{q: {{source: p, promql: depth}}}}, plugin: external{keys}}}]\n"
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let parsed = leadsman_config::read(file.path(), &leadsman_config::Flags::default()).unwrap();
    assert!(parsed.faults.iter().all(|fault| fault.is_warning()), "{:?}", parsed.faults);
    AutoscalerContext { minor: None, policies: Some(Policies::of(&parsed.config)) }
}

#[test]
fn an_autoscaler_with_nothing_new_is_told_nothing() {
    assert!(reported(json!({})).is_empty());
    // What a version that is to come may add.
    let unknown = json!({
        "behavior": {"scaleUp": {"novelty": [1, {"a": null}]}, "novelty": true},
        "novelty": {"replicas": "many"},
    });
    assert!(reported(unknown).is_empty());
}

#[test]
fn the_tolerance_says_between_what_nothing_changes() {
    let of = |up: Value, down: Value| {
        let reported = reported(
            json!({"behavior": {"scaleUp": {"tolerance": up}, "scaleDown": {"tolerance": down}}}),
        );
        let [(verdict, text)] = &reported[..] else { panic!("{reported:?}") };
        (*verdict, text.clone())
    };
    let (verdict, text) = of(json!("50m"), json!("0.2"));
    assert_eq!(verdict, Verdict::Good);
    let expected =
        "shop/web has a tolerance of its own: no change between 0.8 and 1.05 times the target";
    assert_eq!(text, expected);
    let (_, text) = of(json!("0"), Value::Null);
    assert!(text.contains("between 0.9 and 1 times the target (where it states none"), "{text}");
    let (verdict, text) = of(Value::Null, json!("1500m"));
    assert_eq!(verdict, Verdict::Unsure);
    assert!(text.contains("never scales down"), "{text}");
    assert_eq!(of(json!("much"), Value::Null).0, Verdict::Unsure);
}

#[test]
fn a_sync_period_is_compared_with_what_the_adapter_does() {
    let hpa = hpa(json!({"behavior": {"syncPeriodSeconds": 2}}), json!({}));
    let (verdict, text) = reported_with(&hpa, &AutoscalerContext::default()).remove(0);
    assert_eq!(verdict, Verdict::Unsure);
    assert!(text.contains("every 5s at most, unless its mapping says otherwise"), "{text}");
    let (verdict, text) = reported_with(&hpa, &configured(", refreshAtMostEvery: 1s")).remove(0);
    assert_eq!(verdict, Verdict::Good);
    assert_eq!(text, "shop/web syncs every 2s: its metrics are evaluated in that cadence");
}

#[test]
fn the_strategy_says_which_pods_count() {
    assert!(reported(json!({"selectionStrategy": "LabelSelector"})).is_empty());
    for key in ["selectionStrategy", "podSelectionStrategy"] {
        let (verdict, text) = reported(json!({key: "OwnerReferences"})).remove(0);
        assert_eq!(verdict, Verdict::Good);
        assert!(text.contains("counts the pods that its target owns"), "{text}");
    }
    let (verdict, text) = reported(json!({"selectionStrategy": "Moon\nphase"})).remove(0);
    assert_eq!(verdict, Verdict::Unsure);
    assert!(text.contains("\"Moon\\nphase\""), "{text}");
}

#[test]
fn a_target_that_was_set_to_zero_is_told_apart_from_one_that_went_there() {
    let of = |minor, replicas: u32, condition: &str| {
        let conditions = json!([{"type": "ScaledToZero", "status": condition}]);
        let status = json!({"currentReplicas": replicas, "conditions": conditions});
        let context = AutoscalerContext { minor, policies: None };
        let reported = reported_with(&hpa(json!({"minReplicas": 0}), status), &context);
        let [(verdict, text)] = &reported[..] else { panic!("{reported:?}") };
        (*verdict, text.clone())
    };
    let (verdict, text) = of(Some(37), 0, "False");
    assert_eq!(verdict, Verdict::Bad);
    assert!(text.ends_with("that counts as switched off, and it never scales up"), "{text}");
    let (verdict, text) = of(Some(37), 0, "True");
    assert_eq!(verdict, Verdict::Good);
    assert!(text.contains("went to zero itself"), "{text}");
    assert_eq!(of(Some(37), 2, "False").0, Verdict::Good);
    let (verdict, text) = of(Some(34), 0, "False");
    assert_eq!(verdict, Verdict::Unsure);
    assert!(text.contains("from Kubernetes 1.37 on"), "{text}");
    assert_eq!(of(None, 0, "False").0, Verdict::Unsure);
    // One that must keep a pod is switched off by 0 replicas, as ever: its condition says so.
    let reported = reported_with(
        &hpa(json!({}), json!({"currentReplicas": 0})),
        &AutoscalerContext::default(),
    );
    assert!(reported.is_empty(), "{reported:?}");
}

#[test]
fn both_clocks_of_a_fallback_are_told() {
    let of = |fallback: Value, context: &AutoscalerContext| {
        let external = json!({"metric": {"name": "depth"}, "target": {}, "fallback": fallback});
        let hpa = hpa(json!({"metrics": [{"type": "External", "external": external}]}), json!({}));
        let reported = reported_with(&hpa, context);
        let [(verdict, text)] = &reported[..] else { panic!("{reported:?}") };
        (*verdict, text.clone())
    };
    let fallback = json!({"failureDurationSeconds": 180, "replicas": 9});
    let (verdict, text) = of(fallback.clone(), &AutoscalerContext::default());
    assert_eq!(verdict, Verdict::Good);
    let first = "shop/web: the external metric depth counts as 9 replicas, held at its maxReplicas 5 \
                 once reads of it have failed for 180s";
    assert!(text.starts_with(first), "{text}");
    assert!(text.contains("that clock starts when onError.lastGood"), "{text}");
    let (_, text) = of(fallback.clone(), &configured(", onError: {lastGood: 2m}"));
    assert!(text.ends_with("is served for 120s, so 300s after the source is gone"), "{text}");
    let (_, text) = of(fallback.clone(), &configured(""));
    assert!(text.ends_with("(no onError.lastGood)"), "{text}");
    let (verdict, text) = of(fallback, &configured(", onError: {lastGood: 1m, then: {value: 3}}"));
    assert_eq!(verdict, Verdict::Unsure);
    assert!(text.contains("states 3 in place of an error"), "{text}");
    let (_, text) =
        of(json!({"failureThreshold": 3, "replicas": 2}), &AutoscalerContext::default());
    assert!(text.contains("have failed 3 times in a row"), "{text}");
    assert_eq!(of(json!({"replicas": "two"}), &AutoscalerContext::default()).0, Verdict::Unsure);
}
