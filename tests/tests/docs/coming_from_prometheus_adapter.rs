//! What docs/coming-from-prometheus-adapter.md claims.

use crate::claims::Entry;
use crate::claims::Shown::{By, Nothing};

pub(crate) const CLAIMS: &[Entry] = &[
    (
        "Leadsman reads prometheus-adapter's configuration file",
        By(&[
            "the_rules_that_catch_all",
            "the_rule_of_the_brokers",
            "the_rule_of_the_counter",
            "every_flag_of_prometheus_adapter_that_is_promised_is_taken",
        ]),
    ),
    ("[Before the switch]", Nothing("a link")),
    ("[The switch]", Nothing("a link")),
    ("[What improves]", Nothing("a link")),
    ("[What is answered otherwise]", Nothing("a link")),
    ("[Flags]", Nothing("a link")),
    ("[From rules to mappings]", Nothing("a link")),
    (
        "`leadsman rules` reads the same file",
        By(&["metrics_are_listed_with_their_queries_and_other_series_with_a_reason"]),
    ),
    (
        "For each rule it shows its metrics",
        By(&[
            "metrics_are_listed_with_their_queries_and_other_series_with_a_reason",
            "each_rule_is_told_with_its_metrics_queries_and_reasons",
            "examples_stand_for_many_unless_all_are_wanted",
            "exit_codes_tell_faults_from_a_list_that_failed",
            "a_matcher_that_only_the_series_query_has_is_a_warning: --deny-warnings",
        ]),
    ),
    ("`--compare` reads every metric", By(&["every_difference_is_reported"])),
    (
        "Leadsman's values are read in the process",
        By(&[
            "every_difference_is_reported",
            "a_value_between_two_others_is_no_difference",
            "prometheus_adapter_has_no_differences: --tolerance",
        ]),
    ),
    (
        "`--namespace` restricts it",
        By(&[
            "every_difference_is_reported: --namespace",
            "what_several_requests_show: one for each read of theirs",
        ]),
    ),
    (
        "Values that only the other adapter has",
        By(&["objects_whose_series_disagree_are_told_apart"]),
    ),
    ("The exit code is 0 if nothing differs", By(&["prometheus_adapter_has_no_differences"])),
    (
        "In the Deployment of prometheus-adapter",
        By(&["the_image_of_prometheus_adapter_is_refused"]),
    ),
    (
        "the command `/adapter`, its arguments",
        By(&[
            "a_command_line_of_prometheus_adapter_becomes_one_of_serve: --secure-port=443",
            "the_image_has_the_command_of_prometheus_adapter",
        ]),
    ),
    (
        "the mounted `config.yaml`",
        By(&[
            "a_rule_that_is_added_scales_by_the_connections_of_a_load_balancer",
            "a_rule_that_an_edit_breaks_goes_on_as_it_was",
        ]),
    ),
    ("Service, probes, APIServices", By(&["health_and_version_need_no_source"])),
    (
        "the certificate | ",
        By(&[
            "the_serving_certificate_is_the_one_in_its_file",
            "with_a_secret_and_without_verifying_it",
        ]),
    ),
    (
        "no privileges | ",
        By(&["kube_apiserver_accepts_every_combination_of_values: assert_secure"]),
    ),
    (
        "Of the rights that prometheus-adapter has",
        By(&["an_adapter_has_exactly_the_rights_that_it_needs"]),
    ),
    (
        "the role `extension-apiserver-authentication-reader`",
        By(&[
            "an_adapter_has_exactly_the_rights_that_it_needs: extension-apiserver-authentication",
        ]),
    ),
    (
        "`system:auth-delegator`",
        By(&[
            "a_token_authenticates_its_service_account",
            "granted_and_withdrawn_rights_take_effect",
        ]),
    ),
    (
        "list and watch of the resources",
        By(&[
            "a_missing_right_to_list_a_kind_is_reported_with_the_rule_to_add",
            "what_several_requests_show: one for each read of theirs",
        ]),
    ),
    (
        "get, list, watch and patch of its own APIServices",
        By(&[
            "with_an_authority_of_its_own",
            "the_own_authority_is_shared_trusted_and_stored",
            "with_a_certificate_from_elsewhere",
        ]),
    ),
    (
        "Alternatively, install Leadsman",
        By(&[
            "unknown_values_are_refused",
            "the_relist_interval_is_passed_on",
            "a_metric_moves_from_prometheus_adapter_and_back_without_a_failed_read",
        ]),
    ),
    ("To go back, change the image again", Nothing("the same step once more")),
    (
        "**Cost.**",
        By(&[
            "one_query_of_a_namespace_answers_all_its_reads",
            "what_several_requests_show: one for each read of theirs",
            "steady_reads_are_answered_at_once_and_with_fresh_values",
        ]),
    ),
    ("**Memory** does not grow", By(&["a_list_of_any_length_takes_the_memory_of_its_names"])),
    (
        "**One bad rule**",
        By(&[
            "a_bad_rule_stops_itself_alone",
            "a_failing_list_affects_no_other_and_removes_nothing",
            "a_shrinking_list_removes_nothing_at_once",
        ]),
    ),
    (
        "**Reasons.**",
        By(&[
            "an_error_that_prometheus_explains",
            "series_that_disagree_are_told_with_the_labels_in_which_they_differ",
            "a_rule_that_leaves_a_metric_out_is_named",
        ]),
    ),
    (
        "**Live configuration.**",
        By(&[
            "a_rule_that_an_edit_breaks_goes_on_as_it_was",
            "what_cannot_work_is_a_fault_and_is_served_all_the_same",
        ]),
    ),
    (
        "**More than one Prometheus**",
        By(&[
            "rules_in_a_configuration_of_ours",
            "a_mapping_in_the_place_of_a_rule_keeps_the_values",
            "a_mapping_of_the_same_metric_comes_first",
        ]),
    ),
    ("`!=` works in metric selectors", By(&["the_rules_that_catch_all: method!%3DGET"])),
    (
        "Each difference is on purpose",
        By(&[
            "prometheus_adapter_and_leadsman_agree_on_generated_rules",
            "the_rules_that_catch_all",
            "rules_of_custom_metrics",
            "rules_of_external_metrics",
            "rules_of_resource_metrics",
            "every_claim_of_the_pages_for_migration_is_shown_by_a_test",
        ]),
    ),
    (
        "beyond ±9.2e15 |",
        By(&[
            "rules_of_custom_metrics: web-0/value_huge",
            "rules_of_external_metrics: shop/value_huge",
        ]),
    ),
    (
        "infinity |",
        By(&[
            "rules_of_custom_metrics: web-0/value_infinite",
            "rules_of_external_metrics: shop/value_infinite",
            "the_default_for_rules_is_for_external_ones_and_for_infinity_too",
        ]),
    ),
    (
        "NaN, as 0/0 of an idle application |",
        By(&[
            "rules_of_custom_metrics: web-0/value_not_a_number",
            "rules_of_external_metrics: shop/value_not_a_number",
            "nan_is_answered_alike_where_zero_stands_for_it",
            "the_default_for_rules_is_for_external_ones_and_for_infinity_too",
            "a_default_for_what_is_absent_does_not_stand_for_nan",
        ]),
    ),
    (
        "an external metric of which one item cannot be served |",
        By(&[
            "rules_of_external_metrics: shop/value_not_a_number",
            "an_external_metric_is_served_whole_or_not_at_all",
        ]),
    ),
    (
        "several series for one object |",
        By(&[
            "rules_of_custom_metrics: web-0/ungrouped",
            "series_that_disagree_are_told_with_the_labels_in_which_they_differ",
            "which_of_several_values_is_served_can_be_chosen",
            "series_of_a_node_that_differ_in_their_namespace_alone_agree",
        ]),
    ),
    (
        "a result of several namespaces",
        By(&[
            "what_several_requests_show: of_all_namespaces",
            "a_result_that_names_its_namespace_is_for_that_namespace",
        ]),
    ),
    (
        "precision |",
        By(&[
            "rules_of_custom_metrics: value_inexact",
            "rules_of_custom_metrics: value_tiny",
            "prometheus_adapter_and_leadsman_agree_on_generated_rules: const PRECISION",
        ]),
    ),
    (
        "queries |",
        By(&[
            "values_that_are_patterns_and_parts_of_queries_in_theirs",
            "one_query_of_a_namespace_answers_all_its_reads",
            "each_read_is_its_own_query_if_configured",
            "prometheus_adapter_and_leadsman_agree_on_generated_rules: const QUERIES",
            "metrics_are_listed_with_their_queries_and_other_series_with_a_reason",
        ]),
    ),
    (
        "a result without the label of the object |",
        By(&[
            "rules_of_custom_metrics: web-0/of_nobody",
            "prometheus_adapter_and_leadsman_agree_on_generated_rules: a result without the label of the object",
        ]),
    ),
    (
        "a query that fails |",
        By(&[
            "rules_of_custom_metrics: web-0/broken",
            "rules_of_external_metrics: shop/broken",
            "labels_of_series_are_left_out_unless_the_query_has_them",
        ]),
    ),
    (
        "values in a metric selector, ",
        By(&[
            "rules_of_external_metrics: queue%20in%20(h.gh,none)",
            "rules_of_external_metrics: queue%20notin%20(h.gh)",
            "values_that_are_patterns_and_parts_of_queries_in_theirs: queue%20in%20(a.b)",
        ]),
    ),
    (
        "a metric of namespaces, read for all of them",
        By(&["prometheus_adapter_and_leadsman_agree_on_generated_rules: SET_FOR_EQUALITY"]),
    ),
    (
        "names of several objects, ",
        By(&[r#"values_that_are_patterns_and_parts_of_queries_in_theirs: pod=~"a.b|c""#]),
    ),
    (
        "a name of an object with a quote",
        By(&[
            "values_that_are_patterns_and_parts_of_queries_in_theirs: x(y)/by_values",
            "object_names_are_path_segments_without_quotes",
        ]),
    ),
    (
        "a template that puts a value of `.LabelValuesByName` outside of quotes",
        By(&[
            "values_that_are_patterns_and_parts_of_queries_in_theirs: by_window",
            "rules_of_custom_metrics: by_factor",
        ]),
    ),
    (
        "a series whose name is not made of letters",
        By(&["values_that_are_patterns_and_parts_of_queries_in_theirs: odd-name"]),
    ),
    (
        "`!=` in a metric selector; one that cannot be read |",
        By(&[
            "the_rules_that_catch_all: metricLabelSelector=%3D%3D",
            "rules_of_external_metrics: queue%3E3",
            "prometheus_adapter_and_leadsman_agree_on_generated_rules: `!=` in a metric selector",
        ]),
    ),
    (
        "a selector without matchers",
        By(&[
            "rules_of_external_metrics: depth_elsewhere",
            "prometheus_adapter_and_leadsman_agree_on_generated_rules: NO_MATCHERS",
        ]),
    ),
    (
        "`*` that selects no object |",
        By(&[
            "the_rules_that_catch_all: labelSelector=app%3Dnobody",
            "a_selector_without_objects_and_objects_without_series",
            "prometheus_adapter_and_leadsman_agree_on_generated_rules: NOTHING_SELECTED",
        ]),
    ),
    ("which objects `*` has |", By(&["what_several_requests_show: one for each read of theirs"])),
    (
        "an object by name that the cluster does not have |",
        By(&[
            "the_rules_that_catch_all: pods/ghost-0/haunted",
            "a_query_without_series_and_objects_that_do_not_exist",
        ]),
    ),
    ("the timestamp |", By(&["what_several_requests_show: a later time of theirs"])),
    ("cluster-scoped kinds other than nodes", By(&["rules_of_custom_metrics: class_used"])),
    (
        "groups with dots in a label template",
        By(&[
            "rules_of_custom_metrics: grouped_depth",
            "prometheus_adapter_and_leadsman_agree_on_generated_rules: const GROUPS",
        ]),
    ),
    (
        "an external rule that names no label for namespaces",
        By(&[
            "rules_of_external_metrics: of_no_label",
            "prometheus_adapter_and_leadsman_agree_on_generated_rules: NO_NAMESPACE",
        ]),
    ),
    (
        "a rule that names an unknown kind of objects |",
        By(&["faults_that_end_theirs_and_cost_ours_one_rule: lostthing"]),
    ),
    (
        "templates with more than fields",
        By(&[
            "templates_that_only_theirs_takes: by_eq",
            "templates_that_only_theirs_takes: by_len",
            "what_is_not_supported_is_named",
        ]),
    ),
    (
        "a template that names an unknown field |",
        By(&["templates_that_only_theirs_takes: unknown_field", "a_rule_with_a_broken_template"]),
    ),
    (
        "a metric that a rule may give, while its series cannot be listed |",
        By(&[
            "a_metric_whose_series_cannot_be_listed",
            "a_failed_list_is_no_reason_for_names_that_its_rule_cannot_give",
            "a_source_that_is_away_is_asked_again_within_seconds",
            "lists_are_tried_again_soon_after_the_source_is_back",
        ]),
    ),
    (
        "resource metrics of containers without a name",
        By(&[
            "rules_of_resource_metrics_that_leave_no_cgroup_out",
            "rules_of_resource_metrics: const SANDBOX",
            "containers_without_a_name_are_not_counted_beside_the_others",
        ]),
    ),
    (
        "a series that disappears |",
        By(&[
            "a_series_that_is_missing_from_one_list_is_gone_in_theirs_alone",
            "a_list_that_shrinks_takes_nothing_away_at_once",
        ]),
    ),
    (
        "the discovery document of an API without rules |",
        By(&["what_several_requests_show: an API without rules"]),
    ),
    (
        "resource metrics of a container without one of cpu and memory",
        By(&[
            "rules_of_resource_metrics: namespaces/shop/pods/web-1",
            "rules_of_resource_metrics: namespaces/shop/pods/api-0",
            "a_container_without_one_of_both_has_no_zero",
            "a_container_without_a_value_is_not_idle",
        ]),
    ),
    (
        "resource metrics that are NaN |",
        By(&[
            "rules_of_resource_metrics: namespaces/shop/pods/web-2",
            "what_stands_for_nan_can_be_stated",
        ]),
    ),
    (
        "resource metrics while a query fails |",
        By(&["rules_of_resource_metrics_whose_queries_fail", "one_failing_query_fails_the_read"]),
    ),
    ("resource metrics of pods that do not run", By(&["rules_of_resource_metrics: waiting-0"])),
    (
        "the selector that an answer repeats",
        By(&[
            "the_rules_that_catch_all: method%20in%20(GET)",
            "prometheus_adapter_and_leadsman_agree_on_generated_rules: the selector that an answer repeats",
        ]),
    ),
    (
        "labels of an external scalar |",
        By(&[
            r#"rules_of_external_metrics: "metricLabels":null"#,
            "prometheus_adapter_and_leadsman_agree_on_generated_rules: labels of an external scalar",
        ]),
    ),
    (
        "an external metric of `namespaces/*`",
        By(&[
            "rules_of_external_metrics: namespaces/*/queue_depth",
            "rules_of_external_metrics: namespaces/*/depth_everywhere",
            "prometheus_adapter_and_leadsman_agree_on_generated_rules: EVERYWHERE",
        ]),
    ),
    (
        "texts of 404 for unknown metrics and paths |",
        By(&[
            "rules_of_external_metrics: shop/nobody_knows",
            "the_rules_that_catch_all: nodes/NAME/node_load",
            "what_there_is_none_of_is_told_with_what_there_is",
        ]),
    ),
    (
        "unknown keys and other faults of a rule |",
        By(&[
            "faults_that_end_theirs_and_cost_ours_one_rule: metricQuery",
            "a_rule_that_an_edit_breaks_goes_on_as_it_was",
            "a_bad_rule_stops_itself_alone",
        ]),
    ),
    (
        "faults of the file beyond its rules |",
        By(&[
            "faults_that_end_theirs_and_cost_ours_one_rule: rulez",
            "a_broken_configuration_is_reported_and_the_last_good_one_served",
            "with_a_fault_the_pod_is_not_ready_and_an_event_reports_it",
        ]),
    ),
    (
        "With the same meaning:",
        By(&[
            "every_flag_of_prometheus_adapter_that_is_promised_is_taken",
            "a_command_line_of_prometheus_adapter_becomes_one_of_serve: --lister-kubeconfig",
        ]),
    ),
    ("Differences:", Nothing("the head of what follows")),
    (
        "`--prometheus-url` has no default",
        By(&["one_cause_is_told_once: --prometheus-url", "rules_in_a_configuration_of_ours"]),
    ),
    (
        "Without `--prometheus-verb`, ",
        By(&[
            "short_queries_go_by_get_and_long_ones_by_post",
            "a_real_prometheus_accepts_long_queries",
        ]),
    ),
    (
        "`--prometheus-token-file` is read again",
        By(&["a_bearer_token_is_reloaded_and_never_leaked"]),
    ),
    (
        "`--prometheus-auth-config` reads tokens",
        By(&["a_kubeconfig_says_who_to_be: is not run here"]),
    ),
    ("`--cert-dir` serves", By(&["a_certificate_in_the_folder_is_served"])),
    (
        "`--exact-queries` is new",
        By(&[
            "values_that_are_patterns_and_parts_of_queries_in_theirs",
            "prometheus_adapter_and_leadsman_agree_on_generated_rules: --exact-queries",
            "which_of_several_values_is_served_can_be_chosen: --on-several",
        ]),
    ),
    (
        "The file itself may have one more key",
        By(&["a_file_of_prometheus_adapter_can_have_the_keys_that_messages_name"]),
    ),
    (
        "Flags of API servers that have no effect here",
        By(&[
            "every_flag_of_prometheus_adapter_that_is_promised_is_taken",
            "a_command_line_of_prometheus_adapter_becomes_one_of_serve",
        ]),
    ),
    (
        "Flags that ask for something that is not supported",
        By(&[
            "a_command_line_of_prometheus_adapter_becomes_one_of_serve: VersionTLS13",
            "a_flag_for_what_is_not_supported_is_refused",
        ]),
    ),
    (
        "Nothing has to be converted",
        By(&[
            "rules_in_a_configuration_of_ours",
            "a_stated_value_stands_once_the_last_good_ones_are_too_old",
            "a_mapping_in_the_place_of_a_rule_keeps_the_values",
        ]),
    ),
    ("`leadsman rules --output mappings` prints", By(&["converted_mappings_are_served"])),
    (
        "Each metric becomes a mapping",
        By(&[
            "rules_become_mappings_that_have_no_faults",
            "converted_mappings_are_served",
            "converted_mappings_keep_what_holds_for_all_rules",
            "a_kubeconfig_says_who_to_be",
            "a_query_without_series_and_objects_that_do_not_exist",
        ]),
    ),
    ("The keys of a rule correspond", Nothing("the head of what follows")),
    (
        "`seriesQuery`, `seriesFilters` |",
        By(&["a_matcher_that_is_in_the_series_query_alone_is_told"]),
    ),
    (
        "`resources.overrides`, `resources.template` |",
        By(&["rules_become_mappings_that_have_no_faults"]),
    ),
    ("`name.matches`, `name.as` |", By(&["rules_become_mappings_that_have_no_faults"])),
    ("`metricsQuery` |", By(&["rules_become_mappings_that_have_no_faults"])),
    ("`<<.Series>>` |", By(&["rules_become_mappings_that_have_no_faults"])),
    ("`<<.LabelMatchers>>` |", By(&["rules_become_mappings_that_have_no_faults"])),
    ("`<<.GroupBy>>` |", By(&["rules_become_mappings_that_have_no_faults"])),
    (
        "`<<.LabelValuesByName>>`, ",
        By(&["a_query_is_widened_where_that_changes_no_value: LabelValuesByName"]),
    ),
    (
        "an external rule |",
        By(&["rules_become_mappings_that_have_no_faults: external/queue_depth"]),
    ),
    (
        "`resources.namespaced: false` |",
        By(&["rules_become_mappings_that_have_no_faults: external/queue_depth"]),
    ),
    ("`resourceRules` |", By(&["rules_become_mappings_that_have_no_faults: resource_metrics"])),
    (
        "A user's rule for VerneMQ",
        By(&["every_configuration_that_is_shown_has_no_faults", "the_rule_of_the_brokers"]),
    ),
    (
        "As a mapping for pods that serves",
        By(&["every_configuration_that_is_shown_has_no_faults", "vernemq_scales_by_message_rate"]),
    ),
    ("As in the rule, both versions", By(&["the_rule_of_the_brokers: mqtt_version%3D4"])),
    ("An external rule:", By(&["every_configuration_that_is_shown_has_no_faults"])),
    (
        "Without `${selector}` one evaluation serves all selectors",
        By(&[
            "items_of_an_external_metric_are_selected_by_labels",
            "an_empty_selector_leaves_no_comma",
        ]),
    ),
];
