//! What anybody may write: as much as there is, and anything at all.

use leadsman_config::{DocumentOrigin, Flags};
use leadsman_convert::{
    ConversionOutcome, ConversionSettings, MAX_CONFIG_BYTES, Manifests, convert,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn object(number: usize, query: &str) -> Value {
    json!({
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": format!("web-{number}"), "namespace": format!("team-{}", number % 100)},
        "spec": {
            "scaleTargetRef": {"name": format!("web-{number}")},
            "minReplicaCount": 1,
            "triggers": [{
                "type": "prometheus",
                "metadata": {"serverAddress": "http://prometheus.monitoring:9090", "query": query, "threshold": "5"},
            }],
        },
    })
}

/// One source, and a configuration that Leadsman takes as a whole.
#[test]
fn ten_thousand_objects_are_one_configuration() {
    let items: Vec<_> = (0..10_000)
        .map(|number| {
            object(number, &format!("sum(rate(http_requests_total{{app=\"web-{number}\"}}[2m]))"))
        })
        .collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let mut manifests = Manifests::new("default");
    manifests.read("all.json", &list);
    let conversion = convert(&manifests, &ConversionSettings::default());
    assert_eq!(conversion.faults, Vec::<String>::new());
    assert_eq!(conversion.count(ConversionOutcome::Whole), 10_000);
    let config = conversion.config();
    assert!(config.len() < MAX_CONFIG_BYTES, "{} bytes", config.len());
    let folder = tempfile::tempdir().unwrap();
    let origin = DocumentOrigin::Folder(folder.path());
    let checked = leadsman_config::parse("config.yaml", &origin, &Flags::default(), &config);
    assert!(checked.faults.is_empty(), "{:?}", checked.faults.first());
    assert_eq!(config.matches("prometheus:\n").count(), 1);
}

#[test]
fn what_is_too_much_is_said_and_the_rest_is_converted() {
    let mut manifests = Manifests::new("default");
    for number in 0..20_010 {
        manifests.add("list.yaml", object(number, "sum(x)"));
    }
    let conversion = convert(&manifests, &ConversionSettings::default());
    assert_eq!(conversion.objects.len(), 20_000);
    let [fault] = conversion.faults.as_slice() else { panic!("{:?}", conversion.faults) };
    assert!(fault.contains("more than 20000 ScaledObjects"), "{fault}");
    let mut manifests = Manifests::new("default");
    manifests.read("big.yaml", &" ".repeat((64 << 20) + 1));
    assert!(manifests.faults[0].contains("divide it"), "{:?}", manifests.faults);
    let mut many = object(0, "sum(x)");
    many["spec"]["triggers"] = vec![many["spec"]["triggers"][0].clone(); 5000].into();
    let mut manifests = Manifests::new("default");
    manifests.add("many.yaml", many);
    let conversion = convert(&manifests, &ConversionSettings::default());
    assert_eq!(conversion.objects[0].outcome, ConversionOutcome::NotWritten);
    assert!(conversion.to_string().contains("more than 50 triggers"), "{conversion}");
}

/// Long queries were looked into here, and are not looked into again.
#[test]
fn long_queries_do_not_use_up_what_leadsman_looks_into() {
    let matchers: Vec<_> = (0..150).map(|label| format!("label_{label}=\"value\"")).collect();
    let query = format!("sum(rate(x{{{}}}[2m]))", matchers.join(","));
    let mut manifests = Manifests::new("default");
    // Of 2.6 KB each: 79 of them are what is looked into.
    for number in 0..90 {
        manifests.add("list.yaml", object(number, &query));
    }
    let conversion = convert(&manifests, &ConversionSettings::default());
    assert_eq!(conversion.count(ConversionOutcome::Whole), 90);
    let config = conversion.config();
    let folder = tempfile::tempdir().unwrap();
    let origin = DocumentOrigin::Folder(folder.path());
    let checked = leadsman_config::parse("config.yaml", &origin, &Flags::default(), &config);
    assert!(checked.faults.is_empty(), "{:?}", checked.faults.first());
    assert!(config.contains("check: false"));
}

/// A value of any kind, with the keys of a ScaledObject among those of its maps.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~\n]{0,20}".prop_map(Value::from),
        Just(json!("prometheus")),
        Just(json!("http://p:9090")),
        Just(json!("bearer")),
    ];
    let key = prop_oneof![
        Just("spec".to_owned()),
        Just("metadata".to_owned()),
        Just("triggers".to_owned()),
        Just("type".to_owned()),
        Just("name".to_owned()),
        Just("scaleTargetRef".to_owned()),
        Just("authenticationRef".to_owned()),
        Just("fallback".to_owned()),
        Just("advanced".to_owned()),
        Just("scalingModifiers".to_owned()),
        Just("formula".to_owned()),
        Just("query".to_owned()),
        Just("serverAddress".to_owned()),
        Just("threshold".to_owned()),
        "[a-z]{1,8}",
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Nothing makes it fail, and what it writes is a configuration.
    #[test]
    fn anything_is_converted_or_refused(spec in anything(), trigger in anything(), value in "[ -~\n\t]{0,30}") {
        let mut manifests = Manifests::new("default");
        let head = json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "a"}});
        let with = |name: &str, spec: Value| {
            let mut object = head.clone();
            object["metadata"]["name"] = name.into();
            object["spec"] = spec;
            object
        };
        manifests.add("a", with("a", spec));
        manifests.add("b", with("b", json!({"scaleTargetRef": {"name": "b"}, "triggers": [trigger]})));
        let metadata = json!({"serverAddress": "http://p", "query": value, "threshold": "1", "metricName": value});
        let trigger = json!({"type": "prometheus", "metadata": metadata});
        let spec = json!({"scaleTargetRef": {"name": "c"}, "minReplicaCount": 1, "triggers": [trigger]});
        manifests.add("c", with("c", spec));
        manifests.read("d", &value);
        let conversion = convert(&manifests, &ConversionSettings::default());
        let config = conversion.config();
        let folder = tempfile::tempdir().unwrap();
        let origin = DocumentOrigin::Folder(folder.path());
        let checked = leadsman_config::parse("config.yaml", &origin, &Flags::default(), &config);
        prop_assert!(checked.faults.is_empty(), "{:?}\n{}", checked.faults, config);
        prop_assert_eq!(conversion.objects.len(), 3);
        // What anybody wrote breaks no line of the report.
        let lines = conversion.to_string();
        prop_assert!(!lines.contains('\t'), "{}", lines);
    }
}
