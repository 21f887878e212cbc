//! Converts the current metrics of rules to mappings.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::text::one_line;
use super::{InspectedMetric, InspectedRule, Inspection, count};
use leadsman_model::resource::Resource;

/// A configuration with mappings for the metrics that the rules give now. Comments list the metrics that
/// cannot be converted.
pub fn mappings(inspection: &Inspection) -> String {
    let mut text = format!(
        "# What the rules of {} give now, as mappings. Metrics of series that come later are not\n\
         # among them.\n\
         apiVersion: leadsman.dev/v1alpha1\n\
         kind: Config\n",
        one_line(&inspection.document)
    );
    text.push_str("sources:\n");
    if let Some(Value::Object(sources)) = inspection.written.get("sources") {
        for (name, source) in sources {
            line(&mut text, &format!("  {}: {source}", quoted(name)));
        }
    }
    let (converted, not_converted): (Vec<_>, Vec<_>) = inspection
        .metrics()
        .map(|(rule, metric)| (rule, metric, mapping_query(metric)))
        .partition(|(_, _, query)| query.is_ok());
    text.push_str(if converted.is_empty() { "mappings: []\n" } else { "mappings:\n" });
    let mut last_rule = "";
    for (rule, metric, query) in &converted {
        if last_rule != rule.place {
            last_rule = &rule.place;
            line(&mut text, &format!("  # {} {}", rule.place, one_line(&rule.series_query)));
        }
        let source = inspection.source.as_deref().unwrap_or_default();
        let query = query.as_deref().unwrap_or_default();
        write_mapping(&mut text, metric, source, query);
        // What holds for all rules is a policy of each mapping.
        let discovery = inspection.written.get("discovery");
        for key in ["deadline", "onNaN"] {
            if let Some(policy) = discovery.and_then(|discovery| discovery.get(key)) {
                line(&mut text, &format!("    {key}: {policy}"));
            }
        }
    }
    if !not_converted.is_empty() {
        let metrics = not_converted.iter().map(|(rule, metric, query)| {
            (*rule, *metric, query.as_ref().err().map_or("", String::as_str))
        });
        text.push('\n');
        write_not_converted(&mut text, metrics.collect());
    }
    let empty = inspection.rules.iter().filter(|rule| rule.metrics.is_empty());
    for InspectedRule { place, series_query, series, .. } in empty {
        let why = match series {
            Ok(0) => "it sees no series now".to_owned(),
            Ok(_) => "none of its series gives a metric".to_owned(),
            Err(reason) => format!("its series cannot be listed: {}", one_line(reason)),
        };
        line(&mut text, &format!("# {place} {}: no mapping, {why}.", one_line(series_query)));
    }
    if let Some(rules) = inspection.written.get("resourceRules") {
        text.push_str(
            "\n# Resource metrics cannot be written as mappings: their rules stay as they are.\n",
        );
        text.push_str("resourceRules:\n");
        format!("{rules:#}").lines().for_each(|json| line(&mut text, &format!("  {json}")));
        let mut discovery = inspection.written.get("discovery").cloned().unwrap_or(json!({}));
        discovery["source"] = inspection.source.clone().into();
        line(&mut text, &format!("discovery: {discovery}"));
    }
    text
}

/// The query of a mapping for a metric, or why it cannot be converted.
fn mapping_query(metric: &InspectedMetric) -> Result<&str, String> {
    if metric.overridden {
        return Err("a mapping of the configuration serves it already".to_owned());
    }
    if let Some(reason) = &metric.invalid {
        return Err(reason.clone());
    }
    metric.widened.as_deref().map_err(String::clone)
}

fn write_mapping(text: &mut String, metric: &InspectedMetric, source: &str, query: &str) {
    line(text, &format!("  - metric: {}", quoted(metric.metric.as_str())));
    let (serve, plugin) = match &metric.resource {
        Some(resource) => (format!("{{custom: {}}}", kind(resource)), "per-object"),
        None => ("{external: {}}".to_owned(), "external"),
    };
    line(text, &format!("    serve: {serve}"));
    line(text, "    queries:");
    line(text, "      rule:");
    line(text, &format!("        source: {}", quoted(source)));
    line(text, &format!("        promql: {}", quoted(query.trim())));
    line(text, &format!("    plugin: {plugin}"));
    // JSON is YAML.
    line(text, &format!("    config: {}", metric.config));
}

/// The kind of objects, with the details of a custom resource.
fn kind(resource: &Resource) -> String {
    let name = quoted(&resource.to_string());
    match resource.details() {
        Some(details) if Resource::known(&resource.to_string()).is_none() => format!(
            "{{resource: {name}, kind: {}, version: {}, namespaced: {}}}",
            quoted(&details.kind),
            quoted(&details.version),
            details.namespaced,
        ),
        _ => format!("{{resource: {name}}}"),
    }
}

fn write_not_converted(text: &mut String, metrics: Vec<(&InspectedRule, &InspectedMetric, &str)>) {
    line(
        text,
        &format!(
            "# {} not converted. Their rules can stay, under `rules` or `externalRules` of this file.",
            count(metrics.len(), "metric is", "metrics are")
        ),
    );
    for (rule, metric, why) in metrics {
        line(text, &format!("# {} of {}: {}.", metric.title(), rule.place, one_line(why)));
        if !metric.overridden {
            line(text, &format!("#   {}", one_line(&metric.template)));
        }
    }
}

/// A string as JSON, which is valid YAML.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}
