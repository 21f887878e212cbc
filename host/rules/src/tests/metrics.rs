//! Which metrics rules give from the series that are listed, and under which names.

use super::*;

#[test]
fn metrics_are_called_as_go_would_call_them() {
    for (name, series, expected) in [
        (json!({}), "mqtt_publish_received", Some("mqtt_publish_received")),
        (json!({"matches": ""}), "a_total", Some("a_total")),
        (json!({"matches": "^container_(.*)_total$"}), "container_x_total", Some("x")),
        (json!({"matches": "^container_(.*)_total$"}), "container_x", None),
        (
            json!({"matches": "^(.*)_total$", "as": "${1}_per_second"}),
            "a_total",
            Some("a_per_second"),
        ),
        // The name of a group is as long as possible.
        (json!({"matches": "^(.*)_total$", "as": "$1_per_second"}), "a_total", None),
        (json!({"matches": "^(?P<what>.*)_total$", "as": "${what}s"}), "a_total", Some("as")),
        // An expansion, not a replacement within the name.
        (json!({"matches": "_total"}), "a_total", Some("_total")),
        (json!({"matches": "a", "as": "const"}), "banana", Some("const")),
        (
            json!({"matches": "^(.*)myapp_processed_ops_total", "as": "myapp_processed_ops_total"}),
            "myapp_processed_ops_total",
            Some("myapp_processed_ops_total"),
        ),
        (json!({"as": "all_of_$0"}), "x", Some("all_of_x")),
        (json!({"matches": "(a)(b)", "as": "$2$1"}), "ab", Some("ba")),
    ] {
        let text = name.to_string();
        let rule = rule(
            RuleApi::External,
            json!({
                "seriesQuery": "x", "name": name, "metricsQuery": ANY,
                "resources": {"namespaced": false},
            }),
        );
        let (catalog, _) = catalog(&[rule], &seen(&[(series, "")]));
        assert_eq!(names(&catalog).first().map(String::as_str), expected, "{text} {series}");
    }
}

#[test]
fn series_are_left_out_by_filters_all_of_which_must_hold() {
    let rule = rule(
        RuleApi::External,
        json!({
            "seriesQuery": "x", "metricsQuery": ANY, "resources": {"namespaced": false},
            "seriesFilters": [{"isNot": "^container_.*_seconds_total$"}, {"is": "total"}],
            "name": {"matches": "^container_(.*)_total$"},
        }),
    );
    let series = [
        ("container_cpu_seconds_total", ""),
        ("container_memory", ""),
        ("container_some_count_total", ""),
        ("other_total", ""),
    ];
    let (catalog, unserved) = catalog(&[rule], &seen(&series));
    assert_eq!(names(&catalog), ["some_count"]);
    assert_eq!(
        unserved,
        [
            "container_cpu_seconds_total: the rule leaves it out by \
             `isNot: ^container_.*_seconds_total$`",
            "container_memory: the rule leaves it out by `is: total`",
            "other_total: the rule leaves it out by `name.matches: ^container_(.*)_total$`",
        ]
    );
}

#[test]
fn labels_name_objects_by_template_and_by_overrides() {
    let overrides = json!({
        "namespace": {"resource": "namespace"}, "pod": {"resource": "pods"},
        "instance": {"resource": "node"}, "exported_widget": {"group": "example.com", "resource": "widget"},
    });
    for (resources, labels, expected) in [
        (json!({"template": "<<.Resource>>"}), "namespace pod job", "jobs.batch namespaces pods"),
        (json!({"template": "<<.Resource>>"}), "namespace container endpoint", "namespaces"),
        (json!({"template": "<<.Resource>>"}), "node pods", "nodes pods"),
        (
            json!({"template": "<<.Resource>>"}),
            "namespace widget",
            "namespaces widgets.example.com",
        ),
        // The template matches the shortest group, which does not exist for the core group.
        (
            json!({"template": "kube_<<.Group>>_<<.Resource>>"}),
            "kube_apps_deployment kube__pod kube_networking_k8s_io_ingress kube__namespace",
            "deployments.apps",
        ),
        (json!({"overrides": overrides}), "namespace pod instance", "namespaces nodes pods"),
        (
            json!({"overrides": overrides}),
            "namespace exported_widget",
            "namespaces widgets.example.com",
        ),
        (json!({"overrides": overrides}), "service", ""),
        // An override precedes the template.
        (
            json!({"template": "<<.Resource>>", "overrides": {"pod": {"resource": "services"}, "namespace": {"resource": "namespace"}}}),
            "pod namespace",
            "namespaces services",
        ),
        // Objects of a namespaced kind need a label for the namespace.
        (json!({"overrides": {"pod": {"resource": "pod"}}}), "pod namespace", ""),
    ] {
        let text = resources.to_string();
        let rule = rule(
            RuleApi::Custom,
            json!({"seriesQuery": "x", "resources": resources, "metricsQuery": ANY}),
        );
        let (catalog, unserved) = catalog(&[rule], &seen(&[("m", labels)]));
        let mut found: Vec<_> =
            catalog.entries.iter().filter_map(|o| Some(o.resource.clone()?.to_string())).collect();
        found.sort();
        assert_eq!(found.join(" "), expected, "{text} {labels}");
        assert_eq!(unserved.is_empty(), !expected.is_empty(), "{unserved:?}");
    }
}

#[test]
fn the_later_rule_holds() {
    let of = |query: &str| {
        json!({
            "seriesQuery": "x", "metricsQuery": query, "name": {"as": "same"},
            "resources": {"template": "<<.Resource>>"},
        })
    };
    let rules = [rule(RuleApi::Custom, of("first")), rule(RuleApi::Custom, of("second"))];
    let (catalog, unserved) = catalog(&rules, &seen(&[("a", "namespace pod")]));
    assert_eq!(names(&catalog), ["namespaces/same", "pods/same"]);
    assert!(catalog.entries.iter().all(|entry| entry.rule == 1));
    assert_eq!(unserved.len(), 2);
    assert!(unserved[0].contains("the later one holds"), "{unserved:?}");
}

#[test]
fn why_a_rule_gives_nothing() {
    assert!(gives_nothing(0, None).contains("there are no such series now"));
    let why = NoMetricReason::NoObject("instance".to_owned());
    let unserved = Unserved { rule: 0, series: "x".into(), metric: None, why };
    let reported = gives_nothing(3, Some(&unserved));
    assert!(
        reported.contains("none of its 3 names") && reported.contains("x: none of its labels"),
        "{reported}"
    );
}
