//! Which test shows which report.

use std::path::Path;

/// A report: the name of its input, what was reported, and the tests that show what users get now.
type Report = (&'static str, &'static str, &'static [&'static str]);

const REPORTS: &[Report] = &[
    (
        "02",
        "a matcher of `seriesQuery` is no part of the query, and values are too high",
        &["a_matcher_that_is_in_the_series_query_alone_is_told"],
    ),
    (
        "07",
        "`label_replace` needs `${1}`, which is a place of a query here",
        &["groups_of_a_replacement_reach_prometheus"],
    ),
    (
        "09",
        "`{{.Namespace}}` in a `metricsQuery` gives an empty metric",
        &["braces_that_are_no_template_are_told"],
    ),
    (
        "10",
        "`rate(…) by (…)`, and overrides without a namespace",
        &[
            "a_query_that_is_no_promql_and_a_missing_label_are_told",
            "a_rule_without_a_label_for_namespaces_is_told_with_the_labels_that_there_are",
        ],
    ),
    (
        "18",
        "a container without a name has the sum of its pod, which counts twice",
        &["a_container_without_a_name_is_not_counted_beside_the_real_ones"],
    ),
    (
        "20",
        "the URL is that of an exporter, and the error is one of JSON",
        &["an_address_that_is_no_prometheus_is_told_by_reads_and_rules"],
    ),
    (
        "28",
        "no errors at the moment: a quotient without a result stops the autoscaler",
        &["a_quotient_without_a_numerator_is_told_and_a_default_is_too"],
    ),
    (
        "29",
        "pods without series of their own: an empty list without a reason",
        &["selected_objects_without_series_are_told_and_so_is_a_selection_of_none"],
    ),
    (
        "30",
        "a query without an aggregation: several series for one pod",
        &["series_that_disagree_are_told_where_their_object_is_missing"],
    ),
    (
        "33",
        "a Prometheus outside of the cluster, whose series have no label for the namespace",
        &["a_label_that_the_adapter_adds_and_no_series_has_is_told"],
    ),
    (
        "46",
        "a tenant or a namespace is a parameter of the URL",
        &[
            "parameters_in_the_url_itself_are_a_fault_that_names_their_key",
            "parameters_and_headers_of_a_trigger_are_those_of_a_source",
        ],
    ),
    (
        "47",
        "Prometheus needs longer for a query than a read waits",
        &["a_deadline_names_itself_and_the_source_s_timeout_and_the_next_read_has_the_value"],
    ),
    (
        "52",
        "a `metricsQuery` that is no PromQL",
        &["a_query_that_is_no_promql_and_a_missing_label_are_told"],
    ),
    (
        "60",
        "Prometheus is away at the start, and metrics are unknown long after it is back",
        &["rules_are_served_soon_after_prometheus_is_there"],
    ),
    ("63", "`namespaces/*/metrics/…`", &["all_namespaces_are_read_at_once"]),
    (
        "64",
        "raw strings in matchers, and functions of Prometheus 2",
        &["raw_strings_and_functions_of_prometheus_2"],
    ),
    ("67", "every pod is NaN at night", &["a_rule_whose_values_are_all_nan_says_so"]),
    (
        "r1",
        "one rule among several has `resources: {}`",
        &["a_rule_without_a_label_for_any_object"],
    ),
    (
        "r2",
        "series of a node that differ in their namespace",
        &["series_of_a_node_that_differ_in_their_namespace_alone_agree"],
    ),
    (
        "r3",
        "a widened query is an error where the exact one is an empty list",
        &["a_namespace_whose_series_name_no_such_object_is_an_empty_list"],
    ),
    (
        "r4",
        "a query by namespace and pod without `<<.LabelMatchers>>`",
        &["a_result_that_names_its_namespace_belongs_to_that_one"],
    ),
    (
        "r5",
        "a name with a quote and a brace reaches the text of a query",
        &["names_that_no_object_has_reach_no_query"],
    ),
    (
        "r6",
        "a longer `lastGood` in an outage loses the last good values",
        &["the_last_good_values_outlive_a_longer_time_for_them"],
    ),
];

/// The sources below a folder, one after the other.
fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&std::fs::read_to_string(&path).expect("a source file"));
        }
    }
}

#[test]
fn every_report_is_shown_by_tests_that_exist() {
    let mut all = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), &mut all);
    // The name of each test follows its attribute.
    let tests: Vec<&str> = all
        .split("#[tokio::test")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once("fn ")?.1.split_once('(')?.0))
        .collect();
    for (report, reported, shown_by) in REPORTS {
        assert!(!shown_by.is_empty(), "{report}: {reported}");
        for test in *shown_by {
            assert!(tests.contains(test), "{report}, {reported}: there is no test {test}");
        }
    }
}
