//! What docs/coming-from-keda.md claims.

use crate::claims::Entry;
use crate::claims::Shown::{By, Nothing};

pub(crate) const CLAIMS: &[Entry] = &[
    (
        "A Prometheus trigger of a ScaledObject becomes",
        By(&["items_of_an_external_metric_are_selected_by_labels"]),
    ),
    (
        "Where KEDA runs, it owns",
        By(&[
            "an_api_service_of_another_adapter_is_not_taken_over_by_default",
            "delegates_are_chosen_by_what_they_are_for_in_order",
        ]),
    ),
    (
        "`leadsman convert` reads ScaledObjects",
        By(&[
            "every_scaled_object_becomes_what_is_said_of_it",
            "folders_are_read_with_those_below_them",
            "a_web_site_of_the_cluster_scales_as_before",
            "what_may_not_be_read_is_said",
            "credentials_are_read_from_mounted_files_and_parameters_are_sent: never-to-be-seen",
        ]),
    ),
    (
        "`config.yaml` | The sources",
        By(&[
            "values_are_those_that_keda_hands_to_the_autoscaler",
            "a_web_site_of_the_cluster_scales_as_before: check_config_map",
        ]),
    ),
    (
        "`teams.yaml` |",
        By(&[
            "every_scaled_object_becomes_what_is_said_of_it: check_teams",
            "mappings_of_namespaces_are_served_in_no_other",
        ]),
    ),
    (
        "`autoscalers.yaml` |",
        By(&[
            "the_documents_are_as_people_write_them: keda-hpa-prometheus-scaledobject",
            "a_web_site_of_the_cluster_scales_as_before",
        ]),
    ),
    (
        "`mounts.yaml` |",
        By(&[
            "credentials_are_read_from_mounted_files_and_parameters_are_sent",
            "a_folder_has_the_last_conversion_alone",
        ]),
    ),
    ("`report.txt` |", By(&["the_exit_code_says_whether_everything_was_written"])),
    ("Without `--output`, the standard", By(&["the_standard_output_is_documents_that_apply"])),
    ("The exit code is 0 if", By(&["the_exit_code_says_whether_everything_was_written"])),
    (
        "An object is written as a whole",
        By(&[
            "the_exit_code_says_whether_everything_was_written",
            "every_scaled_object_becomes_what_is_said_of_it",
        ]),
    ),
    (
        "Prometheus triggers, one or",
        By(&[
            "values_are_those_that_keda_hands_to_the_autoscaler",
            "a_converted_scaled_object_gets_the_replicas_that_keda_gave_it",
        ]),
    ),
    (
        "`serverAddress` and how it is asked",
        By(&[
            "ten_thousand_objects_are_one_configuration",
            "sources_of_one_server_have_different_names",
        ]),
    ),
    (
        "`authModes` bearer, basic",
        By(&[
            "every_scaled_object_becomes_what_is_said_of_it",
            "credentials_are_read_from_mounted_files_and_parameters_are_sent",
            "a_username_can_be_in_a_file_too",
        ]),
    ),
    (
        "`ignoreNullValues`, `fallback` with",
        By(&[
            "what_is_empty_is_no_value_if_the_trigger_says_so",
            "a_fallback_stands_once_the_source_is_gone",
        ]),
    ),
    (
        "`minReplicaCount: 0`, `idleReplicaCount: 0`",
        By(&["every_scaled_object_becomes_what_is_said_of_it"]),
    ),
    (
        "`scalingModifiers` over Prometheus",
        By(&["formulas_and_schedules_are_served", "what_is_ignored_is_zero_in_a_formula"]),
    ),
    (
        "triggers of the types cpu and memory",
        By(&["every_scaled_object_becomes_what_is_said_of_it"]),
    ),
    (
        "triggers of the type cron, by days",
        By(&[
            "windows_are_active_while_the_next_event_is_an_end",
            "formulas_and_schedules_are_served",
        ]),
    ),
    (
        "the name, labels and behavior of the HPA",
        By(&["every_scaled_object_becomes_what_is_said_of_it"]),
    ),
    (
        "values from the environment of the workload",
        By(&[
            "every_scaled_object_becomes_what_is_said_of_it",
            "environments_are_those_of_the_pods",
        ]),
    ),
    ("triggers of other types", By(&["every_scaled_object_becomes_what_is_said_of_it"])),
    ("requests that are signed", By(&["every_scaled_object_becomes_what_is_said_of_it"])),
    ("cron by days of a month", By(&["what_is_no_week_is_refused"])),
    ("`restoreToOriginalReplicaCount`, ", By(&["every_scaled_object_becomes_what_is_said_of_it"])),
    ("ScaledJobs, HTTPScaledObjects", By(&["every_scaled_object_becomes_what_is_said_of_it"])),
    (
        "To move an object: apply",
        By(&[
            "a_converted_scaled_object_gets_the_replicas_that_keda_gave_it: --force-conflicts",
            "kedas_autoscaler_moves_to_a_mapping_and_back_without_a_failed_read",
        ]),
    ),
    (
        "A metric of the operator's configuration can be read",
        By(&[
            "a_metric_of_a_scaled_object_can_be_read_in_every_namespace",
            "mappings_of_namespaces_are_served_in_no_other",
        ]),
    ),
    (
        "The mapping. The query stays as it is",
        By(&[
            "a_web_site_scales_by_the_requests_of_its_ingress",
            "every_configuration_that_is_shown_has_no_faults",
        ]),
    ),
    (
        r#"With `namespace="${namespace}"` in place of"#,
        By(&["namespaces_with_a_query_each_are_not_mixed_up"]),
    ),
    ("The autoscaler:", Nothing("the head of what follows")),
    ("The arithmetic is the HPA's", By(&["a_web_site_scales_by_the_requests_of_its_ingress: 244"])),
    (
        "With `onAbsent: {default: 0}` a selector",
        By(&[
            "a_selector_that_selects_nothing_is_what_on_absent_says",
            "nan_and_infinity_are_what_on_nan_says",
            "items_are_added_up_with_what_stands_for_those_that_are_no_numbers",
        ]),
    ),
    ("`serverAddress` |", By(&["every_configuration_that_is_shown_has_no_faults"])),
    ("`query` |", By(&["every_configuration_that_is_shown_has_no_faults"])),
    ("`metricName` |", By(&["every_configuration_that_is_shown_has_no_faults"])),
    ("`threshold` |", By(&["to_zero_and_back: Target::Average"])),
    (
        "`activationThreshold` |",
        By(&["a_threshold_is_passed_by_what_is_above_it", "activation_is_from_its_value_on"]),
    ),
    ("`minReplicaCount`, ", By(&["to_zero_and_back"])),
    (
        "`pollingInterval` |",
        By(&[
            "steady_reads_cause_at_most_one_query_each_and_none_when_they_end",
            "one_reader_is_followed",
            "a_workload_is_stopped_after_the_cooldown_and_started_at_once: every",
        ]),
    ),
    (
        "`cooldownPeriod` |",
        By(&["a_workload_goes_to_zero_after_the_cooldown_and_from_zero_at_once: cooldown"]),
    ),
    (
        "`ignoreNullValues: true` ",
        By(&["an_empty_answer_is_what_on_absent_says", "nan_and_infinity_are_what_on_nan_says"]),
    ),
    (
        "`ignoreNullValues: false`",
        By(&[
            "an_empty_answer_is_what_on_absent_says",
            "nan_and_infinity_are_what_on_nan_says",
            "an_hpa_reports_a_missing_metric",
        ]),
    ),
    (
        "a negative value, ",
        By(&[
            "a_negative_value_is_served_as_it_is",
            "a_negative_value_can_be_made_zero_by_the_query",
        ]),
    ),
    (
        "`fallback` |",
        By(&[
            "the_controller_asks_for_the_replicas_that_are_stated_for_each_type_of_target",
            "a_number_of_replicas_stands_by_the_value_that_leads_to_it",
            "the_last_good_value_is_served_up_to_its_age_and_with_it",
        ]),
    ),
    (
        "`fallback.behavior` |",
        By(&[
            "the_controller_asks_for_the_replicas_that_are_stated_for_each_type_of_target: \
             currentReplicasIfHigher",
            "what_each_behavior_asks_for",
        ]),
    ),
    (
        "`timeout` |",
        By(&[
            "a_timeout_of_the_source_names_its_key_once_it_is_known",
            "a_read_waits_no_longer_than_its_deadline",
        ]),
    ),
    (
        "`customHeaders` |",
        By(&[
            "parameters_and_headers_of_a_trigger_are_those_of_a_source",
            "a_header_from_a_file_is_reloaded_and_never_leaked",
        ]),
    ),
    (
        "`authModes`, ",
        By(&[
            "a_bearer_token_is_reloaded_and_never_leaked",
            "a_password_is_reloaded_and_never_leaked",
            "a_client_certificate_is_presented_and_reloaded",
        ]),
    ),
    ("`unsafeSsl` |", By(&["a_server_is_trusted_only_by_its_authority: insecureSkipVerify"])),
    (
        "`namespace` |",
        By(&["parameters_and_headers_of_a_trigger_are_those_of_a_source: namespace: my-site"]),
    ),
    (
        "`queryParameters` |",
        By(&["parameters_and_headers_of_a_trigger_are_those_of_a_source: dedup"]),
    ),
    ("An HPA reaches zero only if", By(&["to_zero_and_back"])),
    (
        "0.4 requests a second are 0",
        By(&[
            "to_zero_and_back",
            "a_rate_over_two_minutes_makes_four_pods_of_twelve_and_five_of_fourteen",
        ]),
    ),
    (
        "A read that fails is never 0",
        By(&[
            "a_source_that_is_down_is_never_zero",
            "an_outage_of_the_source_is_no_outage_of_the_cluster",
        ]),
    ),
    ("KEDA has no trigger for this", By(&["vernemq_scales_by_message_rate"])),
    (
        "KEDA can get its values here",
        By(&[
            "a_web_site_has_the_same_replicas_by_keda_and_by_an_autoscaler_of_its_own",
            "a_workload_is_activated_by_a_push_and_deactivated_by_a_poll",
            "a_value_is_a_number_at_a_path",
        ]),
    ),
    (
        "Its own triggers can stay behind Leadsman",
        By(&["an_autoscaler_of_each_of_three_adapters_is_served_by_one_group"]),
    ),
    ("Triggers other than Prometheus", Nothing("what there is not")),
    ("ScaledJobs have no equivalent", Nothing("what there is not")),
    (
        "Where the cluster does not have the feature",
        By(&["the_autoscaler_scales_from_one_on_and_the_activator_to_zero"]),
    ),
    (
        "What stands for a value that is not known takes",
        By(&[
            "what_stands_for_a_value_never_scales_to_zero_and_starts_nothing",
            "what_has_more_replicas_than_the_least_is_not_taken_to_zero",
        ]),
    ),
    ("`scalingModifiers.formula` |", By(&["a_formula_joins_queries_and_knows_what_is_absent"])),
    ("a trigger of type `cron` |", By(&["a_schedule_needs_no_source"])),
];
